//! The default: one endpoint drawn with weight 1 ÷ price², the rest behind it, cheapest first.
//!
//! Cheap endpoints get most of the traffic and dear ones enough to be known: at $1 against $3,
//! nine in ten. The price is that of this request.

use rand::Rng as _;

use crate::routing::strategies::Strategy;
use crate::routing::{Candidate, RouteContext};

pub(crate) struct Balanced;

impl Strategy for Balanced {
    fn id(&self) -> &'static str {
        "balanced"
    }

    fn rank(&self, candidates: &mut Vec<Candidate>, context: &mut RouteContext<'_>) {
        candidates.sort_by_key(|candidate| candidate.price);
        // What costs nothing always comes first.
        if candidates.len() < 2 || candidates.first().is_some_and(|first| first.price.is_zero()) {
            return;
        }
        let weights: Vec<f64> = candidates.iter().map(weight).collect();
        let total: f64 = weights.iter().sum();
        let mut point = unit_interval(context.rng.next_u64()) * total;
        let drawn = weights.iter().position(|weight| {
            point -= weight;
            point < 0.0
        });
        let drawn = drawn.unwrap_or(0);
        if let Some(slice) = candidates.get_mut(..=drawn) {
            slice.rotate_right(1);
        }
    }
}

/// The share of calls that a candidate is drawn for first, among these, itself included.
pub(crate) fn share<'a>(
    candidate: &Candidate,
    among: impl Iterator<Item = &'a Candidate> + Clone,
) -> f64 {
    let free = among.clone().any(|other| other.price.is_zero());
    if free {
        // The first of those that cost nothing, as they are listed.
        let first = among.clone().find(|other| other.price.is_zero());
        let is_first = first.is_some_and(|first| first.endpoint.id == candidate.endpoint.id);
        return if is_first { 1.0 } else { 0.0 };
    }
    weight(candidate) / among.map(weight).sum::<f64>()
}

#[expect(clippy::cast_precision_loss, reason = "a weight for drawing lots, not money")]
fn weight(candidate: &Candidate) -> f64 {
    let price = candidate.price.nanos().max(1) as f64;
    1.0 / (price * price)
}

/// A number in [0, 1) from the 53 bits that a double can hold.
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact in a double")]
fn unit_interval(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}
