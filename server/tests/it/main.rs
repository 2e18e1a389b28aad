//! The real router on real databases, and what the compiler cannot check about the workspace.

mod app;
mod catalog;
mod chat_completions;
mod bad_input;
mod fallbacks;
mod crowd;
mod reads;
mod console;
mod health;
mod lifecycle;
mod tidy;
