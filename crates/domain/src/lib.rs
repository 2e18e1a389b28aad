//! The nouns of Entrepot: identifiers, money, usage, the catalog, keys and records.
//!
//! Everything here is a plain value that compiles to WebAssembly, so that the browser, the
//! gateway and the store mean the same thing by the same word.
//! Invariants: money is an integer ([`money::Usd`]), identifiers carry their prefix, a secret
//! never prints itself, and nothing reads a clock or a source of randomness that it was not given.
//!
//! What is not here: wire formats of other people's APIs (`protocol`), rules about money
//! (`ledger`), anything that does I/O.

pub mod id;
pub mod money;
pub mod time;
pub mod random;
pub mod secret;
pub mod model;
pub mod pricing;
pub mod usage;
pub mod catalog;
pub mod routing;
pub mod user;
pub mod workspace;
pub mod api_key;
pub mod generation;
pub mod ledger_entry;
pub mod page;
