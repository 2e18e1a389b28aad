//! What a caller is told when something is wrong, before a dialect puts it in its envelope.

use serde_json::{Map, Value, json};

use crate::dialects::Dialect;

/// The canonical `error_type` vocabulary, with the HTTP status of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorType {
    ContextLengthExceeded,
    MaxTokensExceeded,
    TokenLimitExceeded,
    StringTooLong,
    Authentication,
    PermissionDenied,
    PaymentRequired,
    RateLimitExceeded,
    ProviderOverloaded,
    ProviderUnavailable,
    InvalidRequest,
    InvalidPrompt,
    NotFound,
    PreconditionFailed,
    PayloadTooLarge,
    Unprocessable,
    ContentPolicyViolation,
    Refusal,
    InvalidImage,
    ImageTooLarge,
    ImageTooSmall,
    UnsupportedImageFormat,
    ImageNotFound,
    ImageDownloadFailed,
    Server,
    Timeout,
    Unmapped,
}

impl ErrorType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContextLengthExceeded => "context_length_exceeded",
            Self::MaxTokensExceeded => "max_tokens_exceeded",
            Self::TokenLimitExceeded => "token_limit_exceeded",
            Self::StringTooLong => "string_too_long",
            Self::Authentication => "authentication",
            Self::PermissionDenied => "permission_denied",
            Self::PaymentRequired => "payment_required",
            Self::RateLimitExceeded => "rate_limit_exceeded",
            Self::ProviderOverloaded => "provider_overloaded",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidPrompt => "invalid_prompt",
            Self::NotFound => "not_found",
            Self::PreconditionFailed => "precondition_failed",
            Self::PayloadTooLarge => "payload_too_large",
            Self::Unprocessable => "unprocessable",
            Self::ContentPolicyViolation => "content_policy_violation",
            Self::Refusal => "refusal",
            Self::InvalidImage => "invalid_image",
            Self::ImageTooLarge => "image_too_large",
            Self::ImageTooSmall => "image_too_small",
            Self::UnsupportedImageFormat => "unsupported_image_format",
            Self::ImageNotFound => "image_not_found",
            Self::ImageDownloadFailed => "image_download_failed",
            Self::Server => "server",
            Self::Timeout => "timeout",
            Self::Unmapped => "unmapped",
        }
    }

    /// What Anthropic calls it.
    pub const fn messages_type(self) -> &'static str {
        match self {
            Self::Authentication => "authentication_error",
            Self::PermissionDenied => "permission_error",
            Self::PaymentRequired => "billing_error",
            Self::NotFound | Self::ImageNotFound => "not_found_error",
            Self::RateLimitExceeded => "rate_limit_error",
            Self::ProviderOverloaded => "overloaded_error",
            Self::Timeout => "timeout_error",
            other if other.status() < 500 => "invalid_request_error",
            _ => "api_error",
        }
    }

    /// What OpenAI's Responses call it.
    pub const fn responses_code(self) -> &'static str {
        match self {
            Self::RateLimitExceeded => "rate_limit_exceeded",
            Self::ContextLengthExceeded | Self::InvalidRequest | Self::InvalidPrompt => {
                "invalid_prompt"
            }
            Self::ContentPolicyViolation => "image_content_policy_violation",
            _ => "server_error",
        }
    }

    /// The HTTP status that goes with this type, unless a caller of this type knows better.
    pub const fn status(self) -> u16 {
        match self {
            Self::Authentication => 401,
            Self::PaymentRequired => 402,
            Self::PermissionDenied => 403,
            Self::NotFound | Self::ImageNotFound => 404,
            Self::PreconditionFailed => 412,
            Self::PayloadTooLarge => 413,
            Self::Unprocessable => 422,
            Self::RateLimitExceeded => 429,
            Self::Server | Self::Unmapped => 500,
            Self::ProviderUnavailable => 502,
            Self::ProviderOverloaded => 503,
            Self::Timeout => 504,
            Self::ContextLengthExceeded
            | Self::MaxTokensExceeded
            | Self::TokenLimitExceeded
            | Self::StringTooLong
            | Self::InvalidRequest
            | Self::InvalidPrompt
            | Self::ContentPolicyViolation
            | Self::Refusal
            | Self::InvalidImage
            | Self::ImageTooLarge
            | Self::ImageTooSmall
            | Self::UnsupportedImageFormat
            | Self::ImageDownloadFailed => 400,
        }
    }
}

/// An error fit to show: no internal detail, no secret.
#[derive(Debug, Clone)]
pub struct PublicError {
    /// The HTTP status, also `error.code` in the chat envelope.
    pub status: u16,
    pub error_type: ErrorType,
    /// Says what is wrong and what to do.
    pub message: String,
    /// Further members of `error.metadata`.
    pub metadata: Map<String, Value>,
    /// Members beside `code` and `message` in `error`, such as `availability`.
    pub details: Map<String, Value>,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u32>,
}

impl PublicError {
    pub fn new(error_type: ErrorType, message: impl Into<String>) -> Self {
        Self {
            status: error_type.status(),
            error_type,
            message: message.into(),
            metadata: Map::new(),
            details: Map::new(),
            retry_after: None,
        }
    }

    #[must_use]
    pub fn with_metadata(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.metadata.insert(name.to_owned(), value.into());
        self
    }

    /// The envelope of a dialect. `id` names the generation, where there is one.
    pub fn to_json(&self, dialect: Dialect, id: Option<&str>) -> Value {
        match dialect {
            Dialect::Messages => self.to_messages_json(id),
            Dialect::Responses => self.to_responses_json(),
            Dialect::ChatCompletions
            | Dialect::Completions
            | Dialect::Embeddings
            | Dialect::Rerank => self.to_chat_json(),
        }
    }

    /// `{"type":"error","error":{"type","message","error_type",…},"request_id"}`, as Anthropic
    /// writes it. Names of fields and the like stand beside, as in `error.metadata`.
    fn to_messages_json(&self, id: Option<&str>) -> Value {
        let mut error = json!({
            "type": self.error_type.messages_type(),
            "message": self.message,
            "error_type": self.error_type.as_str(),
        });
        if let Some(object) = error.as_object_mut() {
            if !self.metadata.is_empty() {
                object.insert("metadata".into(), self.metadata.clone().into());
            }
            object.extend(self.details.clone());
        }
        json!({ "type": "error", "error": error, "request_id": id })
    }

    /// `{"error":{"code","message","type","param",…},"error_type"}`: OpenAI's members, and the
    /// status as `code`, which OpenRouter's clients insist on. The vocabulary of Responses is for
    /// what fails inside a response.
    fn to_responses_json(&self) -> Value {
        let mut error = json!({
            "code": self.status,
            "message": self.message,
            "type": self.error_type.as_str(),
            "param": self.metadata.get("field"),
        });
        if let Some(object) = error.as_object_mut() {
            if !self.metadata.is_empty() {
                object.insert("metadata".into(), self.metadata.clone().into());
            }
            object.extend(self.details.clone());
        }
        json!({ "error": error, "error_type": self.error_type.as_str() })
    }

    /// The chat envelope: `{"error":{"code","message","metadata":{"error_type",…}}}`.
    pub fn to_chat_json(&self) -> Value {
        let mut metadata = self.metadata.clone();
        metadata.insert("error_type".into(), self.error_type.as_str().into());
        let mut error = Map::new();
        error.insert("code".into(), self.status.into());
        error.insert("message".into(), self.message.clone().into());
        error.insert("metadata".into(), metadata.into());
        error.extend(self.details.clone());
        let mut body = Map::new();
        body.insert("error".into(), error.into());
        body.into()
    }
}
