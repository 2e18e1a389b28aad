//! Whether an endpoint is worth dialling now: closed, open, or half open.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use domain::time::Timestamp;

/// How long one request may take to find out whether an endpoint has come back.
const PROBE: Duration = Duration::from_secs(10);
/// Answers and failures are counted in stretches of this length.
const STRETCH: Duration = Duration::from_secs(15);
/// A busy endpoint may fail this share of its requests, in hundredths, before it goes to the back.
const FAILING_PERCENT: u64 = 20;

/// Where an endpoint stands among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Healthy,
    /// It failed, and its time at the back is over: the next request finds out.
    HalfOpen,
    /// It failed lately: others go first.
    Demoted,
}

/// The breaker of one endpoint. Every figure is an atomic: requests look at it before they dial.
#[derive(Debug)]
pub(super) struct Circuit {
    demotion: Duration,
    /// Microseconds: at the back until then; zero when it is closed.
    until: AtomicI64,
    /// Microseconds: one request is finding out until then.
    probed_until: AtomicI64,
    /// Answers and failures of this stretch and the one before.
    tally: Tally,
}

impl Circuit {
    pub(super) fn new(demotion: Duration) -> Self {
        Self {
            demotion,
            until: AtomicI64::new(0),
            probed_until: AtomicI64::new(0),
            tally: Tally::default(),
        }
    }

    /// Says whether this closed it.
    pub(super) fn answered(&self, now: Timestamp) -> bool {
        self.tally.add(now, true);
        let until = self.until.load(Ordering::Relaxed);
        // An answer that was under way when others failed does not close the circuit; one that
        // was asked for to find out does.
        let closes = until != 0 && (until <= now.as_micros() || !self.tally.is_failing(now));
        if closes {
            self.until.store(0, Ordering::Relaxed);
            self.probed_until.store(0, Ordering::Relaxed);
        }
        closes
    }

    pub(super) fn failed(&self, now: Timestamp) {
        self.tally.add(now, false);
        let was_open = self.until.load(Ordering::Relaxed) != 0;
        if was_open || self.tally.is_failing(now) {
            self.pause(now, self.demotion);
        }
    }

    /// To the back for this long at least.
    pub(super) fn pause(&self, now: Timestamp, pause: Duration) {
        let until = now.plus(pause.min(Duration::from_secs(300))).as_micros();
        self.until.fetch_max(until, Ordering::Relaxed);
        self.probed_until.store(0, Ordering::Relaxed);
    }

    pub(super) fn standing(&self, now: Timestamp) -> Standing {
        let until = self.until.load(Ordering::Relaxed);
        if until == 0 {
            Standing::Healthy
        } else if now.as_micros() < until
            || now.as_micros() < self.probed_until.load(Ordering::Relaxed)
        {
            Standing::Demoted
        } else {
            Standing::HalfOpen
        }
    }

    /// Whether the one who asks may dial it in its place.
    pub(super) fn claim(&self, now: Timestamp) -> bool {
        match self.standing(now) {
            Standing::Healthy => true,
            Standing::Demoted => false,
            Standing::HalfOpen => {
                let old = self.probed_until.load(Ordering::Relaxed);
                let taken = now.plus(PROBE).as_micros();
                self.probed_until
                    .compare_exchange(old, taken, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok()
            }
        }
    }
}

/// Answers and failures of two stretches, each in one word: which stretch it is (24 bits), failures
/// and answers (20 bits each). Two writers at once may lose a count, which changes nothing.
#[derive(Debug, Default)]
struct Tally {
    words: [AtomicU64; 2],
}

const COUNT_BITS: u32 = 20;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;
const STRETCH_MAX: u64 = (1 << 24) - 1;

impl Tally {
    fn stretch(now: Timestamp) -> u64 {
        let micros = u64::try_from(now.as_micros()).unwrap_or(0);
        micros / u64::try_from(STRETCH.as_micros()).unwrap_or(1)
    }

    fn read(&self, stretch: u64) -> (u64, u64) {
        let word = self.words[usize::from(stretch % 2 == 1)].load(Ordering::Relaxed);
        if word >> (2 * COUNT_BITS) == stretch & STRETCH_MAX {
            ((word >> COUNT_BITS) & COUNT_MAX, word & COUNT_MAX)
        } else {
            (0, 0)
        }
    }

    fn add(&self, now: Timestamp, answered: bool) {
        let stretch = Self::stretch(now);
        let (mut failures, mut answers) = self.read(stretch);
        if answered {
            answers = (answers + 1).min(COUNT_MAX);
        } else {
            failures = (failures + 1).min(COUNT_MAX);
        }
        let word =
            ((stretch & STRETCH_MAX) << (2 * COUNT_BITS)) | (failures << COUNT_BITS) | answers;
        self.words[usize::from(stretch % 2 == 1)].store(word, Ordering::Relaxed);
    }

    /// Whether too many of the last requests failed.
    fn is_failing(&self, now: Timestamp) -> bool {
        let stretch = Self::stretch(now);
        let (failures, answers) = self.read(stretch);
        let (failures_before, answers_before) = self.read(stretch.saturating_sub(1));
        let (failures, answers) = (failures + failures_before, answers + answers_before);
        failures > 0 && failures * 100 >= (failures + answers) * FAILING_PERCENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(1_000_000_000_000_000).plus(Duration::from_secs(seconds))
    }

    fn circuit() -> Circuit {
        Circuit::new(Duration::from_secs(30))
    }

    #[test]
    fn one_failure_of_an_idle_endpoint_opens_it() {
        let circuit = circuit();
        circuit.failed(at(0));
        assert_eq!(circuit.standing(at(29)), Standing::Demoted);
        assert_eq!(circuit.standing(at(30)), Standing::HalfOpen);
    }

    #[test]
    fn rare_failures_of_a_busy_endpoint_do_not() {
        let circuit = circuit();
        for _ in 0..19 {
            circuit.answered(at(0));
        }
        circuit.failed(at(0));
        assert_eq!(circuit.standing(at(1)), Standing::Healthy);
        for _ in 0..4 {
            circuit.failed(at(1));
        }
        assert_eq!(circuit.standing(at(2)), Standing::Demoted);
    }

    #[test]
    fn one_request_at_a_time_finds_out() {
        let circuit = circuit();
        circuit.failed(at(0));
        assert!(!circuit.claim(at(10)));
        assert!(circuit.claim(at(31)));
        assert!(!circuit.claim(at(32)), "somebody is finding out");
        circuit.failed(at(33));
        assert_eq!(circuit.standing(at(62)), Standing::Demoted);
        assert!(circuit.claim(at(63)));
        circuit.answered(at(64));
        assert_eq!(circuit.standing(at(64)), Standing::Healthy);
    }

    #[test]
    fn a_probe_that_never_reports_is_not_waited_for() {
        let circuit = circuit();
        circuit.failed(at(0));
        assert!(circuit.claim(at(31)));
        assert_eq!(circuit.standing(at(40)), Standing::Demoted);
        assert!(circuit.claim(at(41)));
    }

    #[test]
    fn a_pause_holds_for_as_long_as_it_says() {
        let circuit = circuit();
        circuit.pause(at(0), Duration::from_secs(7));
        assert_eq!(circuit.standing(at(6)), Standing::Demoted);
        assert_eq!(circuit.standing(at(7)), Standing::HalfOpen);
    }
}
