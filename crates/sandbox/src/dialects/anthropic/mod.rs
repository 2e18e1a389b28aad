//! Anthropic's Messages.

mod read;
mod block;
pub(crate) mod check;
mod write;

use serde_json::{Value, json};

use super::{Asked, Dialect, Framing, Incoming, Reply, Said, sse};
use crate::answer::prompt_tokens;
use crate::refusal::{Kind, Problem, Refusal};
use crate::route::Operation;
use crate::script::Renderer;

#[derive(Debug)]
pub(crate) struct Anthropic;

impl Dialect for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn read(&self, incoming: &Incoming<'_>) -> Result<Asked, Refusal> {
        read::read(incoming)
    }

    fn renderer<'a>(&self, reply: &'a Reply<'a>) -> Box<dyn Renderer + 'a> {
        Box::new(write::Events::new(reply))
    }

    fn document(&self, reply: &Reply<'_>) -> Vec<u8> {
        write::document(reply).to_string().into_bytes()
    }

    fn refuse(&self, refusal: &Refusal) -> Said {
        let mut said = Said::new(refusal.status, &error(refusal));
        said.headers.push(("request-id", REQUEST.to_owned()));
        said
    }

    fn stream_error(&self, _: Framing) -> Vec<u8> {
        let mut out = Vec::new();
        let refusal = Refusal::of_status(529, "the sandbox was asked to fail here");
        sse::named(&mut out, "error", &error(&refusal));
        out
    }

    fn malformed(&self, is_first: bool) -> Vec<u8> {
        if is_first {
            b"event: message_start\ndata: {\"type\":\"message_\n\n".to_vec()
        } else {
            b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"ind\n\n"
                .to_vec()
        }
    }

    fn caches_by_itself(&self) -> bool {
        false
    }

    fn compute(&self, operation: Operation, incoming: &Incoming<'_>) -> Result<Value, Refusal> {
        match operation {
            Operation::CountTokens => {
                let asked = read::read_to_count(incoming)?;
                Ok(json!({"input_tokens": prompt_tokens(&asked)}))
            }
            Operation::Generate
            | Operation::Embed
            | Operation::EmbedMany
            | Operation::Predict
            | Operation::Rerank => Err(Refusal::of_status(404, "Not Found")),
        }
    }
}

const REQUEST: &str = "req_sandbox";

fn error(refusal: &Refusal) -> Value {
    let sentence = refusal.plain();
    let message = match (&refusal.problem, refusal.path.as_str()) {
        (_, "") => sentence,
        (Problem::Missing | Problem::Unknown | Problem::Type(_) | Problem::Rule(_), path) => {
            format!("{path}: {sentence}")
        }
    };
    let kind = match refusal.kind {
        Kind::Invalid | Kind::ContextLength | Kind::Blocked => "invalid_request_error",
        Kind::Authentication => "authentication_error",
        Kind::Billing => "billing_error",
        Kind::Permission => "permission_error",
        Kind::NotFound => "not_found_error",
        Kind::TooLarge => "request_too_large",
        Kind::RateLimited => "rate_limit_error",
        Kind::Timeout => "timeout_error",
        Kind::Overloaded => "overloaded_error",
        Kind::Server => "api_error",
    };
    let message = match refusal.kind {
        Kind::ContextLength => "prompt is too long: 200104 tokens > 200000 maximum".to_owned(),
        Kind::Blocked => "Output blocked by content filtering policy".to_owned(),
        _ => message,
    };
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": REQUEST})
}
