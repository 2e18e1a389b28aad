//! Four verbs that run one static SQL text on either driver.
//!
//! Each takes something with an `on()` (a connection or a transaction), the text, and the
//! arguments. The arguments are written once and bound in the arm of the driver that runs.

/// Where a statement runs.
pub(crate) enum On<'c> {
    Sqlite(&'c mut sqlx::SqliteConnection),
    Postgres(&'c mut sqlx::PgConnection),
}

/// Runs a statement; the number of rows it changed.
macro_rules! execute {
    ($to:expr, $sql:expr $(, $argument:expr)* $(,)?) => {
        match $to.on() {
            $crate::sql::On::Sqlite(connection) => sqlx::query::<sqlx::Sqlite>($sql)
                $(.bind($argument))*
                .execute(connection)
                .await
                .map(|done| done.rows_affected()),
            $crate::sql::On::Postgres(connection) => sqlx::query::<sqlx::Postgres>($sql)
                $(.bind($argument))*
                .execute(connection)
                .await
                .map(|done| done.rows_affected()),
        }
        .map_err($crate::error::StoreError::from)
    };
}

macro_rules! fetch {
    ($method:ident, $to:expr, $sql:expr $(, $argument:expr)* $(,)?) => {
        match $to.on() {
            $crate::sql::On::Sqlite(connection) => sqlx::query_as::<sqlx::Sqlite, _>($sql)
                $(.bind($argument))*
                .$method(connection)
                .await,
            $crate::sql::On::Postgres(connection) => sqlx::query_as::<sqlx::Postgres, _>($sql)
                $(.bind($argument))*
                .$method(connection)
                .await,
        }
        .map_err($crate::error::StoreError::from)
    };
}

/// Runs a query that has exactly one row.
macro_rules! fetch_one {
    ($($all:tt)*) => { fetch!(fetch_one, $($all)*) };
}

/// Runs a query that has one row or none.
macro_rules! fetch_optional {
    ($($all:tt)*) => { fetch!(fetch_optional, $($all)*) };
}

/// Runs a query; all its rows.
macro_rules! fetch_all {
    ($($all:tt)*) => { fetch!(fetch_all, $($all)*) };
}
