//! Every rule about money, as pure functions. To be completed.
pub mod account;
