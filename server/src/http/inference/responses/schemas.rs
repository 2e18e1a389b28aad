//! What the OpenAPI document says about responses.

#![expect(dead_code, reason = "these types describe bodies; they are never made")]

use serde_json::Value;
use utoipa::ToSchema;

/// A conversation in items. Fields that are not listed are passed on to providers that speak this
/// dialect.
#[derive(ToSchema)]
pub(crate) struct ResponsesRequest {
    /// `author/name`, with variants such as `:free` or `:nitro`.
    model: Option<String>,
    /// Further models to fall back to, in order.
    models: Option<Vec<String>>,
    /// Text, or a list of items: messages, calls, their outputs, reasoning.
    input: Value,
    /// Goes before the input. Not kept, and not continued.
    instructions: Option<String>,
    stream: Option<bool>,
    max_output_tokens: Option<u32>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    /// `effort` and `summary`, and what OpenRouter adds to them.
    reasoning: Option<Value>,
    /// `format` and `verbosity`.
    text: Option<Value>,
    tools: Option<Vec<Value>>,
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<bool>,
    /// Whether the response is kept, to be continued, read and deleted. No, unless stated.
    store: Option<bool>,
    /// A response that was kept, which this one continues.
    previous_response_id: Option<String>,
    metadata: Option<Value>,
    /// Which providers may answer, and in which order.
    provider: Option<Value>,
    user: Option<String>,
}

/// A response in one piece. It repeats the settings of its request.
#[derive(ToSchema)]
pub(crate) struct ResponsesResponse {
    /// `gen-…`
    id: String,
    /// `response`
    object: String,
    created_at: i64,
    completed_at: Option<i64>,
    /// `completed`, `incomplete` or `failed`.
    status: String,
    error: Option<Value>,
    /// Its `reason` is `max_output_tokens` or `content_filter`.
    incomplete_details: Option<Value>,
    model: String,
    provider: String,
    /// Messages, calls, reasoning and images.
    output: Vec<Value>,
    usage: ResponsesUsage,
}

#[derive(ToSchema)]
struct ResponsesUsage {
    input_tokens: u64,
    input_tokens_details: Value,
    output_tokens: u64,
    output_tokens_details: Value,
    total_tokens: u64,
    /// Dollars charged.
    cost: f64,
}

#[derive(ToSchema)]
pub(crate) struct ResponsesDeleted {
    id: String,
    object: String,
    deleted: bool,
}

/// A page of items.
#[derive(ToSchema)]
pub(crate) struct ResponsesItems {
    object: String,
    data: Vec<Value>,
    first_id: Option<String>,
    last_id: Option<String>,
    has_more: bool,
}

/// What every refusal and failure looks like.
#[derive(ToSchema)]
pub(crate) struct ResponsesError {
    error: ResponsesErrorDetail,
    /// A stable name, such as `invalid_request` or `rate_limit_exceeded`.
    error_type: String,
}

#[derive(ToSchema)]
struct ResponsesErrorDetail {
    /// `invalid_prompt`, `rate_limit_exceeded` or `server_error`.
    code: String,
    /// What is wrong, and what to do.
    message: String,
    /// The part of the request that is wrong.
    param: Option<String>,
    r#type: String,
}
