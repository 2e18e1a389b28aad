//! Leases and holds, as generations use them.

use std::sync::Arc;
use std::time::Duration;

use domain::api_key::{LimitReset, SpendLimit};
use domain::money::Usd;
use domain::time::Clock as _;
use gateway::GatewayError;
use ledger::account::FundKey;

use crate::world::{World, secret};

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

#[tokio::test]
async fn leases_that_could_not_be_returned_are_returned_as_soon_as_they_can_be() {
    let world = World::new().await;
    world.add(Usd::from_dollars(1));
    world.ask("fast/4", 10, false).await.unwrap();
    world.gateway.flush().await;
    world.clock.advance(Duration::from_secs(5));
    world.ledger.set_down(true);
    world.gateway.tick().await;
    assert_eq!(world.ledger.open_leases(), 1);
    world.ledger.set_down(false);
    world.gateway.tick().await;
    assert_eq!(world.ledger.open_leases(), 0);
}

#[tokio::test]
async fn a_lease_that_expired_in_the_ledger_is_not_drawn_on_again() {
    let world = World::new().await;
    world.add(Usd::from_dollars(1));
    world.ledger.set_lease_end(world.clock.now().plus(Duration::from_secs(60)));
    world.ask("fast/4", 10, false).await.unwrap();
    world.gateway.flush().await;
    // In use, so that it is renewed and not given back; but the ledger closed it meanwhile.
    world.ledger.expire_leases();
    let asking = world.ask("fast/4", 10, false).await;
    assert!(asking.is_ok());
    world.gateway.tick().await;
    world.gateway.flush().await;
    let before = world.ledger.settled().len();
    world.ask("fast/4", 10, false).await.unwrap();
    world.gateway.flush().await;
    let settled = world.ledger.settled();
    let [.., first, last] = settled.as_slice() else { panic!("{settled:?}") };
    assert_eq!(settled.len(), before + 1);
    assert_ne!(first.draws[0].lease, last.draws[0].lease, "a lease of its own");
    world.is_at_rest().await;
}

#[tokio::test]
async fn a_limit_that_is_lowered_holds_for_what_was_leased_under_the_old_one() {
    let world = World::new().await;
    world.add(Usd::from_dollars(1));
    let caller = world.gateway.authenticate(Some(secret())).await.unwrap();
    let mut limited = Arc::unwrap_or_clone(caller);
    let limit = SpendLimit { amount: Usd::from_dollars(1), reset: LimitReset::Never };
    limited.limit = Some(limit);
    world.keys.insert(limited.clone());
    world.gateway.forget_key(&limited.key_hash);
    let budget = FundKey::budget(limited.key_id, &limit, world.clock.now());
    // The ledger has room for one lease of this budget; nothing is left when the limit falls.
    world.ledger.add(budget.clone(), Usd::from_nanos(100_000_000));
    world.ask("fast/4", 10, false).await.unwrap();
    world.gateway.flush().await;
    world.ledger.add(budget.clone(), Usd::from_nanos(-100_000_000));
    world.gateway.forget_key(&limited.key_hash);
    let error = world.ask("fast/4", 10, false).await.unwrap_err();
    assert!(matches!(error, GatewayError::LimitReached(_)), "{error:?}");
    world.is_at_rest().await;
}

#[tokio::test]
async fn a_key_that_is_renamed_can_spend_what_was_leased_for_it() {
    let world = World::new().await;
    world.add(Usd::from_dollars(1));
    let caller = world.gateway.authenticate(Some(secret())).await.unwrap();
    let mut limited = Arc::unwrap_or_clone(caller);
    let limit = SpendLimit { amount: Usd::from_dollars(1), reset: LimitReset::Never };
    limited.limit = Some(limit);
    world.keys.insert(limited.clone());
    world.gateway.forget_key(&limited.key_hash);
    // Just enough for two requests, of which the first lease is more than half.
    let budget = FundKey::budget(limited.key_id, &limit, world.clock.now());
    world.ledger.add(budget, Usd::from_nanos(200_000));
    world.ask("fast/4", 10, false).await.unwrap();
    world.gateway.flush().await;
    world.gateway.forget_key(&limited.key_hash);
    world.ask("fast/4", 10, false).await.unwrap();
    world.is_at_rest().await;
}

#[tokio::test]
async fn a_ledger_that_goes_down_under_an_answer_is_no_lack_of_credit() {
    let world = World::new().await;
    // Pays for more than the tokens held at first, for which the ledger must be asked again.
    world.add(Usd::from_nanos(25_000_000));
    world.endpoints(&["fast/2000"]);
    let mut outbound = world.open(None, true).await.unwrap();
    let mut text = outbound.body.recv().await.unwrap().to_vec();
    world.ledger.set_down(true);
    while let Some(bytes) = outbound.body.recv().await {
        text.extend_from_slice(&bytes);
        if String::from_utf8_lossy(&bytes).contains("\"finish_reason\":\"") {
            world.ledger.set_down(false);
        }
    }
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("\"finish_reason\":\"error\""), "{text}");
    world.ledger.set_down(false);
    world.is_at_rest().await;
    assert_eq!(world.spent(), Usd::ZERO);
}
