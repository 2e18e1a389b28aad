//! Reading the public catalog.

use domain::catalog::{Catalog, Endpoint, Modality, Model, Provider};
use domain::pricing::{Price, Unit};
use std::cmp::Reverse;
use std::str::FromStr;
use std::sync::Arc;

use crate::Control;

/// The verbs of the catalog. Public: they take no actor.
pub struct Models<'a> {
    control: &'a Control,
}

/// Which models to list. Absent fields do not narrow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelQuery {
    /// Words that must all occur in the name, the slug or the description, whatever their case.
    pub q: Option<String>,
    /// A kind of input that the model must take.
    pub modality: Option<Modality>,
    /// The slug of a provider that must serve it.
    pub provider: Option<String>,
    /// The first part of the slug.
    pub author: Option<String>,
    pub context_min: Option<u32>,
    /// The most that an input token may cost at the cheapest endpoint.
    pub max_price: Option<Price>,
    /// Only models with an endpoint that costs nothing.
    pub free: bool,
    /// A parameter that some endpoint must support.
    pub parameter: Option<String>,
    pub sort: ModelSort,
}

/// The order of a list of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ModelSort {
    #[default]
    Newest,
    PriceLow,
    PriceHigh,
    /// Longest first.
    Context,
    Name,
}

impl ModelSort {
    pub const ALL: [Self; 5] =
        [Self::Newest, Self::PriceLow, Self::PriceHigh, Self::Context, Self::Name];

    /// The name in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::PriceLow => "price-low",
            Self::PriceHigh => "price-high",
            Self::Context => "context",
            Self::Name => "name",
        }
    }
}

impl FromStr for ModelSort {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|sort| sort.as_str() == text).ok_or(())
    }
}

impl<'a> Models<'a> {
    pub(crate) const fn new(control: &'a Control) -> Self {
        Self { control }
    }

    /// The models that match, in the order asked for.
    pub fn list(&self, query: &ModelQuery) -> Vec<Arc<Model>> {
        list(&self.control.catalog_snapshot(), query)
    }

    /// One model by its slug without variants.
    pub fn find(&self, slug: &str) -> Option<Arc<Model>> {
        self.control.catalog_snapshot().find_model(slug).cloned()
    }

    /// Every provider that serves something, by slug.
    pub fn providers(&self) -> Vec<Arc<Provider>> {
        self.control.catalog_snapshot().providers().to_vec()
    }

    /// The whole catalog as it is now.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.control.catalog_snapshot()
    }
}

fn list(catalog: &Catalog, query: &ModelQuery) -> Vec<Arc<Model>> {
    let words: Vec<String> = query
        .q
        .as_deref()
        .unwrap_or_default()
        .split_whitespace()
        // More words than this narrow nothing further and cost time.
        .take(16)
        .map(str::to_lowercase)
        .collect();
    let mut ranked: Vec<(Relevance, Arc<Model>)> = catalog
        .models()
        .iter()
        .filter(|model| matches(model, query))
        .filter_map(|model| Some((relevance(model, &words)?, Arc::clone(model))))
        .collect();
    // The catalog is sorted newest first, and every sort here keeps that order among equals.
    match query.sort {
        ModelSort::Newest => ranked.sort_by_key(|(relevance, _)| *relevance),
        ModelSort::PriceLow => ranked.sort_by_key(|(_, model)| price(model)),
        ModelSort::PriceHigh => ranked.sort_by_key(|(_, model)| Reverse(price(model))),
        ModelSort::Context => ranked.sort_by_key(|(_, model)| Reverse(model.context_length)),
        ModelSort::Name => ranked.sort_by_cached_key(|(_, model)| model.name.to_lowercase()),
    }
    ranked.into_iter().map(|(_, model)| model).collect()
}

/// How well a model answers a search: those named so come before those described so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Relevance {
    Named,
    Described,
}

fn relevance(model: &Model, words: &[String]) -> Option<Relevance> {
    let name = format!("{} {}", model.slug, model.name.to_lowercase());
    if words.iter().all(|word| name.contains(word)) {
        return Some(Relevance::Named);
    }
    let description = model.description.to_lowercase();
    words
        .iter()
        .all(|word| name.contains(word) || description.contains(word))
        .then_some(Relevance::Described)
}

fn matches(model: &Model, query: &ModelQuery) -> bool {
    let some_endpoint = |wanted: &dyn Fn(&Endpoint) -> bool| {
        model.endpoints.iter().any(|endpoint| !endpoint.hidden && wanted(endpoint))
    };
    let author = query.author.as_deref().is_none_or(|author| model.slug.author() == author);
    let modality = query.modality.is_none_or(|modality| model.input_modalities.contains(&modality));
    let context = query.context_min.is_none_or(|tokens| model.context_length >= tokens);
    // The conditions on an endpoint hold for the same one: «free at Groq» is one question.
    author
        && modality
        && context
        && some_endpoint(&|endpoint| {
            let provider = query.provider.as_deref();
            let parameter = query.parameter.as_deref();
            provider.is_none_or(|slug| endpoint.provider.slug == slug)
                && parameter.is_none_or(|name| endpoint.supports(name))
                && query.max_price.is_none_or(|most| endpoint.prices.price(Unit::Prompt) <= most)
                && (!query.free || endpoint.prices.is_free())
        })
}

/// What equal input and output cost at the cheapest endpoint, in nano-dollars.
fn price(model: &Model) -> i64 {
    let of = |unit| model.cheapest().map_or(Price::FREE, |endpoint| endpoint.prices.price(unit));
    of(Unit::Prompt).nanos_per_million().saturating_add(of(Unit::Completion).nanos_per_million())
}
