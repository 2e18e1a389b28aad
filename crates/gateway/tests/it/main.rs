//! The data plane with in-memory ports and the sandbox as its upstream.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod auth;
mod fetch;
mod funds;
mod pipeline;
mod routing;
mod vectors;
mod world;
