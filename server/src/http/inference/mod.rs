//! Routes that generate, one module a dialect.

pub mod chat_completions;
