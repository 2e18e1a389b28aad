//! Soonest first token first; endpoints that were never measured come last, cheapest first.

use std::cmp::Reverse;

use crate::routing::strategies::Strategy;
use crate::routing::{Candidate, RouteContext};

pub(crate) struct Latency;

impl Strategy for Latency {
    fn id(&self) -> &'static str {
        "latency"
    }

    fn rank(&self, candidates: &mut Vec<Candidate>, _: &mut RouteContext<'_>) {
        candidates.sort_by_key(|candidate| {
            let measured = candidate.stats.ttft_ms();
            (Reverse(measured.is_some()), measured, candidate.price)
        });
    }
}
