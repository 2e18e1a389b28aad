//! Rows that count what a limited key spent in a window.

use domain::id::ApiKeyId;
use domain::time::Timestamp;
use ledger::account::FundKey;

use crate::db::Tx;
use crate::error::StoreError;

/// Makes the row of a window, with what the key spent in it so far. Does nothing when the row
/// exists or the key does not.
pub(crate) async fn open(tx: &mut Tx, key: ApiKeyId, window: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO key_budgets (fund_key, api_key_id, window_start, spent_nanos, pending_nanos)
        SELECT $1, api_key_id, $3,
               (SELECT CAST(COALESCE(SUM(spent_nanos), 0) AS BIGINT)
                  FROM key_usage_daily
                 WHERE api_key_id = $2
                   AND day >= $3),
               0
          FROM api_keys
         WHERE api_key_id = $2
        ON CONFLICT (fund_key) DO NOTHING";
    let fund = FundKey::KeyBudget { key, window }.to_string();
    execute!(tx, SQL, fund, key.to_string(), window.as_micros())?;
    Ok(())
}

/// Counts again what a key spent in a window whose row exists. The row may have been made under
/// another limit and left alone since.
pub(crate) async fn recount(
    tx: &mut Tx,
    key: ApiKeyId,
    window: Timestamp,
) -> Result<(), StoreError> {
    // Locks the row first: a settlement that waits for it adds its own amount afterwards, and
    // one that held it is visible to the second statement.
    const SQL_LOCK: &str = "
        UPDATE key_budgets
           SET spent_nanos = spent_nanos
         WHERE fund_key = $1";
    const SQL_COUNT: &str = "
        UPDATE key_budgets
           SET spent_nanos = (SELECT CAST(COALESCE(SUM(spent_nanos), 0) AS BIGINT)
                                FROM key_usage_daily
                               WHERE api_key_id = $2
                                 AND day >= $3)
         WHERE fund_key = $1";
    let fund = FundKey::KeyBudget { key, window }.to_string();
    if execute!(tx, SQL_LOCK, &fund)? == 1 {
        execute!(tx, SQL_COUNT, &fund, key.to_string(), window.as_micros())?;
    }
    Ok(())
}

/// Adds what a key spent without drawing on a budget to whatever budgets it has for windows that
/// contain `at`: the request began before the key was limited.
pub(crate) async fn add_undrawn(
    tx: &mut Tx,
    key: ApiKeyId,
    at: Timestamp,
    nanos: i64,
) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE key_budgets
           SET spent_nanos = spent_nanos + $2
         WHERE api_key_id = $1
           AND window_start IN (0, $3, $4, $5)";
    let [day, week, month] =
        [at.start_of_day(), at.start_of_week(), at.start_of_month()].map(Timestamp::as_micros);
    execute!(tx, SQL, key.to_string(), nanos, day, week, month)?;
    Ok(())
}

/// Takes back what was counted as spent and then not charged.
pub(crate) async fn unspend(tx: &mut Tx, fund: &FundKey, nanos: i64) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE key_budgets
           SET spent_nanos = spent_nanos - $2
         WHERE fund_key = $1";
    execute!(tx, SQL, fund.to_string(), nanos)?;
    Ok(())
}
