//! Responses that their callers asked to keep: the only prompts and completions in the database.

use domain::id::WorkspaceId;
use domain::time::Timestamp;

use crate::db::Db;
use crate::error::StoreError;
use crate::row;

/// A response and what it answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    pub id: String,
    pub workspace_id: WorkspaceId,
    /// The response that this one continues.
    pub previous: Option<String>,
    /// JSON list of this request's own items.
    pub input: String,
    /// JSON object, as it was sent.
    pub response: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl StoredResponse {
    pub fn bytes(&self) -> usize {
        self.input.len().saturating_add(self.response.len())
    }
}

#[derive(sqlx::FromRow)]
struct ResponseRow {
    response_id: String,
    workspace_id: String,
    previous_response_id: Option<String>,
    input: String,
    response: String,
    created_at: i64,
    expires_at: i64,
}

impl TryFrom<ResponseRow> for StoredResponse {
    type Error = StoreError;

    fn try_from(row: ResponseRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.response_id,
            workspace_id: row::parse("workspace_id", &row.workspace_id)?,
            previous: row.previous_response_id,
            input: row.input,
            response: row.response,
            created_at: row::time(row.created_at),
            expires_at: row::time(row.expires_at),
        })
    }
}

/// Keeps a response. Idempotent: what is kept under an id stays as it is.
pub async fn save(db: &Db, response: &StoredResponse) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO stored_responses
               (response_id, workspace_id, previous_response_id, input, response, bytes,
                created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (response_id) DO NOTHING";
    let bytes = row::from_count(row::from_length(response.bytes()));
    execute!(
        db.write().await?,
        SQL,
        response.id.as_str(),
        response.workspace_id.to_string(),
        response.previous.as_deref(),
        response.input.as_str(),
        response.response.as_str(),
        bytes,
        response.created_at.as_micros(),
        response.expires_at.as_micros(),
    )?;
    Ok(())
}

/// A response that a workspace keeps.
pub async fn find(
    db: &Db,
    workspace: WorkspaceId,
    id: &str,
    now: Timestamp,
) -> Result<Option<StoredResponse>, StoreError> {
    const SQL: &str = "
        SELECT response_id,
               workspace_id,
               previous_response_id,
               input,
               response,
               created_at,
               expires_at
          FROM stored_responses
         WHERE workspace_id = $1
           AND response_id = $2
           AND expires_at > $3";
    let found: Option<ResponseRow> =
        fetch_optional!(db.read().await?, SQL, workspace.to_string(), id, now.as_micros())?;
    found.map(StoredResponse::try_from).transpose()
}

/// How much of a conversation is read at most.
#[derive(Debug, Clone, Copy)]
pub struct ConversationMax {
    pub responses: u32,
    /// What goes beyond it is the last that is read.
    pub bytes: usize,
}

/// A response and those that it continues, newest first, as far as they are kept and within the
/// bounds. Empty when the first is not kept.
pub async fn list_conversation(
    db: &Db,
    workspace: WorkspaceId,
    last: &str,
    max: ConversationMax,
    now: Timestamp,
) -> Result<Vec<StoredResponse>, StoreError> {
    const SQL: &str = "
        WITH RECURSIVE conversation (response_id, previous_response_id, place, total) AS (
            SELECT response_id,
                   previous_response_id,
                   CAST(1 AS BIGINT),
                   bytes
              FROM stored_responses
             WHERE workspace_id = $1
               AND response_id = $2
               AND expires_at > $3
             UNION ALL
            SELECT earlier.response_id,
                   earlier.previous_response_id,
                   later.place + 1,
                   later.total + earlier.bytes
              FROM conversation later
              JOIN stored_responses earlier ON earlier.response_id = later.previous_response_id
             WHERE earlier.workspace_id = $1
               AND earlier.expires_at > $3
               AND later.place < $4
               AND later.total <= $5
        )
        SELECT kept.response_id,
               kept.workspace_id,
               kept.previous_response_id,
               kept.input,
               kept.response,
               kept.created_at,
               kept.expires_at
          FROM conversation
          JOIN stored_responses kept ON kept.response_id = conversation.response_id
         ORDER BY conversation.place, kept.response_id";
    let rows: Vec<ResponseRow> = fetch_all!(
        db.read().await?,
        SQL,
        workspace.to_string(),
        last,
        now.as_micros(),
        i64::from(max.responses),
        row::from_count(row::from_length(max.bytes)),
    )?;
    rows.into_iter().map(StoredResponse::try_from).collect()
}

/// Forgets a response. False when the workspace keeps none with this id.
pub async fn delete(db: &Db, workspace: WorkspaceId, id: &str) -> Result<bool, StoreError> {
    const SQL: &str = "
        DELETE FROM stored_responses
         WHERE workspace_id = $1
           AND response_id = $2";
    Ok(execute!(db.write().await?, SQL, workspace.to_string(), id)? == 1)
}

/// Forgets the responses whose time is over; how many there were.
pub async fn delete_expired(db: &Db, now: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "DELETE FROM stored_responses WHERE expires_at <= $1";
    execute!(db.write().await?, SQL, now.as_micros())
}
