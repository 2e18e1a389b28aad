//! Routes that read and manage, one module a noun.

pub mod credits;
pub mod generation;
pub mod key;
pub mod models;
pub mod providers;
pub mod route;
