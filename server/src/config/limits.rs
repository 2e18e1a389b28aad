//! `[limits]`: what strangers and sessions may do.

use std::time::Duration;

use super::section::Section;

/// Bounds on accounts and sessions.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub sign_up: bool,
    pub session_ttl: Duration,
}

impl Limits {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self { sign_up: section.flag("sign_up"), session_ttl: section.duration("session_ttl") }
    }
}
