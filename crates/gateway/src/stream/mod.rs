//! *Stream*: moves one answer from upstream to downstream.

pub mod drive;
pub mod line;
pub mod stage;
