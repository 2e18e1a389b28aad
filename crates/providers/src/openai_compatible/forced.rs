//! The answer of a model that had to call a function because it knows no schema for its text.

use domain::generation::FinishReason;
use protocol::chat::event::{ChatEvent, Delta};

use super::decode::StreamDecoder;
use crate::adapter::Decoder;
use crate::error::DecodeError;

/// Gives the arguments of the call as the text of the answer.
pub(super) struct ForcedDecoder {
    inner: StreamDecoder,
}

impl ForcedDecoder {
    pub(super) fn new() -> Self {
        Self { inner: StreamDecoder::new() }
    }
}

impl Decoder for ForcedDecoder {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let first = out.len();
        let outcome = self.inner.push(bytes, out);
        unwrap(out, first);
        outcome
    }

    fn finish(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let first = out.len();
        let outcome = self.inner.finish(out);
        unwrap(out, first);
        outcome
    }
}

fn unwrap(out: &mut Vec<ChatEvent>, first: usize) {
    let events = out.split_off(first);
    out.extend(events.into_iter().filter_map(|event| match event {
        ChatEvent::Delta { choice, delta: Delta::ToolCall(part) } => {
            // A model that calls it twice has answered once.
            let text = (part.index == 0 && !part.arguments.is_empty()).then_some(part.arguments);
            text.map(|text| ChatEvent::Delta { choice, delta: Delta::Content(text) })
        }
        // What it says beside the call is no part of the answer.
        ChatEvent::Delta { delta: Delta::Content(_), .. } => None,
        ChatEvent::Finished {
            choice,
            reason: FinishReason::ToolCalls,
            native_reason,
            stop_sequence,
        } => Some(ChatEvent::Finished {
            choice,
            reason: FinishReason::Stop,
            native_reason,
            stop_sequence,
        }),
        other => Some(other),
    }));
}
