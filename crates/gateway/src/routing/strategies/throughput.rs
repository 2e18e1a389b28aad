//! Most tokens a second first; endpoints that were never measured come last, cheapest first.

use std::cmp::Reverse;

use crate::routing::strategies::Strategy;
use crate::routing::{Candidate, RouteContext};

pub(crate) struct Throughput;

impl Strategy for Throughput {
    fn id(&self) -> &'static str {
        "throughput"
    }

    fn rank(&self, candidates: &mut Vec<Candidate>, _: &mut RouteContext<'_>) {
        candidates.sort_by_key(|candidate| {
            (Reverse(candidate.stats.throughput_milli()), candidate.price)
        });
    }
}
