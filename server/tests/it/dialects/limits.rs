//! What does not survive, and why: the other half of the grid. A cell that is listed here and
//! works is a mistake just as one that isn't and doesn't.

use super::cell::{Inbound, Upstream};

/// Cells that have a limit in common.
pub(super) struct Limit {
    pub(super) rows: &'static [&'static str],
    /// Any, where empty.
    pub(super) inbound: &'static [Inbound],
    pub(super) upstream: &'static [Upstream],
    pub(super) how: How,
    /// Ends a sentence that begins with the two dialects.
    pub(super) reason: &'static str,
}

/// What happens instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// The request is served without it, `openrouter_metadata` says so, and
    /// `require_parameters` refuses it.
    Dropped,
    /// The request is refused with a status that blames it, and costs nothing.
    Refused,
    /// It does not survive, and there is no place to say so.
    Lost,
}

impl Limit {
    pub(super) fn covers(&self, row: &str, inbound: Inbound, upstream: Upstream) -> bool {
        self.rows.contains(&row)
            && (self.inbound.is_empty() || self.inbound.contains(&inbound))
            && (self.upstream.is_empty() || self.upstream.contains(&upstream))
    }
}

pub(super) const LIMITS: &[Limit] = &[];
