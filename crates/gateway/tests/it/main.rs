//! The data plane with in-memory ports and the sandbox as its upstream.

mod auth;
mod funds;
mod pipeline;
mod world;
