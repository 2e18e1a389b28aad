//! What an address asks for.
//!
//! The first segment names the provider. The rest is recognised by how it ends, because every
//! provider puts its own prefix (`v1`, `openai/v1`, `api/paas/v4`, …) before it.

use crate::dialects::{Dialect, Framing, anthropic, bedrock, chat, cohere, gemini, responses};
use crate::refusal::Refusal;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Generate,
    CountTokens,
    /// Vectors for what the body holds.
    Embed,
    /// Gemini's list of requests for vectors.
    EmbedMany,
    /// Vertex's older way to ask for vectors.
    Predict,
    Rerank,
}

#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) provider: String,
    pub(crate) dialect: &'static dyn Dialect,
    pub(crate) operation: Operation,
    /// The model, where the address names it.
    pub(crate) model: Option<String>,
    /// Whether to stream, where the address says so.
    pub(crate) stream: Option<bool>,
    pub(crate) framing: Framing,
}

impl Route {
    /// Chat completions whose model is in the address.
    pub(crate) fn is_azure(&self) -> bool {
        self.model.is_some() && self.dialect.name() == chat::Chat.name()
    }

    /// None for an address that the sandbox does not have.
    pub(crate) fn of(path: &str, query: &str) -> Option<Result<Self, Refusal>> {
        let (provider, rest) = path.trim_matches('/').split_once('/')?;
        let route = |dialect: &'static dyn Dialect, operation| Self {
            provider: provider.to_owned(),
            dialect,
            operation,
            model: None,
            stream: None,
            framing: Framing::Events,
        };
        if let Some(route) = at_verb(rest, query, &route).or_else(|| bedrock(rest, &route)) {
            return Some(Ok(route));
        }
        let rest = format!("/{rest}");
        let (_, dialect, operation) =
            ENDINGS.into_iter().find(|(ending, _, _)| rest.ends_with(ending))?;
        let mut route = route(dialect, operation);
        if let Some(deployment) = between(&rest, "/openai/deployments/", "/") {
            if !query.split('&').any(|pair| pair.starts_with("api-version=")) {
                let refusal = Refusal::of_status(404, "Resource not found");
                return Some(Err(refusal));
            }
            route.model = Some(decode(deployment));
        }
        Some(Ok(route))
    }
}

/// Longer endings come before those that they end in.
const ENDINGS: [(&str, &dyn Dialect, Operation); 10] = [
    ("/chat/completions", &chat::Chat, Operation::Generate),
    ("/embeddings", &chat::Chat, Operation::Embed),
    ("/v2/chat", &cohere::Cohere, Operation::Generate),
    ("/v2/embed", &cohere::Cohere, Operation::Embed),
    ("/v2/rerank", &cohere::Cohere, Operation::Rerank),
    ("/rerank", &chat::Chat, Operation::Rerank),
    ("/responses", &responses::Responses, Operation::Generate),
    ("/responses/input_tokens", &responses::Responses, Operation::CountTokens),
    ("/messages", &anthropic::Anthropic, Operation::Generate),
    ("/messages/count_tokens", &anthropic::Anthropic, Operation::CountTokens),
];

/// `…/models/{model}:{verb}`, as Google has it.
fn at_verb(
    rest: &str,
    query: &str,
    route: &dyn Fn(&'static dyn Dialect, Operation) -> Route,
) -> Option<Route> {
    let (path, verb) = rest.rsplit_once(':')?;
    let (_, model) = path.split_once("models/")?;
    let gemini: &'static dyn Dialect = &gemini::Gemini;
    let anthropic: &'static dyn Dialect = &anthropic::Anthropic;
    let mut route = match verb {
        "generateContent" | "streamGenerateContent" => route(gemini, Operation::Generate),
        "countTokens" => route(gemini, Operation::CountTokens),
        "embedContent" => route(gemini, Operation::Embed),
        "batchEmbedContents" => route(gemini, Operation::EmbedMany),
        "predict" => route(gemini, Operation::Predict),
        // Claude on Vertex.
        "rawPredict" | "streamRawPredict" => route(anthropic, Operation::Generate),
        _ => return None,
    };
    let is_stream = verb.starts_with("stream");
    route.model = Some(decode(model));
    route.stream = Some(is_stream);
    if verb == "streamGenerateContent" && !query.split('&').any(|pair| pair == "alt=sse") {
        route.framing = Framing::Array;
    }
    Some(route)
}

/// `…/model/{id}/converse`, as Bedrock has it.
fn bedrock(rest: &str, route: &dyn Fn(&'static dyn Dialect, Operation) -> Route) -> Option<Route> {
    let (path, verb) = rest.rsplit_once('/')?;
    let model = path.strip_prefix("model/").or_else(|| between(path, "/model/", ""))?;
    let operation = match verb {
        "converse" | "converse-stream" => Operation::Generate,
        "count-tokens" => Operation::CountTokens,
        _ => return None,
    };
    let mut route = route(&bedrock::Bedrock, operation);
    route.model = Some(decode(model));
    route.stream = Some(verb == "converse-stream");
    Some(route)
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    if after.is_empty() { Some(rest) } else { rest.split_once(after).map(|(found, _)| found) }
}

/// Undoes percent-encoding; what is not encoded properly stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let digits = text.get(index + 1..index + 3).filter(|_| *byte == b'%');
        if let Some(decoded) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            out.push(decoded);
            index += 3;
        } else {
            out.push(*byte);
            index += 1;
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, dialect: &str, operation: Operation, model: Option<&str>) {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let route = Route::of(path, query).unwrap().unwrap();
        assert_eq!(route.provider, "p");
        assert_eq!(
            (route.dialect.name(), route.operation, route.model.as_deref()),
            (dialect, operation, model),
            "{address}"
        );
    }

    #[test]
    fn addresses_are_known_by_their_ends() {
        use Operation::{CountTokens, Embed, Generate, Rerank};
        check("/p/v1/chat/completions", "chat", Generate, None);
        check("/p/api/paas/v4/chat/completions", "chat", Generate, None);
        check(
            "/p/openai/deployments/gpt%2Fx/chat/completions?api-version=1",
            "chat",
            Generate,
            Some("gpt/x"),
        );
        check("/p/v1/embeddings", "chat", Embed, None);
        check("/p/v1/rerank", "chat", Rerank, None);
        check("/p/v1/responses", "responses", Generate, None);
        check("/p/v2/chat", "cohere", Generate, None);
        check("/p/v2/embed", "cohere", Embed, None);
        check("/p/v2/rerank", "cohere", Rerank, None);
        check("/p/v1/messages", "anthropic", Generate, None);
        check("/p/v1/messages/count_tokens", "anthropic", CountTokens, None);
        check("/p/v1beta/models/g:generateContent", "gemini", Generate, Some("g"));
        check("/p/v1beta/models/fault/429:countTokens", "gemini", CountTokens, Some("fault/429"));
        check("/p/model/a.b%3A0/converse", "bedrock", Generate, Some("a.b:0"));
        check("/p/model/fault/500/converse-stream", "bedrock", Generate, Some("fault/500"));
        check("/p/model/m/count-tokens", "bedrock", CountTokens, Some("m"));
        let vertex = "/p/v1/projects/x/locations/y/publishers/anthropic/models/c@1:rawPredict";
        check(vertex, "anthropic", Generate, Some("c@1"));
        for address in ["/", "/p", "/p/v1/nothing", "/p/v1beta/models/g:explain"] {
            assert!(Route::of(address, "").is_none(), "{address}");
        }
        assert!(Route::of("/p/openai/deployments/d/chat/completions", "").unwrap().is_err());
    }

    #[test]
    fn streams_without_events_are_arrays() {
        let framing = |query: &str| {
            Route::of("/p/v1beta/models/g:streamGenerateContent", query).unwrap().unwrap().framing
        };
        assert_eq!(framing("alt=sse"), Framing::Events);
        assert_eq!(framing("key=1"), Framing::Array);
    }
}
