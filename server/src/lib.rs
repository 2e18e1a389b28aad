//! The composition root: one process that serves the API, the web app and what keeps them going.
//!
//! Here configuration becomes values ([`config`]), values become a running server ([`boot`]),
//! and HTTP becomes calls to the gateway and the control plane ([`http`]). Read [`boot`] first.
//! Invariants: the environment is read in [`config`] only; every task is spawned by [`tasks`] and
//! ends on shutdown; a stranger's body is never read before its key was checked; an internal
//! message never reaches a caller.
//!
//! What is not here: rules about money, routing or accounts, and SQL.

pub mod boot;
pub mod cli;
pub mod config;
pub mod http;
pub mod jobs;
pub mod ports;
pub mod responses;
pub mod state;
pub mod tasks;
pub mod lanes;
pub mod telemetry;
