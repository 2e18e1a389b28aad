//! The data plane. To be written.
pub mod ports;
