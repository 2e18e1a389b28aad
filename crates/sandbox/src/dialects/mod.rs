//! The dialects that providers speak, read and written without any help from the gateway.
//!
//! One folder each: `read` understands a request as strictly as the real provider does, `write`
//! says an answer as the real provider says it, and `mod` ties them together.

pub(crate) mod chat;
pub(crate) mod anthropic;
pub(crate) mod gemini;
pub(crate) mod bedrock;
pub(crate) mod responses;
pub(crate) mod cohere;
mod sse;

use hyper::HeaderMap;
use serde_json::Value;

use crate::answer::Answer;
use crate::refusal::Refusal;
use crate::route::{Operation, Route};
use crate::script::Renderer;
use crate::understood::Understood;

/// Every dialect, in the order of `index`.
pub(crate) const DIALECTS: &[&dyn Dialect] = &[
    &chat::Chat,
    &anthropic::Anthropic,
    &gemini::Gemini,
    &bedrock::Bedrock,
    &responses::Responses,
    &cohere::Cohere,
];

/// When an answer was made. The sandbox has no clock: its answers are the same every day.
pub(crate) const CREATED: u64 = 1_767_225_600;

/// One way to ask and to answer.
pub(crate) trait Dialect: Sync + std::fmt::Debug {
    fn name(&self) -> &'static str;
    /// Understands a request for an answer.
    fn read(&self, incoming: &Incoming<'_>) -> Result<Asked, Refusal>;
    /// Writes an answer piece by piece.
    fn renderer<'a>(&self, reply: &'a Reply<'a>) -> Box<dyn Renderer + 'a>;
    /// Writes an answer in one.
    fn document(&self, reply: &Reply<'_>) -> Vec<u8>;
    fn refuse(&self, refusal: &Refusal) -> Said;
    /// A prompt that a filter did not let through.
    fn block(&self, _route: &Route) -> Said {
        self.refuse(&Refusal::blocked())
    }
    /// What a stream that has begun ends with when something goes wrong.
    fn stream_error(&self, framing: Framing) -> Vec<u8>;
    /// What cannot be read in the place of a chunk: as the first of all, or later.
    fn malformed(&self, is_first: bool) -> Vec<u8>;
    fn content_type(&self, framing: Framing) -> &'static str {
        match framing {
            Framing::Events => "text/event-stream",
            Framing::Array => "application/json",
        }
    }
    /// Whether providers of this dialect cache prompts without being told to.
    fn caches_by_itself(&self) -> bool;
    /// Whether the caller may ask. Nobody needs a credential, but a wrong one is refused.
    fn admit(&self, _incoming: &Incoming<'_>) -> Result<(), Refusal> {
        Ok(())
    }
    /// Everything besides answers: counting, vectors, order.
    fn compute(&self, operation: Operation, incoming: &Incoming<'_>) -> Result<Value, Refusal>;
}

/// How the parts of a stream are told apart, where a dialect has a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Framing {
    #[default]
    Events,
    /// Gemini's stream without `alt=sse`: one JSON array.
    Array,
}

/// A request before it is understood.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incoming<'a> {
    pub(crate) route: &'a Route,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

impl Incoming<'_> {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A request that was understood.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) understood: Understood,
    /// Whether a stream is to end with usage, where the dialect asks.
    pub(crate) with_usage: bool,
}

/// An answer and what else stands in every form of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reply<'a> {
    pub(crate) answer: &'a Answer,
    pub(crate) asked: &'a Understood,
    /// Hexadecimal digits; dialects put their own prefix before it.
    pub(crate) id: &'a str,
    pub(crate) with_usage: bool,
    pub(crate) framing: Framing,
    /// Whether Azure's filters have something to say.
    pub(crate) is_azure: bool,
    /// For benchmarks: as little as a provider may send.
    pub(crate) is_bare: bool,
}

impl Reply<'_> {
    pub(crate) fn model(&self) -> &str {
        &self.asked.model
    }
}

/// An error as it is sent.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Said {
    pub(crate) fn new(status: u16, body: &Value) -> Self {
        Self { status, headers: Vec::new(), body: body.to_string() }
    }
}
