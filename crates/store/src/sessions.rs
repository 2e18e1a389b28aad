//! Sessions of signed-in people. The data is opaque to the store.
//!
//! Of an identifier only its SHA-256 is kept: whoever reads the database, or a copy of it, cannot
//! go on with anybody's session. Identifiers have 128 random bits, so they need no salt.

use domain::id::UserId;
use domain::time::Timestamp;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

use crate::db::Db;
use crate::error::StoreError;
use crate::row;

/// Saves a session, new or not. `user` is who is signed in, if anyone.
pub async fn save(
    db: &Db,
    id: &str,
    data: &str,
    user: Option<UserId>,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO sessions (session_id, data, user_id, expires_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (session_id) DO UPDATE
           SET data = excluded.data,
               user_id = excluded.user_id,
               expires_at = excluded.expires_at";
    let user = user.map(|user| user.to_string());
    execute!(db.write().await?, SQL, digest(id), data, user, expires_at.as_micros())?;
    Ok(())
}

/// Adds a session. False when the identifier is in use.
pub async fn create(
    db: &Db,
    id: &str,
    data: &str,
    user: Option<UserId>,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO sessions (session_id, data, user_id, expires_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (session_id) DO NOTHING";
    let user = user.map(|user| user.to_string());
    Ok(execute!(db.write().await?, SQL, digest(id), data, user, expires_at.as_micros())? == 1)
}

/// A session's data and when it ends, unless it has ended.
pub async fn load(
    db: &Db,
    id: &str,
    now: Timestamp,
) -> Result<Option<(String, Timestamp)>, StoreError> {
    const SQL: &str = "
        SELECT data, expires_at
          FROM sessions
         WHERE session_id = $1
           AND expires_at > $2";
    let found: Option<(String, i64)> =
        fetch_optional!(db.read().await?, SQL, digest(id), now.as_micros())?;
    Ok(found.map(|(data, expires_at)| (data, row::time(expires_at))))
}

/// Ends a session. Idempotent.
pub async fn delete(db: &Db, id: &str) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM sessions WHERE session_id = $1";
    execute!(db.write().await?, SQL, digest(id))?;
    Ok(())
}

/// Ends all of a person's sessions except one; how many there were.
pub async fn delete_for_user(
    db: &Db,
    user: UserId,
    except: Option<&str>,
) -> Result<u64, StoreError> {
    const SQL: &str = "
        DELETE FROM sessions
         WHERE user_id = $1
           AND session_id <> $2";
    // No digest is empty.
    let except = except.map(digest).unwrap_or_default();
    execute!(db.write().await?, SQL, user.to_string(), except)
}

/// Removes the sessions that have ended; how many there were.
pub async fn delete_expired(db: &Db, now: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "DELETE FROM sessions WHERE expires_at <= $1";
    execute!(db.write().await?, SQL, now.as_micros())
}

/// What stands for an identifier in the database.
fn digest(id: &str) -> String {
    Sha256::digest(id.as_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
