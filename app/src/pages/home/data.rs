use control::Actor;
use domain::catalog::{Model, Purpose};
use domain::pricing::Unit;
use std::sync::Arc;

use crate::error::AppError;
use crate::server::{enter_public, web};

/// How many models each list of the home page names.
const LISTED: usize = 6;

pub(super) struct Home {
    pub(super) viewer: Option<Actor>,
    pub(super) models: usize,
    pub(super) providers: usize,
    pub(super) endpoints: usize,
    pub(super) sandboxed: bool,
    pub(super) newest: Vec<Arc<Model>>,
    pub(super) cheapest: Vec<Arc<Model>>,
    pub(super) longest: Option<Arc<Model>>,
    pub(super) public_url: String,
}

pub(super) async fn load() -> Result<Home, AppError> {
    let (control, viewer) = enter_public().await?;
    let catalog = control.models().catalog();
    let shown: Vec<&Arc<Model>> =
        catalog.models().iter().filter(|model| model.cheapest().is_some()).collect();
    let endpoints = || shown.iter().flat_map(|model| &model.endpoints).filter(|e| !e.hidden);
    // What people come for; models for other purposes are few, and cheap for another reason.
    let answering: Vec<&Arc<Model>> =
        shown.iter().filter(|model| model.purpose() == Purpose::Chat).copied().collect();
    let mut by_price: Vec<(i64, &Arc<Model>)> = answering
        .iter()
        .filter_map(|model| {
            let prices = &model.cheapest()?.prices;
            let sum = prices
                .price(Unit::Prompt)
                .nanos_per_million()
                .saturating_add(prices.price(Unit::Completion).nanos_per_million());
            (sum > 0).then_some((sum, *model))
        })
        .collect();
    by_price.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| x.slug.cmp(&y.slug)));
    Ok(Home {
        viewer,
        models: shown.len(),
        providers: endpoints()
            .map(|endpoint| &endpoint.provider.slug)
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        endpoints: endpoints().count(),
        sandboxed: endpoints().any(|endpoint| endpoint.provider.is_sandboxed()),
        newest: answering.iter().take(LISTED).map(|model| Arc::clone(model)).collect(),
        cheapest: by_price.iter().take(LISTED).map(|(_, model)| Arc::clone(model)).collect(),
        longest: answering
            .iter()
            .max_by_key(|model| model.context_length)
            .map(|model| Arc::clone(model)),
        public_url: web()?.public_url,
    })
}
