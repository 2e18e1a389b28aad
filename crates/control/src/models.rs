//! Reading the public catalog.

use domain::catalog::{Catalog, Model, Provider};
use std::sync::Arc;

use crate::Control;

/// The verbs of the catalog. Public: they take no actor.
pub struct Models<'a> {
    control: &'a Control,
}

impl<'a> Models<'a> {
    pub(crate) const fn new(control: &'a Control) -> Self {
        Self { control }
    }

    /// The models in whose name, slug or description every word of `text` occurs, whatever its
    /// case: those named so come before those described so, each newest first. All of them when
    /// there are no words.
    pub fn search(&self, text: &str) -> Vec<Arc<Model>> {
        search(&self.control.catalog_snapshot(), text)
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

fn search(catalog: &Catalog, text: &str) -> Vec<Arc<Model>> {
    // More words than this narrow nothing further and cost time.
    let words: Vec<String> = text.split_whitespace().take(16).map(str::to_lowercase).collect();
    let mut ranked: Vec<(Relevance, Arc<Model>)> = catalog
        .models()
        .iter()
        .filter(|model| model.cheapest().is_some())
        .filter_map(|model| Some((relevance(model, &words)?, Arc::clone(model))))
        .collect();
    // Stable: the catalog is sorted newest first.
    ranked.sort_by_key(|(relevance, _)| *relevance);
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
