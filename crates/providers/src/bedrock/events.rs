//! Bedrock's events to ours.

use std::borrow::Cow;

use aws_smithy_types::event_stream::Message;
use domain::generation::FinishReason;
use protocol::chat::event::ChatEvent;
use serde_json::json;
use serde_json::value::RawValue;

use super::classify;
use super::frames::header;
use super::said::{
    Wire, WireAnswer, WireBlock, WireCall, WireCitation, WireImage, WireReasoning, stop_sequence_of,
};
use crate::document::{malformed, unreadable};
use crate::error::DecodeError;
use crate::turns::emit::{Emitter, Undo};
use crate::turns::reading::Text;

pub(super) struct State {
    emitter: Emitter,
    has_started: bool,
    has_finished: bool,
    /// Of the image that is to come.
    image_format: Option<String>,
}

fn text(text: Option<Text<'_>>) -> Cow<'_, str> {
    text.unwrap_or_default().0
}

impl State {
    pub(super) const fn new(undo: Undo) -> Self {
        Self {
            emitter: Emitter::new(undo),
            has_started: false,
            has_finished: false,
            image_format: None,
        }
    }

    pub(super) const fn has_finished(&self) -> bool {
        self.has_finished
    }

    /// Takes one message of the event stream.
    pub(super) fn take(
        &mut self,
        message: &Message,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let payload = message.payload();
        match header(message, ":message-type") {
            Some("exception") => {
                let kind = header(message, ":exception-type").unwrap_or_default();
                return Err(DecodeError::Upstream(classify::in_band(kind, payload)));
            }
            Some("error") => {
                let kind = header(message, ":error-code").unwrap_or_default();
                let said = header(message, ":error-message").unwrap_or_default();
                return Err(DecodeError::Upstream(classify::in_band(kind, said.as_bytes())));
            }
            _ => {}
        }
        self.start(out);
        let kind = header(message, ":event-type").unwrap_or_default();
        if !matches!(
            kind,
            "contentBlockStart"
                | "contentBlockDelta"
                | "contentBlockStop"
                | "messageStop"
                | "metadata"
        ) {
            // `messageStart` says nothing, and what is new is not to stop us.
            return Ok(());
        }
        let wire: Wire<'_> = serde_json::from_slice(payload).map_err(|error| malformed(&error))?;
        let index = wire.content_block_index;
        match kind {
            "contentBlockStart" => self.begin(index, wire.start, out),
            "contentBlockDelta" => self.add(index, wire.delta, out),
            "contentBlockStop" => self.emitter.end(index, out),
            _ => {
                self.end(wire, out);
                Ok(())
            }
        }
    }

    /// Takes an answer in one piece.
    pub(super) fn whole(
        &mut self,
        document: &[u8],
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let answer: WireAnswer<'_> =
            serde_json::from_slice(document).map_err(|error| unreadable(&error))?;
        let Some(message) = answer.output.and_then(|output| output.message) else {
            return Err(match answer.message {
                // Errors have nothing but their words.
                Some(_) => DecodeError::Upstream(classify::in_band("", document)),
                None => DecodeError::Malformed("it is not an answer".to_owned()),
            });
        };
        self.start(out);
        for (index, block) in message.content.into_iter().enumerate() {
            let index = u64::try_from(index).unwrap_or(u64::MAX);
            match block.tool_use {
                Some(call) => self.whole_call(index, call, out)?,
                None => self.add(index, Some(block), out)?,
            }
            self.emitter.end(index, out)?;
        }
        let wire: Wire<'_> = serde_json::from_slice(document).map_err(|error| malformed(&error))?;
        self.end(wire, out);
        Ok(())
    }

    fn start(&mut self, out: &mut Vec<ChatEvent>) {
        if !self.has_started {
            self.has_started = true;
            out.push(ChatEvent::Started {
                upstream_id: None,
                upstream_model: None,
                system_fingerprint: None,
                service_tier: None,
            });
        }
    }

    fn begin(
        &mut self,
        index: u64,
        start: Option<WireBlock<'_>>,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let Some(start) = start else { return Ok(()) };
        if let Some(image) = start.image {
            self.image(image, out)?;
        }
        match start.tool_use {
            Some(call) => {
                let id = text(call.tool_use_id);
                self.emitter.begin_call(index, &id, text(call.name), out)
            }
            None => Ok(()),
        }
    }

    fn add(
        &mut self,
        index: u64,
        delta: Option<WireBlock<'_>>,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let Some(delta) = delta else { return Ok(()) };
        if delta.text.is_some() {
            self.emitter.text(index, text(delta.text), out)?;
        }
        if let Some(input) = delta.tool_use.and_then(|call| call.input) {
            let json: Text<'_> =
                serde_json::from_str(input.get()).map_err(|error| malformed(&error))?;
            self.emitter.input(index, json.0, out)?;
        }
        if let Some(image) = delta.image {
            self.image(image, out)?;
        }
        if let Some(citation) = delta.citation.and_then(WireCitation::read) {
            self.emitter.cite(citation);
        }
        if let Some(cited) = delta.citations_content {
            for words in cited.content {
                self.emitter.text(index, text(words.text), out)?;
            }
            for citation in cited.citations.into_iter().filter_map(WireCitation::read) {
                self.emitter.cite(citation);
            }
        }
        match delta.reasoning_content {
            Some(reasoning) => self.reason(index, reasoning, out),
            None => Ok(()),
        }
    }

    fn reason(
        &mut self,
        index: u64,
        reasoning: WireReasoning<'_>,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let (whole_text, whole_signature) = match reasoning.reasoning_text {
            Some(whole) => (whole.text, whole.signature),
            None => (None, None),
        };
        if let Some(data) = reasoning.redacted_content {
            self.emitter.redacted(&data.0, out)?;
        }
        if let Some(thought) = reasoning.text.or(whole_text) {
            self.emitter.thinking(index, thought.0, out)?;
        }
        if let Some(signature) = reasoning.signature.or(whole_signature) {
            self.emitter.signature(index, &signature.0, out)?;
        }
        Ok(())
    }

    fn image(&mut self, image: WireImage<'_>, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        if let Some(Text(format)) = image.format {
            self.image_format = Some(format.into_owned());
        }
        let Some(Text(base64)) = image.source.and_then(|source| source.bytes) else {
            return Ok(());
        };
        let format = self.image_format.take().unwrap_or_else(|| "png".to_owned());
        let url = format!("data:image/{format};base64,{base64}");
        let list = json!([{ "type": "image_url", "image_url": { "url": url } }]);
        Emitter::other("images", &list, out)
    }

    fn whole_call(
        &mut self,
        index: u64,
        call: WireCall<'_>,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let id = text(call.tool_use_id);
        self.emitter.begin_call(index, &id, text(call.name), out)?;
        let input = call.input.map(RawValue::get).unwrap_or_default();
        self.emitter.input(index, input.into(), out)
    }

    /// The reason for the end, or what was used, which comes after it.
    fn end(&mut self, wire: Wire<'_>, out: &mut Vec<ChatEvent>) {
        if let Some(usage) = wire.usage {
            out.push(ChatEvent::Usage(usage.disjoint()));
        }
        let Some(Text(native_reason)) = wire.stop_reason.filter(|_| !self.has_finished) else {
            return;
        };
        self.has_finished = true;
        let reason = match &*native_reason {
            "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
            "tool_use" => self.emitter.called(),
            "guardrail_intervened" | "content_filtered" | "refusal" => FinishReason::ContentFilter,
            "malformed_model_output" | "malformed_tool_use" => FinishReason::Error,
            // `end_turn`, `stop_sequence` and what may come.
            _ => FinishReason::Stop,
        };
        let stop_sequence =
            wire.additional_model_response_fields.and_then(stop_sequence_of).map(Cow::into_owned);
        out.push(ChatEvent::Finished {
            choice: 0,
            reason,
            native_reason: Some(native_reason.into_owned()),
            stop_sequence,
        });
    }
}
