//! One adapter per upstream dialect: values in, values out.
//!
//! To add a dialect: one folder here, one line in `ADAPTERS`, fixtures under `tests/it/fixtures`.
//! Most providers need no code at all: they are data in `catalog/providers`, served by
//! `openai_compatible`.
//! Invariants: no I/O, no clock, no randomness; a decoder gives the same events however its bytes
//! are cut, and never panics.
//!
//! What is not here: sending, retrying, timing out, breaking, metering, charging, logging. Those
//! belong to the gateway.

pub mod adapter;
pub mod auth;
pub mod dropped;
pub mod error;
pub mod raw;
mod body;
mod document;
mod framed;
mod quirks;
mod sigv4;
mod turns;

pub mod anthropic;
pub mod azure_openai;
pub mod bedrock;
pub mod cohere;
pub mod google;
pub mod openai_compatible;
pub mod openai_responses;

use adapter::Adapter;

/// Every adapter, in alphabetical order.
pub static ADAPTERS: &[&dyn Adapter] = &[
    &anthropic::Anthropic,
    &azure_openai::AzureOpenAi,
    &bedrock::Bedrock,
    &cohere::Cohere,
    &google::Google,
    &openai_compatible::OpenAiCompatible,
    &openai_responses::OpenAiResponses,
    &google::Vertex,
];

/// The adapter that speaks a dialect.
pub fn find(slug: &str) -> Option<&'static dyn Adapter> {
    ADAPTERS.iter().copied().find(|adapter| adapter.slug() == slug)
}
