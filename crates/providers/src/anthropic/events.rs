//! Anthropic's events to ours.

use std::borrow::Cow;

use domain::generation::FinishReason;
use protocol::chat::event::{ChatEvent, Native};
use protocol::dialects::Dialect;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::classify;
use super::usage::Counts;
use crate::document::{malformed, unreadable};
use crate::error::DecodeError;
use crate::turns::citations::Citation;
use crate::turns::emit::{Emitter, Undo, raw};
use crate::turns::reading::Text;

pub(super) struct State {
    emitter: Emitter,
    counts: Counts,
    has_started: bool,
    has_finished: bool,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    index: u64,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    content_block: Option<&'a RawValue>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// A message, whole or as it begins; and the `delta` that ends it.
#[derive(Deserialize)]
struct WireMessage<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow, default)]
    content: Vec<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    stop_reason: Option<Text<'a>>,
    #[serde(borrow)]
    stop_sequence: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireTier<'a> {
    #[serde(borrow)]
    service_tier: Option<Text<'a>>,
}

/// A block as it begins or is, and any delta of one.
#[derive(Deserialize)]
struct WireBlock<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    thinking: Option<Text<'a>>,
    #[serde(borrow)]
    signature: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    partial_json: Option<Text<'a>>,
    #[serde(borrow)]
    citation: Option<&'a RawValue>,
    #[serde(borrow)]
    citations: Option<Vec<&'a RawValue>>,
}

fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, DecodeError> {
    serde_json::from_slice(json).map_err(|error| malformed(&error))
}

fn text(text: Option<Text<'_>>) -> Cow<'_, str> {
    text.unwrap_or_default().0
}

impl State {
    pub(super) fn new(undo: Undo) -> Self {
        Self {
            emitter: Emitter::new(undo),
            counts: Counts::default(),
            has_started: false,
            has_finished: false,
        }
    }

    pub(super) const fn has_finished(&self) -> bool {
        self.has_finished
    }

    /// Takes the data of one event of a stream.
    pub(super) fn take(
        &mut self,
        data: &[u8],
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        if data.trim_ascii().is_empty() {
            return Ok(());
        }
        let wire: Wire<'_> = read(data)?;
        match &*wire.kind {
            "message_start" => {
                let message = wire.message.ok_or_else(|| lacks("message"))?;
                self.start(&read(message.get().as_bytes())?, out);
                Ok(())
            }
            "content_block_start" => {
                let block = wire.content_block.ok_or_else(|| lacks("content_block"))?;
                self.begin(wire.index, block, out)
            }
            "content_block_delta" => {
                let delta = wire.delta.ok_or_else(|| lacks("delta"))?;
                self.add(wire.index, delta, out)
            }
            "content_block_stop" => self.end(wire.index, out),
            "message_delta" => {
                if let Some(usage) = wire.usage {
                    self.counts.add(usage);
                }
                let delta = wire.delta.ok_or_else(|| lacks("delta"))?;
                self.stop(&read(delta.get().as_bytes())?, out);
                Ok(())
            }
            "error" => {
                let said = wire.error.map_or(data, |error| error.get().as_bytes());
                Err(DecodeError::Upstream(classify::in_band(said)))
            }
            // `message_stop` and `ping` say nothing, and what is new is not to stop us.
            _ => Ok(()),
        }
    }

    /// Takes an answer in one piece.
    pub(super) fn whole(
        &mut self,
        document: &[u8],
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let wire: Wire<'_> =
            serde_json::from_slice(document).map_err(|error| unreadable(&error))?;
        if wire.kind == "error" {
            return self.take(document, out);
        }
        if wire.kind != "message" {
            return Err(DecodeError::Malformed("it is not a message".to_owned()));
        }
        let message: WireMessage<'_> = read(document)?;
        self.start(&message, out);
        for (index, block) in message.content.iter().enumerate() {
            let index = u64::try_from(index).unwrap_or(u64::MAX);
            self.begin(index, block, out)?;
            self.end(index, out)?;
        }
        self.stop(&message, out);
        Ok(())
    }

    fn start(&mut self, message: &WireMessage<'_>, out: &mut Vec<ChatEvent>) {
        if let Some(usage) = message.usage {
            self.counts.add(usage);
        }
        if self.has_started {
            return;
        }
        self.has_started = true;
        let short = |text: &Option<Text<'_>>| {
            let text = text.as_ref().map(|Text(text)| text.to_string());
            text.filter(|text| !text.is_empty() && text.len() <= 256)
        };
        let tier = message.usage.and_then(|usage| {
            let wire: WireTier<'_> = serde_json::from_str(usage.get()).ok()?;
            wire.service_tier
        });
        out.push(ChatEvent::Started {
            upstream_id: short(&message.id),
            upstream_model: short(&message.model),
            system_fingerprint: None,
            service_tier: short(&tier).map(|tier| match tier.as_str() {
                "standard" => "default".to_owned(),
                _ => tier,
            }),
        });
        out.extend(self.counts.usage().map(ChatEvent::Usage));
    }

    fn begin(
        &mut self,
        index: u64,
        raw: &RawValue,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let block: WireBlock<'_> = read(raw.get().as_bytes())?;
        match &*block.kind {
            "text" => {
                self.emitter.begin_text(index)?;
                self.emitter.text(index, text(block.text), out)?;
                block.citations.iter().flatten().try_for_each(|raw| self.cite(raw, out))
            }
            "thinking" => {
                self.emitter.thinking(index, text(block.thinking), out)?;
                self.emitter.signature(index, &text(block.signature), out)
            }
            "redacted_thinking" => self.emitter.redacted(&text(block.data), out),
            "tool_use" => {
                self.emitter.begin_call(index, &text(block.id), text(block.name), out)?;
                // In a stream it begins with an empty object, which the deltas replace.
                let input = block.input.map(RawValue::get).filter(|json| !is_empty_object(json));
                self.emitter.input(index, input.unwrap_or_default().into(), out)
            }
            _ => {
                self.emitter.begin_other(index)?;
                out.push(native("content_block_start", raw.to_owned()));
                Ok(())
            }
        }
    }

    fn add(
        &mut self,
        index: u64,
        raw: &RawValue,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let delta: WireBlock<'_> = read(raw.get().as_bytes())?;
        if self.emitter.is_other(index) {
            out.push(native("content_block_delta", raw.to_owned()));
            return Ok(());
        }
        match &*delta.kind {
            "text_delta" => self.emitter.text(index, text(delta.text), out),
            "thinking_delta" => self.emitter.thinking(index, text(delta.thinking), out),
            "signature_delta" => self.emitter.signature(index, &text(delta.signature), out),
            "input_json_delta" => self.emitter.input(index, text(delta.partial_json), out),
            "citations_delta" => match delta.citation {
                Some(citation) => self.cite(citation, out),
                None => Ok(()),
            },
            _ => {
                out.push(native("content_block_delta", raw.to_owned()));
                Ok(())
            }
        }
    }

    /// A citation: as it is for callers of this dialect at once, for others when its place is
    /// known.
    fn cite(&mut self, citation: &RawValue, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        #[derive(Serialize)]
        struct WireDelta<'a> {
            #[serde(rename = "type")]
            kind: &'static str,
            citation: &'a RawValue,
        }
        #[derive(Deserialize)]
        struct WireCitation<'a> {
            #[serde(borrow)]
            url: Option<Text<'a>>,
            #[serde(borrow)]
            source: Option<Text<'a>>,
            #[serde(borrow)]
            title: Option<Text<'a>>,
            #[serde(borrow)]
            cited_text: Option<Text<'a>>,
        }
        let delta = raw(&WireDelta { kind: "citations_delta", citation })?;
        out.push(native("content_block_delta", delta));
        let wire: WireCitation<'_> = read(citation.get().as_bytes())?;
        let is_address = |Text(url): &Text<'_>| url.contains("://");
        let owned = |text: Option<Text<'_>>| text.map(|Text(text)| text.into_owned());
        let url = owned(wire.url.or(wire.source).filter(is_address));
        // What is cited from the caller's own documents has no address to point to.
        if let Some(url) = url {
            let (title, quote) = (owned(wire.title), owned(wire.cited_text));
            self.emitter.cite(Citation { url, title, quote });
        }
        Ok(())
    }

    fn end(&mut self, index: u64, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        // Blocks of text stay apart for callers of this dialect.
        let is_told = self.emitter.is_text(index) || self.emitter.is_other(index);
        self.emitter.end(index, out)?;
        if is_told {
            out.push(native("content_block_stop", raw(&serde_json::Map::new())?));
        }
        Ok(())
    }

    fn stop(&mut self, message: &WireMessage<'_>, out: &mut Vec<ChatEvent>) {
        out.extend(self.counts.usage().map(ChatEvent::Usage));
        let Some(Text(native_reason)) = &message.stop_reason else { return };
        if self.has_finished {
            return;
        }
        self.has_finished = true;
        let reason = match &**native_reason {
            "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
            "tool_use" => self.emitter.called(),
            "refusal" => FinishReason::ContentFilter,
            // `end_turn`, `stop_sequence`, `pause_turn`, `compaction` and what may come.
            _ => FinishReason::Stop,
        };
        out.push(ChatEvent::Finished {
            choice: 0,
            reason,
            native_reason: Some(native_reason.to_string()),
            stop_sequence: message.stop_sequence.as_ref().map(|Text(text)| text.to_string()),
        });
    }
}

fn native(name: &str, data: Box<RawValue>) -> ChatEvent {
    ChatEvent::Native(Native { dialect: Dialect::Messages, name: name.to_owned(), data })
}

fn is_empty_object(json: &str) -> bool {
    let inside = json.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    json == "null" || inside.is_some_and(|inside| inside.trim().is_empty())
}

fn lacks(member: &str) -> DecodeError {
    DecodeError::Malformed(format!("an event lacks its `{member}`"))
}
