//! Cohere's second API: chat, vectors and order.

mod read;
mod vectors;
mod write;

use serde_json::{Value, json};

use super::{Asked, Dialect, Framing, Incoming, Reply, Said, sse};
use crate::refusal::{Kind, Problem, Refusal};
use crate::route::Operation;
use crate::script::Renderer;

#[derive(Debug)]
pub(crate) struct Cohere;

impl Dialect for Cohere {
    fn name(&self) -> &'static str {
        "cohere"
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
        let body = json!({"id": "sandbox", "message": message(refusal)});
        Said::new(refusal.status, &body)
    }

    fn stream_error(&self, _: Framing) -> Vec<u8> {
        let mut out = Vec::new();
        let event = json!({"type": "message-end", "delta": {"finish_reason": "ERROR",
            "error": "the sandbox was asked to fail here"}});
        sse::named(&mut out, "message-end", &event);
        out
    }

    fn malformed(&self, is_first: bool) -> Vec<u8> {
        if is_first {
            b"event: message-start\ndata: {\"type\":\"message-st\n\n".to_vec()
        } else {
            b"event: content-delta\ndata: {\"type\":\"content-delta\",\"ind\n\n".to_vec()
        }
    }

    fn caches_by_itself(&self) -> bool {
        false
    }

    fn compute(&self, operation: Operation, incoming: &Incoming<'_>) -> Result<Value, Refusal> {
        match operation {
            Operation::Embed => vectors::embed(incoming),
            Operation::Rerank => vectors::rerank(incoming),
            Operation::Generate
            | Operation::CountTokens
            | Operation::EmbedMany
            | Operation::Predict => Err(Refusal::of_status(404, "page not found")),
        }
    }
}

fn message(refusal: &Refusal) -> String {
    let path = refusal.bracketed_path();
    match (&refusal.kind, &refusal.problem) {
        (Kind::ContextLength, _) => {
            "too many tokens: size limit exceeded by 11326 tokens. Try using shorter or fewer \
             inputs."
                .to_owned()
        }
        (_, Problem::Missing) => format!("invalid request: {path} is required"),
        (_, Problem::Unknown) => format!("unknown field: parameter '{path}' is not a valid field"),
        (_, Problem::Type(expected)) => {
            format!("invalid type: parameter '{path}' is expected to be {expected}")
        }
        (_, Problem::Rule(message)) if path.is_empty() => message.clone(),
        (_, Problem::Rule(message)) => format!("invalid request: {path}: {message}"),
    }
}
