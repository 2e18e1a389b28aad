//! What was used, by key and by workspace, from the daily sums.

use domain::id::{ApiKeyId, WorkspaceId};
use domain::money::Usd;
use domain::time::Timestamp;
use std::collections::HashMap;

use crate::db::Db;
use crate::error::StoreError;
use crate::row;

/// What a key spent: ever, and in the UTC day, week and month that contain the time asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeySpend {
    pub total: Usd,
    pub daily: Usd,
    pub weekly: Usd,
    pub monthly: Usd,
}

/// What a workspace used in some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkspaceUsage {
    pub cost: Usd,
    pub generations: u64,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

#[derive(sqlx::FromRow)]
struct KeySpendRow {
    api_key_id: String,
    total: i64,
    daily: i64,
    weekly: i64,
    monthly: i64,
}

#[derive(sqlx::FromRow)]
struct WorkspaceUsageRow {
    cost: i64,
    generations: i64,
    prompt_tokens: i64,
    completion_tokens: i64,
}

impl From<&KeySpendRow> for KeySpend {
    fn from(row: &KeySpendRow) -> Self {
        Self {
            total: row::usd(row.total),
            daily: row::usd(row.daily),
            weekly: row::usd(row.weekly),
            monthly: row::usd(row.monthly),
        }
    }
}

/// What each key of a workspace spent. Keys that spent nothing are left out.
pub async fn key_spend(
    db: &Db,
    workspace: WorkspaceId,
    now: Timestamp,
) -> Result<HashMap<ApiKeyId, KeySpend>, StoreError> {
    const SQL: &str = "
        SELECT api_key_id,
               CAST(SUM(spent_nanos) AS BIGINT) AS total,
               CAST(SUM(CASE WHEN day >= $2 THEN spent_nanos ELSE 0 END) AS BIGINT) AS daily,
               CAST(SUM(CASE WHEN day >= $3 THEN spent_nanos ELSE 0 END) AS BIGINT) AS weekly,
               CAST(SUM(CASE WHEN day >= $4 THEN spent_nanos ELSE 0 END) AS BIGINT) AS monthly
          FROM key_usage_daily
         WHERE workspace_id = $1
         GROUP BY api_key_id
         ORDER BY api_key_id";
    let [day, week, month] = windows(now);
    let rows: Vec<KeySpendRow> =
        fetch_all!(db.read().await?, SQL, workspace.to_string(), day, week, month)?;
    rows.iter()
        .map(|row| Ok((row::parse("api_key_id", &row.api_key_id)?, KeySpend::from(row))))
        .collect()
}

/// What one key spent.
pub async fn one_key_spend(
    db: &Db,
    workspace: WorkspaceId,
    key: ApiKeyId,
    now: Timestamp,
) -> Result<KeySpend, StoreError> {
    const SQL: &str = "
        SELECT api_key_id,
               CAST(SUM(spent_nanos) AS BIGINT) AS total,
               CAST(SUM(CASE WHEN day >= $3 THEN spent_nanos ELSE 0 END) AS BIGINT) AS daily,
               CAST(SUM(CASE WHEN day >= $4 THEN spent_nanos ELSE 0 END) AS BIGINT) AS weekly,
               CAST(SUM(CASE WHEN day >= $5 THEN spent_nanos ELSE 0 END) AS BIGINT) AS monthly
          FROM key_usage_daily
         WHERE workspace_id = $1
           AND api_key_id = $2
         GROUP BY api_key_id";
    let [day, week, month] = windows(now);
    let (workspace, key) = (workspace.to_string(), key.to_string());
    let row: Option<KeySpendRow> =
        fetch_optional!(db.read().await?, SQL, workspace, key, day, week, month)?;
    Ok(row.as_ref().map(KeySpend::from).unwrap_or_default())
}

/// What a workspace used since the beginning of the UTC day that contains `since`.
pub async fn workspace_usage(
    db: &Db,
    workspace: WorkspaceId,
    since: Timestamp,
) -> Result<WorkspaceUsage, StoreError> {
    const SQL: &str = "
        SELECT CAST(COALESCE(SUM(spent_nanos), 0) AS BIGINT) AS cost,
               CAST(COALESCE(SUM(generations), 0) AS BIGINT) AS generations,
               CAST(COALESCE(SUM(prompt_tokens), 0) AS BIGINT) AS prompt_tokens,
               CAST(COALESCE(SUM(completion_tokens), 0) AS BIGINT) AS completion_tokens
          FROM key_usage_daily
         WHERE workspace_id = $1
           AND day >= $2";
    let since = since.start_of_day().as_micros();
    let row: WorkspaceUsageRow = fetch_one!(db.read().await?, SQL, workspace.to_string(), since)?;
    Ok(WorkspaceUsage {
        cost: row::usd(row.cost),
        generations: row::count("generations", row.generations)?,
        prompt_tokens: row::count("prompt_tokens", row.prompt_tokens)?,
        completion_tokens: row::count("completion_tokens", row.completion_tokens)?,
    })
}

fn windows(now: Timestamp) -> [i64; 3] {
    [now.start_of_day(), now.start_of_week(), now.start_of_month()].map(Timestamp::as_micros)
}
