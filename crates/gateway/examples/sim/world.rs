//! Providers that exist in virtual time only.

use std::sync::Arc;
use std::time::Duration;

use domain::catalog::{Endpoint, Modality, Model};
use domain::pricing::{Price, PriceSheet, Unit};
use domain::time::Timestamp;
use gateway::testing;
use protocol::error::ErrorType;
use providers::error::{Retry, UpstreamError};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// When virtual time begins.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// Tokens of every prompt and every answer.
pub(crate) const PROMPT: u64 = 1_000;
pub(crate) const ANSWER: u64 = 300;

/// A stretch of virtual seconds.
pub(crate) type Span = (f64, f64);

/// How a provider behaves.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) name: &'static str,
    /// Dollars per million tokens, for input; output costs four times that.
    pub(crate) price: f64,
    /// Milliseconds to the first token, median; others are spread around it log-normally.
    pub(crate) ttft_ms: f64,
    /// Tokens a second.
    pub(crate) speed: f64,
    /// The share of requests that fail by themselves.
    pub(crate) failing: f64,
    /// Down, and refusing everything.
    pub(crate) outages: Vec<Span>,
    /// Four times as slow, and failing one request in three.
    pub(crate) brownouts: Vec<Span>,
    /// Requests a second beyond which it says 429.
    pub(crate) rate_max: Option<u32>,
    /// From then on it costs so many times as much.
    pub(crate) price_change: Option<(f64, f64)>,
}

impl Provider {
    pub(crate) fn new(name: &'static str, price: f64) -> Self {
        Self {
            name,
            price,
            ttft_ms: 400.0,
            speed: 60.0,
            failing: 0.0,
            outages: Vec::new(),
            brownouts: Vec::new(),
            rate_max: None,
            price_change: None,
        }
    }

    pub(crate) fn price_at(&self, second: f64) -> f64 {
        match self.price_change {
            Some((from, factor)) if second >= from => self.price * factor,
            _ => self.price,
        }
    }
}

/// What comes of one attempt.
pub(crate) enum Outcome {
    Answer { ttft: Duration, whole: Duration },
    Failure { after: Duration, error: UpstreamError },
}

fn within(spans: &[Span], second: f64) -> bool {
    spans.iter().any(|(from, to)| (*from..*to).contains(&second))
}

/// Chance that depends on nothing but what is asked, so that every policy meets the same world.
fn dice(seed: u64, request: u64, provider: usize, attempt: u32) -> ChaCha8Rng {
    let mix = request
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(provider as u64)
        .wrapping_mul(0xBF58_476D_1CE4_E5B9)
        .wrapping_add(u64::from(attempt));
    ChaCha8Rng::seed_from_u64(seed ^ mix)
}

pub(crate) fn unit(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Has the provider answer one attempt of one request. `load` is how many requests it had in
/// this second.
pub(crate) fn attempt(
    provider: &Provider,
    (seed, request, index, attempt): (u64, u64, usize, u32),
    second: f64,
    load: u32,
) -> Outcome {
    let mut rng = dice(seed, request, index, attempt);
    // The sum of several dice is close to a normal spread.
    let normal = (0..6).map(|_| unit(&mut rng)).sum::<f64>() - 3.0;
    let brown = within(&provider.brownouts, second);
    let ttft = provider.ttft_ms * (normal * 0.4).exp() * if brown { 4.0 } else { 1.0 };
    let fail = |kind, retry, status, after| Outcome::Failure {
        after,
        error: UpstreamError {
            kind,
            retry,
            status: Some(status),
            provider_code: None,
            raw: None,
            message: String::new(),
        },
    };
    let quick = Duration::from_millis(30);
    if within(&provider.outages, second) {
        return fail(ErrorType::ProviderUnavailable, Retry::Other, 503, quick);
    }
    if provider.rate_max.is_some_and(|max| load > max) {
        return fail(ErrorType::RateLimitExceeded, Retry::Other, 429, quick);
    }
    let failing = if brown { 1.0 / 3.0 } else { provider.failing };
    if unit(&mut rng) < failing {
        let after = Duration::from_secs_f64(ttft / 1_000.0);
        return fail(ErrorType::ProviderUnavailable, Retry::Other, 502, after);
    }
    let ttft = Duration::from_secs_f64(ttft / 1_000.0);
    let writing = Duration::from_secs_f64(ANSWER as f64 / provider.speed);
    Outcome::Answer { ttft, whole: ttft + writing }
}

/// The model that all of them serve, at the prices of this moment.
pub(crate) fn model(providers: &[Provider], second: f64) -> Arc<Model> {
    let endpoints: Vec<Arc<Endpoint>> = providers
        .iter()
        .map(|provider| {
            let nanos = |dollars: f64| Price::from_nanos_per_million((dollars * 1e9) as i64);
            let price = provider.price_at(second);
            Arc::new(Endpoint {
                context_length: 100_000,
                prices: PriceSheet::default()
                    .with(Unit::Prompt, nanos(price))
                    .with(Unit::Completion, nanos(price * 4.0)),
                ..testing::endpoint(provider.name)
            })
        })
        .collect();
    Arc::new(Model {
        slug: "test/model".parse().expect("it is a slug"),
        canonical_slug: "test/model".into(),
        name: "Test".into(),
        description: String::new(),
        created: 0,
        context_length: 100_000,
        input_modalities: vec![Modality::Text],
        output_modalities: vec![Modality::Text],
        tokenizer: "Other".into(),
        instruct_type: None,
        hugging_face_id: None,
        knowledge_cutoff: None,
        expiration_date: None,
        open_weights: true,
        endpoints,
    })
}
