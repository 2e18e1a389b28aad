//! Balances of workspaces.

use domain::id::WorkspaceId;
use domain::ledger_entry::Balance;
use ledger::account::FundKey;

use crate::db::Db;
use crate::error::StoreError;
use crate::row;

/// What a workspace has, has used and has pending. All zero for a workspace without an account.
pub async fn balance(db: &Db, workspace: WorkspaceId) -> Result<Balance, StoreError> {
    const SQL: &str = "
        SELECT credits_posted_nanos, debits_posted_nanos, debits_pending_nanos
          FROM ledger_accounts
         WHERE account_key = $1";
    let account = FundKey::Credits(workspace).to_string();
    let found: Option<(i64, i64, i64)> = fetch_optional!(db.read().await?, SQL, account)?;
    Ok(found.map_or_else(Balance::default, |(credits, used, pending)| Balance {
        credits: row::usd(credits),
        used: row::usd(used),
        pending: row::usd(pending),
    }))
}
