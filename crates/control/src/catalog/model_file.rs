//! `models/<author>/<name>.toml`: what a model is, and where it is served.

use domain::catalog::Modality;
use domain::model::ModelSlug;

use super::endpoint_file::EndpointText;
use super::fields::Fields;
use super::{At, Place, check, endpoint_file};

/// A file about a model.
#[derive(Debug)]
pub(super) struct ModelText {
    pub(super) slug: ModelSlug,
    pub(super) facts: ModelFacts,
    pub(super) endpoints: Vec<EndpointText>,
    pub(super) place: Place,
}

/// What was said about a model. Anything may be left out.
#[derive(Debug, Clone, Default)]
pub(super) struct ModelFacts {
    pub(super) name: Option<String>,
    pub(super) canonical_slug: Option<String>,
    pub(super) description: Option<String>,
    /// Unix seconds of the day of its release.
    pub(super) released: Option<i64>,
    pub(super) context_length: Option<u32>,
    pub(super) input_modalities: Option<Vec<Modality>>,
    pub(super) output_modalities: Option<Vec<Modality>>,
    pub(super) tokenizer: Option<String>,
    pub(super) instruct_type: Option<String>,
    pub(super) hugging_face_id: Option<String>,
    pub(super) knowledge_cutoff: Option<String>,
    pub(super) expiration_date: Option<String>,
    pub(super) open_weights: Option<bool>,
}

impl ModelFacts {
    /// These facts, and what `other` says where these say nothing.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            name: self.name.or(other.name),
            canonical_slug: self.canonical_slug.or(other.canonical_slug),
            description: self.description.or(other.description),
            released: self.released.or(other.released),
            context_length: self.context_length.or(other.context_length),
            input_modalities: self.input_modalities.or(other.input_modalities),
            output_modalities: self.output_modalities.or(other.output_modalities),
            tokenizer: self.tokenizer.or(other.tokenizer),
            instruct_type: self.instruct_type.or(other.instruct_type),
            hugging_face_id: self.hugging_face_id.or(other.hugging_face_id),
            knowledge_cutoff: self.knowledge_cutoff.or(other.knowledge_cutoff),
            expiration_date: self.expiration_date.or(other.expiration_date),
            open_weights: self.open_weights.or(other.open_weights),
        }
    }
}

pub(super) fn read(slug: &ModelSlug, layer: usize, fields: &Fields<'_>) -> ModelText {
    let facts = read_facts(fields);
    let endpoints = fields.tables("endpoints", |fields| read_endpoint(layer, fields));
    ModelText {
        slug: slug.clone(),
        facts,
        endpoints: endpoints.into_iter().flatten().collect(),
        place: fields.place().clone(),
    }
}

fn read_endpoint(layer: usize, fields: &Fields<'_>) -> Option<EndpointText> {
    let provider = fields.required_text("provider");
    endpoint_file::read(provider, layer, fields)
}

/// The fields that say what a model is.
pub(super) fn read_facts(fields: &Fields<'_>) -> ModelFacts {
    let canonical = |text: &str| {
        text.parse::<ModelSlug>()
            .map(|slug| slug.to_string())
            .map_err(|_| format!("must be `author/name`, not `{text}`"))
    };
    let paragraph = |text: &str| Ok(text.split_whitespace().collect::<Vec<_>>().join(" "));
    let modalities = |key| {
        let list = fields.checked_list(key, check::modality)?;
        if list.is_empty() {
            fields.report(fields.place(), format!("`{key}` must list at least one modality"));
        }
        Some(list)
    };
    ModelFacts {
        name: fields.checked("name", check::line),
        canonical_slug: fields.checked("canonical_slug", canonical),
        description: fields.checked("description", paragraph),
        released: fields
            .checked("released", check::date)
            .map(|date| date.midnight().assume_utc().unix_timestamp()),
        context_length: fields.count("context_length").map(|count: At<u32>| count.value),
        input_modalities: modalities("input_modalities"),
        output_modalities: modalities("output_modalities"),
        tokenizer: fields.checked("tokenizer", check::line),
        instruct_type: fields.checked("instruct_type", check::line),
        hugging_face_id: fields.checked("hugging_face_id", check::line),
        knowledge_cutoff: fields.checked("knowledge_cutoff", check::date_text),
        expiration_date: fields.checked("expiration_date", check::date_text),
        open_weights: fields.flag("open_weights"),
    }
}
