//! Every adapter against its fixtures: what goes in, what must come out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod anthropic;
mod anthropic_marks;
mod anthropic_native;
mod anthropic_thinking;
mod azure_openai;
mod bedrock;
mod cohere;
mod google;
mod openai_compatible;
mod openai_quirks;
mod openai_responses;
mod openai_vectors;
mod registry;
mod support;
