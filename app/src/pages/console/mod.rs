//! Pages for those who are signed in.

pub(crate) mod keys;
pub(crate) mod credits;
pub(crate) mod activity;
pub(crate) mod generation;
pub(crate) mod settings;
