//! Leases and holds, as generations use them.

use domain::money::Usd;
use gateway::GatewayError;

use crate::world::World;

#[tokio::test]
async fn without_credit_nothing_is_dialled_and_nothing_is_left_behind() {
    let world = World::new().await;
    let error = world.ask("fast/4", 1_000, false).await.unwrap_err();
    assert!(matches!(error, GatewayError::CreditShort(_)), "{error:?}");
    assert_eq!(error.to_public().status, 402);
    assert_eq!(world.upstream_requests().await, 0);
    world.is_at_rest().await;
}

#[tokio::test]
async fn what_cannot_be_afforded_names_what_can() {
    let world = World::new().await;
    world.add(Usd::from_nanos(10_000_000));
    let error = world.ask("fast/4", 100_000, false).await.unwrap_err();
    let GatewayError::CreditShort(short) = &error else { panic!("{error:?}") };
    let affordable = short.output.unwrap().affordable;
    assert!(affordable > 0 && affordable < 100_000);
    assert!(error.to_public().message.contains(&affordable.to_string()));
    let max_tokens = u32::try_from(affordable).unwrap();
    world.ask("fast/4", max_tokens, false).await.unwrap();
    world.is_at_rest().await;
}

#[tokio::test]
async fn many_at_once_never_spend_more_than_there_is() {
    let world = World::new().await;
    let credit = Usd::from_nanos(20_000_000);
    world.add(credit);
    let asks = (0..200).map(|_| world.ask("fast/4", 100, true));
    let answers = futures_util::future::join_all(asks).await;
    assert!(answers.iter().any(Result::is_ok), "somebody can pay");
    world.is_at_rest().await;
    let spent = world.spent();
    assert!(spent <= credit, "{spent} of {credit}");
    let charged: Vec<Usd> =
        world.ledger.settled().iter().map(|settled| settled.generation.cost).collect();
    assert_eq!(Usd::checked_sum(charged), Some(spent));
}

#[tokio::test]
async fn an_answer_without_a_bound_is_cut_where_the_credit_ends() {
    let world = World::new().await;
    // 2,000 chunks of at least a token at $10 a million are $0.02 and more.
    world.add(Usd::from_nanos(14_000_000));
    let text = world.ask_unbounded("fast/2000").await.unwrap();
    assert!(text.contains("\"finish_reason\":\"length\""), "{text}");
    world.is_at_rest().await;
    assert!(world.spent() <= Usd::from_nanos(14_000_000));
    assert!(world.spent() > Usd::ZERO);
}

#[tokio::test]
async fn a_ledger_that_is_down_is_said_so() {
    let world = World::new().await;
    world.add(Usd::from_dollars(1));
    world.ledger.set_down(true);
    let error = world.ask("fast/4", 10, false).await.unwrap_err();
    assert_eq!(error.to_public().status, 503);
    world.ledger.set_down(false);
    world.ask("fast/4", 10, false).await.unwrap();
    world.is_at_rest().await;
}
