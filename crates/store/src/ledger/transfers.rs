//! Movements of money between accounts.

use domain::id::WorkspaceId;
use domain::ledger_entry::LedgerEntry;
use domain::money::Usd;
use domain::page::Page;
use ledger::account::{AccountKey, FundKey};
use ledger::transfer::Transfer;
use std::collections::BTreeMap;

use super::{funds, retry};
use crate::cursor::{self, Cursor};
use crate::db::{Db, Tx};
use crate::error::{Constraint, StoreError};
use crate::row;

/// What became of a transfer that was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    New,
    /// One with this idempotency key was posted before, and nothing moved.
    Duplicate,
}

/// Posts transfers, all or none.
///
/// A transfer whose idempotency key is in the books already moves nothing; if that one moved
/// another amount or between other accounts, the call fails with [`Constraint::TransferKey`].
/// A transfer that would overdraw an enforced account fails with [`StoreError::Insufficient`].
pub async fn post(db: &Db, transfers: &[Transfer]) -> Result<Vec<Posted>, StoreError> {
    retry!(post_once(db, transfers))
}

async fn post_once(db: &Db, transfers: &[Transfer]) -> Result<Vec<Posted>, StoreError> {
    let mut tx = db.begin().await?;
    let mut posted = Vec::with_capacity(transfers.len());
    // What each enforced account gains and loses, in the order of the accounts.
    let mut changes: BTreeMap<&AccountKey, (Usd, Usd)> = BTreeMap::new();
    for transfer in transfers {
        if !insert(&mut tx, transfer).await? {
            check_same(&mut tx, transfer).await?;
            posted.push(Posted::Duplicate);
            continue;
        }
        posted.push(Posted::New);
        if transfer.credit().enforced().is_some() {
            let (gained, _) = changes.entry(transfer.credit()).or_default();
            *gained = gained.saturating_add(transfer.amount());
        }
        if transfer.debit().enforced().is_some() {
            let (_, lost) = changes.entry(transfer.debit()).or_default();
            *lost = lost.saturating_add(transfer.amount());
        }
    }
    for (account, (gained, lost)) in changes {
        change(&mut tx, account, gained, lost).await?;
    }
    tx.commit().await?;
    Ok(posted)
}

/// Writes a transfer without touching running balances. False when its idempotency key is taken.
pub(super) async fn insert(tx: &mut Tx, transfer: &Transfer) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO ledger_transfers (transfer_id, debit_account, credit_account, amount_nanos,
               code, idempotency_key, reference, reverses, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (idempotency_key) DO NOTHING";
    let inserted = execute!(
        tx,
        SQL,
        transfer.id().to_string(),
        transfer.debit().to_string(),
        transfer.credit().to_string(),
        transfer.amount().nanos(),
        transfer.code().as_str(),
        transfer.idempotency_key(),
        transfer.reference(),
        transfer.reverses().map(|id| id.to_string()),
        transfer.created_at().as_micros(),
    )?;
    Ok(inserted == 1)
}

/// Fails unless the transfer in the books with this idempotency key moved the same money.
async fn check_same(tx: &mut Tx, transfer: &Transfer) -> Result<(), StoreError> {
    const SQL: &str = "
        SELECT debit_account, credit_account, amount_nanos
          FROM ledger_transfers
         WHERE idempotency_key = $1";
    let (debit, credit, amount): (String, String, i64) =
        fetch_one!(tx, SQL, transfer.idempotency_key())?;
    let same = debit == transfer.debit().to_string()
        && credit == transfer.credit().to_string()
        && amount == transfer.amount().nanos();
    if same { Ok(()) } else { Err(StoreError::Conflict(Constraint::TransferKey)) }
}

/// Changes the running balance of an enforced account, unless that would overdraw it.
async fn change(
    tx: &mut Tx,
    account: &AccountKey,
    gained: Usd,
    lost: Usd,
) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE ledger_accounts
           SET credits_posted_nanos = credits_posted_nanos + $2,
               debits_posted_nanos = debits_posted_nanos + $3
         WHERE account_key = $1
           AND ($3 = 0 OR credits_posted_nanos + overdraft_nanos
                        - debits_posted_nanos - debits_pending_nanos >= $3 - $2)";
    let key = account.to_string();
    if execute!(tx, SQL, &key, gained.nanos(), lost.nanos())? == 1 {
        return Ok(());
    }
    let Some(workspace) = account.enforced() else {
        return Err(StoreError::Missing("account"));
    };
    let available = funds::available(tx, &FundKey::Credits(workspace))
        .await?
        .ok_or(StoreError::Missing("account"))?;
    Err(StoreError::Insufficient { available: row::usd(available) })
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    transfer_id: String,
    change_nanos: i64,
    code: String,
    reference: String,
    created_at: i64,
}

impl TryFrom<EntryRow> for LedgerEntry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row::parse("transfer_id", &row.transfer_id)?,
            change: row::usd(row.change_nanos),
            code: row.code,
            reference: row.reference,
            created_at: row::time(row.created_at),
        })
    }
}

/// The movements of a workspace's credits, newest first.
pub async fn statement(
    db: &Db,
    workspace: WorkspaceId,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<LedgerEntry>, StoreError> {
    // Each half is read from its own index and stops at the limit.
    const SQL: &str = "
        SELECT *
          FROM (SELECT transfer_id, amount_nanos AS change_nanos, code, reference, created_at
                  FROM ledger_transfers
                 WHERE credit_account = $1
                   AND (created_at, transfer_id) < ($2, $3)
                 ORDER BY created_at DESC, transfer_id DESC
                 LIMIT $4) AS gained
     UNION ALL
        SELECT *
          FROM (SELECT transfer_id, -amount_nanos AS change_nanos, code, reference, created_at
                  FROM ledger_transfers
                 WHERE debit_account = $1
                   AND (created_at, transfer_id) < ($2, $3)
                 ORDER BY created_at DESC, transfer_id DESC
                 LIMIT $4) AS lost
         ORDER BY created_at DESC, transfer_id DESC
         LIMIT $4";
    let after = Cursor::parse(cursor)?;
    let rows: Vec<EntryRow> = fetch_all!(
        db.read().await?,
        SQL,
        FundKey::Credits(workspace).to_string(),
        after.at,
        &after.id,
        cursor::rows(limit),
    )?;
    let entries =
        rows.into_iter().map(LedgerEntry::try_from).collect::<Result<Vec<_>, StoreError>>()?;
    Ok(cursor::page(entries, limit, |last| (last.created_at, last.id.to_string())))
}
