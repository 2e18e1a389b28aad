use domain::api_key::{LimitReset, SpendLimit};
use domain::id::WorkspaceId;
use ledger::account::FundKey;
use store::ledger::leases::{
    LeaseOutcome, OpenLeases, count_open, delete_closed, expire, lease, renew, return_leases,
};
use store::{Constraint, StoreError};

use crate::fixture::{Fixture, NOW, fixtures, seconds, usd};

async fn ask(fixture: &Fixture, fund: &FundKey, at_least: i64, want: i64) -> LeaseOutcome {
    lease(fixture.db(), &fixture.lease_request(fund, at_least, want)).await.unwrap()
}

fn granted(nanos: i64) -> LeaseOutcome {
    LeaseOutcome::Granted { amount: usd(nanos) }
}

fn insufficient(nanos: i64) -> LeaseOutcome {
    LeaseOutcome::Insufficient { available: usd(nanos) }
}

#[tokio::test]
async fn a_lease_sets_credit_aside() {
    for fixture in fixtures().await {
        let credits = fixture.credits();
        assert_eq!(ask(&fixture, &credits, 1, 10).await, insufficient(0));
        fixture.grant(100).await;
        assert_eq!(ask(&fixture, &credits, 10, 80).await, granted(50));
        assert_eq!(ask(&fixture, &credits, 30, 30).await, granted(30));
        assert_eq!(ask(&fixture, &credits, 21, 30).await, insufficient(20));
        assert_eq!(ask(&fixture, &credits, 20, 20).await, granted(20));
        assert_eq!(ask(&fixture, &credits, 1, 1).await, insufficient(0));
        assert_eq!(fixture.balance().await, (100, 0, 100));
        let open = count_open(fixture.db()).await.unwrap();
        assert_eq!(open, OpenLeases { count: 3, amount: usd(100) });
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn an_unknown_fund_has_nothing() {
    for fixture in fixtures().await {
        let stranger = FundKey::Credits(WorkspaceId::new(NOW, &*fixture.random));
        assert_eq!(ask(&fixture, &stranger, 1, 1).await, insufficient(0));
        let key = domain::id::ApiKeyId::new(NOW, &*fixture.random);
        let stranger = FundKey::KeyBudget { key, window: NOW.start_of_day() };
        assert_eq!(ask(&fixture, &stranger, 1, 1).await, insufficient(0));
        assert_eq!(count_open(fixture.db()).await.unwrap(), OpenLeases::default());
    }
}

#[tokio::test]
async fn a_lease_identifier_is_used_once() {
    for fixture in fixtures().await {
        fixture.grant(100).await;
        let request = fixture.lease_request(&fixture.credits(), 10, 10);
        lease(fixture.db(), &request).await.unwrap();
        let refused = lease(fixture.db(), &request).await;
        assert!(matches!(refused, Err(StoreError::Conflict(Constraint::Lease))));
        assert_eq!(fixture.balance().await, (100, 0, 10));
    }
}

#[tokio::test]
async fn what_is_returned_is_available_again() {
    for fixture in fixtures().await {
        let db = fixture.db();
        fixture.grant(100).await;
        let one = fixture.lease(&fixture.credits(), 40).await;
        let two = fixture.lease(&fixture.credits(), 50).await;
        fixture.settle(&[fixture.settled(15, one)]).await;
        assert_eq!(fixture.balance().await, (100, 15, 75));
        for _ in 0..2 {
            return_leases(db, &[two, one], NOW).await.unwrap();
            assert_eq!(fixture.balance().await, (100, 15, 0));
        }
        assert_eq!(count_open(db).await.unwrap(), OpenLeases::default());
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn leases_that_nobody_renews_expire() {
    for fixture in fixtures().await {
        let db = fixture.db();
        fixture.grant(100).await;
        fixture.lease(&fixture.credits(), 40).await;
        let kept = fixture.lease(&fixture.credits(), 50).await;
        let end = NOW.plus(seconds(60));
        assert_eq!(renew(db, &[kept], end.plus(seconds(1))).await.unwrap(), [kept]);
        assert_eq!(expire(db, end.minus(seconds(1))).await.unwrap(), 0);
        assert_eq!(expire(db, end).await.unwrap(), 1);
        assert_eq!(expire(db, end).await.unwrap(), 0);
        assert_eq!(fixture.balance().await, (100, 0, 50));
        assert_eq!(expire(db, end.plus(seconds(1))).await.unwrap(), 1);
        assert_eq!(fixture.balance().await, (100, 0, 0));
        // Renewing what is closed does not open it, and says so.
        assert_eq!(renew(db, &[kept], end.plus(seconds(99))).await.unwrap(), []);
        assert_eq!(count_open(db).await.unwrap(), OpenLeases::default());
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn closed_leases_are_removed_after_a_while() {
    for fixture in fixtures().await {
        let db = fixture.db();
        fixture.grant(100).await;
        let closed = fixture.lease(&fixture.credits(), 40).await;
        fixture.lease(&fixture.credits(), 50).await;
        return_leases(db, &[closed], NOW).await.unwrap();
        assert_eq!(delete_closed(db, NOW).await.unwrap(), 0);
        assert_eq!(delete_closed(db, NOW.plus(seconds(1))).await.unwrap(), 1);
        assert_eq!(count_open(db).await.unwrap().count, 1);
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn a_budget_is_leased_like_credit() {
    for fixture in fixtures().await {
        let limit = SpendLimit { amount: usd(100), reset: LimitReset::Daily };
        let budget = fixture.limit(limit).await;
        assert_eq!(ask(&fixture, &budget, 10, 200).await, granted(50));
        assert_eq!(ask(&fixture, &budget, 51, 60).await, insufficient(50));
        assert_eq!(ask(&fixture, &budget, 50, 60).await, granted(50));
        // Tomorrow the window is another one.
        let tomorrow = FundKey::budget(fixture.key.id, &limit, NOW.plus(seconds(86_400)));
        assert_eq!(ask(&fixture, &tomorrow, 100, 100).await, granted(100));
        // A limit lowered below what is set aside leaves nothing, not less than nothing.
        fixture.limit(SpendLimit { amount: usd(10), ..limit }).await;
        assert_eq!(ask(&fixture, &budget, 1, 1).await, insufficient(0));
        fixture.limit(SpendLimit { amount: usd(101), ..limit }).await;
        assert_eq!(ask(&fixture, &budget, 1, 1).await, granted(1));
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn a_key_whose_limit_was_lifted_is_not_denied() {
    for fixture in fixtures().await {
        let limit = SpendLimit { amount: usd(1), reset: LimitReset::Never };
        let budget = fixture.limit(limit).await;
        let (ws, key) = (fixture.workspace.id, fixture.key.id);
        store::api_keys::set_limit(fixture.db(), ws, key, None, NOW).await.unwrap();
        assert_eq!(ask(&fixture, &budget, 500, 500).await, granted(500));
    }
}

#[tokio::test]
async fn a_new_limit_counts_what_was_spent_before_it() {
    for fixture in fixtures().await {
        fixture.grant(1_000).await;
        let lease = fixture.lease(&fixture.credits(), 100).await;
        fixture.settle(&[fixture.settled(60, lease)]).await;
        let limit = SpendLimit { amount: usd(100), reset: LimitReset::Monthly };
        let budget = fixture.limit(limit).await;
        assert_eq!(ask(&fixture, &budget, 41, 41).await, insufficient(40));
        assert_eq!(ask(&fixture, &budget, 1, 1).await, granted(1));
        // A request that was admitted before the limit ends after it.
        fixture.settle(&[fixture.settled(30, lease)]).await;
        assert_eq!(ask(&fixture, &budget, 10, 10).await, insufficient(9));
        // While the reset is another, spending passes this window's row by; then it is recounted.
        let daily = fixture.limit(SpendLimit { reset: LimitReset::Daily, ..limit }).await;
        assert_eq!(ask(&fixture, &daily, 11, 11).await, insufficient(10));
        fixture.limit(limit).await;
        assert_eq!(ask(&fixture, &budget, 10, 10).await, insufficient(9));
        assert_eq!(ask(&fixture, &budget, 9, 9).await, granted(9));
        fixture.assert_clean().await;
    }
}
