//! The web app: pages that people read and the forms that they send.
//!
//! A page is a document, rendered whole on the server: it is complete before any script runs,
//! its links are links and its forms are forms. What moves is an island ([`islands`]), the only
//! part that is compiled for the browser besides the components and formats that islands use.
//! Invariants: a view reads no clock, no locale and no randomness; what a page may reach is in
//! its `data.rs`, which begins with `enter()` and calls `control` and nothing else.
//!
//! What is not here: permissions and rules (`control`), routes of the API (`server`).
#![cfg_attr(
    feature = "ssr",
    expect(unreachable_pub, reason = "the component macro writes `pub` inside private modules"),
    expect(clippy::needless_pass_by_value, reason = "the props of a component are its own"),
    expect(clippy::too_many_lines, reason = "a page's markup is one thing, however long")
)]

#[cfg(feature = "ssr")]
mod shell;
#[cfg(feature = "ssr")]
mod routes;
#[cfg(feature = "ssr")]
mod pages;
#[cfg(feature = "ssr")]
mod layouts;
#[cfg(feature = "ssr")]
mod ui;
pub mod islands;
mod model_query;
pub mod format;
#[cfg(feature = "ssr")]
mod error;
#[cfg(feature = "ssr")]
mod flash;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(feature = "ssr")]
pub mod session;

#[cfg(feature = "ssr")]
pub use routes::App;
#[cfg(feature = "ssr")]
pub use shell::shell;
