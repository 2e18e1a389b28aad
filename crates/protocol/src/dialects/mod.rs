//! What callers speak: one module a dialect, each with `decode` and an [`Encoder`].

use std::sync::Arc;

use bytes::BytesMut;
use domain::money::Usd;
use domain::usage::Usage;
use serde_json::value::RawValue;

use crate::chat::event::ChatEvent;
use crate::error::PublicError;

pub mod chat_completions;
pub mod completions;
pub mod embeddings;
pub mod rerank;
pub mod messages;
pub mod responses;
pub(crate) mod check;

/// What a caller speaks, or a published form that an upstream shares with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    ChatCompletions,
    /// OpenAI's older text completions.
    Completions,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Messages,
    Embeddings,
    Rerank,
}

impl Dialect {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat_completions",
            Self::Completions => "completions",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::Embeddings => "embeddings",
            Self::Rerank => "rerank",
        }
    }
}

/// Makes the writer of one answer, once it is known who gives it: `(envelope, stream)`.
pub type MakeEncoder = Box<dyn FnOnce(Envelope, bool) -> Box<dyn Encoder> + Send>;

/// What stands in every chunk and in the response.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The generation's id.
    pub id: String,
    /// Unix seconds.
    pub created: i64,
    /// The slug of the model that answers.
    pub model: String,
    /// Display name of the provider that answers.
    pub provider: String,
}

/// What is known at the end.
#[derive(Debug, Clone)]
pub struct Summary {
    pub usage: Usage,
    /// What the caller is charged.
    pub cost: Usd,
    /// What the provider charges for input and output.
    pub upstream_prompt_cost: Usd,
    pub upstream_completion_cost: Usd,
    /// `openrouter_metadata`, where the caller asked for it.
    pub metadata: Option<Arc<RawValue>>,
}

/// Writes events in one dialect. Streaming encoders write as they go; unary encoders collect and
/// write everything in `finish` or `fail`.
pub trait Encoder: Send {
    fn push(&mut self, event: &ChatEvent, out: &mut BytesMut);

    /// The answer is complete: writes what is owed, usage and the terminator.
    fn finish(&mut self, summary: &Summary, out: &mut BytesMut);

    /// The answer broke off after it had begun: says so in the dialect, keeps what was sent,
    /// writes usage and the terminator.
    fn fail(&mut self, error: &PublicError, summary: &Summary, out: &mut BytesMut);

    /// Whether a whole answer that broke off is told as an error and nothing else: the dialect has
    /// no place for an error beside half an answer.
    fn is_all_or_nothing(&self) -> bool {
        false
    }

    /// Something that keeps proxies and callers waiting; nothing where the dialect can't.
    fn keep_alive(&mut self, out: &mut BytesMut);
}
