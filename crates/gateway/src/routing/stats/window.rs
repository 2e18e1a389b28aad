//! Percentiles of the last five minutes, from a sketch a minute.

use std::sync::atomic::{AtomicU32, Ordering};

use domain::time::Timestamp;
use hdrhistogram::Histogram;

/// Minutes that are looked back on, besides the one that is running.
const MINUTES: i64 = 5;
const SLOTS: usize = 6;
/// Two digits of a figure are kept: an error of one in a hundred.
const DIGITS: u8 = 2;
/// More than an hour in milliseconds, and more tokens than anything produces.
const FIGURE_MAX: u64 = 1 << 24;

/// Four points of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentiles {
    pub p50: u32,
    pub p75: u32,
    pub p90: u32,
    pub p99: u32,
}

/// Percentiles as requests read them. Zero means that there are none.
#[derive(Debug, Default)]
pub(super) struct Shown([AtomicU32; 4]);

impl Shown {
    pub(super) fn read(&self) -> Option<Percentiles> {
        let [p50, p75, p90, p99] = self.0.each_ref().map(|figure| figure.load(Ordering::Relaxed));
        (p50 > 0).then_some(Percentiles { p50, p75, p90, p99 })
    }

    pub(super) fn write(&self, percentiles: Option<Percentiles>) {
        let figures = percentiles.map_or([0; 4], |p| [p.p50, p.p75, p.p90, p.p99]);
        for (shown, figure) in self.0.iter().zip(figures) {
            shown.store(figure, Ordering::Relaxed);
        }
    }
}

/// A ring of sketches. Nothing is allocated for an endpoint that nobody asks.
#[derive(Debug, Default)]
pub(super) struct Window {
    minutes: [Option<Minute>; SLOTS],
}

#[derive(Debug)]
struct Minute {
    number: i64,
    sketch: Histogram<u32>,
}

fn minute_of(now: Timestamp) -> i64 {
    now.as_micros().div_euclid(60_000_000)
}

impl Window {
    pub(super) fn add(&mut self, now: Timestamp, figure: u32) {
        let number = minute_of(now);
        let place = usize::try_from(number.rem_euclid(MINUTES + 1)).unwrap_or(0);
        let Some(slot) = self.minutes.get_mut(place) else { return };
        let minute = match slot {
            Some(minute) => minute,
            None => match Histogram::new_with_bounds(1, FIGURE_MAX, DIGITS) {
                Ok(sketch) => slot.insert(Minute { number, sketch }),
                // The bounds are constants that it takes.
                Err(_) => return,
            },
        };
        if minute.number != number {
            minute.number = number;
            minute.sketch.reset();
        }
        minute.sketch.saturating_record(u64::from(figure).min(FIGURE_MAX));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.minutes.iter().flatten().all(|minute| minute.sketch.is_empty())
    }

    /// The figures below which these shares lie.
    pub(super) fn percentiles(&mut self, now: Timestamp, shares: [f64; 4]) -> Option<Percentiles> {
        let oldest = minute_of(now) - MINUTES;
        let mut all: Option<Histogram<u32>> = None;
        for minute in self.minutes.iter_mut().flatten() {
            if minute.number < oldest {
                minute.sketch.reset();
            } else if !minute.sketch.is_empty() {
                match &mut all {
                    None => all = Some(minute.sketch.clone()),
                    // Same bounds: always fits.
                    Some(all) => all.add(&minute.sketch).unwrap_or_default(),
                }
            }
        }
        let all = all?;
        let at = |share: f64| u32::try_from(all.value_at_quantile(share)).unwrap_or(u32::MAX);
        let [p50, p75, p90, p99] = shares.map(at);
        Some(Percentiles { p50, p75, p90, p99 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SHARES: [f64; 4] = [0.5, 0.75, 0.9, 0.99];

    fn at(minutes: u64) -> Timestamp {
        Timestamp::from_micros(1_000_000_000_000_000).plus(Duration::from_secs(60 * minutes))
    }

    #[test]
    fn percentiles_are_right_to_a_hundredth() {
        let mut window = Window::default();
        for figure in 1..=1_000 {
            window.add(at(0), figure);
        }
        let found = window.percentiles(at(1), SHARES).unwrap();
        for (found, expected) in [(found.p50, 500), (found.p75, 750), (found.p99, 990_u32)] {
            assert!(found.abs_diff(expected) * 100 <= expected, "{found} for {expected}");
        }
    }

    #[test]
    fn what_is_older_than_five_minutes_is_forgotten() {
        let mut window = Window::default();
        window.add(at(0), 10);
        window.add(at(4), 1_000);
        assert_eq!(window.percentiles(at(5), SHARES).unwrap().p50, 10);
        assert!(window.percentiles(at(6), SHARES).unwrap().p50 > 900);
        assert_eq!(window.percentiles(at(20), SHARES), None);
        assert!(window.is_empty());
    }
}
