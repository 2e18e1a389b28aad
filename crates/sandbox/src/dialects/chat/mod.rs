//! OpenAI's chat completions, which most providers speak; with vectors and order beside it.
//!
//! Providers differ in what they know, so members that the sandbox does not know are kept and
//! ignored. What OpenAI refuses in known members is refused.

pub(crate) mod read;
pub(crate) mod message;
pub(crate) mod write;

use serde_json::{Value, json};

use super::{Asked, Dialect, Framing, Incoming, Reply, Said};
use crate::refusal::{Kind, Problem, Refusal};
use crate::route::Operation;
use crate::script::Renderer;
use crate::vectors;

#[derive(Debug)]
pub(crate) struct Chat;

impl Dialect for Chat {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn read(&self, incoming: &Incoming<'_>) -> Result<Asked, Refusal> {
        read::read(incoming)
    }

    fn renderer<'a>(&self, reply: &'a Reply<'a>) -> Box<dyn Renderer + 'a> {
        Box::new(write::Chunks::new(reply))
    }

    fn document(&self, reply: &Reply<'_>) -> Vec<u8> {
        write::document(reply).to_string().into_bytes()
    }

    fn refuse(&self, refusal: &Refusal) -> Said {
        openai_error(refusal)
    }

    fn stream_error(&self, _: Framing) -> Vec<u8> {
        b"data: {\"error\":{\"message\":\"the sandbox was asked to fail here\",\
          \"type\":\"server_error\",\"code\":500}}\n\n"
            .to_vec()
    }

    fn malformed(&self, is_first: bool) -> Vec<u8> {
        if is_first {
            b"data: {\"id\":\"chatcmpl-\n\n".to_vec()
        } else {
            b"data: {\"choices\":[{\"delta\":{\"con\n\n".to_vec()
        }
    }

    fn caches_by_itself(&self) -> bool {
        true
    }

    fn compute(&self, operation: Operation, incoming: &Incoming<'_>) -> Result<Value, Refusal> {
        match operation {
            Operation::Embed => vectors::openai_embeddings(incoming),
            Operation::Rerank => vectors::rerank(incoming),
            Operation::Generate
            | Operation::CountTokens
            | Operation::EmbedMany
            | Operation::Predict => Err(Refusal::of_status(404, "there is no such operation")),
        }
    }
}

/// OpenAI's envelope, which its Responses have too.
pub(crate) fn openai_error(refusal: &Refusal) -> Said {
    let path = refusal.bracketed_path();
    let message = match &refusal.problem {
        Problem::Missing => format!("Missing required parameter: '{path}'."),
        Problem::Unknown => format!("Unknown parameter: '{path}'."),
        Problem::Type(expected) => {
            format!("Invalid type for '{path}': expected {expected}, but got another type instead.")
        }
        Problem::Rule(message) if path.is_empty() => message.clone(),
        Problem::Rule(message) => format!("Invalid value for '{path}': {message}"),
    };
    let (kind, code) = match refusal.kind {
        Kind::Invalid => (
            "invalid_request_error",
            match refusal.problem {
                Problem::Missing => Value::from("missing_required_parameter"),
                Problem::Unknown => Value::from("unknown_parameter"),
                Problem::Type(_) => Value::from("invalid_type"),
                Problem::Rule(_) => Value::from("invalid_value"),
            },
        ),
        Kind::ContextLength => ("invalid_request_error", "context_length_exceeded".into()),
        Kind::Blocked => ("invalid_request_error", "content_filter".into()),
        Kind::Authentication => ("invalid_request_error", "invalid_api_key".into()),
        Kind::Billing => ("insufficient_quota", "insufficient_quota".into()),
        Kind::Permission => ("invalid_request_error", "permission_denied".into()),
        Kind::NotFound => ("invalid_request_error", "model_not_found".into()),
        Kind::TooLarge => ("invalid_request_error", "request_too_large".into()),
        Kind::RateLimited => ("requests", "rate_limit_exceeded".into()),
        Kind::Timeout => ("timeout", "timeout".into()),
        Kind::Overloaded => ("service_unavailable_error", "overloaded".into()),
        Kind::Server => ("server_error", "server_error".into()),
    };
    let param = if path.is_empty() { Value::Null } else { path.into() };
    let error = json!({"message": message, "type": kind, "param": param, "code": code});
    Said::new(refusal.status, &json!({"error": error}))
}
