//! How fast the caller would like endpoints to be. An endpoint that nobody has measured is given
//! the benefit of the doubt.

use domain::routing::{ProviderPreferences, Threshold, ThresholdPercentiles};

use crate::routing::stats::{EndpointStats, Percentiles};

/// `preferred_max_latency` and `preferred_min_throughput` in the units of the statistics.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Thresholds {
    /// Seconds.
    latency_max: Option<ThresholdPercentiles>,
    /// Tokens a second.
    throughput_min: Option<ThresholdPercentiles>,
}

impl Thresholds {
    pub(crate) fn of(preferences: &ProviderPreferences) -> Self {
        Self {
            latency_max: preferences.preferred_max_latency.map(Threshold::percentiles),
            throughput_min: preferences.preferred_min_throughput.map(Threshold::percentiles),
        }
    }

    /// Whether an endpoint keeps every bound at every percentile.
    pub(crate) fn are_met(&self, stats: &EndpointStats) -> bool {
        let quick = self.latency_max.is_none_or(|bounds| {
            stats.ttft_percentiles().is_none_or(|seen| keeps(bounds, seen, |seen, max| seen <= max))
        });
        let brisk = self.throughput_min.is_none_or(|bounds| {
            stats
                .throughput_percentiles()
                .is_none_or(|seen| keeps(bounds, seen, |seen, min| seen >= min))
        });
        quick && brisk
    }
}

/// Both are counted in thousandths: milliseconds against seconds, and tokens in a thousand seconds
/// against tokens a second.
fn keeps(bounds: ThresholdPercentiles, seen: Percentiles, holds: fn(f64, f64) -> bool) -> bool {
    let pairs = [
        (bounds.p50, seen.p50),
        (bounds.p75, seen.p75),
        (bounds.p90, seen.p90),
        (bounds.p99, seen.p99),
    ];
    pairs
        .into_iter()
        .all(|(bound, seen)| bound.is_none_or(|bound| holds(f64::from(seen) / 1_000.0, bound)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::stats::Stats;
    use domain::time::Timestamp;
    use std::time::Duration;

    #[test]
    fn every_percentile_that_is_bounded_must_hold() {
        let seen = Percentiles { p50: 400, p75: 600, p90: 900, p99: 2_000 };
        let bounds =
            |p50, p99| ThresholdPercentiles { p50, p99, ..ThresholdPercentiles::default() };
        let at_most = |bounds| keeps(bounds, seen, |seen, max| seen <= max);
        assert!(at_most(bounds(Some(0.5), None)));
        assert!(at_most(bounds(Some(0.5), Some(2.0))));
        assert!(!at_most(bounds(Some(0.5), Some(1.0))));
    }

    #[test]
    fn what_was_never_measured_meets_them() {
        let stats = Stats::new(Duration::from_secs(30));
        let endpoint = crate::testing::endpoint("acme");
        let seen = stats.of(&endpoint);
        let preferences = ProviderPreferences {
            preferred_max_latency: Some(Threshold::Median(0.5)),
            ..ProviderPreferences::default()
        };
        let thresholds = Thresholds::of(&preferences);
        assert!(thresholds.are_met(&seen));
        let now = Timestamp::from_seconds(1_000);
        seen.answered(now, 900);
        stats.refresh(now);
        assert!(!thresholds.are_met(&seen));
    }
}
