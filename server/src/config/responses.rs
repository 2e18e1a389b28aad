//! `[responses]`: what is kept of responses whose callers ask for it.

use std::time::Duration;

use super::section::Section;

/// Bounds on responses that are kept.
#[derive(Debug, Clone, Copy)]
pub struct Responses {
    pub retention: Duration,
    /// Of one response with its input.
    pub bytes_max: usize,
}

impl Responses {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self { retention: section.duration("retention"), bytes_max: section.bytes("bytes_max") }
    }
}
