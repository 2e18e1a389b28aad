//! How many requests an endpoint answered, failed and put off, over three spans.

use domain::time::Timestamp;

/// How far to look back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    FiveMinutes,
    HalfHour,
    Day,
}

/// What became of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Answers that began, whatever came of them.
    pub answered: u32,
    /// Of those, the ones that broke off.
    pub broken: u32,
    /// Failures before an answer began that are the endpoint's own.
    pub failed: u32,
    /// Refusals for the rate of requests, which are no outage.
    pub limited: u32,
}

impl Counts {
    const fn plus(self, other: Self) -> Self {
        Self {
            answered: self.answered.saturating_add(other.answered),
            broken: self.broken.saturating_add(other.broken),
            failed: self.failed.saturating_add(other.failed),
            limited: self.limited.saturating_add(other.limited),
        }
    }

    /// The share that was answered, in hundredths, of at least so many requests.
    pub fn uptime_percent(self, at_least: u32) -> Option<u32> {
        let total = self.answered.saturating_add(self.failed);
        if total == 0 || total < at_least {
            return None;
        }
        let whole = self.answered.saturating_sub(self.broken);
        let percent = u64::from(whole) * 100 / u64::from(total);
        u32::try_from(percent).ok()
    }
}

/// Two rings: half an hour of minutes and a day of half hours.
#[derive(Debug)]
pub(super) struct Uptime {
    minutes: Ring<31>,
    half_hours: Ring<49>,
    /// When it came back from its last failure.
    back_since: Option<Timestamp>,
}

impl Default for Uptime {
    fn default() -> Self {
        Self { minutes: Ring::new(60), half_hours: Ring::new(1_800), back_since: None }
    }
}

impl Uptime {
    pub(super) fn add(&mut self, now: Timestamp, counts: Counts) {
        self.minutes.add(now, counts);
        self.half_hours.add(now, counts);
    }

    /// What was before is history: an endpoint that nobody asks because it was down could never
    /// show that it is up.
    pub(super) const fn came_back(&mut self, now: Timestamp) {
        self.back_since = Some(now);
    }

    /// Of the last half hour, as far as it lies after the last failure that sent it to the back.
    pub(super) fn since_back(&self, now: Timestamp) -> Counts {
        let minutes = self.back_since.map_or(30, |back| now.since(back).as_secs() / 60);
        self.minutes.sum(now, i64::try_from(minutes).unwrap_or(30).min(30))
    }

    pub(super) fn counts(&self, now: Timestamp, span: Span) -> Counts {
        match span {
            Span::FiveMinutes => self.minutes.sum(now, 5),
            Span::HalfHour => self.minutes.sum(now, 30),
            Span::Day => self.half_hours.sum(now, 48),
        }
    }
}

/// Counts by slot of time, the oldest overwritten.
#[derive(Debug)]
struct Ring<const N: usize> {
    seconds: i64,
    slots: [(i64, Counts); N],
}

impl<const N: usize> Ring<N> {
    const fn new(seconds: i64) -> Self {
        Self { seconds, slots: [(-1, Counts { answered: 0, broken: 0, failed: 0, limited: 0 }); N] }
    }

    const fn number(&self, now: Timestamp) -> i64 {
        now.as_seconds().div_euclid(self.seconds)
    }

    fn add(&mut self, now: Timestamp, counts: Counts) {
        let number = self.number(now);
        let place = usize::try_from(number).unwrap_or(0) % N;
        if let Some((known, sum)) = self.slots.get_mut(place) {
            *sum = if *known == number { sum.plus(counts) } else { counts };
            *known = number;
        }
    }

    /// Of the running slot and so many before it.
    fn sum(&self, now: Timestamp, slots: i64) -> Counts {
        let newest = self.number(now);
        let recent =
            self.slots.iter().filter(|(number, _)| (newest - slots..=newest).contains(number));
        recent.fold(Counts::default(), |sum, (_, counts)| sum.plus(*counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const OK: Counts = Counts { answered: 1, broken: 0, failed: 0, limited: 0 };
    const BAD: Counts = Counts { answered: 0, broken: 0, failed: 1, limited: 0 };

    #[test]
    fn each_span_forgets_in_its_own_time() {
        let start = Timestamp::from_micros(1_000_000_000_000_000);
        let at = |minutes: u64| start.plus(Duration::from_secs(60 * minutes));
        let mut uptime = Uptime::default();
        uptime.add(at(0), BAD);
        for minute in 1..=20 {
            uptime.add(at(minute), OK);
        }
        assert_eq!(uptime.counts(at(20), Span::FiveMinutes).failed, 0);
        assert_eq!(uptime.counts(at(20), Span::HalfHour).failed, 1);
        assert_eq!(uptime.counts(at(20), Span::HalfHour).answered, 20);
        assert_eq!(uptime.counts(at(60), Span::HalfHour), Counts::default());
        assert_eq!(uptime.counts(at(600), Span::Day).answered, 20);
        assert_eq!(uptime.counts(at(3_000), Span::Day), Counts::default());
    }

    #[test]
    fn an_outage_that_is_over_is_not_held_against_it() {
        let start = Timestamp::from_micros(1_000_000_000_000_000);
        let at = |minutes: u64| start.plus(Duration::from_secs(60 * minutes));
        let mut uptime = Uptime::default();
        uptime.add(at(0), Counts { failed: 500, ..Counts::default() });
        assert_eq!(uptime.since_back(at(2)).failed, 500);
        uptime.came_back(at(2));
        uptime.add(at(2), OK);
        assert_eq!(uptime.since_back(at(3)), OK);
        assert_eq!(uptime.counts(at(3), Span::HalfHour).failed, 500);
    }

    #[test]
    fn few_requests_say_nothing() {
        let counts = Counts { answered: 90, broken: 0, failed: 9, limited: 50 };
        assert_eq!(counts.uptime_percent(100), None);
        assert_eq!(counts.uptime_percent(1), Some(90));
    }
}
