//! Published wire formats, faithfully, and the canonical form between them.
//!
//! The chat form is canonical: every inbound dialect decodes into [`chat::request::ChatRequest`],
//! every upstream decoder produces [`chat::event::ChatEvent`]s, and every outbound dialect encodes
//! those events. Parsers never panic, whatever they are fed, and keep what they don't know.
//!
//! What is not here: how upstreams differ from the dialect they claim (`providers`), anything
//! that does I/O, prices.

pub mod account;
pub mod chat;
pub mod dialects;
pub mod embeddings;
pub mod error;
pub mod json;
pub mod models;
pub mod rerank;
pub mod sse;
