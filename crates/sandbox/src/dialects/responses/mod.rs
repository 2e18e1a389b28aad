//! OpenAI's Responses.

mod read;
mod item;
mod strict;
mod write;

use serde_json::{Value, json};

use super::chat::openai_error;
use super::{Asked, Dialect, Framing, Incoming, Reply, Said, sse};
use crate::answer::prompt_tokens;
use crate::refusal::Refusal;
use crate::route::Operation;
use crate::script::Renderer;

#[derive(Debug)]
pub(crate) struct Responses;

impl Dialect for Responses {
    fn name(&self) -> &'static str {
        "responses"
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
        openai_error(refusal)
    }

    fn stream_error(&self, _: Framing) -> Vec<u8> {
        let mut out = Vec::new();
        let event = json!({"type": "error", "code": "server_error", "param": null,
            "message": "the sandbox was asked to fail here", "sequence_number": 0});
        sse::named(&mut out, "error", &event);
        out
    }

    fn malformed(&self, is_first: bool) -> Vec<u8> {
        if is_first {
            b"event: response.created\ndata: {\"type\":\"response.cre\n\n".to_vec()
        } else {
            b"event: response.output_text.delta\ndata: {\"type\":\"response.output_te\n\n".to_vec()
        }
    }

    fn caches_by_itself(&self) -> bool {
        true
    }

    fn compute(&self, operation: Operation, incoming: &Incoming<'_>) -> Result<Value, Refusal> {
        match operation {
            Operation::CountTokens => {
                let asked = read::read(incoming)?;
                let tokens = prompt_tokens(&asked.understood);
                Ok(json!({"object": "response.input_tokens", "input_tokens": tokens}))
            }
            Operation::Generate
            | Operation::Embed
            | Operation::EmbedMany
            | Operation::Predict
            | Operation::Rerank => Err(Refusal::of_status(404, "there is no such operation")),
        }
    }
}
