//! Messages, whole and as events.

use serde_json::{Map, Value, json};

use crate::answer::{Choice, Citation, Finish, Piece, Usage};
use crate::dialects::{Reply, sse};
use crate::script::Renderer;
use crate::seal::{Maker, seal, sign};

/// The block that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    Call,
}

/// Writes events.
pub(super) struct Events<'a> {
    reply: &'a Reply<'a>,
    open: Option<Open>,
    /// How many blocks were begun.
    blocks: usize,
    /// The thought so far, which is signed at its end.
    thought: String,
}

impl<'a> Events<'a> {
    pub(super) fn new(reply: &'a Reply<'a>) -> Self {
        Self { reply, open: None, blocks: 0, thought: String::new() }
    }

    fn index(&self) -> usize {
        self.blocks.saturating_sub(1)
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            stop(out, self.index());
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>, block: &Value) {
        self.close(out);
        self.blocks += 1;
        let index = self.index();
        let event = json!({"type": "content_block_start", "index": index, "content_block": block});
        sse::named(out, "content_block_start", &event);
    }

    /// Begins a block unless one of the kind is open.
    fn need(&mut self, open: Open, out: &mut Vec<u8>, block: impl FnOnce() -> Value) {
        if self.open != Some(open) {
            self.begin(out, &block());
            self.open = Some(open);
        }
    }

    fn delta(&self, out: &mut Vec<u8>, delta: &Value) {
        let event = json!({"type": "content_block_delta", "index": self.index(), "delta": delta});
        sse::named(out, "content_block_delta", &event);
    }

    fn text(&mut self, out: &mut Vec<u8>, text: &str) {
        self.need(Open::Text, out, || json!({"type": "text", "text": ""}));
        self.delta(out, &json!({"type": "text_delta", "text": text}));
    }
}

fn stop(out: &mut Vec<u8>, index: usize) {
    sse::named(out, "content_block_stop", &json!({"type": "content_block_stop", "index": index}));
}

impl Renderer for Events<'_> {
    fn opening(&mut self, out: &mut Vec<u8>) {
        let mut usage = self.usage();
        usage["output_tokens"] = 1.into();
        usage["output_tokens_details"] = Value::Null;
        let message = json!({"id": id(self.reply), "type": "message", "role": "assistant",
            "model": self.reply.model(), "content": [], "stop_reason": null,
            "stop_sequence": null, "usage": usage});
        let start = json!({"type": "message_start", "message": message});
        sse::named(out, "message_start", &start);
        if !self.reply.is_bare {
            sse::named(out, "ping", &json!({"type": "ping"}));
        }
    }

    fn piece(&mut self, _: usize, piece: &Piece, out: &mut Vec<u8>) {
        match piece {
            Piece::Content(text) | Piece::Refusal(text) => self.text(out, text),
            Piece::Reasoning(thought) => {
                let block = || json!({"type": "thinking", "thinking": "", "signature": ""});
                self.need(Open::Thinking, out, block);
                if is_shown(self.reply) {
                    self.thought.push_str(thought);
                    self.delta(out, &json!({"type": "thinking_delta", "thinking": thought}));
                }
            }
            Piece::Signature => {
                let signature = sign(Maker::Claude, &self.thought);
                self.thought.clear();
                self.delta(out, &json!({"type": "signature_delta", "signature": signature}));
            }
            Piece::Redacted(thought) => {
                let data = seal(Maker::Claude, thought);
                self.begin(out, &json!({"type": "redacted_thinking", "data": data}));
                stop(out, self.index());
            }
            Piece::Call { id, name } => {
                let block = json!({"type": "tool_use", "id": format!("toolu_{id}"), "name": name,
                    "input": {}});
                self.begin(out, &block);
                self.open = Some(Open::Call);
                let empty = json!({"type": "input_json_delta", "partial_json": ""});
                self.delta(out, &empty);
            }
            // Without arguments there is only the empty part above.
            Piece::Arguments(part) if part == "{}" => {}
            Piece::Arguments(part) => {
                self.delta(out, &json!({"type": "input_json_delta", "partial_json": part}));
            }
            Piece::Citation(citation) => {
                self.need(Open::Text, out, || json!({"type": "text", "text": ""}));
                let delta = json!({"type": "citations_delta", "citation": location(citation)});
                self.delta(out, &delta);
            }
            // Claude makes neither.
            Piece::Image(_) | Piece::Audio(_) => {}
        }
    }

    fn ending(&mut self, out: &mut Vec<u8>) {
        self.close(out);
        let (reason, sequence) =
            self.reply.answer.choices.first().map_or(("end_turn", None), stop_reason);
        let mut usage = self.usage();
        if !self.reply.with_usage {
            usage = json!({"output_tokens": 0});
        }
        let delta = json!({"type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": sequence}, "usage": usage});
        sse::named(out, "message_delta", &delta);
        sse::named(out, "message_stop", &json!({"type": "message_stop"}));
    }
}

impl Events<'_> {
    fn usage(&self) -> Value {
        usage(&self.reply.answer.usage, self.reply)
    }
}

pub(super) fn document(reply: &Reply<'_>) -> Value {
    let choice = reply.answer.choices.first();
    let (reason, sequence) = choice.map_or(("end_turn", None), stop_reason);
    let mut document = json!({"id": id(reply), "type": "message", "role": "assistant",
        "model": reply.model(), "content": choice.map(|choice| blocks(choice, reply)).unwrap_or_default(),
        "stop_reason": reason, "stop_sequence": sequence});
    if reply.with_usage {
        document["usage"] = usage(&reply.answer.usage, reply);
    }
    document
}

/// The blocks that the events amount to.
fn blocks(choice: &Choice, reply: &Reply<'_>) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    for piece in &choice.pieces {
        match piece {
            Piece::Content(text) | Piece::Refusal(text) => {
                append(&mut blocks, "text", "text", text);
            }
            Piece::Reasoning(text) => {
                let text = if is_shown(reply) { text } else { "" };
                append(&mut blocks, "thinking", "thinking", text);
            }
            Piece::Signature => {
                if let Some(block) = blocks.last_mut() {
                    let thought = block["thinking"].as_str().unwrap_or_default();
                    block["signature"] = sign(Maker::Claude, thought).into();
                }
            }
            Piece::Redacted(thought) => blocks
                .push(json!({"type": "redacted_thinking", "data": seal(Maker::Claude, thought)})),
            Piece::Citation(citation) => {
                if let Some(block) = blocks.last_mut() {
                    match &mut block["citations"] {
                        Value::Array(citations) => citations.push(location(citation)),
                        citations => *citations = json!([location(citation)]),
                    }
                }
            }
            Piece::Call { .. } | Piece::Arguments(_) | Piece::Image(_) | Piece::Audio(_) => {}
        }
    }
    for (id, name, arguments) in choice.calls() {
        let input = serde_json::from_str(&arguments).unwrap_or(Value::Object(Map::new()));
        blocks.push(json!({"type": "tool_use", "id": format!("toolu_{id}"), "name": name,
            "input": input}));
    }
    blocks
}

/// Adds to the last block if it is of this kind, or begins one.
fn append(blocks: &mut Vec<Value>, kind: &str, member: &str, text: &str) {
    match blocks.last_mut() {
        Some(block) if block["type"] == kind => {
            let longer = format!("{}{text}", block[member].as_str().unwrap_or_default());
            block[member] = longer.into();
        }
        _ => blocks.push(json!({"type": kind, member: text})),
    }
}

fn location(citation: &Citation) -> Value {
    json!({"type": "web_search_result_location", "url": citation.url, "title": citation.title,
        "encrypted_index": seal(Maker::Claude, &citation.url), "cited_text": citation.quote})
}

fn stop_reason(choice: &Choice) -> (&'static str, Option<&str>) {
    match &choice.finish {
        Finish::Stop => ("end_turn", None),
        Finish::StopSequence(sequence) => ("stop_sequence", Some(sequence)),
        Finish::Length => ("max_tokens", None),
        Finish::Calls => ("tool_use", None),
        Finish::Filtered | Finish::Refused => ("refusal", None),
    }
}

/// Whether thoughts may be read: unless they were asked to be left out.
fn is_shown(reply: &Reply<'_>) -> bool {
    reply.asked.reasoning.as_ref().is_none_or(|reasoning| reasoning.shown != Some(false))
}

fn usage(usage: &Usage, reply: &Reply<'_>) -> Value {
    // `auto` takes what was bought, and nothing was.
    let tier = reply.asked.service_tier.as_deref().map(|_| "standard");
    let mut value = json!({"input_tokens": usage.fresh(),
        "cache_creation_input_tokens": usage.cache_writes(),
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {"ephemeral_5m_input_tokens": usage.cache_write,
            "ephemeral_1h_input_tokens": usage.cache_write_hour},
        "output_tokens": usage.completion,
        "output_tokens_details": {"thinking_tokens": usage.reasoning}});
    if let Some(tier) = tier {
        value["service_tier"] = tier.into();
    }
    value
}

fn id(reply: &Reply<'_>) -> String {
    format!("msg_{}", reply.id)
}
