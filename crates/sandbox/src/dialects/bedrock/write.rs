//! What Converse says, whole and in messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::frame;
use crate::answer::{Choice, Citation, Finish, Picture, Piece, Usage};
use crate::dialects::Reply;
use crate::script::Renderer;
use crate::seal::{Maker, seal, sign};

/// The block that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    Other,
}

/// Writes messages of an event stream.
pub(super) struct Messages<'a> {
    reply: &'a Reply<'a>,
    open: Option<Open>,
    /// How many blocks were begun.
    blocks: usize,
    thought: String,
}

impl<'a> Messages<'a> {
    pub(super) fn new(reply: &'a Reply<'a>) -> Self {
        Self { reply, open: None, blocks: 0, thought: String::new() }
    }

    fn index(&self) -> usize {
        self.blocks.saturating_sub(1)
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            let payload = json!({"contentBlockIndex": self.index()});
            send(out, "contentBlockStop", payload);
        }
    }

    /// Begins a block. Only calls and pictures have something to say at their start.
    fn begin(&mut self, out: &mut Vec<u8>, open: Open, start: Option<Value>) {
        self.close(out);
        self.open = Some(open);
        self.blocks += 1;
        if let Some(start) = start {
            let payload = json!({"contentBlockIndex": self.index(), "start": start});
            send(out, "contentBlockStart", payload);
        }
    }

    fn need(&mut self, out: &mut Vec<u8>, open: Open) {
        if self.open != Some(open) {
            self.begin(out, open, None);
        }
    }

    fn delta(&self, out: &mut Vec<u8>, delta: &Value) {
        let payload = json!({"contentBlockIndex": self.index(), "delta": delta});
        send(out, "contentBlockDelta", payload);
    }
}

/// Every message is padded, so that its length says nothing about what is in it.
fn send(out: &mut Vec<u8>, name: &'static str, mut payload: Value) {
    const PADDING: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let length = payload.to_string().len() % PADDING.len();
    payload["p"] = PADDING.get(..=length).unwrap_or(PADDING).into();
    frame::event(out, name, payload.to_string().as_bytes());
}

impl Renderer for Messages<'_> {
    fn opening(&mut self, out: &mut Vec<u8>) {
        send(out, "messageStart", json!({"role": "assistant"}));
    }

    fn piece(&mut self, _: usize, piece: &Piece, out: &mut Vec<u8>) {
        match piece {
            Piece::Content(text) | Piece::Refusal(text) => {
                self.need(out, Open::Text);
                self.delta(out, &json!({"text": text}));
            }
            Piece::Reasoning(thought) => {
                self.need(out, Open::Thinking);
                if is_shown(self.reply) {
                    self.thought.push_str(thought);
                    self.delta(out, &json!({"reasoningContent": {"text": thought}}));
                }
            }
            Piece::Signature => {
                let signature = sign(Maker::Claude, &self.thought);
                self.thought.clear();
                self.delta(out, &json!({"reasoningContent": {"signature": signature}}));
            }
            Piece::Redacted(thought) => {
                self.begin(out, Open::Other, None);
                let delta = json!({"reasoningContent": {"redactedContent": redacted(thought)}});
                self.delta(out, &delta);
                self.close(out);
            }
            Piece::Call { id, name } => {
                let call = json!({"toolUse": {"toolUseId": call_id(id), "name": name}});
                self.begin(out, Open::Other, Some(call));
            }
            Piece::Arguments(part) => {
                // Without arguments nothing is said about them.
                if part != "{}" {
                    self.delta(out, &json!({"toolUse": {"input": part}}));
                }
            }
            Piece::Citation(citation) => {
                self.need(out, Open::Text);
                self.delta(out, &json!({"citation": location(citation)}));
            }
            Piece::Image(picture) => {
                let start = json!({"image": {"format": "png"}});
                self.begin(out, Open::Other, Some(start));
                self.delta(out, &json!({"image": {"source": {"bytes": picture.base64}}}));
                self.close(out);
            }
            // No model there speaks.
            Piece::Audio(_) => {}
        }
    }

    fn ending(&mut self, out: &mut Vec<u8>) {
        self.close(out);
        let reason = self.reply.answer.choices.first().map_or("end_turn", stop_reason);
        send(out, "messageStop", json!({"stopReason": reason}));
        let mut metadata = json!({"metrics": {"latencyMs": 1}});
        if self.reply.with_usage {
            metadata["usage"] = usage(&self.reply.answer.usage);
        }
        if let Some(tier) = &self.reply.asked.service_tier {
            metadata["serviceTier"] = json!({"type": tier});
        }
        send(out, "metadata", metadata);
    }
}

pub(super) fn document(reply: &Reply<'_>) -> Value {
    let choice = reply.answer.choices.first();
    let content = choice.map(|choice| blocks(choice, reply)).unwrap_or_default();
    let mut document = json!({"output": {"message": {"role": "assistant", "content": content}},
        "stopReason": choice.map_or("end_turn", stop_reason), "metrics": {"latencyMs": 1}});
    if reply.with_usage {
        document["usage"] = usage(&reply.answer.usage);
    }
    if let Some(tier) = &reply.asked.service_tier {
        document["serviceTier"] = json!({"type": tier});
    }
    document
}

fn blocks(choice: &Choice, reply: &Reply<'_>) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    let (mut text, mut thought) = (String::new(), String::new());
    let citations: Vec<Value> = choice.citations().map(location).collect();
    for piece in &choice.pieces {
        match piece {
            Piece::Content(part) | Piece::Refusal(part) => text.push_str(part),
            Piece::Reasoning(part) if is_shown(reply) => thought.push_str(part),
            Piece::Signature => {
                let signature = sign(Maker::Claude, &thought);
                let inner = json!({"text": std::mem::take(&mut thought), "signature": signature});
                blocks.push(json!({"reasoningContent": {"reasoningText": inner}}));
            }
            Piece::Redacted(hidden) => {
                blocks.push(json!({"reasoningContent": {"redactedContent": redacted(hidden)}}));
            }
            Piece::Reasoning(_)
            | Piece::Citation(_)
            | Piece::Call { .. }
            | Piece::Arguments(_)
            | Piece::Image(_)
            | Piece::Audio(_) => {}
        }
    }
    if !text.is_empty() {
        blocks.push(if citations.is_empty() {
            json!({"text": text})
        } else {
            json!({"citationsContent": {"content": [{"text": text}], "citations": citations}})
        });
    }
    for piece in &choice.pieces {
        if let Piece::Image(picture) = piece {
            blocks.push(image(picture));
        }
    }
    for (id, name, arguments) in choice.calls() {
        let input: Value = serde_json::from_str(&arguments).unwrap_or(Value::Object(Map::new()));
        blocks.push(json!({"toolUse": {"toolUseId": call_id(id), "name": name, "input": input}}));
    }
    blocks
}

fn image(picture: &Picture) -> Value {
    json!({"image": {"format": "png", "source": {"bytes": picture.base64}}})
}

/// Bytes, so base64 once more.
fn redacted(thought: &str) -> String {
    STANDARD.encode(seal(Maker::Claude, thought))
}

fn call_id(id: &str) -> String {
    format!("tooluse_{id}")
}

fn location(citation: &Citation) -> Value {
    let domain = citation.url.split('/').nth(2).unwrap_or_default();
    json!({"title": citation.title, "sourceContent": [{"text": citation.quote}],
        "location": {"web": {"url": citation.url, "domain": domain}}})
}

fn is_shown(reply: &Reply<'_>) -> bool {
    reply.asked.reasoning.as_ref().is_none_or(|reasoning| reasoning.shown != Some(false))
}

const fn stop_reason(choice: &Choice) -> &'static str {
    match &choice.finish {
        Finish::Stop => "end_turn",
        Finish::StopSequence(_) => "stop_sequence",
        Finish::Length => "max_tokens",
        Finish::Calls => "tool_use",
        Finish::Filtered | Finish::Refused => "content_filtered",
    }
}

fn usage(usage: &Usage) -> Value {
    json!({"inputTokens": usage.fresh(), "outputTokens": usage.completion,
        "totalTokens": usage.prompt + usage.completion,
        "cacheReadInputTokens": usage.cache_read,
        "cacheWriteInputTokens": usage.cache_writes()})
}
