//! How eligible endpoints are ordered. To add a strategy: one file here, one line in
//! [`STRATEGIES`], and its tests in the file.

mod balanced;
mod latency;
mod ordered;
mod price;
#[cfg(test)]
mod tests;
mod throughput;

use domain::model::Variant;
use domain::routing::{ProviderPreferences, SortBy};

use crate::routing::{Candidate, RouteContext};

/// Orders the endpoints that are able to serve a call.
///
/// Deterministic: chance comes from the context, so a plan can be repeated from its record.
pub trait Strategy: Send + Sync {
    fn id(&self) -> &'static str;
    fn rank(&self, candidates: &mut Vec<Candidate>, context: &mut RouteContext<'_>);
}

/// Every strategy; the first is the default.
pub static STRATEGIES: &[&dyn Strategy] = &[
    &balanced::Balanced,
    &latency::Latency,
    &ordered::Ordered,
    &price::Price,
    &throughput::Throughput,
];

pub(crate) use balanced::share;

/// The strategy that a request asks for: its own order, its sort, its variant, or the default.
pub(crate) fn choose(
    preferences: &ProviderPreferences,
    variants: &[Variant],
) -> &'static dyn Strategy {
    if preferences.order.as_ref().is_some_and(|order| !order.is_empty()) {
        return &ordered::Ordered;
    }
    match preferences.sort.as_ref().map(domain::routing::Sort::by) {
        Some(SortBy::Price) => return &price::Price,
        Some(SortBy::Throughput) => return &throughput::Throughput,
        Some(SortBy::Latency) => return &latency::Latency,
        Some(SortBy::Exacto) => return &balanced::Balanced,
        None => {}
    }
    if variants.contains(&Variant::Nitro) {
        &throughput::Throughput
    } else if variants.contains(&Variant::Floor) {
        &price::Price
    } else {
        &balanced::Balanced
    }
}
