//! What credits and budgets have in common: room, pending, spent.
//!
//! Each function has one text for credits, whose row is a ledger account, and one for a key's
//! budget, whose limit is read from the key in the same statement.

use ledger::account::FundKey;

use crate::db::Tx;
use crate::error::StoreError;
use crate::ledger::budgets;

/// Locks a fund that has at least `at_least` available, and tells how much it has.
/// None when it has less. Nobody else changes the fund before the transaction ends.
pub(super) async fn lock(
    tx: &mut Tx,
    fund: &FundKey,
    at_least: i64,
) -> Result<Option<i64>, StoreError> {
    const SQL_CREDITS: &str = "
        UPDATE ledger_accounts
           SET debits_pending_nanos = debits_pending_nanos
         WHERE account_key = $1
           AND credits_posted_nanos + overdraft_nanos
             - debits_posted_nanos - debits_pending_nanos >= $2
     RETURNING credits_posted_nanos + overdraft_nanos
             - debits_posted_nanos - debits_pending_nanos";
    const SQL_BUDGET: &str = "
        UPDATE key_budgets
           SET pending_nanos = pending_nanos
         WHERE fund_key = $1
           AND COALESCE((SELECT k.limit_nanos FROM api_keys k
                          WHERE k.api_key_id = key_budgets.api_key_id), 9223372036854775807)
             - spent_nanos - pending_nanos >= $2
     RETURNING COALESCE((SELECT k.limit_nanos FROM api_keys k
                          WHERE k.api_key_id = key_budgets.api_key_id), 9223372036854775807)
             - spent_nanos - pending_nanos";
    let found: Option<(i64,)> = match fund {
        FundKey::Credits(_) => fetch_optional!(tx, SQL_CREDITS, fund.to_string(), at_least)?,
        FundKey::KeyBudget { key, window } => {
            budgets::open(tx, *key, *window).await?;
            fetch_optional!(tx, SQL_BUDGET, fund.to_string(), at_least)?
        }
    };
    Ok(found.map(|(available,)| available))
}

/// What a fund has available; less than nothing when a limit was set below what is spent.
/// None when there is no such fund.
pub(super) async fn available(tx: &mut Tx, fund: &FundKey) -> Result<Option<i64>, StoreError> {
    const SQL_CREDITS: &str = "
        SELECT credits_posted_nanos + overdraft_nanos - debits_posted_nanos - debits_pending_nanos
          FROM ledger_accounts
         WHERE account_key = $1";
    const SQL_BUDGET: &str = "
        SELECT COALESCE(k.limit_nanos, 9223372036854775807) - b.spent_nanos - b.pending_nanos
          FROM key_budgets b
          JOIN api_keys k ON k.api_key_id = b.api_key_id
         WHERE b.fund_key = $1";
    let found: Option<(i64,)> = match fund {
        FundKey::Credits(_) => fetch_optional!(tx, SQL_CREDITS, fund.to_string())?,
        FundKey::KeyBudget { .. } => fetch_optional!(tx, SQL_BUDGET, fund.to_string())?,
    };
    Ok(found.map(|(available,)| available))
}

/// Sets an amount aside, if it is there.
pub(super) async fn set_aside(tx: &mut Tx, fund: &FundKey, nanos: i64) -> Result<bool, StoreError> {
    const SQL_CREDITS: &str = "
        UPDATE ledger_accounts
           SET debits_pending_nanos = debits_pending_nanos + $2
         WHERE account_key = $1
           AND credits_posted_nanos + overdraft_nanos
             - debits_posted_nanos - debits_pending_nanos >= $2";
    const SQL_BUDGET: &str = "
        UPDATE key_budgets
           SET pending_nanos = pending_nanos + $2
         WHERE fund_key = $1
           AND COALESCE((SELECT k.limit_nanos FROM api_keys k
                          WHERE k.api_key_id = key_budgets.api_key_id), 9223372036854775807)
             - spent_nanos - pending_nanos >= $2";
    let changed = match fund {
        FundKey::Credits(_) => execute!(tx, SQL_CREDITS, fund.to_string(), nanos)?,
        FundKey::KeyBudget { .. } => execute!(tx, SQL_BUDGET, fund.to_string(), nanos)?,
    };
    Ok(changed == 1)
}

/// Moves what leases had set aside: `leased` is no longer pending, and `spent` of it is used.
/// Returns what is available afterwards; none when there is no such fund.
pub(super) async fn spend_leased(
    tx: &mut Tx,
    fund: &FundKey,
    leased: i64,
    spent: i64,
) -> Result<Option<i64>, StoreError> {
    const SQL_CREDITS: &str = "
        UPDATE ledger_accounts
           SET debits_pending_nanos = debits_pending_nanos - $2,
               debits_posted_nanos = debits_posted_nanos + $3
         WHERE account_key = $1
     RETURNING credits_posted_nanos + overdraft_nanos
             - debits_posted_nanos - debits_pending_nanos";
    const SQL_BUDGET: &str = "
        UPDATE key_budgets
           SET pending_nanos = pending_nanos - $2,
               spent_nanos = spent_nanos + $3
         WHERE fund_key = $1
     RETURNING COALESCE((SELECT k.limit_nanos FROM api_keys k
                          WHERE k.api_key_id = key_budgets.api_key_id), 9223372036854775807)
             - spent_nanos - pending_nanos";
    let found: Option<(i64,)> = match fund {
        FundKey::Credits(_) => fetch_optional!(tx, SQL_CREDITS, fund.to_string(), leased, spent)?,
        FundKey::KeyBudget { .. } => {
            fetch_optional!(tx, SQL_BUDGET, fund.to_string(), leased, spent)?
        }
    };
    Ok(found.map(|(available,)| available))
}
