//! What the OpenAPI document says about bodies that are no conversations.

#![expect(dead_code, reason = "these types describe bodies; they are never made")]

use serde_json::Value;
use utoipa::ToSchema;

use crate::http::openapi::ChatUsage;

/// A prompt. Fields of a conversation's request that are not about messages or tools may be used.
#[derive(ToSchema)]
pub(crate) struct CompletionRequest {
    /// `author/name`, with variants such as `:free` or `:nitro`.
    model: Option<String>,
    /// Further models to fall back to, in order.
    models: Option<Vec<String>>,
    prompt: String,
    /// Whether the answer begins with the prompt.
    echo: Option<bool>,
    stream: Option<bool>,
    max_tokens: Option<u32>,
    n: Option<u32>,
    temperature: Option<f64>,
    stop: Option<Value>,
    /// How many alternatives of each token are told.
    logprobs: Option<u32>,
    provider: Option<Value>,
    user: Option<String>,
}

/// A completion in one piece.
#[derive(ToSchema)]
pub(crate) struct Completion {
    /// `gen-…`
    id: String,
    object: String,
    created: i64,
    model: String,
    provider: String,
    choices: Vec<CompletionChoice>,
    usage: ChatUsage,
}

#[derive(ToSchema)]
struct CompletionChoice {
    index: u32,
    text: String,
    reasoning: Option<String>,
    logprobs: Option<Value>,
    finish_reason: Option<String>,
    native_finish_reason: Option<String>,
}

#[derive(ToSchema)]
pub(crate) struct EmbeddingsRequest {
    model: String,
    /// A text, a list of texts, tokens, lists of tokens, or a list of objects whose `content` is
    /// a list of parts.
    input: Value,
    dimensions: Option<u32>,
    /// `float` or `base64`.
    encoding_format: Option<String>,
    /// What the vectors are for, such as `search_query`.
    input_type: Option<String>,
    provider: Option<Value>,
    session_id: Option<String>,
    user: Option<String>,
}

#[derive(ToSchema)]
pub(crate) struct EmbeddingsBody {
    /// `gen-…`
    id: String,
    object: String,
    model: String,
    provider: String,
    data: Vec<EmbeddingBody>,
    usage: EmbeddingsUsage,
}

#[derive(ToSchema)]
struct EmbeddingBody {
    object: String,
    index: u32,
    /// Numbers, or base64 of little-endian 32-bit floats.
    embedding: Value,
}

#[derive(ToSchema)]
struct EmbeddingsUsage {
    prompt_tokens: u64,
    total_tokens: u64,
    /// Dollars charged.
    cost: f64,
}

#[derive(ToSchema)]
pub(crate) struct RerankRequest {
    model: String,
    query: String,
    /// Texts, or objects with `text`.
    documents: Vec<Value>,
    /// How many of the best are wanted.
    top_n: Option<u32>,
    provider: Option<Value>,
    session_id: Option<String>,
    user: Option<String>,
}

#[derive(ToSchema)]
pub(crate) struct RerankBody {
    /// `gen-…`
    id: String,
    model: String,
    provider: String,
    results: Vec<RerankResult>,
    usage: RerankUsage,
}

#[derive(ToSchema)]
struct RerankResult {
    /// Of the document in the request.
    index: u32,
    /// Higher is better.
    relevance_score: f64,
    document: Value,
}

#[derive(ToSchema)]
struct RerankUsage {
    search_units: u64,
    total_tokens: u64,
    /// Dollars charged.
    cost: f64,
}
