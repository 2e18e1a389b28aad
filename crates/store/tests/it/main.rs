//! Every public function of the store, on both databases.

mod fixture;

mod api_keys;
mod concurrency;
mod generations;
mod idempotency;
mod job_locks;
mod ledger;
mod model;
mod schema;
mod sessions;
mod usage;
mod users;
mod workspaces;
