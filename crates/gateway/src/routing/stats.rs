//! What this process has seen of each endpoint lately. Memory only; routing never asks SQL.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use domain::catalog::Endpoint;
use domain::time::Timestamp;
use parking_lot::RwLock;

/// All endpoints, by id.
#[derive(Debug)]
pub struct Stats {
    demotion: Duration,
    endpoints: RwLock<HashMap<String, Arc<EndpointStats>>>,
}

/// One endpoint. Averages are exponential: a new figure counts one eighth.
#[derive(Debug)]
pub struct EndpointStats {
    demotion: Duration,
    /// Microseconds; zero when it has never failed.
    failed_at: AtomicI64,
    /// Milliseconds; zero when unknown.
    ttft_ms: AtomicU32,
    /// Tokens in a thousand seconds; zero when unknown.
    throughput_milli: AtomicU32,
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
        let stats = endpoints.entry(endpoint.id.clone()).or_insert_with(|| {
            Arc::new(EndpointStats {
                demotion: self.demotion,
                failed_at: AtomicI64::new(0),
                ttft_ms: AtomicU32::new(0),
                throughput_milli: AtomicU32::new(0),
            })
        });
        stats.clone()
    }
}

impl EndpointStats {
    /// The endpoint answered.
    pub fn answered(&self, ttft_ms: u32) {
        blend(&self.ttft_ms, ttft_ms.max(1));
        self.failed_at.store(0, Ordering::Relaxed);
    }

    /// The endpoint produced so many tokens in so many milliseconds, the wait included.
    pub fn produced(&self, tokens: u64, elapsed_ms: u32) {
        if tokens > 0 && elapsed_ms > 0 {
            let milli = tokens.saturating_mul(1_000_000) / u64::from(elapsed_ms);
            blend(&self.throughput_milli, u32::try_from(milli).unwrap_or(u32::MAX).max(1));
        }
    }

    /// The endpoint failed in a way that is its own fault.
    pub fn failed(&self, now: Timestamp) {
        self.failed_at.store(now.as_micros(), Ordering::Relaxed);
    }

    /// Whether it failed so lately that others go first.
    pub fn is_demoted(&self, now: Timestamp) -> bool {
        let failed_at = self.failed_at.load(Ordering::Relaxed);
        failed_at != 0 && now.since(Timestamp::from_micros(failed_at)) < self.demotion
    }

    /// Milliseconds to the first token, if any were seen.
    pub fn ttft_ms(&self) -> Option<u32> {
        Some(self.ttft_ms.load(Ordering::Relaxed)).filter(|ms| *ms > 0)
    }

    /// Tokens in a thousand seconds, if any were seen.
    pub fn throughput_milli(&self) -> Option<u32> {
        Some(self.throughput_milli.load(Ordering::Relaxed)).filter(|milli| *milli > 0)
    }
}

/// Two writers at once may lose one figure; an average survives that.
fn blend(average: &AtomicU32, figure: u32) {
    let old = average.load(Ordering::Relaxed);
    let new = if old == 0 { figure } else { old - old / 8 + figure / 8 };
    average.store(new.max(1), Ordering::Relaxed);
}
