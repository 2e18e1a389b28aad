//! *Resolve*: from what was asked for to models of the catalog.
//!
//! A name is a model's slug, an alias of the newest of a family ([`latest`]) or a router that
//! chooses ([`routers`]); each with variants.

mod classify;
mod latest;
mod routers;

use std::sync::Arc;

use domain::catalog::{Catalog, Endpoint, Model, Purpose, Serving};
use domain::model::{ModelRef, Variant};
use domain::random::Random;
use domain::time::Timestamp;
use protocol::chat::request::{ChatRequest, Kind};

use crate::error::{GatewayError, NoEndpoint};
use crate::routing::stats::Stats;
pub use routers::Chosen;
use routers::Router;

/// The models that may answer, in the order in which they are tried.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What was asked for first, as it was written.
    pub requested: String,
    /// The model of the first name.
    pub primary: Arc<Model>,
    /// At least one.
    pub models: Vec<ResolvedModel>,
    /// How the first name led to a model: `direct`, `free`, `latest` or `auto`.
    pub strategy: &'static str,
    /// What a router made of the request, where one was named.
    pub chosen: Option<Chosen>,
}

/// What a choice among models may depend on.
pub struct Scene<'a> {
    pub stats: &'a Stats,
    pub now: Timestamp,
    /// Asked only where something is drawn.
    pub random: &'a dyn Random,
    /// Output tokens that are expected where the caller sets no bound.
    pub open_output: u32,
}

#[derive(Debug, Clone)]
pub struct ResolvedModel {
    pub model: Arc<Model>,
    pub variants: Vec<Variant>,
}

impl Resolved {
    /// Whether the name asks for reasoning, whatever the request says about it.
    pub(crate) fn asks_to_think(&self) -> bool {
        self.models.first().is_some_and(|first| first.variants.contains(&Variant::Thinking))
    }
}

/// Finds `model`, then each of `models`. One unknown name refuses the request, because a
/// fallback that can never work is better noticed at once.
pub fn resolve(
    catalog: &Catalog,
    request: &ChatRequest,
    scene: &Scene<'_>,
) -> Result<Resolved, GatewayError> {
    let mut models: Vec<ResolvedModel> = Vec::with_capacity(1 + request.models.len());
    let mut first: Option<(String, &'static str, Arc<Model>)> = None;
    let mut chosen = None;
    for name in request.model.iter().chain(&request.models) {
        let (found, strategy) = if let Some(router) = Router::named(name) {
            let (found, why) = routers::choose(router, catalog, request, scene);
            if found.is_empty() {
                return Err(nobody(name, 0, Vec::new()));
            }
            let strategy = if router == Router::Free { "free" } else { "auto" };
            chosen.get_or_insert(why);
            (found, strategy)
        } else {
            let (found, strategy) = find(catalog, name)?;
            (vec![found], strategy)
        };
        for found in found {
            check_kind(&found.model, &request.kind)?;
            first.get_or_insert_with(|| (name.clone(), strategy, found.model.clone()));
            let repeated = models.iter().any(|other| {
                other.model.slug == found.model.slug && other.variants == found.variants
            });
            if !repeated {
                models.push(found);
            }
        }
    }
    let (requested, strategy, primary) = first.ok_or(GatewayError::ModelMissing)?;
    Ok(Resolved { requested, primary, models, strategy, chosen })
}

fn find(catalog: &Catalog, name: &str) -> Result<(ResolvedModel, &'static str), GatewayError> {
    let unknown = || GatewayError::ModelUnknown(name.chars().take(200).collect());
    // The common case, a plain slug, is one lookup.
    if let Some(model) = catalog.find_model(name) {
        return Ok((ResolvedModel { model: model.clone(), variants: Vec::new() }, "direct"));
    }
    let (model, variants, strategy) = if name.starts_with('~') {
        let (alias, suffixes) = name.split_once(':').map_or((name, None), |(a, b)| (a, Some(b)));
        let model = latest::find(catalog, alias).ok_or_else(unknown)?;
        let variants = suffixes.into_iter().flat_map(|all| all.split(':')).map(str::parse);
        (model, variants.collect::<Result<Vec<Variant>, ()>>().map_err(|()| unknown())?, "latest")
    } else {
        let parsed: ModelRef = name.parse().map_err(|_| unknown())?;
        let model = catalog.find_model(parsed.slug.as_str()).ok_or_else(unknown)?;
        let is_free = parsed.variants.contains(&Variant::Free);
        (model, parsed.variants, if is_free { "free" } else { "direct" })
    };
    if let Some(variant) = variants.iter().find(|variant| !is_offered(model, **variant)) {
        let sentence = format!("no endpoint offers the variant `:{}`", variant.as_str());
        let total = model.endpoints.len();
        return Err(nobody(name, total, vec![("variant", sentence, total)]));
    }
    Ok((ResolvedModel { model: model.clone(), variants }, strategy))
}

fn nobody(name: &str, total: usize, removed: Vec<(&'static str, String, usize)>) -> GatewayError {
    let requested_models = vec![name.to_owned()];
    GatewayError::NoEndpoint(Box::new(NoEndpoint { requested_models, total, removed }))
}

/// Whether anybody here serves it.
fn is_visible(model: &Model) -> bool {
    model
        .endpoints
        .iter()
        .any(|endpoint| !endpoint.hidden && endpoint.provider.serving != Serving::Hidden)
}

/// A model that answers a conversation makes no vectors, and the other way round.
fn check_kind(model: &Model, kind: &Kind) -> Result<(), GatewayError> {
    let does = model.purpose();
    let asked = match kind {
        Kind::Chat => Purpose::Chat,
        Kind::Embeddings(_) => Purpose::Embeddings,
        Kind::Rerank(_) => Purpose::Rerank,
    };
    if does == asked {
        return Ok(());
    }
    Err(GatewayError::WrongEndpoint { model: model.slug.to_string(), does, asked })
}

/// Whether a variant means anything for a model.
fn is_offered(model: &Model, variant: Variant) -> bool {
    model.endpoints.iter().any(|endpoint| offers(model, endpoint, variant))
}

/// Whether an endpoint may answer a variant of its model. `:nitro`, `:floor` and `:exacto` only
/// order endpoints.
pub(crate) fn offers(model: &Model, endpoint: &Endpoint, variant: Variant) -> bool {
    match variant {
        Variant::Nitro | Variant::Floor | Variant::Exacto => true,
        Variant::Free => endpoint.prices.is_free(),
        Variant::Thinking => {
            endpoint.supports("reasoning") || endpoint.supports("reasoning_effort")
        }
        Variant::Extended => {
            let lengths = || model.endpoints.iter().map(|other| other.context_length);
            Some(endpoint.context_length) == lengths().max()
                && Some(endpoint.context_length) != lengths().min()
        }
    }
}
