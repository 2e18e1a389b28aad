//! Cheapest for this request first.

use crate::routing::strategies::Strategy;
use crate::routing::{Candidate, RouteContext};

pub(crate) struct Price;

impl Strategy for Price {
    fn id(&self) -> &'static str {
        "price"
    }

    fn rank(&self, candidates: &mut Vec<Candidate>, _: &mut RouteContext<'_>) {
        candidates.sort_by_key(|candidate| candidate.price);
    }
}
