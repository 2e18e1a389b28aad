//! Replies kept for requests that carry an `Idempotency-Key`.

use domain::time::Timestamp;

use crate::db::Db;
use crate::error::StoreError;

/// A request that must have one effect however often it is sent.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Who asks, and for what: key or person, method and path.
    pub scope: &'a str,
    /// The caller's `Idempotency-Key`.
    pub key: &'a str,
    /// Of the body, to notice when a key is used for something else.
    pub hash: &'a str,
}

/// A reply as it was first sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
}

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is the first: run it, then [`finish`] or [`abandon`].
    First,
    /// The first is still under way.
    InProgress,
    /// It was answered: send the same again.
    Answered(Reply),
    /// The key was used for a different request.
    Mismatch,
}

#[derive(sqlx::FromRow)]
struct ReplyRow {
    request_hash: String,
    status: Option<i64>,
    body: Option<Vec<u8>>,
}

/// Claims a key, or tells what became of the request that claimed it before. A claim that has
/// expired counts for nothing.
pub async fn begin(
    db: &Db,
    request: Request<'_>,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<Begun, StoreError> {
    const SQL_CLAIM: &str = "
        INSERT INTO idempotent_replies
               (scope, idempotency_key, request_hash, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (scope, idempotency_key) DO UPDATE
           SET request_hash = excluded.request_hash,
               status = NULL,
               body = NULL,
               created_at = excluded.created_at,
               expires_at = excluded.expires_at
         WHERE idempotent_replies.expires_at <= $4";
    const SQL_FIND: &str = "
        SELECT request_hash, status, body
          FROM idempotent_replies
         WHERE scope = $1
           AND idempotency_key = $2";
    let mut tx = db.begin().await?;
    let Request { scope, key, hash } = request;
    let (now, expires_at) = (now.as_micros(), expires_at.as_micros());
    let claimed = execute!(tx, SQL_CLAIM, scope, key, hash, now, expires_at)? == 1;
    if claimed {
        tx.commit().await?;
        return Ok(Begun::First);
    }
    let found: Option<ReplyRow> = fetch_optional!(tx, SQL_FIND, scope, key)?;
    tx.commit().await?;
    let Some(row) = found else {
        // Abandoned between the two statements: as good as under way, the caller comes again.
        return Ok(Begun::InProgress);
    };
    if row.request_hash != hash {
        return Ok(Begun::Mismatch);
    }
    Ok(match row.status.zip(row.body) {
        None => Begun::InProgress,
        Some((status, body)) => Begun::Answered(Reply {
            status: u16::try_from(status).map_err(|_| StoreError::Corrupt { column: "status" })?,
            body,
        }),
    })
}

/// Keeps the reply of the request that claimed the key.
pub async fn finish(db: &Db, request: Request<'_>, reply: &Reply) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE idempotent_replies
           SET status = $4,
               body = $5
         WHERE scope = $1
           AND idempotency_key = $2
           AND request_hash = $3
           AND status IS NULL";
    let Request { scope, key, hash } = request;
    let status = i64::from(reply.status);
    execute!(db.write().await?, SQL, scope, key, hash, status, reply.body.as_slice())?;
    Ok(())
}

/// Gives up a claim whose request had no effect, so that it can be sent again.
pub async fn abandon(db: &Db, request: Request<'_>) -> Result<(), StoreError> {
    const SQL: &str = "
        DELETE FROM idempotent_replies
         WHERE scope = $1
           AND idempotency_key = $2
           AND request_hash = $3
           AND status IS NULL";
    let Request { scope, key, hash } = request;
    execute!(db.write().await?, SQL, scope, key, hash)?;
    Ok(())
}

/// Removes what has expired; how many there were.
pub async fn delete_expired(db: &Db, now: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "DELETE FROM idempotent_replies WHERE expires_at <= $1";
    execute!(db.write().await?, SQL, now.as_micros())
}
