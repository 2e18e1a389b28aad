//! What callers speak: one module a dialect, each with `decode` and an [`Encoder`].

use bytes::BytesMut;
use domain::money::Usd;
use domain::usage::Usage;

use crate::chat::event::ChatEvent;
use crate::error::PublicError;

pub mod chat_completions;

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
#[derive(Debug, Clone, Copy)]
pub struct Summary {
    pub usage: Usage,
    /// What the caller is charged.
    pub cost: Usd,
    /// What the provider charges for input and output.
    pub upstream_prompt_cost: Usd,
    pub upstream_completion_cost: Usd,
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

    /// Something that keeps proxies and callers waiting; nothing where the dialect can't.
    fn keep_alive(&mut self, out: &mut BytesMut);
}
