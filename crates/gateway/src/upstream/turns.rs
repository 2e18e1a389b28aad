//! Whose turn it is: the rules of falling back, without the dialling. The simulation of
//! `make sim` plays by the same ones.

use std::collections::VecDeque;

use domain::model::ModelSlug;
use domain::time::Timestamp;
use protocol::error::ErrorType;
use providers::error::{Retry, UpstreamError};

use crate::routing::{Candidate, RoutePlan};

/// The candidates of one call that may still be asked, in order.
#[derive(Debug)]
pub struct Turns {
    queue: VecDeque<Turn>,
    /// Attempts that may still be made.
    left: u32,
    /// The caller stated an order, which health does not change.
    is_fixed: bool,
    has_forgiven: bool,
}

/// A candidate's turn.
#[derive(Debug)]
pub struct Turn {
    pub candidate: Candidate,
    /// Whether it gave way to others before.
    put_off: bool,
    /// Whether it is asked for a second time, which the bound on attempts does not count.
    again: bool,
}

impl Turns {
    pub fn new(plan: RoutePlan, attempts_max: u32) -> Self {
        let first = |candidate| Turn { candidate, put_off: false, again: false };
        Self {
            is_fixed: plan.is_fixed,
            queue: plan.candidates.into_iter().map(first).collect(),
            left: attempts_max,
            has_forgiven: false,
        }
    }

    /// The next candidate, if one is left and may still be asked.
    pub fn take(&mut self) -> Option<Turn> {
        let turn = self.queue.pop_front()?;
        (self.left > 0 || turn.again).then_some(turn)
    }

    /// Whether it may be dialled now. Where somebody else is finding out whether its endpoint has
    /// come back, others go first and it has another turn at the end.
    pub fn claim(&mut self, turn: Turn, now: Timestamp) -> Option<Turn> {
        let must_ask = self.is_fixed || turn.put_off || self.queue.is_empty();
        if must_ask || turn.candidate.stats.claim(now) {
            self.left = self.left.saturating_sub(u32::from(!turn.again));
            return Some(turn);
        }
        self.queue.push_back(Turn { put_off: true, ..turn });
        None
    }

    /// It was asked and failed: remembers that, and who must not be asked any more.
    pub fn failed(&mut self, turn: Turn, error: &UpstreamError, now: Timestamp) {
        turn.candidate.stats.failed(now, error);
        let endpoint = &turn.candidate.endpoint;
        match error.retry {
            // What one endpoint of a model finds wrong with a request, the others would too; and
            // what is too long for one context is too long for smaller ones.
            Retry::No => {
                let too_long = error.kind == ErrorType::ContextLengthExceeded;
                self.leave_out(&endpoint.model, too_long.then_some(endpoint.context_length));
            }
            // One slip is forgiven at once: the prompt may be warm in its cache.
            Retry::Same | Retry::Other
                if !self.has_forgiven
                    && (error.retry == Retry::Same || error.status == Some(500)) =>
            {
                self.has_forgiven = true;
                self.queue.push_front(Turn { put_off: true, again: true, ..turn });
            }
            Retry::Same | Retry::Other | Retry::After(_) => {}
        }
    }

    fn leave_out(&mut self, model: &ModelSlug, context: Option<u32>) {
        let others = |turn: &Turn| turn.candidate.endpoint.model != *model;
        let larger = |turn: &Turn| {
            context.is_none_or(|tokens| turn.candidate.endpoint.context_length > tokens)
        };
        self.queue.retain(|turn| others(turn) && larger(turn));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use domain::money::Usd;

    use super::*;
    use crate::routing::stats::Stats;
    use crate::testing::endpoint;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn turns(slugs: &[&str]) -> Turns {
        let stats = Stats::new(Duration::from_secs(30));
        let candidates = slugs.iter().map(|slug| {
            let mut endpoint = endpoint(slug);
            if let Some((model, context)) = slug.split_once('+') {
                endpoint.model = format!("test/{model}").parse().unwrap();
                endpoint.context_length = context.parse().unwrap();
            }
            Candidate {
                stats: stats.of(&endpoint),
                endpoint: Arc::new(endpoint),
                price: Usd::ZERO,
                quote: Usd::ZERO,
            }
        });
        Turns::new(RoutePlan { candidates: candidates.collect(), ..RoutePlan::default() }, 4)
    }

    fn error(kind: ErrorType, retry: Retry, status: u16) -> UpstreamError {
        UpstreamError {
            kind,
            retry,
            status: Some(status),
            provider_code: None,
            raw: None,
            message: "no".into(),
        }
    }

    /// Who is asked, when everybody fails so.
    fn asked(mut turns: Turns, error: &UpstreamError) -> Vec<String> {
        let mut asked = Vec::new();
        while let Some(turn) = turns.take() {
            let Some(turn) = turns.claim(turn, NOW) else { continue };
            asked.push(turn.candidate.endpoint.provider.slug.clone());
            turns.failed(turn, error, NOW);
        }
        asked
    }

    #[test]
    fn attempts_are_bounded() {
        let down = error(ErrorType::ProviderUnavailable, Retry::Other, 503);
        assert_eq!(asked(turns(&["a", "b", "c", "d", "e"]), &down), ["a", "b", "c", "d"]);
    }

    #[test]
    fn one_internal_error_is_forgiven_and_not_counted() {
        let slip = error(ErrorType::ProviderUnavailable, Retry::Other, 500);
        assert_eq!(asked(turns(&["a", "b", "c", "d", "e"]), &slip), ["a", "a", "b", "c", "d"]);
    }

    #[test]
    fn what_is_wrong_with_a_request_is_not_asked_of_the_same_model_again() {
        let wrong = error(ErrorType::ContentPolicyViolation, Retry::No, 400);
        assert_eq!(asked(turns(&["a", "b", "other+9"]), &wrong), ["a", "other+9"]);
    }

    #[test]
    fn what_is_too_long_goes_to_larger_contexts_only() {
        let long = error(ErrorType::ContextLengthExceeded, Retry::No, 400);
        let turns = turns(&["m+100", "m+200", "less+50", "more+300", "most+400"]);
        assert_eq!(asked(turns, &long), ["m+100", "more+300", "most+400"]);
    }

    #[test]
    fn an_endpoint_that_failed_gives_way_and_is_asked_last() {
        let turns = turns(&["a", "b"]);
        let down = error(ErrorType::ProviderUnavailable, Retry::Other, 503);
        let first = turns.queue[0].candidate.stats.clone();
        first.failed(NOW, &down);
        assert_eq!(asked(turns, &down), ["b", "a"]);
    }
}
