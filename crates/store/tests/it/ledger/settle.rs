use domain::api_key::{LimitReset, SpendLimit};
use domain::generation::Generation;
use domain::id::LeaseId;
use ledger::account::FundKey;
use store::ledger::leases::{LeaseOutcome, expire, lease, return_leases};
use store::ledger::settle::{Draw, Settled, SettledGeneration, settle};
use store::{Constraint, StoreError};

use crate::fixture::{Fixture, NOW, fixtures, seconds, usd};

fn settled(recorded: u64, charged: i64, overruns: i64) -> Settled {
    Settled { recorded, repeated: 0, charged: usd(charged), overruns: usd(overruns) }
}

/// The sum of the transfers of one code.
async fn moved(fixture: &Fixture, code: &str) -> i64 {
    let sql = format!(
        "SELECT CAST(COALESCE(SUM(amount_nanos), 0) AS TEXT) FROM ledger_transfers \
         WHERE code = '{code}'"
    );
    fixture.database.texts(&sql).await.unwrap()[0].parse().unwrap()
}

async fn count_transfers(fixture: &Fixture, code: &str) -> usize {
    let sql = format!("SELECT transfer_id FROM ledger_transfers WHERE code = '{code}'");
    fixture.database.texts(&sql).await.unwrap().len()
}

async fn cost(fixture: &Fixture, generation: &Generation) -> i64 {
    let found =
        store::generations::find(fixture.db(), fixture.workspace.id, &generation.id).await.unwrap();
    found.unwrap().cost.nanos()
}

#[tokio::test]
async fn a_batch_is_one_transfer_for_each_workspace_and_provider() {
    for fixture in fixtures().await {
        fixture.grant(1_000).await;
        let one = fixture.lease(&fixture.credits(), 300).await;
        let two = fixture.lease(&fixture.credits(), 300).await;
        let mut batch =
            vec![fixture.settled(100, one), fixture.settled(50, one), fixture.settled(7, two)];
        batch[2].generation.provider = Some("other".to_owned());
        assert_eq!(fixture.settle(&batch).await, settled(3, 157, 0));
        assert_eq!(fixture.balance().await, (1_000, 157, 443));
        assert_eq!(
            (count_transfers(&fixture, "settle").await, moved(&fixture, "settle").await),
            (1, 157)
        );
        assert_eq!(count_transfers(&fixture, "upstream_cost").await, 2);
        assert_eq!(moved(&fixture, "upstream_cost").await, 50 + 25 + 3);
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn a_generation_is_settled_once() {
    for fixture in fixtures().await {
        fixture.grant(1_000).await;
        let lease = fixture.lease(&fixture.credits(), 500).await;
        let first = fixture.settled(100, lease);
        let second = fixture.settled(10, lease);
        fixture.settle(&[first.clone(), first.clone()]).await;
        assert_eq!(fixture.balance().await, (1_000, 100, 400));
        let again = fixture.settle(&[first.clone(), second.clone()]).await;
        assert_eq!((again.recorded, again.repeated, again.charged), (1, 1, usd(10)));
        let nothing = fixture.settle(&[second, first]).await;
        assert_eq!((nothing.recorded, nothing.repeated, nothing.charged), (0, 2, usd(0)));
        assert_eq!(fixture.settle(&[]).await, Settled::default());
        assert_eq!(fixture.balance().await, (1_000, 110, 390));
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn a_large_batch_is_recorded_whole_and_what_was_recorded_before_is_passed_over() {
    for fixture in fixtures().await {
        fixture.grant(10_000).await;
        let lease = fixture.lease(&fixture.credits(), 5_000).await;
        let all: Vec<_> = (1..=200).map(|cost| fixture.settled(cost % 7, lease)).collect();
        let earlier: Vec<_> = all.iter().step_by(3).cloned().collect();
        let before = fixture.settle(&earlier).await;
        assert_eq!((before.recorded, before.repeated), (67, 0));
        // Each again, in another order and twice.
        let twice: Vec<_> = all.iter().rev().chain(&all).cloned().collect();
        let after = fixture.settle(&twice).await;
        assert_eq!((after.recorded, after.repeated), (133, 267));
        let sum: i64 = (1..=200).map(|cost| cost % 7).sum();
        assert_eq!(before.charged.nanos() + after.charged.nanos(), sum);
        assert_eq!(fixture.balance().await, (10_000, sum, 5_000 - sum));
        for settled in &all {
            assert_eq!(cost(&fixture, &settled.generation).await, settled.generation.cost.nanos());
        }
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn absurd_counts_do_not_keep_a_batch_from_being_settled() {
    for fixture in fixtures().await {
        fixture.grant(1_000).await;
        let lease = fixture.lease(&fixture.credits(), 500).await;
        let absurd = || {
            let mut settled = fixture.settled(1, lease);
            settled.generation.usage.prompt = u64::MAX;
            settled.generation.usage.completion = u64::MAX;
            settled
        };
        for batch in [vec![absurd(), absurd()], vec![absurd()]] {
            fixture.settle(&batch).await;
        }
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn the_same_batch_again_moves_nothing_and_other_money_under_its_name_is_refused() {
    for fixture in fixtures().await {
        fixture.grant(1_000).await;
        let lease = fixture.lease(&fixture.credits(), 500).await;
        let (batch, first) = (fixture.batch(), fixture.settled(100, lease));
        let (db, random) = (fixture.db(), &*fixture.random);
        let generations = [first.clone()];
        assert_eq!(settle(db, batch, &generations, random, NOW).await.unwrap().recorded, 1);
        assert_eq!(settle(db, batch, &generations, random, NOW).await.unwrap().repeated, 1);
        let more = [first, fixture.settled(5, lease)];
        let refused = settle(db, batch, &more, random, NOW).await;
        assert!(matches!(refused, Err(StoreError::Conflict(Constraint::TransferKey))));
        assert_eq!(fixture.balance().await, (1_000, 100, 400));
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn a_generation_may_draw_on_several_leases() {
    for fixture in fixtures().await {
        fixture.grant(100).await;
        let one = fixture.lease(&fixture.credits(), 30).await;
        let two = fixture.lease(&fixture.credits(), 40).await;
        let mut settled_one = fixture.settled(60, one);
        settled_one.draws = vec![
            Draw { fund: fixture.credits(), lease: one, amount: usd(30) },
            Draw { fund: fixture.credits(), lease: two, amount: usd(30) },
        ];
        assert_eq!(fixture.settle(&[settled_one]).await, settled(1, 60, 0));
        assert_eq!(fixture.balance().await, (100, 60, 10));
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn an_expired_lease_is_paid_from_what_is_left() {
    for fixture in fixtures().await {
        fixture.grant(100).await;
        let lease = fixture.lease(&fixture.credits(), 60).await;
        expire(fixture.db(), NOW.plus(seconds(60))).await.unwrap();
        assert_eq!(fixture.settle(&[fixture.settled(60, lease)]).await, settled(1, 60, 0));
        assert_eq!(fixture.balance().await, (100, 60, 0));
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn what_nobody_can_pay_is_ours() {
    for fixture in fixtures().await {
        fixture.grant(100).await;
        let expired = fixture.lease(&fixture.credits(), 60).await;
        return_leases(fixture.db(), &[expired], NOW).await.unwrap();
        // Meanwhile another request took the credit.
        fixture.lease(&fixture.credits(), 70).await;
        let batch = [fixture.settled(20, expired), fixture.settled(40, expired)];
        assert_eq!(fixture.settle(&batch).await, settled(2, 30, 30));
        assert_eq!(fixture.balance().await, (100, 30, 70));
        assert_eq!(moved(&fixture, "overrun").await, 30);
        // The records say what was charged.
        let costs =
            cost(&fixture, &batch[0].generation).await + cost(&fixture, &batch[1].generation).await;
        assert_eq!(costs, 30);
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn a_lease_that_never_was_covers_nothing() {
    for fixture in fixtures().await {
        fixture.grant(10).await;
        let unknown = LeaseId::new(NOW, &*fixture.random);
        assert_eq!(fixture.settle(&[fixture.settled(25, unknown)]).await, settled(1, 10, 15));
        assert_eq!(fixture.balance().await, (10, 10, 0));
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn more_is_never_drawn_than_it_cost_and_cost_beyond_the_draws_is_ours() {
    for fixture in fixtures().await {
        fixture.grant(100).await;
        let lease = fixture.lease(&fixture.credits(), 80).await;
        let mut greedy = fixture.settled(10, lease);
        greedy.draws[0].amount = usd(50);
        assert_eq!(fixture.settle(&[greedy]).await, settled(1, 10, 0));
        let mut short = fixture.settled(30, lease);
        short.draws[0].amount = usd(20);
        assert_eq!(fixture.settle(std::slice::from_ref(&short)).await, settled(1, 20, 10));
        assert_eq!(cost(&fixture, &short.generation).await, 20);
        assert_eq!(fixture.balance().await, (100, 30, 50));
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn an_unbilled_workspace_is_recorded_and_not_charged() {
    for fixture in fixtures().await {
        let free = SettledGeneration { generation: fixture.generation(40), draws: Vec::new() };
        assert_eq!(fixture.settle(std::slice::from_ref(&free)).await, settled(1, 0, 0));
        assert_eq!(cost(&fixture, &free.generation).await, 40);
        assert_eq!(moved(&fixture, "unmetered").await, 40);
        assert_eq!(moved(&fixture, "upstream_cost").await, 20);
        assert_eq!(fixture.balance().await, (0, 0, 0));
        fixture.assert_clean().await;
    }
}

/// A generation drawn from a lease of credits and one of a budget.
fn budgeted(
    fixture: &Fixture,
    cost: i64,
    credits: LeaseId,
    (fund, lease): (&FundKey, LeaseId),
) -> SettledGeneration {
    let mut settled = fixture.settled(cost, credits);
    settled.draws.insert(0, Draw { fund: fund.clone(), lease, amount: usd(cost) });
    settled
}

/// What a budget still has, found by asking for too much.
async fn room(fixture: &Fixture, fund: &FundKey) -> i64 {
    let request = fixture.lease_request(fund, i64::MAX, i64::MAX);
    match lease(fixture.db(), &request).await.unwrap() {
        LeaseOutcome::Insufficient { available } => available.nanos(),
        granted @ LeaseOutcome::Granted { .. } => panic!("{granted:?}"),
    }
}

#[tokio::test]
async fn a_budget_is_spent_with_the_credits() {
    for fixture in fixtures().await {
        fixture.grant(1_000).await;
        let budget =
            fixture.limit(SpendLimit { amount: usd(100), reset: LimitReset::Weekly }).await;
        let credits = fixture.lease(&fixture.credits(), 80).await;
        let within = fixture.lease(&budget, 80).await;
        let batch = [budgeted(&fixture, 30, credits, (&budget, within))];
        assert_eq!(fixture.settle(&batch).await, settled(1, 30, 0));
        assert_eq!(fixture.balance().await, (1_000, 30, 50));
        assert_eq!(room(&fixture, &budget).await, 100 - 30 - 50);
        return_leases(fixture.db(), &[within, credits], NOW).await.unwrap();
        assert_eq!(room(&fixture, &budget).await, 70);
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn a_budget_is_never_exceeded_even_by_an_expired_lease() {
    for fixture in fixtures().await {
        fixture.grant(1_000).await;
        let budget = fixture.limit(SpendLimit { amount: usd(100), reset: LimitReset::Never }).await;
        let credits = fixture.lease(&fixture.credits(), 500).await;
        let expired = fixture.lease(&budget, 80).await;
        return_leases(fixture.db(), &[expired], NOW).await.unwrap();
        let other = fixture.lease(&budget, 90).await;
        let batch = [budgeted(&fixture, 60, credits, (&budget, expired))];
        assert_eq!(fixture.settle(&batch).await, settled(1, 10, 50));
        assert_eq!(fixture.balance().await, (1_000, 10, 440));
        let batch = [budgeted(&fixture, 90, credits, (&budget, other))];
        assert_eq!(fixture.settle(&batch).await, settled(1, 90, 0));
        assert_eq!(room(&fixture, &budget).await, 0);
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn a_budget_does_not_count_what_credits_could_not_pay() {
    for fixture in fixtures().await {
        fixture.grant(50).await;
        let budget = fixture.limit(SpendLimit { amount: usd(100), reset: LimitReset::Never }).await;
        let within = fixture.lease(&budget, 80).await;
        let unknown = LeaseId::new(NOW, &*fixture.random);
        let batch = [budgeted(&fixture, 80, unknown, (&budget, within))];
        assert_eq!(fixture.settle(&batch).await, settled(1, 50, 30));
        assert_eq!(room(&fixture, &budget).await, 50);
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn hundreds_of_generations_settle_in_one_transaction() {
    for fixture in fixtures().await {
        fixture.grant(1_000_000).await;
        let lease = fixture.lease(&fixture.credits(), 500_000).await;
        let batch: Vec<_> = (0..400).map(|n| fixture.settled(n, lease)).collect();
        let total = (0..400).sum();
        assert_eq!(fixture.settle(&batch).await, settled(400, total, 0));
        assert_eq!(count_transfers(&fixture, "settle").await, 1);
        fixture.assert_clean().await;
    }
}
