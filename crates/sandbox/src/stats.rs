//! Counters, so that tests can see what the upstream saw.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};

use crate::dialects::{DIALECTS, Dialect};

#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    finished: AtomicU64,
    cancelled: AtomicU64,
}

/// One count for each dialect; those of all are their sum.
#[derive(Debug)]
pub(crate) struct Stats {
    by_dialect: Vec<(&'static str, Counts)>,
}

impl Default for Stats {
    fn default() -> Self {
        let by_dialect =
            DIALECTS.iter().map(|dialect| (dialect.name(), Counts::default())).collect();
        Self { by_dialect }
    }
}

impl Stats {
    /// Counts a request. The result must live as long as its answer.
    pub(crate) fn begin(self: &Arc<Self>, dialect: &dyn Dialect) -> Answering {
        let name = dialect.name();
        let index = self.by_dialect.iter().position(|(known, _)| *known == name).unwrap_or(0);
        let answering = Answering { stats: Arc::clone(self), index, is_finished: false };
        answering.add(|counts| &counts.requests);
        answering
    }

    pub(crate) fn to_json(&self) -> Value {
        let (mut requests, mut finished, mut cancelled) = (0, 0, 0);
        let mut dialects = Map::new();
        for (name, counts) in &self.by_dialect {
            let own = [&counts.requests, &counts.finished, &counts.cancelled]
                .map(|count| count.load(Ordering::Relaxed));
            requests += own[0];
            finished += own[1];
            cancelled += own[2];
            dialects.insert((*name).to_owned(), Self::one(own));
        }
        let mut all = Self::one([requests, finished, cancelled]);
        all["dialects"] = Value::Object(dialects);
        all
    }

    fn one([requests, finished, cancelled]: [u64; 3]) -> Value {
        let active = requests.saturating_sub(finished).saturating_sub(cancelled);
        json!({"requests": requests, "active": active, "finished": finished,
            "cancelled": cancelled})
    }
}

/// An answer under way. Dropped before its end, it counts as cancelled.
#[derive(Debug)]
pub(crate) struct Answering {
    stats: Arc<Stats>,
    index: usize,
    is_finished: bool,
}

impl Answering {
    pub(crate) fn finish(&mut self) {
        if !std::mem::replace(&mut self.is_finished, true) {
            self.add(|counts| &counts.finished);
        }
    }

    fn add(&self, count: fn(&Counts) -> &AtomicU64) {
        if let Some((_, counts)) = self.stats.by_dialect.get(self.index) {
            count(counts).fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if !self.is_finished {
            self.add(|counts| &counts.cancelled);
        }
    }
}
