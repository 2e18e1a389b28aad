//! API keys: everything about them but their secret.

use domain::api_key::{ApiKey, KeyHash, LimitReset, SpendLimit};
use domain::id::{ApiKeyId, WorkspaceId};
use domain::time::Timestamp;
use domain::workspace::Billing;

use crate::db::Db;
use crate::error::StoreError;
use crate::ledger::budgets;
use crate::row;
use crate::workspaces::parse_billing;

/// A key and how its workspace pays: what admitting a request needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyWithBilling {
    pub key: ApiKey,
    pub billing: Billing,
}

#[derive(sqlx::FromRow)]
struct ApiKeyRow {
    api_key_id: String,
    workspace_id: String,
    creator_id: String,
    key_hash: String,
    name: String,
    label: String,
    disabled: bool,
    limit_nanos: Option<i64>,
    limit_reset: Option<String>,
    created_at: i64,
    updated_at: Option<i64>,
    last_used_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct KeyWithBillingRow {
    #[sqlx(flatten)]
    key: ApiKeyRow,
    billing: String,
}

impl TryFrom<ApiKeyRow> for ApiKey {
    type Error = StoreError;

    fn try_from(row: ApiKeyRow) -> Result<Self, StoreError> {
        let reset: Option<LimitReset> =
            row::parse_optional("limit_reset", row.limit_reset.as_deref())?;
        Ok(Self {
            id: row::parse("api_key_id", &row.api_key_id)?,
            workspace_id: row::parse("workspace_id", &row.workspace_id)?,
            creator: row::parse("creator_id", &row.creator_id)?,
            hash: KeyHash::try_from(row.key_hash)
                .map_err(|_| StoreError::Corrupt { column: "key_hash" })?,
            name: row.name,
            label: row.label,
            disabled: row.disabled,
            limit: row
                .limit_nanos
                .zip(reset)
                .map(|(nanos, reset)| SpendLimit { amount: row::usd(nanos), reset }),
            created_at: row::time(row.created_at),
            updated_at: row::optional_time(row.updated_at),
            last_used_at: row::optional_time(row.last_used_at),
        })
    }
}

/// Adds a key, unless its workspace has `most` already: then it returns false. Keys that are made
/// at the same moment are counted one after the other.
pub async fn insert(db: &Db, key: &ApiKey, most: u32) -> Result<bool, StoreError> {
    const SQL_LOCK: &str = "UPDATE workspaces SET name = name WHERE workspace_id = $1";
    const SQL_COUNT: &str = "
        SELECT COUNT(*)
          FROM api_keys
         WHERE workspace_id = $1
           AND deleted_at IS NULL";
    const SQL: &str = "
        INSERT INTO api_keys (api_key_id, workspace_id, creator_id, key_hash, name, label,
               disabled, limit_nanos, limit_reset, created_at, updated_at, last_used_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let mut tx = db.begin().await?;
    let workspace = key.workspace_id.to_string();
    execute!(tx, SQL_LOCK, &workspace)?;
    let (count,): (i64,) = fetch_one!(tx, SQL_COUNT, &workspace)?;
    if count >= i64::from(most) {
        return Ok(false);
    }
    execute!(
        tx,
        SQL,
        key.id.to_string(),
        workspace,
        key.creator.to_string(),
        key.hash.as_str(),
        &key.name,
        &key.label,
        key.disabled,
        key.limit.map(|limit| limit.amount.nanos()),
        key.limit.map(|limit| limit.reset.as_str()),
        key.created_at.as_micros(),
        key.updated_at.map(Timestamp::as_micros),
        key.last_used_at.map(Timestamp::as_micros),
    )?;
    tx.commit().await?;
    Ok(true)
}

/// The key whose secret has this hash, unless it was deleted.
pub async fn find_by_hash(db: &Db, hash: &KeyHash) -> Result<Option<KeyWithBilling>, StoreError> {
    const SQL: &str = "
        SELECT k.api_key_id, k.workspace_id, k.creator_id, k.key_hash, k.name, k.label,
               k.disabled, k.limit_nanos, k.limit_reset, k.created_at, k.updated_at,
               k.last_used_at, w.billing
          FROM api_keys k
          JOIN workspaces w ON w.workspace_id = k.workspace_id
         WHERE k.key_hash = $1
           AND k.deleted_at IS NULL";
    let row: Option<KeyWithBillingRow> = fetch_optional!(db.read().await?, SQL, hash.as_str())?;
    row.map(|row| {
        Ok(KeyWithBilling { key: row.key.try_into()?, billing: parse_billing(&row.billing)? })
    })
    .transpose()
}

pub async fn find(
    db: &Db,
    workspace: WorkspaceId,
    id: ApiKeyId,
) -> Result<Option<ApiKey>, StoreError> {
    const SQL: &str = "
        SELECT api_key_id, workspace_id, creator_id, key_hash, name, label, disabled,
               limit_nanos, limit_reset, created_at, updated_at, last_used_at
          FROM api_keys
         WHERE workspace_id = $1
           AND api_key_id = $2
           AND deleted_at IS NULL";
    let row: Option<ApiKeyRow> =
        fetch_optional!(db.read().await?, SQL, workspace.to_string(), id.to_string())?;
    row.map(ApiKey::try_from).transpose()
}

/// The keys of a workspace, newest first.
pub async fn list(db: &Db, workspace: WorkspaceId) -> Result<Vec<ApiKey>, StoreError> {
    const SQL: &str = "
        SELECT api_key_id, workspace_id, creator_id, key_hash, name, label, disabled,
               limit_nanos, limit_reset, created_at, updated_at, last_used_at
          FROM api_keys
         WHERE workspace_id = $1
           AND deleted_at IS NULL
         ORDER BY created_at DESC, api_key_id DESC";
    let rows: Vec<ApiKeyRow> = fetch_all!(db.read().await?, SQL, workspace.to_string())?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// False when the workspace has no such key; so do the functions below.
pub async fn rename(
    db: &Db,
    workspace: WorkspaceId,
    id: ApiKeyId,
    name: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE api_keys
           SET name = $3,
               updated_at = $4
         WHERE workspace_id = $1
           AND api_key_id = $2
           AND deleted_at IS NULL";
    let (workspace, id) = (workspace.to_string(), id.to_string());
    Ok(execute!(db.write().await?, SQL, workspace, id, name, now.as_micros())? == 1)
}

pub async fn set_disabled(
    db: &Db,
    workspace: WorkspaceId,
    id: ApiKeyId,
    disabled: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE api_keys
           SET disabled = $3,
               updated_at = $4
         WHERE workspace_id = $1
           AND api_key_id = $2
           AND deleted_at IS NULL";
    let (workspace, id) = (workspace.to_string(), id.to_string());
    Ok(execute!(db.write().await?, SQL, workspace, id, disabled, now.as_micros())? == 1)
}

/// Changes what a key may spend. What it already spent in the window counts against the new
/// limit.
pub async fn set_limit(
    db: &Db,
    workspace: WorkspaceId,
    id: ApiKeyId,
    limit: Option<SpendLimit>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE api_keys
           SET limit_nanos = $3,
               limit_reset = $4,
               updated_at = $5
         WHERE workspace_id = $1
           AND api_key_id = $2
           AND deleted_at IS NULL";
    let mut tx = db.begin().await?;
    let changed = execute!(
        tx,
        SQL,
        workspace.to_string(),
        id.to_string(),
        limit.map(|limit| limit.amount.nanos()),
        limit.map(|limit| limit.reset.as_str()),
        now.as_micros(),
    )? == 1;
    if let Some(limit) = limit.filter(|_| changed) {
        budgets::recount(&mut tx, id, limit.reset.window_start(now)).await?;
    }
    tx.commit().await?;
    Ok(changed)
}

/// Deletes a key and returns its hash, so that caches can forget it. Its generations still name
/// it; its secret never works again.
pub async fn delete(
    db: &Db,
    workspace: WorkspaceId,
    id: ApiKeyId,
    now: Timestamp,
) -> Result<Option<KeyHash>, StoreError> {
    const SQL: &str = "
        UPDATE api_keys
           SET deleted_at = $3,
               updated_at = $3
         WHERE workspace_id = $1
           AND api_key_id = $2
           AND deleted_at IS NULL
     RETURNING key_hash";
    let (workspace, id) = (workspace.to_string(), id.to_string());
    let deleted: Option<(String,)> =
        fetch_optional!(db.write().await?, SQL, workspace, id, now.as_micros())?;
    deleted
        .map(|(hash,)| {
            KeyHash::try_from(hash).map_err(|_| StoreError::Corrupt { column: "key_hash" })
        })
        .transpose()
}

/// Notes when keys were last used. Times only move forward.
pub async fn touch(db: &Db, used: &[(ApiKeyId, Timestamp)]) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE api_keys
           SET last_used_at = $2
         WHERE api_key_id = $1
           AND (last_used_at IS NULL OR last_used_at < $2)";
    // In one order everywhere, so that two instances do not wait for each other.
    let mut used = used.to_vec();
    used.sort_unstable();
    let mut tx = db.begin().await?;
    for (id, at) in used {
        execute!(tx, SQL, id.to_string(), at.as_micros())?;
    }
    tx.commit().await
}
