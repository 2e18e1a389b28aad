use control::Actor;
use domain::catalog::Model;
use leptos::prelude::use_context;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::error::AppError;
use crate::model_query::{ModelQuery, ModelRow};
use crate::server::enter_public;

pub(super) struct Models {
    pub(super) viewer: Option<Actor>,
    pub(super) query: ModelQuery,
    /// Every model, those asked for first and in order, and whether it was asked for.
    pub(super) rows: Vec<(bool, ModelRow, Arc<Model>)>,
    pub(super) authors: Vec<String>,
    /// Slug and display name.
    pub(super) providers: Vec<(String, String)>,
    /// Those that at least one model supports.
    pub(super) parameters: Vec<String>,
}

pub(super) async fn load() -> Result<Models, AppError> {
    let (control, viewer) = enter_public().await?;
    let query = use_context::<http::request::Parts>()
        .and_then(|parts| parts.uri.query().map(ModelQuery::parse))
        .unwrap_or_default();
    let catalog = control.models().catalog();
    let mut rows: Vec<(bool, ModelRow, Arc<Model>)> = catalog
        .models()
        .iter()
        .filter(|model| model.cheapest().is_some())
        .map(|model| {
            let row = ModelRow::new(model);
            (query.matches(&row), row, Arc::clone(model))
        })
        .collect();
    rows.sort_by(|(a_shown, a, _), (b_shown, b, _)| {
        b_shown.cmp(a_shown).then_with(|| query.compare(a, b))
    });
    let models = || rows.iter().map(|(_, _, model)| model);
    let endpoints = || models().flat_map(|model| &model.endpoints).filter(|e| !e.hidden);
    let authors: BTreeSet<&str> = models().map(|model| model.slug.author()).collect();
    let providers: BTreeMap<&str, &str> =
        endpoints().map(|e| (&*e.provider.slug, &*e.provider.name)).collect();
    let parameters: BTreeSet<&String> = endpoints().flat_map(|e| &e.supported_parameters).collect();
    Ok(Models {
        viewer,
        query,
        authors: authors.into_iter().map(str::to_owned).collect(),
        providers: providers
            .into_iter()
            .map(|(slug, name)| (slug.to_owned(), name.to_owned()))
            .collect(),
        parameters: parameters.into_iter().cloned().collect(),
        rows,
    })
}
