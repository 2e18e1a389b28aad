//! Every public function of the store, on both databases.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests")]

mod fixture;

mod api_keys;
mod concurrency;
mod generations;
mod idempotency;
mod job_locks;
mod ledger;
mod model;
mod responses;
mod schema;
mod sessions;
mod usage;
mod users;
mod workspaces;
