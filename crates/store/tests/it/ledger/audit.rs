use ledger::audit::Invariant;
use store::ledger::audit::audit;

use crate::fixture::{Fixture, fixtures};

#[tokio::test]
async fn an_audit_counts_what_it_looked_at() {
    for fixture in fixtures().await {
        prepare(&fixture).await;
        let report = audit(fixture.db()).await.unwrap();
        assert!(report.is_clean());
        // A grant, a settlement and what it costs upstream.
        assert_eq!((report.accounts, report.transfers, report.generations), (1, 3, 1));
        assert_eq!(report.open_leases, 1);
    }
}

/// Some of everything.
async fn prepare(fixture: &Fixture) {
    fixture.grant(1_000).await;
    let lease = fixture.lease(&fixture.credits(), 500).await;
    fixture.settle(&[fixture.settled(100, lease)]).await;
}

/// Damages clean books with `sql` and expects the audit to name what is wrong, and where.
async fn check(sql: &str, expected: Invariant, subject: &str) {
    for fixture in fixtures().await {
        prepare(&fixture).await;
        fixture.assert_clean().await;
        // The database refuses most damage by itself; what guards it is taken away first.
        let disarm = if fixture.database.is_postgres() {
            "ALTER TABLE ledger_accounts DROP CONSTRAINT ledger_accounts_not_overdrawn;
             ALTER TABLE credit_leases DROP CONSTRAINT credit_leases_within_amount;
             ALTER TABLE generations DROP CONSTRAINT generations_check;"
        } else {
            "PRAGMA ignore_check_constraints = ON;"
        };
        fixture.database.execute(disarm).await.unwrap();
        fixture.database.execute(sql).await.unwrap();
        let report = audit(fixture.db()).await.unwrap();
        let found = report
            .findings
            .iter()
            .any(|finding| finding.invariant == expected && finding.subject.contains(subject));
        assert!(found, "{sql}: {:?}", report.findings);
    }
}

#[tokio::test]
async fn a_balance_that_was_raised_is_found() {
    let sql = "UPDATE ledger_accounts SET credits_posted_nanos = credits_posted_nanos + 1";
    check(sql, Invariant::Posted, "workspace:ws_").await;
}

#[tokio::test]
async fn a_debit_that_was_forgotten_is_found() {
    let sql = "UPDATE ledger_accounts SET debits_posted_nanos = debits_posted_nanos - 1";
    check(sql, Invariant::Posted, "workspace:ws_").await;
}

#[tokio::test]
async fn pending_without_a_lease_is_found() {
    let sql = "UPDATE ledger_accounts SET debits_pending_nanos = debits_pending_nanos + 1";
    check(sql, Invariant::Pending, "workspace:ws_").await;
    check("DELETE FROM credit_leases", Invariant::Pending, "workspace:ws_").await;
}

#[tokio::test]
async fn an_overdraft_is_found() {
    let sql = "UPDATE ledger_accounts SET debits_pending_nanos = 100000";
    check(sql, Invariant::Overdraft, "workspace:ws_").await;
}

#[tokio::test]
async fn a_lease_with_more_left_than_it_had_is_found() {
    let sql = "UPDATE credit_leases SET remaining_nanos = amount_nanos + 1";
    check(sql, Invariant::Lease, "lse_").await;
}

#[tokio::test]
async fn a_lease_of_no_fund_is_found() {
    let sql = "UPDATE credit_leases SET fund_key = 'workspace:gone:credits'";
    check(sql, Invariant::Lease, "lse_").await;
}

#[tokio::test]
async fn a_record_that_was_changed_or_removed_is_found() {
    let sql = "UPDATE generations SET cost_nanos = 99, charged_nanos = 99";
    check(sql, Invariant::Settlement, "settle of bat_").await;
    check(sql, Invariant::Settlement, "key_").await;
    check("DELETE FROM generations", Invariant::Settlement, "settle of bat_").await;
    let sql = "UPDATE generations SET overrun_nanos = 5";
    check(sql, Invariant::Settlement, "overrun of bat_").await;
    let sql = "UPDATE generations SET upstream_cost_nanos = 5";
    check(sql, Invariant::Settlement, "upstream_cost of bat_").await;
}

#[tokio::test]
async fn a_daily_sum_that_is_off_is_found() {
    let sql = "UPDATE key_usage_daily SET spent_nanos = spent_nanos + 1";
    check(sql, Invariant::Settlement, "key_").await;
}

#[tokio::test]
async fn a_transfer_without_its_records_is_found() {
    let sql = "INSERT INTO ledger_transfers (transfer_id, debit_account, credit_account, \
               amount_nanos, code, idempotency_key, reference, created_at) VALUES \
               ('tr_x', 'platform:expense:overruns', 'platform:revenue:inference', 5, 'overrun', \
               'overrun:bat_x', 'bat_x', 0)";
    check(sql, Invariant::Settlement, "overrun of bat_x").await;
}

#[tokio::test]
async fn a_transfer_of_unknown_accounts_is_found() {
    let insert = |debit: &str, credit: &str| {
        format!(
            "INSERT INTO ledger_transfers (transfer_id, debit_account, credit_account, \
             amount_nanos, code, idempotency_key, reference, created_at) \
             VALUES ('tr_x', '{debit}', '{credit}', 5, 'grant', 'x', '', 0)"
        )
    };
    let sql = insert("platform:expense:fun", "platform:revenue:inference");
    check(&sql, Invariant::Transfer, "platform:expense:fun").await;
    let nobody = "workspace:ws_00000000000000000000000000000000:credits";
    let sql = insert("platform:expense:promotions", nobody);
    check(&sql, Invariant::Posted, "tr_x").await;
}

#[tokio::test]
async fn a_reversal_that_is_no_mirror_image_is_found() {
    let sql = "INSERT INTO ledger_transfers (transfer_id, debit_account, credit_account, \
               amount_nanos, code, idempotency_key, reference, reverses, created_at) \
               SELECT 'tr_x', debit_account, credit_account, amount_nanos, 'reverse', 'x', '', \
               transfer_id, 0 FROM ledger_transfers WHERE code = 'upstream_cost'";
    check(sql, Invariant::Transfer, "tr_x").await;
}

#[tokio::test]
async fn a_missing_guard_is_found() {
    for fixture in fixtures().await {
        let on = if fixture.database.is_postgres() { " ON ledger_transfers" } else { "" };
        let sql = format!("DROP TRIGGER ledger_transfers_refuse_update{on}");
        fixture.database.execute(&sql).await.unwrap();
        let report = audit(fixture.db()).await.unwrap();
        assert_eq!(report.findings[0].invariant, Invariant::AppendOnly);
    }
}
