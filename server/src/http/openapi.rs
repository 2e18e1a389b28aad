//! The OpenAPI document, made from the handlers.
//!
//! The wire types are in `protocol`, which knows nothing of OpenAPI; the schemas here describe
//! what callers rely on. A test compares the documented paths with those that are routed.

#![expect(dead_code, reason = "these types describe bodies; they are never made")]

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde_json::Value;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};

use super::inference::{chat_completions, completions, embeddings, messages, rerank, responses};
use super::management::{credits, generation, key, models, providers, route};

/// The whole document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Entrepot",
        description = "Many models behind one API. Compatible with OpenAI's and OpenRouter's \
                       clients: point them at `/api/v1` and give them a key.",
        license(name = "AGPL-3.0-only", identifier = "AGPL-3.0-only")
    ),
    paths(
        chat_completions::create,
        completions::create,
        messages::create,
        messages::count,
        embeddings::create,
        rerank::create,
        responses::create::create,
        responses::kept::find,
        responses::kept::delete,
        responses::kept::list_input,
        models::list,
        models::list_embeddings,
        models::count,
        models::find,
        models::endpoints,
        providers::list,
        route::explain,
        generation::find,
        key::find,
        credits::find,
    ),
    tags(
        (name = "inference", description = "Ask a model"),
        (name = "catalog", description = "What can be asked for; needs no key"),
        (name = "account", description = "What was used and what is left"),
    ),
    modifiers(&Bearer),
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("key", scheme);
    }
}

/// `GET /api/v1/openapi.json`
pub(crate) async fn document() -> Response {
    static JSON: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(text()));
    ([(CONTENT_TYPE, "application/json")], JSON.clone()).into_response()
}

/// The document as JSON text.
#[expect(clippy::expect_used, reason = "a document of maps and texts can always be written")]
pub fn text() -> String {
    Document::openapi().to_pretty_json().expect("the document can be written")
}

/// What every refusal and failure looks like.
#[derive(ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorDetail,
}

#[derive(ToSchema)]
struct ErrorDetail {
    /// The HTTP status.
    code: u16,
    /// What is wrong, and what to do.
    message: String,
    metadata: ErrorMetadata,
}

#[derive(ToSchema)]
struct ErrorMetadata {
    /// A stable name, such as `authentication`, `payment_required` or `rate_limit_exceeded`.
    error_type: String,
    /// The part of the request that is wrong.
    field: Option<String>,
    /// The provider that failed.
    provider_name: Option<String>,
}

/// A conversation. Fields that are not listed are passed on to the provider.
#[derive(ToSchema)]
pub(crate) struct ChatRequest {
    /// `author/name`, with variants such as `:free` or `:nitro`.
    model: Option<String>,
    /// Further models to fall back to, in order.
    models: Option<Vec<String>>,
    messages: Vec<ChatMessage>,
    stream: Option<bool>,
    /// The most tokens of an answer, reasoning included.
    max_completion_tokens: Option<u32>,
    /// The same under its older name.
    max_tokens: Option<u32>,
    /// How many answers are wanted.
    n: Option<u32>,
    /// 0 to 2.
    temperature: Option<f64>,
    /// 0 to 1.
    top_p: Option<f64>,
    top_k: Option<u32>,
    /// 0 to 1.
    min_p: Option<f64>,
    /// -2 to 2.
    frequency_penalty: Option<f64>,
    /// -2 to 2.
    presence_penalty: Option<f64>,
    /// 0 to 2.
    repetition_penalty: Option<f64>,
    /// Token ids to numbers from -100 to 100.
    logit_bias: Option<HashMap<String, f64>>,
    logprobs: Option<bool>,
    /// 0 to 20; needs `logprobs`.
    top_logprobs: Option<u32>,
    /// A text, or a list of at most four.
    stop: Option<Value>,
    seed: Option<i64>,
    tools: Option<Vec<Value>>,
    /// `none`, `auto`, `required`, or an object that names a tool.
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<bool>,
    /// `text`, `json_object` or `json_schema`.
    response_format: Option<Value>,
    /// `effort` or `max_tokens`, and whether to `exclude` it from the answer.
    reasoning: Option<Value>,
    /// `text`, `image` or `audio`.
    modalities: Option<Vec<String>>,
    /// Which providers may answer, and in which order.
    provider: Option<Value>,
    user: Option<String>,
    /// Requests of one conversation share it; also the header `x-session-id`.
    session_id: Option<String>,
}

#[derive(ToSchema)]
struct ChatMessage {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    role: String,
    /// Text, or an array of parts.
    content: Option<Value>,
}

/// An answer in one piece.
#[derive(ToSchema)]
pub(crate) struct ChatCompletion {
    /// `gen-…`
    id: String,
    object: String,
    created: i64,
    model: String,
    provider: String,
    choices: Vec<Value>,
    usage: ChatUsage,
}

#[derive(ToSchema)]
pub(crate) struct ChatUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    /// Dollars charged.
    cost: f64,
}

#[derive(ToSchema)]
pub(crate) struct ModelsBody {
    data: Vec<PublicModel>,
    /// With `links`, only when a page was asked for.
    total_count: Option<u64>,
    links: Option<Links>,
}

#[derive(ToSchema)]
struct Links {
    next: Option<String>,
}

#[derive(ToSchema)]
pub(crate) struct ModelBody {
    data: PublicModel,
}

#[derive(ToSchema)]
struct PublicModel {
    id: String,
    canonical_slug: String,
    name: String,
    description: String,
    created: i64,
    context_length: Option<u32>,
    architecture: Value,
    /// Dollars per token or per unit, as decimal text.
    pricing: HashMap<String, Value>,
    top_provider: Value,
    supported_parameters: Vec<String>,
}

#[derive(ToSchema)]
pub(crate) struct CountBody {
    data: CountData,
}

#[derive(ToSchema)]
struct CountData {
    count: u64,
}

#[derive(ToSchema)]
pub(crate) struct EndpointsBody {
    data: EndpointsData,
}

#[derive(ToSchema)]
struct EndpointsData {
    id: String,
    name: String,
    created: i64,
    description: String,
    architecture: Value,
    endpoints: Vec<PublicEndpoint>,
}

#[derive(ToSchema)]
struct PublicEndpoint {
    name: String,
    model_id: String,
    provider_name: String,
    /// What `provider.only` and `provider.order` call it.
    tag: String,
    context_length: u32,
    max_completion_tokens: Option<u32>,
    quantization: Option<String>,
    /// Dollars per token or per unit, as decimal text.
    pricing: HashMap<String, Value>,
    supported_parameters: Vec<String>,
}

#[derive(ToSchema)]
pub(crate) struct ProvidersBody {
    data: Vec<PublicProvider>,
}

#[derive(ToSchema)]
struct PublicProvider {
    name: String,
    slug: String,
    privacy_policy_url: Option<String>,
    terms_of_service_url: Option<String>,
    status_page_url: Option<String>,
    headquarters: Option<String>,
    datacenters: Option<Vec<String>>,
}

#[derive(ToSchema)]
pub(crate) struct GenerationBody {
    data: GenerationData,
}

#[derive(ToSchema)]
struct GenerationData {
    id: String,
    model: String,
    provider_name: Option<String>,
    created_at: String,
    streamed: Option<bool>,
    cancelled: Option<bool>,
    finish_reason: Option<String>,
    native_finish_reason: Option<String>,
    tokens_prompt: Option<u64>,
    tokens_completion: Option<u64>,
    /// Milliseconds to the first token.
    latency: Option<u32>,
    /// Milliseconds to the last.
    generation_time: Option<u32>,
    /// Dollars.
    total_cost: f64,
    /// Every attempt, with its outcome.
    provider_responses: Option<Vec<Value>>,
}

#[derive(ToSchema)]
pub(crate) struct KeyBody {
    data: KeyData,
}

#[derive(ToSchema)]
struct KeyData {
    label: String,
    /// Dollars; null when the key has no limit.
    limit: Option<f64>,
    limit_remaining: Option<f64>,
    /// `daily`, `weekly`, `monthly`, or null when it never begins anew.
    limit_reset: Option<String>,
    usage: f64,
    usage_daily: f64,
    usage_weekly: f64,
    usage_monthly: f64,
    is_free_tier: bool,
}

#[derive(ToSchema)]
pub(crate) struct CreditsBody {
    data: CreditsData,
}

#[derive(ToSchema)]
struct CreditsData {
    /// Dollars ever added.
    total_credits: f64,
    /// Dollars ever used.
    total_usage: f64,
}
