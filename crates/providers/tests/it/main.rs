//! Every adapter against its fixtures: what goes in, what must come out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod anthropic;
mod cohere;
mod google;
mod openai_compatible;
mod registry;
mod support;
