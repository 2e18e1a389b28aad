//! What can go wrong between us and the database.

use domain::money::Usd;

/// A failure of the store. Not finding something is not one.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Something that must be unique exists already.
    #[error("{0} is taken")]
    Conflict(Constraint),
    /// A transfer would overdraw the account that it debits.
    #[error("the account has only {available} dollars available")]
    Insufficient { available: Usd },
    /// A row that a statement relies on does not exist.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// A page was asked for with a cursor that this list did not give out.
    #[error("the cursor belongs to no page of this list")]
    InvalidCursor,
    /// A stored value can not be read back.
    #[error("column `{column}` of a stored row can not be read")]
    Corrupt { column: &'static str },
    #[error("the database URL must be `sqlite:<path>` or `postgres://<user>@<host>/<database>`")]
    InvalidUrl,
    /// What was to be posted is not a transfer.
    #[error(transparent)]
    Transfer(#[from] ledger::transfer::TransferError),
    /// The database can not be reached. Trying later may help.
    #[error("the database is unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// Another transaction was in the way. The whole transaction may be run again.
    #[error("the transaction collided with another")]
    Collision(#[source] sqlx::Error),
    /// The database refused a statement.
    #[error("the database refused a statement")]
    Database(#[source] sqlx::Error),
    #[error("the database schema could not be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// What must be unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Constraint {
    #[error("the email address")]
    UserEmail,
    #[error("the session identifier")]
    Session,
    #[error("the hash of the API key")]
    KeyHash,
    #[error("the idempotency key of a transfer")]
    TransferKey,
    #[error("the identifier of a lease")]
    Lease,
    #[error("an identifier")]
    Other,
}

impl Constraint {
    /// How PostgreSQL and SQLite name the constraint when it is violated.
    const NAMES: [(Self, &'static str, &'static str); 5] = [
        (Self::UserEmail, "users_email_key", "users.email"),
        (Self::Session, "sessions_pkey", "sessions.session_id"),
        (Self::KeyHash, "api_keys_key_hash_key", "api_keys.key_hash"),
        (
            Self::TransferKey,
            "ledger_transfers_idempotency_key_key",
            "ledger_transfers.idempotency_key",
        ),
        (Self::Lease, "credit_leases_pkey", "credit_leases.lease_id"),
    ];

    fn violated(error: &dyn sqlx::error::DatabaseError) -> Self {
        // SQLite tells only by its message: `UNIQUE constraint failed: users.email`.
        let column = error.message().rsplit(": ").next().unwrap_or_default();
        Self::NAMES
            .into_iter()
            .find(|(_, postgres, sqlite)| error.constraint() == Some(postgres) || column == *sqlite)
            .map_or(Self::Other, |(constraint, ..)| constraint)
    }
}

impl StoreError {
    /// Whether the same call may succeed when the database is back.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(refusal) if refusal.is_unique_violation() => {
                Self::Conflict(Constraint::violated(refusal.as_ref()))
            }
            sqlx::Error::Database(refusal) => match refusal.code().as_deref() {
                // Deadlock and serialisation failure; SQLITE_BUSY and its variants.
                Some("40P01" | "40001" | "5" | "261" | "517") => Self::Collision(error),
                // Connection exceptions, shutdown, starting up, too many connections.
                Some(code)
                    if code.starts_with("08")
                        || matches!(code, "57P01" | "57P02" | "57P03" | "53300") =>
                {
                    Self::Unavailable(error)
                }
                _ => Self::Database(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            _ => Self::Database(error),
        }
    }
}
