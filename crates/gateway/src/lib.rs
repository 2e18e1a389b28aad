//! The data plane: turns a request for a generation into upstream calls and an answer.
//!
//! The life of one generation, in the words that spans, tests and ARCHITECTURE.md use too:
//! *receive* and *parse* happen in `server` and `protocol`; then *authenticate* ([`auth`]),
//! *resolve* ([`resolve`]), *admit* ([`admit`]: credit is held before anything is dialled),
//! *prepare* ([`middleware`]), *route* ([`routing`]), *attempt* ([`upstream`]: retries and
//! fallbacks, until the first event), *stream* ([`stream`]), *settle* ([`settle`]) and *record*.
//! [`pipeline::Gateway::generate`] names them in order; read it first.
//!
//! Invariants: nothing is dialled without a hold; a hold is settled or released exactly once,
//! by the task that owns the call, whatever happens to the caller's connection; no SQL stands
//! between a request and its first upstream byte while the lease has room; no lock is held
//! across an await.
//!
//! What is not here: HTTP servers, SQL, configuration files. The outside is reached through
//! [`ports`] only.

pub mod pipeline;
pub mod inbound;
pub mod ports;
pub mod auth;
pub mod resolve;
pub mod admit;
pub mod middleware;
pub mod routing;
pub mod upstream;
pub mod stream;
pub mod meter;
mod metadata;
pub mod explain;
pub mod settle;
pub mod count_tokens;
pub mod error;
pub mod settings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use error::GatewayError;
pub use inbound::{Attribution, Inbound, Outbound};
pub use pipeline::{Gateway, Gauges, Parts};
pub use settings::Settings;
