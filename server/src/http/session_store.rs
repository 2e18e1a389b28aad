//! Browser sessions, kept in the database.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::id::UserId;
use domain::time::{Clock, Timestamp};
use serde_json::Value;
use store::{Db, StoreError};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

/// The cookie that names a session.
pub(super) const COOKIE: &str = "entrepot_session";

/// Under which the web app keeps the id of whoever is signed in. The database has it in a column
/// too, so that all sessions of one person can be ended.
const USER_KEY: &str = "user_id";

/// Sessions over [`store::sessions`].
#[derive(Clone)]
pub(super) struct Sessions {
    db: Db,
    clock: Arc<dyn Clock>,
}

impl Sessions {
    pub(super) fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock }
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        // Ids have 128 random bits; a second one that is taken too means that something is broken.
        for _ in 0..3 {
            let row = Row::of(record)?;
            let created =
                store::sessions::create(&self.db, &row.id, &row.data, row.user, row.expires_at)
                    .await
                    .map_err(|error| backend(&error))?;
            if created {
                return Ok(());
            }
            record.id = Id::default();
        }
        Err(Error::Backend("no free session id was found".to_owned()))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let row = Row::of(record)?;
        store::sessions::save(&self.db, &row.id, &row.data, row.user, row.expires_at)
            .await
            .map_err(|error| backend(&error))
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let found = store::sessions::load(&self.db, &id.to_string(), self.clock.now())
            .await
            .map_err(|error| backend(&error))?;
        let Some((data, expires_at)) = found else { return Ok(None) };
        let data: HashMap<String, Value> =
            serde_json::from_str(&data).map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date: expires_at.to_calendar() }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        store::sessions::delete(&self.db, &id.to_string()).await.map_err(|error| backend(&error))
    }
}

/// A session as the database has it.
struct Row {
    id: String,
    data: String,
    user: Option<UserId>,
    expires_at: Timestamp,
}

impl Row {
    fn of(record: &Record) -> Result<Self> {
        let data = serde_json::to_string(&record.data)
            .map_err(|error| Error::Encode(error.to_string()))?;
        let user = record.data.get(USER_KEY).and_then(|value| value.as_str()?.parse().ok());
        let micros = record.expiry_date.unix_timestamp_nanos() / 1_000;
        let expires_at = Timestamp::from_micros(i64::try_from(micros).unwrap_or(i64::MAX));
        Ok(Self { id: record.id.to_string(), data, user, expires_at })
    }
}

fn backend(error: &StoreError) -> Error {
    tracing::error!(error = %error, "A session could not be read or written");
    Error::Backend("the database is unavailable".to_owned())
}
