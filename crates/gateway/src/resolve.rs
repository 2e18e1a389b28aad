//! *Resolve*: from what was asked for to models of the catalog.

use std::sync::Arc;

use domain::catalog::{Catalog, Modality, Model};
use domain::model::{ModelRef, Variant};
use protocol::chat::request::{ChatRequest, Kind};

use crate::error::{GatewayError, NoEndpoint, Purpose};

/// The models that may answer, in the order in which they are tried.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What was asked for first, as it was written.
    pub requested: String,
    /// The model of the first name.
    pub primary: Arc<Model>,
    /// At least one.
    pub models: Vec<ResolvedModel>,
}

#[derive(Debug, Clone)]
pub struct ResolvedModel {
    pub model: Arc<Model>,
    pub variants: Vec<Variant>,
}

/// Finds `model`, then each of `models`. One unknown name refuses the request, because a
/// fallback that can never work is better noticed at once.
pub fn resolve(catalog: &Catalog, request: &ChatRequest) -> Result<Resolved, GatewayError> {
    let mut models: Vec<ResolvedModel> = Vec::with_capacity(1 + request.models.len());
    let mut first = None;
    for name in request.model.iter().chain(&request.models) {
        let found = find(catalog, name)?;
        check_kind(&found.model, &request.kind)?;
        first.get_or_insert_with(|| (name.clone(), found.model.clone()));
        let repeated = models
            .iter()
            .any(|other| other.model.slug == found.model.slug && other.variants == found.variants);
        if !repeated {
            models.push(found);
        }
    }
    let (requested, primary) = first.ok_or(GatewayError::ModelMissing)?;
    Ok(Resolved { requested, primary, models })
}

fn find(catalog: &Catalog, name: &str) -> Result<ResolvedModel, GatewayError> {
    let unknown = || GatewayError::ModelUnknown(name.chars().take(200).collect());
    // The common case, a plain slug, is one lookup.
    if let Some(model) = catalog.find_model(name) {
        return Ok(ResolvedModel { model: model.clone(), variants: Vec::new() });
    }
    let parsed: ModelRef = name.parse().map_err(|_| unknown())?;
    let model = catalog.find_model(parsed.slug.as_str()).ok_or_else(unknown)?;
    if let Some(variant) = parsed.variants.iter().find(|variant| !is_offered(model, **variant)) {
        return Err(GatewayError::NoEndpoint(Box::new(NoEndpoint {
            requested_models: vec![name.to_owned()],
            total: model.endpoints.len(),
            removed: vec![(
                "variant",
                format!("no endpoint offers the variant `:{}`", variant.as_str()),
                model.endpoints.len(),
            )],
        })));
    }
    Ok(ResolvedModel { model: model.clone(), variants: parsed.variants })
}

/// A model that answers a conversation makes no vectors, and the other way round.
fn check_kind(model: &Model, kind: &Kind) -> Result<(), GatewayError> {
    let makes = |modality| model.output_modalities.contains(&modality);
    let does = if makes(Modality::Embeddings) {
        Purpose::Embeddings
    } else if makes(Modality::Rerank) {
        Purpose::Rerank
    } else {
        Purpose::Chat
    };
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

/// Whether a variant means anything for a model. `:nitro`, `:floor` and `:exacto` order endpoints
/// and always do; `:free` needs an endpoint that costs nothing.
fn is_offered(model: &Model, variant: Variant) -> bool {
    match variant {
        Variant::Nitro | Variant::Floor | Variant::Exacto => true,
        Variant::Free => model.endpoints.iter().any(|endpoint| endpoint.prices.is_free()),
        Variant::Extended | Variant::Thinking => false,
    }
}
