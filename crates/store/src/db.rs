//! The database that the operator chose: connections, transactions, migrations.

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::error::StoreError;
use crate::sql::On;

/// A database. Cheap to clone; clones share their connections.
///
/// SQLite is for one instance, PostgreSQL for many. SQLite has one writer whose transactions begin
/// with `BEGIN IMMEDIATE`, so that a transaction never finds half-way that it may not write, and
/// read-only connections beside it.
#[derive(Debug, Clone)]
pub enum Db {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres { pool: PgPool },
}

/// Where a database is: `sqlite:<path>` or `postgres://…`. Debug output hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Location);

#[derive(Clone, PartialEq, Eq)]
enum Location {
    Sqlite(PathBuf),
    Postgres(String),
}

impl DatabaseUrl {
    /// A SQLite database in a file, made when it does not exist.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(Location::Sqlite(path.into()))
    }

    /// Which kind it is, for logs: `sqlite` or `postgres`.
    pub const fn kind(&self) -> &'static str {
        match self.0 {
            Location::Sqlite(_) => "sqlite",
            Location::Postgres(_) => "postgres",
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        if let Some(rest) = text.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            // An in-memory database would be a different one for every connection.
            if path.is_empty() || path.starts_with(":memory:") {
                return Err(StoreError::InvalidUrl);
            }
            return Ok(Self::sqlite(path));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            PgConnectOptions::from_str(text).map_err(|_| StoreError::InvalidUrl)?;
            return Ok(Self(Location::Postgres(text.to_owned())));
        }
        Err(StoreError::InvalidUrl)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Location::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Location::Postgres(_) => f.write_str("postgres:[secret]"),
        }
    }
}

/// How to connect.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    pub url: DatabaseUrl,
    /// Connections of the PostgreSQL pool, or read-only connections of SQLite.
    pub connections_max: u32,
    /// How long a call waits for a connection before it fails as unavailable.
    pub acquire_timeout: Duration,
}

impl ConnectOptions {
    pub const fn new(url: DatabaseUrl) -> Self {
        Self { url, connections_max: 16, acquire_timeout: Duration::from_secs(5) }
    }
}

impl Db {
    /// Opens the database. Fails when it can not be reached.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, StoreError> {
        match &options.url.0 {
            Location::Sqlite(path) => connect_sqlite(path, options).await,
            Location::Postgres(url) => {
                let connect =
                    PgConnectOptions::from_str(url).map_err(|_| StoreError::InvalidUrl)?;
                let pool = PgPoolOptions::new()
                    .max_connections(options.connections_max)
                    .acquire_timeout(options.acquire_timeout)
                    .connect_with(connect.application_name("entrepot"))
                    .await?;
                Ok(Self::Postgres { pool })
            }
        }
    }

    /// Brings the schema up to date. Safe to call from several instances at once.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite { writer, .. } => {
                sqlx::migrate!("../../migrations/sqlite").run(writer).await?;
            }
            Self::Postgres { pool } => {
                sqlx::migrate!("../../migrations/postgres").run(pool).await?;
            }
        }
        Ok(())
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let _: (i64,) = fetch_one!(self.read().await?, "SELECT CAST(1 AS BIGINT)")?;
        Ok(())
    }

    /// Waits for statements under way and closes every connection.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres { pool } => pool.close().await,
        }
    }

    /// A connection for queries.
    pub(crate) async fn read(&self) -> Result<Connection, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Connection::Sqlite(readers.acquire().await?),
            Self::Postgres { pool } => Connection::Postgres(pool.acquire().await?),
        })
    }

    /// A connection for a single statement that changes something.
    pub(crate) async fn write(&self) -> Result<Connection, StoreError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Connection::Sqlite(writer.acquire().await?),
            Self::Postgres { pool } => Connection::Postgres(pool.acquire().await?),
        })
    }

    /// A transaction for several statements that change something. Dropped without a commit,
    /// it changes nothing.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres { pool } => Tx::Postgres(pool.begin().await?),
        })
    }

    /// A transaction whose queries all see the database at one moment.
    pub(crate) async fn snapshot(&self) -> Result<Tx, StoreError> {
        const POSTGRES: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Self::Postgres { pool } => Tx::Postgres(pool.begin_with(POSTGRES).await?),
        })
    }
}

async fn connect_sqlite(
    path: &std::path::Path,
    options: &ConnectOptions,
) -> Result<Db, StoreError> {
    let connect = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        // Another process may hold the file for a moment: a backup, or `audit-ledger`.
        .busy_timeout(Duration::from_secs(5))
        // With NORMAL a power cut may undo commits that callers were told of: a paid top-up, or
        // a settlement whose journal was cut off after it. A commit is one fsync, and
        // settlements share theirs by the batch.
        .synchronous(SqliteSynchronous::Full);
    // A connection costs nothing while idle and keeps its prepared statements.
    let pool = |connections| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(options.acquire_timeout)
            .idle_timeout(None)
            .max_lifetime(None)
    };
    // The writer comes first: it makes the file and turns on the write-ahead log, which a
    // read-only connection could not.
    let writer = pool(1)
        .connect_with(connect.clone().create_if_missing(true).journal_mode(SqliteJournalMode::Wal))
        .await?;
    let readers = pool(options.connections_max).connect_with(connect.read_only(true)).await?;
    Ok(Db::Sqlite { writer, readers })
}

/// One connection, given back when dropped.
pub(crate) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Connection {
    pub(crate) fn on(&mut self) -> On<'_> {
        match self {
            Self::Sqlite(connection) => On::Sqlite(connection),
            Self::Postgres(connection) => On::Postgres(connection),
        }
    }
}

/// One transaction, rolled back when dropped.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(crate) fn on(&mut self) -> On<'_> {
        match self {
            Self::Sqlite(transaction) => On::Sqlite(transaction),
            Self::Postgres(transaction) => On::Postgres(transaction),
        }
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            Self::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_one_of_two_databases() {
        let url = |text: &str| text.parse::<DatabaseUrl>();
        assert_eq!(url("sqlite:data/a.db").unwrap(), DatabaseUrl::sqlite("data/a.db"));
        assert_eq!(url("sqlite:///tmp/a.db").unwrap(), DatabaseUrl::sqlite("/tmp/a.db"));
        assert_eq!(url("postgres://me@localhost/db").unwrap().kind(), "postgres");
        for text in ["", "mysql://x", "sqlite:", "sqlite::memory:", "postgres", "data.db"] {
            assert!(url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let url: DatabaseUrl = "postgres://me:hunter2@localhost/db".parse().unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
    }
}
