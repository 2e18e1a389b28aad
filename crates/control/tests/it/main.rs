//! The control plane over a real database.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod accounts;
mod activity;
mod credits;
mod keys;
mod models;
mod world;
