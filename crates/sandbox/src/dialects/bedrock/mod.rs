//! Amazon Bedrock's Converse.
//!
//! Stricter than the service in one thing: members that it does not know are refused, where AWS
//! passes over some of them in silence, because nobody should send them.

mod read;
mod block;
mod turns;
mod frame;
mod write;

use serde_json::{Value, json};

use super::{Asked, Dialect, Framing, Incoming, Reply, Said};
use crate::answer::prompt_tokens;
use crate::refusal::{Kind, Problem, Refusal};
use crate::route::Operation;
use crate::script::Renderer;
use crate::sigv4;

#[derive(Debug)]
pub(crate) struct Bedrock;

impl Dialect for Bedrock {
    fn name(&self) -> &'static str {
        "bedrock"
    }

    fn read(&self, incoming: &Incoming<'_>) -> Result<Asked, Refusal> {
        read::read(incoming)
    }

    fn renderer<'a>(&self, reply: &'a Reply<'a>) -> Box<dyn Renderer + 'a> {
        Box::new(write::Messages::new(reply))
    }

    fn document(&self, reply: &Reply<'_>) -> Vec<u8> {
        write::document(reply).to_string().into_bytes()
    }

    fn refuse(&self, refusal: &Refusal) -> Said {
        let (status, kind) = exception(refusal);
        let mut said = Said::new(status, &json!({"message": message(refusal)}));
        said.headers.push(("x-amzn-errortype", format!("{kind}:http://internal.amazon.com/")));
        said.headers.push(("x-amzn-requestid", "sandbox".to_owned()));
        said
    }

    fn stream_error(&self, _: Framing) -> Vec<u8> {
        let payload = json!({"message": "the sandbox was asked to fail here"});
        let mut out = Vec::new();
        frame::exception(&mut out, "internalServerException", &payload);
        out
    }

    fn malformed(&self, is_first: bool) -> Vec<u8> {
        let mut out = Vec::new();
        if is_first {
            // A frame whose checksum is wrong.
            frame::event(&mut out, "messageStart", b"{\"role\":\"assistant\"}");
            if let Some(last) = out.last_mut() {
                *last ^= 0xFF;
            }
        } else {
            frame::event(
                &mut out,
                "contentBlockDelta",
                b"{\"contentBlockIndex\":0,\"delta\":{\"te",
            );
        }
        out
    }

    fn content_type(&self, _: Framing) -> &'static str {
        "application/vnd.amazon.eventstream"
    }

    fn caches_by_itself(&self) -> bool {
        false
    }

    fn admit(&self, incoming: &Incoming<'_>) -> Result<(), Refusal> {
        sigv4::admit(incoming)
    }

    fn compute(&self, operation: Operation, incoming: &Incoming<'_>) -> Result<Value, Refusal> {
        match operation {
            Operation::CountTokens => {
                let asked = read::read_to_count(incoming)?;
                Ok(json!({"inputTokens": prompt_tokens(&asked)}))
            }
            Operation::Generate
            | Operation::Embed
            | Operation::EmbedMany
            | Operation::Predict
            | Operation::Rerank => {
                Err(Refusal::of_status(404, "The requested operation is not recognized"))
            }
        }
    }
}

/// The status and name of an exception.
fn exception(refusal: &Refusal) -> (u16, &'static str) {
    match refusal.kind {
        Kind::Invalid | Kind::ContextLength | Kind::Blocked | Kind::TooLarge => {
            (refusal.status, "ValidationException")
        }
        Kind::Authentication => (403, "UnrecognizedClientException"),
        Kind::Permission => (403, "AccessDeniedException"),
        Kind::Billing => (400, "ServiceQuotaExceededException"),
        Kind::NotFound => (404, "ResourceNotFoundException"),
        Kind::RateLimited => (429, "ThrottlingException"),
        Kind::Timeout => (408, "ModelTimeoutException"),
        Kind::Overloaded => (503, "ServiceUnavailableException"),
        Kind::Server => (refusal.status, "InternalServerException"),
    }
}

fn message(refusal: &Refusal) -> String {
    let path = &refusal.path;
    match (&refusal.kind, &refusal.problem) {
        (Kind::ContextLength, _) => "Input is too long for requested model.".to_owned(),
        (_, Problem::Missing) => format!(
            "1 validation error detected: Value at '{path}' failed to satisfy constraint: Member \
             must not be null"
        ),
        (_, Problem::Unknown) => {
            format!("Malformed input request: extraneous key [{path}] is not permitted")
        }
        (_, Problem::Type(expected)) => {
            format!("Malformed input request: {path}: expected {expected}")
        }
        (_, Problem::Rule(message)) if path.is_empty() => message.clone(),
        (_, Problem::Rule(message)) => {
            format!(
                "1 validation error detected: Value at '{path}' failed to satisfy constraint: {message}"
            )
        }
    }
}
