//! Names that stand for a choice: `entrepot/auto` and `entrepot/free`, which are understood under
//! OpenRouter's author too.

use std::sync::Arc;

use domain::catalog::{Catalog, Endpoint, Modality, Model};
use domain::model::Variant;
use domain::money::Usd;
use protocol::chat::request::ChatRequest;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::classify::{Difficulty, Task, classify};
use super::{ResolvedModel, Scene, is_visible};
use crate::admit::estimate::Estimate;
use crate::routing::eligible::modalities;

/// How many models a router names: one that answers, and fallbacks.
const CHOICES: usize = 4;
/// Of a price band so many of the newest are weighed.
const NEWEST: usize = 12;

/// A router that was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Router {
    Auto,
    Free,
}

impl Router {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name.split_once('/')? {
            ("entrepot" | "openrouter", "auto") => Some(Self::Auto),
            ("entrepot" | "openrouter", "free") => Some(Self::Free),
            _ => None,
        }
    }
}

/// What a router chose, and why.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The name under which it was asked.
    pub router: &'static str,
    /// What the request was taken for: `code:debugging`, `translation`, …
    pub task: &'static str,
    pub why: String,
}

/// The models that a router would have answer; empty when none can.
pub(super) fn choose(
    router: Router,
    catalog: &Catalog,
    request: &ChatRequest,
    scene: &Scene<'_>,
) -> (Vec<ResolvedModel>, Chosen) {
    let task = classify(request);
    let able = able(catalog, request);
    match router {
        Router::Free => free(able, task, scene),
        Router::Auto => auto(able, task, request, scene),
    }
}

/// Models that answer conversations and take everything that is in this one.
fn able<'c>(catalog: &'c Catalog, request: &ChatRequest) -> Vec<&'c Arc<Model>> {
    let kinds = modalities(request);
    let wants = |name: &str| request.parameter(name).is_some();
    let can = |endpoint: &Arc<Endpoint>| {
        (!wants("tools") || endpoint.supports("tools"))
            && (!wants("response_format")
                || endpoint.supports("response_format")
                || endpoint.supports("structured_outputs"))
    };
    let takes = |model: &Model| {
        model.output_modalities == [Modality::Text]
            && kinds.iter().all(|kind| model.input_modalities.contains(kind))
            && is_visible(model)
            && model.endpoints.iter().any(can)
    };
    catalog.models().iter().filter(|model| takes(model)).collect()
}

/// Any of those that cost nothing, drawn evenly; the next draws are its fallbacks.
fn free(able: Vec<&Arc<Model>>, task: Task, scene: &Scene<'_>) -> (Vec<ResolvedModel>, Chosen) {
    let is_free = |endpoint: &Arc<Endpoint>| endpoint.prices.is_free() && !endpoint.hidden;
    let mut left: Vec<_> =
        able.into_iter().filter(|model| model.endpoints.iter().any(is_free)).collect();
    let of = left.len();
    let mut rng = ChaCha8Rng::seed_from_u64(scene.random.next_u64());
    let mut models = Vec::new();
    while models.len() < CHOICES && !left.is_empty() {
        let draw = usize::try_from(rng.next_u64() % left.len() as u64).unwrap_or(0);
        models.push(ResolvedModel {
            model: left.swap_remove(draw).clone(),
            variants: vec![Variant::Free],
        });
    }
    let why = format!("drawn from {of} models that cost nothing and can answer this");
    (models, Chosen { router: "entrepot/free", task: task.name, why })
}

/// Of the newest models in the price band that suits the task, those that would answer this
/// request most cheaply and are not failing just now. Price bands stand for what models can do:
/// the market asks more for more.
fn auto(
    able: Vec<&Arc<Model>>,
    task: Task,
    request: &ChatRequest,
    scene: &Scene<'_>,
) -> (Vec<ResolvedModel>, Chosen) {
    let estimate = Estimate::of(request, scene.open_output);
    let price = |model: &Arc<Model>| -> Option<Usd> {
        let paid = model.endpoints.iter().filter(|e| !e.hidden && !e.prices.is_free());
        paid.map(|endpoint| estimate.price(endpoint)).min()
    };
    let mut priced: Vec<(Usd, &Arc<Model>)> =
        able.into_iter().filter_map(|model| Some((price(model)?, model))).collect();
    priced.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.slug.cmp(&b.1.slug)));
    let (from, to) = band(task.difficulty, priced.len());
    let mut band: Vec<_> = priced.get(from..to).unwrap_or_default().to_vec();
    let size = band.len();
    band.sort_by_key(|(_, model)| std::cmp::Reverse(model.created));
    band.truncate(NEWEST);
    let is_failing = |model: &Model| {
        model.endpoints.iter().all(|endpoint| {
            scene.stats.find(&endpoint.id).is_some_and(|seen| seen.is_demoted(scene.now))
        })
    };
    band.sort_by_key(|(price, model)| (is_failing(model), *price));
    let why = band.first().map_or_else(String::new, |(price, model)| {
        format!(
            "{task} looks {difficulty}; of the newest of {size} models in that price band, {model} \
             answers most cheaply, for about ${price}",
            task = task.name,
            difficulty = task.difficulty.as_str(),
            model = model.slug,
        )
    });
    let models = band
        .into_iter()
        .take(CHOICES)
        .map(|(_, model)| ResolvedModel { model: model.clone(), variants: Vec::new() })
        .collect();
    (models, Chosen { router: "entrepot/auto", task: task.name, why })
}

/// Where in a list sorted by price to look, as a range. Bands overlap, and none is empty where the
/// list is not.
fn band(difficulty: Difficulty, length: usize) -> (usize, usize) {
    let (from, to) = match difficulty {
        Difficulty::Easy => (0, 35),
        Difficulty::Ordinary => (20, 65),
        Difficulty::Hard => (50, 95),
    };
    let from = length * from / 100;
    (from, (length * to).div_ceil(100).max(from + 1).min(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_never_empty_and_never_out_of_range() {
        for length in 1..60 {
            for difficulty in [Difficulty::Easy, Difficulty::Ordinary, Difficulty::Hard] {
                let (from, to) = band(difficulty, length);
                assert!(from < to && to <= length, "{difficulty:?} of {length}: {from}..{to}");
            }
        }
        assert_eq!(band(Difficulty::Easy, 0), (0, 0));
    }

    #[test]
    fn routers_are_known_under_both_authors() {
        assert_eq!(Router::named("openrouter/auto"), Some(Router::Auto));
        assert_eq!(Router::named("entrepot/free"), Some(Router::Free));
        assert_eq!(Router::named("openai/auto"), None);
    }
}
