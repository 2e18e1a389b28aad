//! Many at once: never overdrawn, nothing lost, nothing charged twice.

use domain::api_key::{LimitReset, SpendLimit};
use domain::id::{BatchId, LeaseId, NodeId};
use domain::random::{Random, SystemRandom};
use ledger::account::FundKey;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::ledger::leases::{self, LeaseOutcome, LeaseRequest};
use store::ledger::settle::{Draw, SettledGeneration, settle};
use store::ledger::{accounts, transfers};
use tokio::task::JoinSet;

use crate::fixture::{Fixture, NOW, fixtures, generation, seconds, usd};

const CREDIT: i64 = 10_000;
const BUDGET: i64 = 4_000;

/// A random number from zero to before `limit`.
fn below(limit: i64) -> i64 {
    let limit = u64::try_from(limit).unwrap();
    i64::try_from(SystemRandom.next_u64() % limit).unwrap()
}

/// One request after another: lease a little, settle some of it, now and then give up or repeat.
async fn spend(fixture: Arc<Fixture>, funds: Vec<FundKey>, spent: Arc<AtomicI64>) {
    let random = SystemRandom;
    let db = fixture.db();
    let node = NodeId::new(NOW, &random);
    let names = (fixture.workspace.id, fixture.key.id, fixture.user.id);
    for _ in 0..12 {
        let hold = below(400) + 1;
        let mut held: Vec<(FundKey, LeaseId)> = Vec::new();
        for fund in &funds {
            let request = LeaseRequest {
                lease: LeaseId::new(NOW, &random),
                node,
                fund: fund.clone(),
                at_least: usd(hold),
                want: usd(hold * 2),
                now: NOW,
                expires_at: NOW.plus(seconds(60)),
            };
            match leases::lease(db, &request).await.unwrap() {
                LeaseOutcome::Granted { amount } => {
                    assert!(amount >= usd(hold));
                    held.push((fund.clone(), request.lease));
                }
                LeaseOutcome::Insufficient { available } => assert!(available < usd(hold)),
            }
        }
        let balance = accounts::balance(db, fixture.workspace.id).await.unwrap();
        assert!(!balance.available().is_negative(), "{balance:?}");
        let ids: Vec<_> = held.iter().map(|(_, lease)| *lease).collect();
        if held.len() == funds.len() && below(5) > 0 {
            let cost = below(hold + 1);
            let settled = SettledGeneration {
                generation: generation(&random, names, cost),
                draws: held
                    .into_iter()
                    .map(|(fund, lease)| Draw { fund, lease, amount: usd(cost) })
                    .collect(),
            };
            // Settling the same at the same time must count once.
            let batch = [settled];
            let (one, two) = tokio::join!(
                settle(db, BatchId::new(NOW, &random), &batch, &random, NOW),
                settle(db, BatchId::new(NOW, &random), &batch, &random, NOW),
            );
            let (one, two) = (one.unwrap(), two.unwrap());
            assert_eq!(one.recorded + two.recorded, 1);
            assert_eq!((one.overruns, two.overruns), (usd(0), usd(0)));
            spent.fetch_add(cost, Ordering::Relaxed);
        }
        leases::return_leases(db, &ids, NOW).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credit_and_budget_are_never_overdrawn() {
    for fixture in fixtures().await {
        fixture.grant(CREDIT).await;
        let limit = SpendLimit { amount: usd(BUDGET), reset: LimitReset::Daily };
        let budget = fixture.limit(limit).await;
        let fixture = Arc::new(fixture);
        let spent = Arc::new(AtomicI64::new(0));
        let mut tasks = JoinSet::new();
        for n in 0..24 {
            // Two thirds of the requests are limited by the budget too.
            let funds = if n % 3 == 0 {
                vec![fixture.credits()]
            } else {
                vec![budget.clone(), fixture.credits()]
            };
            tasks.spawn(spend(Arc::clone(&fixture), funds, Arc::clone(&spent)));
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        let spent = spent.load(Ordering::Relaxed);
        assert!((1..=CREDIT).contains(&spent), "{spent}");
        assert_eq!(fixture.balance().await, (CREDIT, spent, 0));
        assert_eq!(leases::count_open(fixture.db()).await.unwrap().count, 0);
        fixture.assert_clean().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_told_many_times_at_once_is_credited_once() {
    for fixture in fixtures().await {
        let fixture = Arc::new(fixture);
        let mut tasks = JoinSet::new();
        for _ in 0..20 {
            let fixture = Arc::clone(&fixture);
            tasks.spawn(async move {
                let payment = ledger::posting::Payment { processor: "sandbox", event: "e1" };
                let paid = ledger::posting::top_up(
                    fixture.stamp(),
                    fixture.workspace.id,
                    usd(77),
                    payment,
                );
                transfers::post(fixture.db(), &[paid.unwrap()]).await.unwrap()
            });
        }
        let mut new = 0;
        while let Some(done) = tasks.join_next().await {
            new += usize::from(done.unwrap() == [transfers::Posted::New]);
        }
        assert_eq!(new, 1);
        assert_eq!(fixture.balance().await, (77, 0, 0));
        fixture.assert_clean().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_may_expire_while_they_are_settled() {
    for fixture in fixtures().await {
        fixture.grant(CREDIT).await;
        let fixture = Arc::new(fixture);
        let mut tasks = JoinSet::new();
        for _ in 0..10 {
            let lease = fixture.lease(&fixture.credits(), 100).await;
            let (settling, expiring) = (Arc::clone(&fixture), Arc::clone(&fixture));
            tasks.spawn(async move {
                let done = settling.settle(&[settling.settled(60, lease)]).await;
                assert_eq!((done.charged, done.overruns), (usd(60), usd(0)));
            });
            tasks.spawn(async move {
                leases::expire(expiring.db(), NOW.plus(seconds(60))).await.unwrap();
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        leases::expire(fixture.db(), NOW.plus(seconds(60))).await.unwrap();
        assert_eq!(fixture.balance().await, (CREDIT, 600, 0));
        fixture.assert_clean().await;
    }
}
