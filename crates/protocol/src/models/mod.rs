//! Payloads about what can be asked for: `/models`, `/models/…/endpoints`, `/providers`.

use domain::catalog::{Endpoint, Modality, Model, Provider};
use domain::pricing::{PriceSheet, Unit};
use serde::Serialize;

/// The body of `GET /models`.
#[derive(Debug, Clone, Serialize)]
pub struct ModelList {
    pub data: Vec<ModelCard>,
    /// With `links`, only when a page was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<PageLinks>,
}

#[derive(Debug, Clone, Serialize)]
pub struct PageLinks {
    pub next: Option<String>,
}

/// One model.
#[derive(Debug, Clone, Serialize)]
pub struct ModelCard {
    pub id: String,
    pub canonical_slug: String,
    pub hugging_face_id: Option<String>,
    pub name: String,
    pub created: i64,
    pub description: String,
    pub context_length: Option<u32>,
    pub architecture: Architecture,
    pub pricing: Pricing,
    pub top_provider: TopProvider,
    pub per_request_limits: Option<PerRequestLimits>,
    pub supported_parameters: Vec<String>,
    pub default_parameters: Option<serde_json::Map<String, serde_json::Value>>,
    pub supported_voices: Option<Vec<String>>,
    pub knowledge_cutoff: Option<String>,
    pub expiration_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Reasoning>,
    pub links: ModelLinks,
}

#[derive(Debug, Clone, Serialize)]
pub struct Architecture {
    pub modality: Option<String>,
    pub input_modalities: Vec<&'static str>,
    pub output_modalities: Vec<&'static str>,
    pub tokenizer: String,
    pub instruct_type: Option<String>,
}

/// Decimal text, dollars per token or per unit. What has no price of its own is left out.
#[derive(Debug, Clone, Serialize)]
pub struct Pricing {
    pub prompt: String,
    pub completion: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_search: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_reasoning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_cache_read: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_cache_write: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_cache_write_1h: Option<String>,
    /// A fraction from 0 to 1.
    pub discount: u8,
}

#[derive(Debug, Clone, Serialize)]
pub struct TopProvider {
    pub context_length: Option<u32>,
    pub max_completion_tokens: Option<u32>,
    pub is_moderated: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct PerRequestLimits {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Reasoning {
    pub mandatory: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct ModelLinks {
    pub details: String,
}

/// The body of `GET /models/{author}/{name}/endpoints`.
#[derive(Debug, Clone, Serialize)]
pub struct EndpointsReply {
    pub data: ModelEndpoints,
}

#[derive(Debug, Clone, Serialize)]
pub struct ModelEndpoints {
    pub id: String,
    pub name: String,
    pub created: i64,
    pub description: String,
    pub architecture: Architecture,
    pub endpoints: Vec<EndpointCard>,
}

/// One endpoint.
#[derive(Debug, Clone, Serialize)]
pub struct EndpointCard {
    pub name: String,
    pub model_id: String,
    pub model_name: String,
    pub context_length: u32,
    pub pricing: Pricing,
    pub provider_name: String,
    pub tag: String,
    pub quantization: Option<String>,
    pub max_completion_tokens: Option<u32>,
    pub max_prompt_tokens: Option<u32>,
    pub supported_parameters: Vec<String>,
    /// 0 is well; negative numbers grade how badly it does.
    pub status: i8,
    /// Per cent; none until it was measured.
    pub uptime_last_5m: Option<f64>,
    pub uptime_last_30m: Option<f64>,
    pub uptime_last_1d: Option<f64>,
    pub latency_last_30m: Option<Percentiles>,
    pub throughput_last_30m: Option<Percentiles>,
    pub supports_implicit_caching: bool,
    pub supports_tool_choice: ToolChoiceSupport,
    pub native_tools: serde_json::Map<String, serde_json::Value>,
    pub service_tier: Option<String>,
    pub supports_diarization: bool,
}

/// Milliseconds to the first token, or tokens a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    pub p50: f64,
    pub p75: f64,
    pub p90: f64,
    pub p99: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ToolChoiceSupport {
    pub auto: bool,
    pub none: bool,
    pub required: bool,
    pub function: bool,
}

/// The body of `GET /providers`.
#[derive(Debug, Clone, Serialize)]
pub struct ProviderList {
    pub data: Vec<ProviderCard>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ProviderCard {
    pub name: String,
    pub slug: String,
    pub privacy_policy_url: Option<String>,
    pub terms_of_service_url: Option<String>,
    pub status_page_url: Option<String>,
    pub headquarters: Option<String>,
    pub datacenters: Option<Vec<String>>,
}

impl ModelCard {
    /// A model as it is listed, with the prices of its cheapest endpoint.
    pub fn new(model: &Model) -> Self {
        let shown = model.cheapest();
        let supported_parameters = model.supported_parameters();
        let reasons = supported_parameters.iter().any(|name| name.as_str() == "reasoning");
        Self {
            id: model.slug.to_string(),
            canonical_slug: model.canonical_slug.clone(),
            hugging_face_id: model.hugging_face_id.clone(),
            name: model.name.clone(),
            created: model.created,
            description: model.description.clone(),
            context_length: Some(model.context_length),
            architecture: Architecture::new(model),
            pricing: Pricing::new(&shown.map(|endpoint| endpoint.prices).unwrap_or_default()),
            top_provider: TopProvider {
                context_length: shown.map(|endpoint| endpoint.context_length),
                max_completion_tokens: shown.and_then(|endpoint| endpoint.max_completion_tokens),
                is_moderated: false,
            },
            per_request_limits: None,
            supported_parameters,
            default_parameters: None,
            supported_voices: None,
            knowledge_cutoff: model.knowledge_cutoff.clone(),
            expiration_date: model.expiration_date.clone(),
            reasoning: reasons.then_some(Reasoning { mandatory: false }),
            links: ModelLinks { details: format!("/api/v1/models/{}/endpoints", model.slug) },
        }
    }
}

impl ModelList {
    /// The whole list.
    pub fn all<'a>(models: impl IntoIterator<Item = &'a Model>) -> Self {
        let data = models.into_iter().map(ModelCard::new).collect();
        Self { data, total_count: None, links: None }
    }
}

impl Architecture {
    pub fn new(model: &Model) -> Self {
        let names = |list: &[Modality]| list.iter().map(|modality| modality.as_str()).collect();
        Self {
            modality: Some(model.modality()),
            input_modalities: names(&model.input_modalities),
            output_modalities: names(&model.output_modalities),
            tokenizer: model.tokenizer.clone(),
            instruct_type: model.instruct_type.clone(),
        }
    }
}

impl Pricing {
    pub fn new(prices: &PriceSheet) -> Self {
        let stated = |unit| prices.stated(unit).map(domain::pricing::Price::per_unit);
        Self {
            prompt: prices.price(Unit::Prompt).per_unit(),
            completion: prices.price(Unit::Completion).per_unit(),
            request: stated(Unit::Request),
            image: stated(Unit::ImageInput),
            image_output: stated(Unit::ImageOutput),
            audio: stated(Unit::AudioInput),
            audio_output: stated(Unit::AudioOutput),
            web_search: stated(Unit::WebSearch),
            internal_reasoning: stated(Unit::Reasoning),
            input_cache_read: stated(Unit::CacheRead),
            input_cache_write: stated(Unit::CacheWrite5m),
            input_cache_write_1h: stated(Unit::CacheWrite1h),
            discount: 0,
        }
    }
}

impl EndpointsReply {
    /// A model with every endpoint that may be seen.
    pub fn new(model: &Model) -> Self {
        let shown = model.endpoints.iter().filter(|endpoint| !endpoint.hidden);
        Self {
            data: ModelEndpoints {
                id: model.slug.to_string(),
                name: model.name.clone(),
                created: model.created,
                description: model.description.clone(),
                architecture: Architecture::new(model),
                endpoints: shown.map(|endpoint| EndpointCard::new(model, endpoint)).collect(),
            },
        }
    }
}

impl EndpointCard {
    /// An endpoint of which nothing was measured yet.
    pub fn new(model: &Model, endpoint: &Endpoint) -> Self {
        let chooses = endpoint.supports("tool_choice");
        Self {
            name: format!("{} | {}", endpoint.provider.name, model.slug),
            model_id: model.slug.to_string(),
            model_name: model.name.clone(),
            context_length: endpoint.context_length,
            pricing: Pricing::new(&endpoint.prices),
            provider_name: endpoint.provider.name.clone(),
            tag: endpoint.tag.clone(),
            quantization: endpoint.quantization.clone(),
            max_completion_tokens: endpoint.max_completion_tokens,
            max_prompt_tokens: endpoint.max_prompt_tokens,
            supported_parameters: endpoint.supported_parameters.clone(),
            status: 0,
            uptime_last_5m: None,
            uptime_last_30m: None,
            uptime_last_1d: None,
            latency_last_30m: None,
            throughput_last_30m: None,
            supports_implicit_caching: endpoint.prices.stated(Unit::CacheRead).is_some()
                && endpoint.prices.stated(Unit::CacheWrite5m).is_none(),
            supports_tool_choice: ToolChoiceSupport {
                auto: chooses,
                none: chooses,
                required: chooses,
                function: chooses,
            },
            native_tools: serde_json::Map::new(),
            service_tier: None,
            supports_diarization: false,
        }
    }
}

impl ProviderList {
    pub fn new<'a>(providers: impl IntoIterator<Item = &'a Provider>) -> Self {
        Self { data: providers.into_iter().map(ProviderCard::new).collect() }
    }
}

impl ProviderCard {
    pub fn new(provider: &Provider) -> Self {
        Self {
            name: provider.name.clone(),
            slug: provider.slug.clone(),
            privacy_policy_url: provider.privacy_url.clone(),
            terms_of_service_url: provider.terms_url.clone(),
            status_page_url: provider.status_url.clone(),
            headquarters: provider.headquarters.clone(),
            datacenters: (!provider.datacenters.is_empty()).then(|| provider.datacenters.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
