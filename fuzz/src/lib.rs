//! What is fuzzed, and the seeds to begin with. `crates/providers/tests/fuzz` includes the same
//! files and runs them on the stable compiler.

pub mod dialects;
pub mod seeds;
pub mod targets;
