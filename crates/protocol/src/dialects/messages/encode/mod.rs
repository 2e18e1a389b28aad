//! Events to Anthropic's stream, or to one message.

mod blocks;
mod calls;
mod details;
mod message;
mod stream;
mod whole;

use crate::chat::request::ChatRequest;
use crate::dialects::check::{members, text};
use crate::dialects::{Encoder, Envelope, MakeEncoder};

/// An encoder for one answer, streamed or whole.
pub fn encoder(envelope: Envelope, stream: bool) -> Box<dyn Encoder> {
    make(envelope, stream, Thoughts::Shown)
}

/// An encoder that minds what the request says about the form of its answer.
pub fn encoder_for(request: &ChatRequest) -> MakeEncoder {
    let thinking = request.native.as_ref().and_then(|native| native.member("thinking"));
    let display = thinking.and_then(members).and_then(|thinking| thinking.find("display"));
    let thoughts = match display.and_then(text).as_deref() {
        Some("omitted") => Thoughts::Omitted,
        _ => Thoughts::Shown,
    };
    Box::new(move |envelope, stream| make(envelope, stream, thoughts))
}

fn make(envelope: Envelope, stream: bool, thoughts: Thoughts) -> Box<dyn Encoder> {
    if stream {
        Box::new(stream::Stream::new(envelope, thoughts))
    } else {
        Box::new(whole::Whole::new(envelope, thoughts))
    }
}

/// Whether the text of thinking is written, or only what must be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thoughts {
    Shown,
    Omitted,
}
