//! What the OpenAPI document says about the bodies of Messages.

#![expect(dead_code, reason = "these types describe bodies; they are never made")]

use serde_json::Value;
use utoipa::ToSchema;

/// A conversation in Anthropic's form. Fields that are not listed are passed on to providers that
/// speak it.
#[derive(ToSchema)]
pub(super) struct MessagesRequest {
    /// `author/name`, with variants such as `:free` or `:nitro`.
    model: Option<String>,
    /// Further models to fall back to, in order.
    models: Option<Vec<String>>,
    max_tokens: u32,
    messages: Vec<InputMessage>,
    /// Text, or an array of text blocks.
    system: Option<Value>,
    stream: Option<bool>,
    /// From 0 to 1.
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<u64>,
    stop_sequences: Option<Vec<String>>,
    tools: Option<Vec<Value>>,
    tool_choice: Option<Value>,
    /// `enabled` with `budget_tokens`, `adaptive` or `disabled`.
    thinking: Option<Value>,
    /// `effort` and `format`.
    output_config: Option<Value>,
    /// Caches as much of the prompt as there is.
    cache_control: Option<Value>,
    metadata: Option<Value>,
    service_tier: Option<String>,
    /// Which providers may answer, and in which order.
    provider: Option<Value>,
    user: Option<String>,
}

#[derive(ToSchema)]
struct InputMessage {
    /// `user`, `assistant` or `system`.
    role: String,
    /// Text, or an array of blocks.
    content: Value,
}

/// A message in one piece.
#[derive(ToSchema)]
pub(super) struct MessagesResult {
    /// `gen-…`
    id: String,
    r#type: String,
    role: String,
    model: String,
    provider: String,
    content: Vec<Value>,
    /// `end_turn`, `max_tokens`, `stop_sequence`, `tool_use`, `refusal`, …
    stop_reason: String,
    stop_sequence: Option<String>,
    usage: MessagesUsage,
}

#[derive(ToSchema)]
struct MessagesUsage {
    /// Without what was read from a cache or written to one.
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    service_tier: Option<String>,
    /// Dollars charged.
    cost: f64,
}

/// What is counted. Everything else that a request may have is accepted.
#[derive(ToSchema)]
pub(super) struct CountRequest {
    model: Option<String>,
    messages: Vec<InputMessage>,
    /// Text, or an array of text blocks.
    system: Option<Value>,
    tools: Option<Vec<Value>>,
}

#[derive(ToSchema)]
pub(super) struct Count {
    input_tokens: u64,
}

/// What every refusal and failure looks like.
#[derive(ToSchema)]
pub(super) struct MessagesError {
    /// `error`
    r#type: String,
    error: MessagesErrorDetail,
    request_id: Option<String>,
}

#[derive(ToSchema)]
struct MessagesErrorDetail {
    /// Anthropic's name for it, such as `invalid_request_error`.
    r#type: String,
    /// What is wrong, and what to do.
    message: String,
    /// A stable name, such as `authentication`, `payment_required` or `rate_limit_exceeded`.
    error_type: String,
    /// Names the part of the request that is wrong as `field`.
    metadata: Option<Value>,
}
