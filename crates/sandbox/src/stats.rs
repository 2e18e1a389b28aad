//! Counters, so that tests can see what the upstream saw.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub(crate) struct Stats {
    requests: AtomicU64,
    finished: AtomicU64,
    cancelled: AtomicU64,
}

impl Stats {
    /// Counts a chat request. The result must live as long as its answer.
    pub(crate) fn begin(self: &Arc<Self>) -> Answering {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Answering { stats: Arc::clone(self), is_finished: false }
    }

    pub(crate) fn to_json(&self) -> String {
        let requests = self.requests.load(Ordering::Relaxed);
        let finished = self.finished.load(Ordering::Relaxed);
        let cancelled = self.cancelled.load(Ordering::Relaxed);
        let active = requests.saturating_sub(finished).saturating_sub(cancelled);
        format!(
            "{{\"requests\":{requests},\"active\":{active},\"finished\":{finished},\
             \"cancelled\":{cancelled}}}"
        )
    }
}

/// An answer under way. Dropped before its end, it counts as cancelled.
#[derive(Debug)]
pub(crate) struct Answering {
    stats: Arc<Stats>,
    is_finished: bool,
}

impl Answering {
    pub(crate) fn finish(&mut self) {
        if !std::mem::replace(&mut self.is_finished, true) {
            self.stats.finished.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if !self.is_finished {
            self.stats.cancelled.fetch_add(1, Ordering::Relaxed);
        }
    }
}
