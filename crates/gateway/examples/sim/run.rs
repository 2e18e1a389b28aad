//! Requests in virtual time: they arrive at random, overlap, fail and fall back.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

use crate::policy::{Asked, Chooser, Policy, Route};
use crate::world::{self, ANSWER, Outcome, PROMPT, Provider, START, unit};

/// What a policy made of a world.
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) answered: u64,
    /// Dollars, over all answers.
    pub(crate) cost: f64,
    /// Seconds to the first token, the failed attempts before it included.
    pub(crate) latencies: Vec<f32>,
    /// By provider: answers that were asked for there first.
    pub(crate) first: Vec<u64>,
    /// By virtual second: requests, and those whose first attempt failed.
    pub(crate) seconds: Vec<(u64, u64)>,
    /// By virtual second: answers of the first provider.
    pub(crate) of_first_provider: Vec<u64>,
}

impl Tally {
    pub(crate) fn success(&self) -> f64 {
        self.answered as f64 / self.requests as f64
    }

    /// Dollars per thousand answers.
    pub(crate) fn mean_cost(&self) -> f64 {
        self.cost * 1_000.0 / self.answered.max(1) as f64
    }

    pub(crate) fn latency(&mut self, share: f64) -> f32 {
        self.latencies.sort_by(f32::total_cmp);
        let index = (self.latencies.len() as f64 * share) as usize;
        self.latencies
            .get(index.min(self.latencies.len().saturating_sub(1)))
            .copied()
            .unwrap_or(0.0)
    }

    /// The share of requests in a stretch of seconds whose first attempt failed.
    pub(crate) fn first_failures(&self, from: usize, to: usize) -> f64 {
        let stretch = self.seconds.get(from..to.min(self.seconds.len())).unwrap_or_default();
        let (all, failed) =
            stretch.iter().fold((0, 0), |(a, f), (all, failed)| (a + all, f + failed));
        failed as f64 / (all.max(1)) as f64
    }
}

pub(crate) fn price(provider: &Provider, second: f64) -> f64 {
    let tokens = PROMPT as f64 + 4.0 * ANSWER as f64;
    provider.price_at(second) * tokens / 1e6
}

/// A request that somebody is answering, or failing.
struct Under {
    route: Route,
    asked: Asked,
    outcome: Outcome,
    request: Request,
}

#[derive(Clone, Copy)]
struct Request {
    id: u64,
    /// Microseconds of virtual time.
    arrived: u64,
    attempts: u32,
    /// Who was asked first.
    first: usize,
}

/// Plays `requests` arrivals at `rate` a second.
pub(crate) fn play(
    policy: Policy,
    providers: &[Provider],
    (requests, rate): (u64, f64),
    seed: u64,
) -> Tally {
    let tally = Tally {
        requests,
        answered: 0,
        cost: 0.0,
        latencies: Vec::new(),
        first: vec![0; providers.len()],
        seconds: Vec::new(),
        of_first_provider: Vec::new(),
    };
    let mut play = Play {
        chooser: Chooser::new(policy, providers, world::model(providers, 0.0)),
        providers,
        rate,
        seed,
        tally,
        arrivals: ChaCha8Rng::seed_from_u64(seed),
        events: BinaryHeap::from([Reverse((0, 0, true))]),
        under: HashMap::new(),
        loads: vec![(0, 0); providers.len()],
        next_refresh: 0,
        changes: providers.iter().filter_map(|p| p.price_change.map(|(from, _)| from)).collect(),
    };
    while let Some(Reverse((micros, id, arrives))) = play.events.pop() {
        play.tick(micros);
        if arrives { play.arrive(micros, id) } else { play.end(micros, id) }
    }
    play.tally
}

struct Play<'a> {
    chooser: Chooser<'a>,
    providers: &'a [Provider],
    rate: f64,
    seed: u64,
    tally: Tally,
    arrivals: ChaCha8Rng,
    /// When, which request, and whether it arrives or its attempt ends.
    events: BinaryHeap<Reverse<(u64, u64, bool)>>,
    under: HashMap<u64, Under>,
    /// By provider: a second, and the requests in it.
    loads: Vec<(u64, u32)>,
    next_refresh: u64,
    /// Seconds at which prices change.
    changes: Vec<f64>,
}

impl Play<'_> {
    /// What happens as time goes by.
    fn tick(&mut self, micros: u64) {
        let second = micros as f64 / 1e6;
        if micros >= self.next_refresh {
            self.chooser.stats.refresh(START.plus(Duration::from_micros(micros)));
            self.next_refresh = micros + 1_000_000;
        }
        if self.changes.iter().any(|from| second >= *from) {
            self.changes.retain(|from| second < *from);
            self.chooser.reprice(world::model(self.providers, second));
        }
        let at = second as usize;
        if self.tally.seconds.len() <= at {
            self.tally.seconds.resize(at + 1, (0, 0));
            self.tally.of_first_provider.resize(at + 1, 0);
        }
    }

    fn arrive(&mut self, micros: u64, id: u64) {
        let second = micros as f64 / 1e6;
        if id + 1 < self.tally.requests {
            let gap = -(1.0 - unit(&mut self.arrivals)).ln() / self.rate;
            self.events.push(Reverse((micros + (gap * 1e6) as u64, id + 1, true)));
        }
        self.tally.seconds[second as usize].0 += 1;
        let now = START.plus(Duration::from_micros(micros));
        let route = self.chooser.route(self.arrivals.next_u64(), second, now);
        self.dial(micros, route, Request { id, arrived: micros, attempts: 0, first: 0 });
    }

    fn end(&mut self, micros: u64, id: u64) {
        let Some(Under { mut route, asked, outcome, request }) = self.under.remove(&id) else {
            return;
        };
        let now = START.plus(Duration::from_micros(micros));
        let second = micros as f64 / 1e6;
        match outcome {
            Outcome::Answer { ttft, whole } => {
                let provider = asked.provider();
                asked.answered(ttft, whole, now);
                self.tally.answered += 1;
                self.tally.cost += price(&self.providers[provider], second);
                self.tally.latencies.push((micros - request.arrived) as f32 / 1e6);
                self.tally.first[request.first] += u64::from(request.attempts == 1);
                self.tally.of_first_provider[second as usize] += u64::from(provider == 0);
            }
            Outcome::Failure { error, .. } => {
                if request.attempts == 1 {
                    let began = (request.arrived as f64 / 1e6) as usize;
                    self.tally.seconds[began].1 += 1;
                }
                asked.failed(&mut route, &error, now);
                self.dial(micros, route, request);
            }
        }
    }

    /// Asks the next provider, if one is left.
    fn dial(&mut self, micros: u64, mut route: Route, mut request: Request) {
        let now = START.plus(Duration::from_micros(micros));
        let Some(asked) = self.chooser.next(&mut route, now) else { return };
        let (provider, this_second) = (asked.provider(), micros / 1_000_000);
        let load = &mut self.loads[provider];
        *load = if load.0 == this_second { (load.0, load.1 + 1) } else { (this_second, 1) };
        let key = (self.seed, request.id, provider, request.attempts);
        let second = micros as f64 / 1e6;
        let outcome = world::attempt(&self.providers[provider], key, second, load.1);
        let (Outcome::Answer { ttft: after, .. } | Outcome::Failure { after, .. }) = &outcome;
        let ends = micros + u64::try_from(after.as_micros()).unwrap_or(u64::MAX).max(1);
        self.events.push(Reverse((ends, request.id, false)));
        if request.attempts == 0 {
            request.first = provider;
        }
        request.attempts += 1;
        self.under.insert(request.id, Under { route, asked, outcome, request });
    }
}

/// The least that the same requests could have cost, asked of whoever would have answered.
pub(crate) fn hindsight(
    providers: &[Provider],
    (requests, rate): (u64, f64),
    seed: u64,
) -> (f64, f64) {
    let mut arrivals = ChaCha8Rng::seed_from_u64(seed);
    let (mut second, mut answered, mut cost) = (0.0, 0_u64, 0.0);
    for id in 0..requests {
        let would_answer = |index: &usize| {
            let provider = &providers[*index];
            matches!(
                world::attempt(provider, (seed, id, *index, 0), second, 0),
                Outcome::Answer { .. }
            )
        };
        let cheapest = (0..providers.len())
            .filter(would_answer)
            .map(|index| price(&providers[index], second))
            .min_by(f64::total_cmp);
        if let Some(cheapest) = cheapest {
            answered += 1;
            cost += cheapest;
        }
        second += -(1.0 - unit(&mut arrivals)).ln() / rate;
        arrivals.next_u64();
    }
    (answered as f64 / requests as f64, cost * 1_000.0 / answered.max(1) as f64)
}
