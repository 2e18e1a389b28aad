//! The real router on real databases, and what the compiler cannot check about the workspace.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod app;
mod bad_input;
mod catalog;
mod chat_completions;
mod completions;
mod console;
mod crowd;
mod dialects;
mod fallbacks;
mod health;
mod lifecycle;
mod messages;
mod reads;
mod responses;
mod tidy;
mod vectors;
