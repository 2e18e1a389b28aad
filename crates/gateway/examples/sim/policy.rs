//! Ways to choose among providers: the router itself, and what it is compared with.

use std::sync::Arc;
use std::time::Duration;

use domain::catalog::Model;
use domain::time::Timestamp;
use gateway::admit::estimate::Estimate;
use gateway::resolve::{Resolved, ResolvedModel};
use gateway::routing::stats::Stats;
use gateway::routing::{self, Ask};
use gateway::upstream::turns::{Turn, Turns};
use protocol::chat::request::ChatRequest;
use protocol::dialects::chat_completions;
use providers::error::UpstreamError;

use crate::world::{ANSWER, PROMPT, Provider};

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Policy {
    /// What callers get who state nothing.
    Router,
    /// The router, for callers who sort by price.
    RouterByPrice,
    /// Always this one, and nobody else.
    Only(usize),
    /// Anybody, and nobody else.
    Random,
    /// In the order of their prices, with fallbacks and without memory.
    CheapestFirst,
}

/// Who may still be asked for one request.
pub(crate) enum Route {
    Router(Turns),
    List(std::vec::IntoIter<usize>),
}

/// Somebody who is asked.
pub(crate) enum Asked {
    Router(Turn, usize),
    Listed(usize),
}

impl Asked {
    pub(crate) const fn provider(&self) -> usize {
        match self {
            Self::Router(_, index) | Self::Listed(index) => *index,
        }
    }
}

/// Makes routes. One for each run, because the router learns.
pub(crate) struct Chooser<'a> {
    policy: Policy,
    providers: &'a [Provider],
    pub(crate) stats: Stats,
    resolved: Resolved,
    request: ChatRequest,
    estimate: Estimate,
}

impl<'a> Chooser<'a> {
    pub(crate) fn new(policy: Policy, providers: &'a [Provider], model: Arc<Model>) -> Self {
        let sort = match policy {
            Policy::RouterByPrice => r#","provider":{"sort":"price"}"#,
            _ => "",
        };
        let words = "word ".repeat(usize::try_from(PROMPT * 4 / 5).unwrap_or(0));
        let body = format!(
            r#"{{"model":"test/model","max_tokens":{ANSWER},"messages":[{{"role":"user","content":"{words}"}}]{sort}}}"#
        );
        let request = chat_completions::decode(body.as_bytes()).expect("it is a request");
        Self {
            policy,
            providers,
            stats: Stats::new(Duration::from_secs(30)),
            resolved: resolved(model),
            estimate: Estimate::of(&request, 1_024),
            request,
        }
    }

    /// The prices have changed.
    pub(crate) fn reprice(&mut self, model: Arc<Model>) {
        self.resolved = resolved(model);
    }

    pub(crate) fn route(&self, seed: u64, second: f64, now: Timestamp) -> Route {
        let count = self.providers.len();
        match self.policy {
            Policy::Router | Policy::RouterByPrice => {
                let ask = Ask {
                    request: &self.request,
                    resolved: &self.resolved,
                    estimate: &self.estimate,
                    seed,
                };
                Route::Router(Turns::new(routing::survey(ask, &self.stats, now), 4))
            }
            Policy::Only(index) => Route::List(vec![index].into_iter()),
            Policy::Random => {
                let index = usize::try_from(seed.rotate_left(17) % count as u64).unwrap_or(0);
                Route::List(vec![index].into_iter())
            }
            Policy::CheapestFirst => {
                let mut order: Vec<usize> = (0..count).collect();
                let price = |index: &usize| self.providers[*index].price_at(second);
                order.sort_by(|a, b| price(a).total_cmp(&price(b)));
                order.truncate(4);
                Route::List(order.into_iter())
            }
        }
    }

    /// The next who is asked.
    pub(crate) fn next(&self, route: &mut Route, now: Timestamp) -> Option<Asked> {
        match route {
            Route::List(list) => list.next().map(Asked::Listed),
            Route::Router(turns) => loop {
                let turn = turns.take()?;
                let Some(turn) = turns.claim(turn, now) else { continue };
                let slug = &turn.candidate.endpoint.provider.slug;
                let index = self.providers.iter().position(|provider| provider.name == slug)?;
                return Some(Asked::Router(turn, index));
            },
        }
    }
}

impl Asked {
    pub(crate) fn answered(&self, ttft: Duration, whole: Duration, now: Timestamp) {
        let ms = |duration: Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
        if let Self::Router(turn, _) = self {
            turn.candidate.stats.answered(now, ms(ttft));
            turn.candidate.stats.produced(now, ANSWER, ms(whole));
        }
    }

    pub(crate) fn failed(self, route: &mut Route, error: &UpstreamError, now: Timestamp) {
        if let (Route::Router(turns), Self::Router(turn, _)) = (route, self) {
            turns.failed(turn, error, now);
        }
    }
}

fn resolved(model: Arc<Model>) -> Resolved {
    Resolved {
        requested: "test/model".into(),
        primary: model.clone(),
        models: vec![ResolvedModel { model, variants: Vec::new() }],
        strategy: "direct",
        chosen: None,
    }
}
