//! Every SQL statement, once, for SQLite and PostgreSQL alike.
//!
//! Read [`db`] for how a database is reached, then `sql` for the four macros that run one static
//! text on either driver, then the modules: one for each group of tables, free functions that
//! take `&Db` first and, when they list something, the tenant second.
//!
//! **The portable subset.** Parameters are `$1`, `$2`, …; texts, 64-bit integers, booleans and
//! bytes; times are integers in microseconds, JSON is text. `ON CONFLICT … DO`, `RETURNING`, CTEs,
//! row values and window functions are fine. `NOW()`, arrays, `ILIKE`, `JSONB` and `SERIAL` are
//! not. A sum is `CAST(… AS BIGINT)`. `ORDER BY` ends in a unique column. A statement that must
//! differ has two constants and says why.
//!
//! **Adding a query.** Write the text as a `const SQL` above its use, run it with one of the
//! macros, and name the function in `tests/it`, where every test runs on both databases.
//!
//! Invariants: money moves only in the module [`ledger`]; a decision is one conditional `UPDATE`
//! whose row count is the answer; money and the record of why it moved share a transaction.
//! Prompts and completions are stored nowhere but in [`responses`], whose callers asked for it.
//!
//! What is not here: rules about money (crate `ledger`), permission (`control`).

#[macro_use]
mod sql;
mod cursor;
mod row;

pub mod api_keys;
pub mod db;
pub mod error;
pub mod generations;
pub mod idempotency;
pub mod job_locks;
pub mod ledger;
pub mod responses;
pub mod sessions;
#[cfg(feature = "testing")]
pub mod testing;
pub mod usage;
pub mod users;
pub mod workspaces;

pub use db::{ConnectOptions, DatabaseUrl, Db};
pub use error::{Constraint, StoreError};
