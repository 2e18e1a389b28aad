//! Google's `generateContent`, as Gemini's API and Vertex have it.

pub(crate) mod read;
mod content;
mod schema;
mod write;

use serde_json::{Value, json};

use super::{Asked, Dialect, Framing, Incoming, Reply, Said};
use crate::google_token;
use crate::refusal::{Kind, Problem, Refusal};
use crate::route::{Operation, Route};
use crate::script::Renderer;
use crate::vectors;

#[derive(Debug)]
pub(crate) struct Gemini;

impl Dialect for Gemini {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn read(&self, incoming: &Incoming<'_>) -> Result<Asked, Refusal> {
        read::read(incoming)
    }

    fn renderer<'a>(&self, reply: &'a Reply<'a>) -> Box<dyn Renderer + 'a> {
        Box::new(write::Parts::new(reply))
    }

    fn document(&self, reply: &Reply<'_>) -> Vec<u8> {
        write::document(reply).to_string().into_bytes()
    }

    fn refuse(&self, refusal: &Refusal) -> Said {
        Said::new(refusal.status, &error(refusal))
    }

    fn stream_error(&self, framing: Framing) -> Vec<u8> {
        let error = error(&Refusal::of_status(500, "the sandbox was asked to fail here"));
        match framing {
            Framing::Events => format!("data: {error}\r\n\r\n").into_bytes(),
            Framing::Array => format!(",\r\n{error}]").into_bytes(),
        }
    }

    fn malformed(&self, is_first: bool) -> Vec<u8> {
        if is_first {
            b"data: {\"candidates\": [\r\n\r\n".to_vec()
        } else {
            b"data: {\"candidates\": [{\"content\": {\"par\r\n\r\n".to_vec()
        }
    }

    /// Gemini does not call this an error: there is only no candidate.
    fn block(&self, route: &Route) -> Said {
        let response = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
            "usageMetadata": {"promptTokenCount": 8, "totalTokenCount": 8},
            "modelVersion": route.model, "responseId": "blocked"});
        let mut said = Said::new(200, &response);
        match (route.stream, route.framing) {
            (Some(true), Framing::Events) => {
                said.body = format!("data: {response}\r\n\r\n");
                let content_type = self.content_type(route.framing).to_owned();
                said.headers.push(("content-type", content_type));
            }
            (Some(true), Framing::Array) => said.body = format!("[{response}]"),
            _ => {}
        }
        said
    }

    fn caches_by_itself(&self) -> bool {
        true
    }

    fn admit(&self, incoming: &Incoming<'_>) -> Result<(), Refusal> {
        google_token::admit(incoming)
    }

    fn compute(&self, operation: Operation, incoming: &Incoming<'_>) -> Result<Value, Refusal> {
        match operation {
            Operation::CountTokens => {
                let tokens = read::count(incoming)?;
                Ok(json!({"totalTokens": tokens,
                    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]}))
            }
            Operation::Embed => vectors::gemini_embedding(incoming),
            Operation::EmbedMany => vectors::gemini_embeddings(incoming),
            Operation::Predict => vectors::vertex_embeddings(incoming),
            Operation::Generate | Operation::Rerank => Err(Refusal::of_status(404, "")),
        }
    }
}

fn error(refusal: &Refusal) -> Value {
    let path = refusal.bracketed_path();
    let message = match &refusal.problem {
        Problem::Unknown => {
            let (parent, name) = path.rsplit_once('.').unwrap_or(("", &path));
            let place = if parent.is_empty() { String::new() } else { format!(" at '{parent}'") };
            format!(
                "Invalid JSON payload received. Unknown name \"{name}\"{place}: Cannot find field."
            )
        }
        Problem::Type(expected) => format!("Invalid value at '{path}' ({expected} expected)"),
        Problem::Missing => format!("* GenerateContentRequest.{path}: is not specified\n"),
        Problem::Rule(message) if path.is_empty() => message.clone(),
        Problem::Rule(message) => format!("* GenerateContentRequest.{path}: {message}\n"),
    };
    let (kind, reason) = match refusal.kind {
        Kind::Invalid | Kind::ContextLength | Kind::Blocked | Kind::TooLarge => {
            ("INVALID_ARGUMENT", None)
        }
        Kind::Authentication => ("UNAUTHENTICATED", Some("ACCESS_TOKEN_TYPE_UNSUPPORTED")),
        Kind::Billing => ("FAILED_PRECONDITION", None),
        Kind::Permission => ("PERMISSION_DENIED", Some("SERVICE_DISABLED")),
        Kind::NotFound => ("NOT_FOUND", None),
        Kind::RateLimited => ("RESOURCE_EXHAUSTED", None),
        Kind::Timeout => ("DEADLINE_EXCEEDED", None),
        Kind::Overloaded => ("UNAVAILABLE", None),
        Kind::Server => ("INTERNAL", None),
    };
    let message = match refusal.kind {
        Kind::ContextLength => "The input token count (1048577) exceeds the maximum number of \
                                tokens allowed (1048576)."
            .to_owned(),
        _ => message,
    };
    let details: Vec<Value> = reason
        .map(|reason| {
            json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason,
                "domain": "googleapis.com"})
        })
        .into_iter()
        .collect();
    let mut error = json!({"code": refusal.status, "message": message, "status": kind});
    if !details.is_empty() {
        error["details"] = details.into();
    }
    json!({ "error": error })
}
