//! The caller's own order first, the rest cheapest first.

use crate::routing::eligible::matches;
use crate::routing::strategies::Strategy;
use crate::routing::{Candidate, RouteContext};

pub(crate) struct Ordered;

impl Strategy for Ordered {
    fn id(&self) -> &'static str {
        "ordered"
    }

    fn rank(&self, candidates: &mut Vec<Candidate>, context: &mut RouteContext<'_>) {
        candidates.sort_by_key(|candidate| {
            let place = context.order.iter().position(|slug| matches(slug, &candidate.endpoint));
            (place.unwrap_or(usize::MAX), candidate.price)
        });
    }
}
