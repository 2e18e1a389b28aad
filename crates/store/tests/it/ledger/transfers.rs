use domain::id::WorkspaceId;
use domain::money::Usd;
use ledger::posting::{self, Payment, Stamp};
use store::ledger::transfers::{Posted, post, statement};
use store::{Constraint, StoreError};

use crate::fixture::{Fixture, NOW, fixtures, seconds, usd};

const PAYMENT: Payment<'_> = Payment { processor: "sandbox", event: "e1" };

#[tokio::test]
async fn a_top_up_becomes_credit_once() {
    for fixture in fixtures().await {
        let (db, ws) = (fixture.db(), fixture.workspace.id);
        for expected in [Posted::New, Posted::Duplicate, Posted::Duplicate] {
            // A repeat has another identifier; only its idempotency key is the same.
            let paid = posting::top_up(fixture.stamp(), ws, usd(500), PAYMENT).unwrap();
            assert_eq!(post(db, &[paid]).await.unwrap(), [expected]);
        }
        assert_eq!(fixture.balance().await, (500, 0, 0));
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn an_idempotency_key_stands_for_one_movement() {
    for fixture in fixtures().await {
        let (db, ws) = (fixture.db(), fixture.workspace.id);
        let paid = posting::top_up(fixture.stamp(), ws, usd(500), PAYMENT).unwrap();
        post(db, &[paid]).await.unwrap();
        let more = posting::top_up(fixture.stamp(), ws, usd(501), PAYMENT).unwrap();
        let refused = post(db, &[more]).await;
        assert!(matches!(refused, Err(StoreError::Conflict(Constraint::TransferKey))));
        assert_eq!(fixture.balance().await, (500, 0, 0));
    }
}

#[tokio::test]
async fn no_transfer_overdraws_an_account() {
    for fixture in fixtures().await {
        let (db, ws) = (fixture.db(), fixture.workspace.id);
        fixture.grant(100).await;
        fixture.lease(&fixture.credits(), 30).await;
        let back = |nanos, event| {
            let payment = Payment { processor: "sandbox", event };
            posting::refund(fixture.stamp(), ws, usd(nanos), payment).unwrap()
        };
        // What is leased can not be paid back; and all or none of a list is posted.
        let refused = post(db, &[back(40, "a"), back(31, "b")]).await;
        let Err(StoreError::Insufficient { available }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(available, usd(70));
        assert_eq!(fixture.balance().await, (100, 0, 30));
        post(db, &[back(40, "a"), back(30, "b")]).await.unwrap();
        assert_eq!(fixture.balance().await, (100, 70, 30));
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn a_mistake_is_reversed_once() {
    for fixture in fixtures().await {
        let (db, ws) = (fixture.db(), fixture.workspace.id);
        let given = posting::grant(fixture.stamp(), ws, usd(9), ("r", "mistake")).unwrap();
        post(db, std::slice::from_ref(&given)).await.unwrap();
        for expected in [Posted::New, Posted::Duplicate] {
            let undone = posting::reverse(fixture.stamp(), &given, "undone").unwrap();
            assert_eq!(post(db, &[undone]).await.unwrap(), [expected]);
        }
        assert_eq!(fixture.balance().await, (9, 9, 0));
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn a_workspace_without_an_account_has_nothing_and_gets_nothing() {
    for fixture in fixtures().await {
        let stranger = WorkspaceId::new(NOW, &*fixture.random);
        let given = posting::grant(fixture.stamp(), stranger, usd(9), ("r", "")).unwrap();
        let refused = post(fixture.db(), &[given]).await;
        assert!(matches!(refused, Err(StoreError::Missing("account"))));
        let balance = store::ledger::accounts::balance(fixture.db(), stranger).await.unwrap();
        assert_eq!(balance.available(), Usd::ZERO);
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn an_absurd_amount_is_refused_and_moves_nothing() {
    for fixture in fixtures().await {
        let (db, ws) = (fixture.db(), fixture.workspace.id);
        fixture.grant(1).await;
        let given = posting::grant(fixture.stamp(), ws, Usd::MAX, ("r", "")).unwrap();
        assert!(post(db, &[given]).await.is_err());
        assert_eq!(fixture.balance().await, (1, 0, 0));
        fixture.assert_clean().await;
    }
}

#[tokio::test]
async fn a_statement_shows_both_directions_newest_first() {
    for fixture in fixtures().await {
        let (db, ws) = (fixture.db(), fixture.workspace.id);
        let stamp = |s| Stamp { at: NOW.plus(seconds(s)), ..fixture.stamp() };
        for (n, nanos) in [100, 200, 300].into_iter().enumerate() {
            let (at, request) = (stamp(n.try_into().unwrap()), nanos.to_string());
            let given = posting::grant(at, ws, usd(nanos), (&request, "")).unwrap();
            post(db, &[given]).await.unwrap();
        }
        let back = posting::refund(stamp(9), ws, usd(50), PAYMENT).unwrap();
        post(db, &[back]).await.unwrap();
        assert_eq!(changes(&fixture, 10).await, [-50, 300, 200, 100]);
        assert_eq!(changes(&fixture, 1).await, [-50, 300, 200, 100]);
        let page = statement(db, ws, None, 1).await.unwrap();
        assert_eq!(
            (page.items[0].code.as_str(), page.items[0].reference.as_str()),
            ("refund", "sandbox:e1")
        );
        let other = WorkspaceId::new(NOW, &*fixture.random);
        assert_eq!(statement(db, other, None, 10).await.unwrap().items, []);
    }
}

/// The whole statement, read in pages of this size.
async fn changes(fixture: &Fixture, limit: u32) -> Vec<i64> {
    let mut changes = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page =
            statement(fixture.db(), fixture.workspace.id, cursor.as_deref(), limit).await.unwrap();
        changes.extend(page.items.iter().map(|entry| entry.change.nanos()));
        cursor = page.next;
        if cursor.is_none() {
            return changes;
        }
    }
}

#[tokio::test]
async fn transfers_can_not_be_changed_or_removed() {
    for fixture in fixtures().await {
        fixture.grant(100).await;
        for sql in ["UPDATE ledger_transfers SET amount_nanos = 1", "DELETE FROM ledger_transfers"]
        {
            let Err(StoreError::Database(refusal)) = fixture.database.execute(sql).await else {
                panic!("{sql} was allowed");
            };
            assert!(refusal.to_string().contains("ledger_transfers is append-only"), "{refusal}");
        }
        if fixture.database.is_postgres() {
            assert!(fixture.database.execute("TRUNCATE ledger_transfers").await.is_err());
        }
        fixture.assert_clean().await;
    }
}
