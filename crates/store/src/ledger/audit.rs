//! Whether the books are right: every invariant of the ledger, checked against every row.

use ledger::account::AccountKey;
use ledger::audit::{self, AccountSums, AccountTotals, Finding, Invariant};

use crate::db::{Db, Tx};
use crate::error::StoreError;
use crate::row;

/// What an audit looked at and found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditReport {
    pub accounts: u64,
    pub transfers: u64,
    pub generations: u64,
    pub open_leases: u64,
    /// Empty when the books are right. The first row that is wrong for each rule.
    pub findings: Vec<Finding>,
}

impl AuditReport {
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Checks the books as they are at one moment, while others go on writing.
pub async fn audit(db: &Db) -> Result<AuditReport, StoreError> {
    const SQL_COUNTS: &str = "
        SELECT (SELECT COUNT(*) FROM ledger_accounts),
               (SELECT COUNT(*) FROM ledger_transfers),
               (SELECT COUNT(*) FROM generations),
               (SELECT COUNT(*) FROM credit_leases WHERE state = 'open')";
    let mut tx = db.snapshot().await?;
    let (accounts, transfers, generations, leases): (i64, i64, i64, i64) =
        fetch_one!(tx, SQL_COUNTS)?;
    let mut findings = Vec::new();
    check_triggers(&mut tx, &mut findings).await?;
    check_transfers(&mut tx, &mut findings).await?;
    check_trial_balance(&mut tx, &mut findings).await?;
    check_accounts(&mut tx, &mut findings).await?;
    check_budgets(&mut tx, &mut findings).await?;
    check_leases(&mut tx, &mut findings).await?;
    check_settlements(&mut tx, &mut findings).await?;
    check_daily_sums(&mut tx, &mut findings).await?;
    tx.commit().await?;
    Ok(AuditReport {
        accounts: row::count("accounts", accounts)?,
        transfers: row::count("transfers", transfers)?,
        generations: row::count("generations", generations)?,
        open_leases: row::count("leases", leases)?,
        findings,
    })
}

/// Invariant 5 can not be seen in the rows; what guards it can.
async fn check_triggers(tx: &mut Tx, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    // Each database lists its triggers elsewhere.
    const SQL_SQLITE: &str = "
        SELECT COUNT(*)
          FROM sqlite_master
         WHERE type = 'trigger'
           AND tbl_name = 'ledger_transfers'
           AND name IN ('ledger_transfers_refuse_update', 'ledger_transfers_refuse_delete')";
    const SQL_POSTGRES: &str = "
        SELECT COUNT(*)
          FROM pg_trigger
         WHERE tgrelid = 'ledger_transfers'::regclass
           AND tgenabled <> 'D'
           AND tgname IN ('ledger_transfers_refuse_update', 'ledger_transfers_refuse_delete')";
    let (count,): (i64,) = match tx {
        Tx::Sqlite(_) => fetch_one!(tx, SQL_SQLITE)?,
        Tx::Postgres(_) => fetch_one!(tx, SQL_POSTGRES)?,
    };
    if count != 2 {
        findings.push(Finding {
            invariant: Invariant::AppendOnly,
            subject: "ledger_transfers".to_owned(),
            detail: "a trigger that keeps transfers from being changed is missing".to_owned(),
        });
    }
    Ok(())
}

async fn check_transfers(tx: &mut Tx, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    // A reversal must mirror what it reverses.
    const SQL: &str = "
        SELECT t.transfer_id
          FROM ledger_transfers t
          LEFT JOIN ledger_transfers r ON r.transfer_id = t.reverses
         WHERE t.amount_nanos <= 0
            OR t.debit_account = t.credit_account
            OR (t.reverses IS NOT NULL
                AND (r.transfer_id IS NULL
                     OR r.amount_nanos <> t.amount_nanos
                     OR r.debit_account <> t.credit_account
                     OR r.credit_account <> t.debit_account))
         ORDER BY t.created_at, t.transfer_id
         LIMIT 1";
    let wrong: Option<(String,)> = fetch_optional!(tx, SQL)?;
    findings.extend(wrong.map(|(subject,)| {
        Finding {
            invariant: Invariant::Transfer,
            subject,
            detail:
                "does not move a positive amount between two accounts, or does not mirror what it \
                 reverses"
                    .to_owned(),
        }
    }));
    Ok(())
}

async fn check_trial_balance(tx: &mut Tx, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    const SQL: &str = "
        SELECT account, CAST(SUM(debit) AS BIGINT), CAST(SUM(credit) AS BIGINT)
          FROM (SELECT debit_account AS account, amount_nanos AS debit, 0 AS credit
                  FROM ledger_transfers
             UNION ALL
                SELECT credit_account AS account, 0 AS debit, amount_nanos AS credit
                  FROM ledger_transfers) AS sides
         GROUP BY account
         ORDER BY account";
    let rows: Vec<(String, i64, i64)> = fetch_all!(tx, SQL)?;
    let mut totals = Vec::with_capacity(rows.len());
    for (account, debits, credits) in rows {
        match account.parse::<AccountKey>() {
            Ok(account) => totals.push(AccountTotals {
                account,
                debits: debits.into(),
                credits: credits.into(),
            }),
            Err(error) => findings.push(Finding {
                invariant: Invariant::Transfer,
                subject: account,
                detail: error.to_string(),
            }),
        }
    }
    findings.extend(audit::trial_balance(&totals));
    Ok(())
}

#[derive(sqlx::FromRow)]
struct AccountRow {
    account_key: String,
    credits_posted_nanos: i64,
    debits_posted_nanos: i64,
    debits_pending_nanos: i64,
    overdraft_nanos: i64,
    transfer_credits: i64,
    transfer_debits: i64,
    open_leases: i64,
}

async fn check_accounts(tx: &mut Tx, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    const SQL: &str = "
        SELECT a.account_key, a.credits_posted_nanos, a.debits_posted_nanos,
               a.debits_pending_nanos, a.overdraft_nanos,
               COALESCE(c.nanos, 0) AS transfer_credits,
               COALESCE(d.nanos, 0) AS transfer_debits,
               COALESCE(l.nanos, 0) AS open_leases
          FROM ledger_accounts a
          LEFT JOIN (SELECT credit_account, CAST(SUM(amount_nanos) AS BIGINT) AS nanos
                       FROM ledger_transfers
                      GROUP BY credit_account) c ON c.credit_account = a.account_key
          LEFT JOIN (SELECT debit_account, CAST(SUM(amount_nanos) AS BIGINT) AS nanos
                       FROM ledger_transfers
                      GROUP BY debit_account) d ON d.debit_account = a.account_key
          LEFT JOIN (SELECT fund_key, CAST(SUM(remaining_nanos) AS BIGINT) AS nanos
                       FROM credit_leases
                      WHERE state = 'open'
                      GROUP BY fund_key) l ON l.fund_key = a.account_key
         ORDER BY a.account_key";
    // Transfers of credits that no account keeps the balance of.
    const SQL_ORPHAN: &str = "
        SELECT t.transfer_id
          FROM ledger_transfers t
         WHERE (t.debit_account LIKE 'workspace:%'
                AND NOT EXISTS (SELECT 1 FROM ledger_accounts a
                                 WHERE a.account_key = t.debit_account))
            OR (t.credit_account LIKE 'workspace:%'
                AND NOT EXISTS (SELECT 1 FROM ledger_accounts a
                                 WHERE a.account_key = t.credit_account))
         ORDER BY t.created_at, t.transfer_id
         LIMIT 1";
    let rows: Vec<AccountRow> = fetch_all!(tx, SQL)?;
    let wrong = rows.into_iter().map(|row| {
        AccountSums {
            account: row.account_key,
            credits_posted: row::usd(row.credits_posted_nanos),
            debits_posted: row::usd(row.debits_posted_nanos),
            debits_pending: row::usd(row.debits_pending_nanos),
            overdraft: row::usd(row.overdraft_nanos),
            transfer_credits: row.transfer_credits.into(),
            transfer_debits: row.transfer_debits.into(),
            open_leases: row.open_leases.into(),
        }
        .check()
    });
    findings.extend(wrong.flatten());
    let orphan: Option<(String,)> = fetch_optional!(tx, SQL_ORPHAN)?;
    findings.extend(orphan.map(|(subject,)| Finding {
        invariant: Invariant::Posted,
        subject,
        detail: "moves credits of a workspace that has no account".to_owned(),
    }));
    Ok(())
}

async fn check_budgets(tx: &mut Tx, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    const SQL: &str = "
        SELECT b.fund_key, b.pending_nanos, COALESCE(l.nanos, 0)
          FROM key_budgets b
          LEFT JOIN (SELECT fund_key, CAST(SUM(remaining_nanos) AS BIGINT) AS nanos
                       FROM credit_leases
                      WHERE state = 'open'
                      GROUP BY fund_key) l ON l.fund_key = b.fund_key
         WHERE b.pending_nanos <> COALESCE(l.nanos, 0)
         ORDER BY b.fund_key
         LIMIT 1";
    let wrong: Option<(String, i64, i64)> = fetch_optional!(tx, SQL)?;
    findings.extend(wrong.and_then(|(fund, pending, leased)| {
        audit::equal(
            (Invariant::Pending, &fund),
            ("pending", pending.into()),
            ("its open leases", leased.into()),
        )
    }));
    Ok(())
}

async fn check_leases(tx: &mut Tx, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    const SQL: &str = "
        SELECT l.lease_id
          FROM credit_leases l
         WHERE l.remaining_nanos < 0
            OR l.remaining_nanos > l.amount_nanos
            OR (l.state = 'open'
                AND NOT EXISTS (SELECT 1 FROM ledger_accounts a WHERE a.account_key = l.fund_key)
                AND NOT EXISTS (SELECT 1 FROM key_budgets b WHERE b.fund_key = l.fund_key))
         ORDER BY l.created_at, l.lease_id
         LIMIT 1";
    let wrong: Option<(String,)> = fetch_optional!(tx, SQL)?;
    findings.extend(wrong.map(|(subject,)| Finding {
        invariant: Invariant::Lease,
        subject,
        detail: "has less than nothing left, more than it was given, or no fund".to_owned(),
    }));
    Ok(())
}

/// What the generations of each batch came to must be what its transfers moved. One damaged row
/// may show in several sums of its batch, so more than the first is reported.
async fn check_settlements(tx: &mut Tx, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    const SQL: &str = "
        SELECT batch, account, code, CAST(SUM(recorded) AS BIGINT), CAST(SUM(moved) AS BIGINT)
          FROM (SELECT batch_id AS batch, 'workspace:' || workspace_id || ':credits' AS account,
                       'settle' AS code, charged_nanos AS recorded, 0 AS moved
                  FROM generations
             UNION ALL
                SELECT batch_id, 'platform:expense:overruns', 'overrun', overrun_nanos, 0
                  FROM generations
             UNION ALL
                SELECT batch_id, 'platform:expense:unmetered', 'unmetered',
                       cost_nanos - charged_nanos, 0
                  FROM generations
             UNION ALL
                SELECT batch_id, 'platform:expense:upstream:' || COALESCE(provider, 'unknown'),
                       'upstream_cost', upstream_cost_nanos, 0
                  FROM generations
             UNION ALL
                SELECT reference, debit_account, code, 0, amount_nanos
                  FROM ledger_transfers
                 WHERE code IN ('settle', 'overrun', 'unmetered', 'upstream_cost')) AS sides
         GROUP BY batch, account, code
        HAVING SUM(recorded) <> SUM(moved)
         ORDER BY batch, account, code
         LIMIT 20";
    let wrong: Vec<(String, String, String, i64, i64)> = fetch_all!(tx, SQL)?;
    findings.extend(wrong.into_iter().filter_map(|(batch, account, code, recorded, moved)| {
        audit::equal(
            (Invariant::Settlement, &format!("{code} of {batch} in {account}")),
            ("its generations", recorded.into()),
            ("its transfers", moved.into()),
        )
    }));
    Ok(())
}

async fn check_daily_sums(tx: &mut Tx, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    const SQL: &str = "
        SELECT api_key_id, CAST(SUM(recorded) AS BIGINT), CAST(SUM(summed) AS BIGINT)
          FROM (SELECT api_key_id, cost_nanos AS recorded, 0 AS summed
                  FROM generations
             UNION ALL
                SELECT api_key_id, 0, spent_nanos
                  FROM key_usage_daily) AS sides
         GROUP BY api_key_id
        HAVING SUM(recorded) <> SUM(summed)
         ORDER BY api_key_id
         LIMIT 1";
    let wrong: Option<(String, i64, i64)> = fetch_optional!(tx, SQL)?;
    findings.extend(wrong.and_then(|(key, recorded, summed)| {
        audit::equal(
            (Invariant::Settlement, &key),
            ("its generations", recorded.into()),
            ("its daily sums", summed.into()),
        )
    }));
    Ok(())
}
