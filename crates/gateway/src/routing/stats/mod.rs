//! What this process has seen of each endpoint lately. Memory only; routing never asks SQL.
//!
//! Requests read atomics; what is behind them is brought up to date by whoever writes, and once a
//! second by [`Stats::refresh`].

mod circuit;
mod uptime;
mod window;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use domain::catalog::Endpoint;
use domain::time::Timestamp;
use parking_lot::{Mutex, RwLock};
use protocol::error::ErrorType;
use providers::error::{Retry, UpstreamError};

use circuit::Circuit;
pub use circuit::Standing;
use uptime::Uptime;
pub use uptime::{Counts, Span};
pub use window::Percentiles;
use window::Window;

/// How long an endpoint that refuses for its rate goes to the back, when it does not say.
const RATE_PAUSE: Duration = Duration::from_secs(5);

/// How often one request finds out whether an unreliable endpoint is better by now, and how many
/// answers in a row show that it is.
const TRICKLE: Duration = Duration::from_secs(5);
const CONVINCING: u32 = 3;

/// All endpoints, by id.
#[derive(Debug)]
pub struct Stats {
    demotion: Duration,
    endpoints: RwLock<HashMap<String, Arc<EndpointStats>>>,
}

/// One endpoint.
#[derive(Debug)]
pub struct EndpointStats {
    circuit: Circuit,
    /// Averages in which a new figure counts one eighth; zero when unknown. Milliseconds, and
    /// tokens in a thousand seconds.
    ttft_ms: AtomicU32,
    throughput_milli: AtomicU32,
    /// Of the last five minutes, as of the last refresh.
    ttft: window::Shown,
    throughput: window::Shown,
    band: AtomicU8,
    /// Microseconds: until then nobody needs to find out whether an unreliable endpoint is better.
    tried_until: AtomicI64,
    /// Answers in a row of an unreliable endpoint.
    streak: AtomicU32,
    seen: Mutex<Seen>,
}

/// What is only looked at now and then.
#[derive(Debug, Default)]
struct Seen {
    ttft: Window,
    throughput: Window,
    uptime: Uptime,
    is_fresh: bool,
}

/// How reliable an endpoint has been for half an hour: the bands of OpenRouter's provider
/// documentation. Fewer than a hundred requests say nothing, and what lies before the endpoint
/// showed that it is back is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Band {
    Normal,
    /// Under 95 %: after the normal ones.
    Degraded,
    /// Under 80 %: only when nothing else is left.
    Fallback,
}

impl Stats {
    pub fn new(demotion: Duration) -> Self {
        Self { demotion, endpoints: RwLock::default() }
    }

    pub fn of(&self, endpoint: &Endpoint) -> Arc<EndpointStats> {
        if let Some(stats) = self.endpoints.read().get(&endpoint.id) {
            return stats.clone();
        }
        let mut endpoints = self.endpoints.write();
        let stats = endpoints
            .entry(endpoint.id.clone())
            .or_insert_with(|| Arc::new(EndpointStats::new(self.demotion)));
        stats.clone()
    }

    /// What has been seen of an endpoint, if it was ever asked.
    pub fn find(&self, endpoint_id: &str) -> Option<Arc<EndpointStats>> {
        self.endpoints.read().get(endpoint_id).cloned()
    }

    /// Brings what requests read up to date. Once a second is often enough.
    pub fn refresh(&self, now: Timestamp) {
        let all: Vec<_> = self.endpoints.read().values().cloned().collect();
        for stats in all {
            stats.refresh(now);
        }
    }
}

impl EndpointStats {
    fn new(demotion: Duration) -> Self {
        Self {
            circuit: Circuit::new(demotion),
            ttft_ms: AtomicU32::new(0),
            throughput_milli: AtomicU32::new(0),
            ttft: window::Shown::default(),
            throughput: window::Shown::default(),
            band: AtomicU8::new(Band::Normal as u8),
            tried_until: AtomicI64::new(0),
            streak: AtomicU32::new(0),
            seen: Mutex::default(),
        }
    }

    /// The first event of an answer came, this long after it was asked for.
    pub fn answered(&self, now: Timestamp, ttft_ms: u32) {
        blend(&self.ttft_ms, ttft_ms.max(1));
        let closed = self.circuit.answered(now);
        let convinces = self.band() != Band::Normal
            && self.streak.fetch_add(1, Ordering::Relaxed) + 1 >= CONVINCING;
        let mut seen = self.seen.lock();
        if closed || convinces {
            seen.uptime.came_back(now);
            self.band.store(Band::Normal as u8, Ordering::Relaxed);
            self.streak.store(0, Ordering::Relaxed);
        }
        seen.ttft.add(now, ttft_ms.max(1));
        seen.uptime.add(now, Counts { answered: 1, ..Counts::default() });
        seen.is_fresh = true;
    }

    /// The endpoint produced so many tokens in so many milliseconds, the wait included.
    pub fn produced(&self, now: Timestamp, tokens: u64, elapsed_ms: u32) {
        if tokens > 0 && elapsed_ms > 0 {
            let milli = tokens.saturating_mul(1_000_000) / u64::from(elapsed_ms);
            let milli = u32::try_from(milli).unwrap_or(u32::MAX).max(1);
            blend(&self.throughput_milli, milli);
            let mut seen = self.seen.lock();
            seen.throughput.add(now, milli);
            seen.is_fresh = true;
        }
    }

    /// An answer that had begun broke off.
    pub fn broke_off(&self, now: Timestamp) {
        self.circuit.failed(now);
        self.streak.store(0, Ordering::Relaxed);
        let mut seen = self.seen.lock();
        seen.uptime.add(now, Counts { broken: 1, ..Counts::default() });
        seen.is_fresh = true;
    }

    /// An attempt failed before its first event. Failures that are the request's fault are not
    /// the endpoint's.
    pub fn failed(&self, now: Timestamp, error: &UpstreamError) {
        let (failed, limited) = match (error.kind, error.retry) {
            (ErrorType::RateLimitExceeded, retry) => {
                let pause = if let Retry::After(pause) = retry { pause } else { RATE_PAUSE };
                self.circuit.pause(now, pause);
                (0, 1)
            }
            (_, Retry::No) => return,
            (_, retry) => {
                self.circuit.failed(now);
                self.streak.store(0, Ordering::Relaxed);
                if let Retry::After(pause) = retry {
                    self.circuit.pause(now, pause);
                }
                (1, 0)
            }
        };
        let mut seen = self.seen.lock();
        seen.uptime.add(now, Counts { failed, limited, ..Counts::default() });
        seen.is_fresh = true;
    }

    pub fn standing(&self, now: Timestamp) -> Standing {
        match self.circuit.standing(now) {
            // Behind the others nobody would ever find out that it is better.
            Standing::Healthy if self.band() != Band::Normal && self.is_untried(now) => {
                Standing::HalfOpen
            }
            standing => standing,
        }
    }

    fn is_untried(&self, now: Timestamp) -> bool {
        now.as_micros() >= self.tried_until.load(Ordering::Relaxed)
    }

    /// Whether it may be dialled in its place. An endpoint that has just come back is tried by
    /// one request at a time.
    pub fn claim(&self, now: Timestamp) -> bool {
        if self.circuit.standing(now) != Standing::Healthy || self.band() == Band::Normal {
            return self.circuit.claim(now);
        }
        let old = self.tried_until.load(Ordering::Relaxed);
        let next = now.plus(TRICKLE).as_micros();
        let (order, tried) = (Ordering::Relaxed, &self.tried_until);
        // Whoever is late to find out dials it in its place at the back.
        old > now.as_micros() || tried.compare_exchange(old, next, order, order).is_ok()
    }

    /// Whether it failed so lately that others go first.
    pub fn is_demoted(&self, now: Timestamp) -> bool {
        self.standing(now) == Standing::Demoted
    }

    pub fn band(&self) -> Band {
        match self.band.load(Ordering::Relaxed) {
            0 => Band::Normal,
            1 => Band::Degraded,
            _ => Band::Fallback,
        }
    }

    /// Milliseconds to the first token, if any were seen.
    pub fn ttft_ms(&self) -> Option<u32> {
        Some(self.ttft_ms.load(Ordering::Relaxed)).filter(|ms| *ms > 0)
    }

    /// Tokens in a thousand seconds, if any were seen.
    pub fn throughput_milli(&self) -> Option<u32> {
        Some(self.throughput_milli.load(Ordering::Relaxed)).filter(|milli| *milli > 0)
    }

    /// Milliseconds to the first token over the last five minutes, if any were seen.
    pub fn ttft_percentiles(&self) -> Option<Percentiles> {
        self.ttft.read()
    }

    /// Tokens in a thousand seconds over the last five minutes, if any were seen. The higher
    /// percentiles are what the slower requests had: 99 in 100 had more than `p99`.
    pub fn throughput_percentiles(&self) -> Option<Percentiles> {
        self.throughput.read()
    }

    pub fn counts(&self, now: Timestamp, span: Span) -> Counts {
        self.seen.lock().uptime.counts(now, span)
    }

    fn refresh(&self, now: Timestamp) {
        let mut seen = self.seen.lock();
        // What nobody adds to grows old all the same.
        let is_quiet = seen.ttft.is_empty() && seen.throughput.is_empty();
        if !seen.is_fresh && is_quiet && self.band() == Band::Normal {
            return;
        }
        seen.is_fresh = false;
        self.ttft.write(seen.ttft.percentiles(now, [0.5, 0.75, 0.9, 0.99]));
        self.throughput.write(seen.throughput.percentiles(now, [0.5, 0.25, 0.1, 0.01]));
        let band = match seen.uptime.since_back(now).uptime_percent(100) {
            Some(percent) if percent < 80 => Band::Fallback,
            Some(percent) if percent < 95 => Band::Degraded,
            _ => Band::Normal,
        };
        self.band.store(band as u8, Ordering::Relaxed);
    }
}

/// Two writers at once may lose one figure; an average survives that.
fn blend(average: &AtomicU32, figure: u32) {
    let old = average.load(Ordering::Relaxed);
    let new = if old == 0 { figure } else { old - old / 8 + figure / 8 };
    average.store(new.max(1), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000).plus(Duration::from_secs(seconds))
    }

    fn down() -> UpstreamError {
        UpstreamError {
            kind: ErrorType::ProviderUnavailable,
            retry: Retry::Other,
            status: Some(503),
            provider_code: None,
            raw: None,
            message: "down".into(),
        }
    }

    /// Nine in ten answered: not so bad that it is left alone, but others go first.
    fn unreliable() -> EndpointStats {
        let stats = EndpointStats::new(Duration::from_secs(30));
        for request in 0..200 {
            if request % 10 == 9 {
                stats.failed(at(0), &down());
            } else {
                stats.answered(at(0), 100);
            }
        }
        stats.refresh(at(1));
        stats
    }

    #[test]
    fn an_unreliable_endpoint_is_tried_now_and_then_and_comes_back() {
        let stats = unreliable();
        assert_eq!((stats.band(), stats.is_demoted(at(1))), (Band::Degraded, false));
        for probe in 0..u64::from(CONVINCING) {
            let now = at(10 * probe + 2);
            assert_eq!(stats.standing(now), Standing::HalfOpen);
            assert!(stats.claim(now));
            assert_eq!(stats.standing(now), Standing::Healthy, "somebody is finding out");
            stats.answered(now, 100);
        }
        assert_eq!(stats.band(), Band::Normal);
        stats.refresh(at(60));
        assert_eq!(stats.band(), Band::Normal, "what was before is history");
    }

    #[test]
    fn a_failure_in_between_starts_over() {
        let stats = unreliable();
        for second in [2, 12] {
            stats.answered(at(second), 100);
        }
        stats.broke_off(at(13));
        stats.answered(at(22), 100);
        assert_eq!(stats.band(), Band::Degraded);
    }
}
