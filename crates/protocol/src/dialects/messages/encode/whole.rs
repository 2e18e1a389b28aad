//! A message in one piece: the same blocks as in a stream, collected.

use bytes::BytesMut;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Thoughts;
use super::blocks::{Blocks, Piece, Sink, Start};
use super::message::{Facts, KnownDelta, write_envelope, write_metadata};
use crate::chat::event::ChatEvent;
use crate::dialects::{Encoder, Envelope, Summary};
use crate::error::PublicError;
use crate::json::write_string;

/// Collects blocks and writes one message.
pub(super) struct Whole {
    envelope: Envelope,
    facts: Facts,
    blocks: Blocks<Collected>,
}

impl Whole {
    pub(super) fn new(envelope: Envelope, thoughts: Thoughts) -> Self {
        let blocks = Blocks::new(Collected::default(), envelope.id.clone(), thoughts);
        Self { envelope, facts: Facts::default(), blocks }
    }
}

impl Encoder for Whole {
    fn push(&mut self, event: &ChatEvent, out: &mut BytesMut) {
        self.facts.note(event);
        match event {
            ChatEvent::Delta { choice: 0, delta } => self.blocks.push(delta, out),
            ChatEvent::Native(native) => self.blocks.push_native(native, out),
            ChatEvent::Finished { choice: 0, .. } => self.blocks.release_all(out),
            ChatEvent::Started { .. }
            | ChatEvent::Usage(_)
            | ChatEvent::Delta { .. }
            | ChatEvent::Finished { .. }
            | ChatEvent::Embeddings(_)
            | ChatEvent::Ranking(_) => {}
        }
    }

    fn finish(&mut self, summary: &Summary, out: &mut BytesMut) {
        self.blocks.finish(out);
        out.extend_from_slice(b"{");
        write_envelope(&self.envelope, out);
        out.extend_from_slice(b"\"content\":[");
        for (position, block) in self.blocks.sink.blocks.iter().enumerate() {
            if position > 0 {
                out.extend_from_slice(b",");
            }
            block.write(out);
        }
        out.extend_from_slice(b"],");
        self.facts.write_end(self.blocks.has_calls(), self.blocks.has_refused, out);
        self.facts.write_absent(out);
        out.extend_from_slice(b",\"usage\":");
        self.facts.write_usage(Some(summary), out);
        write_metadata(summary, out);
        out.extend_from_slice(b"}");
    }

    /// A message has no place for an error, and half of one without it would pass for the whole.
    fn fail(&mut self, error: &PublicError, summary: &Summary, out: &mut BytesMut) {
        self.facts.write_error(error, &self.envelope, summary, out);
    }

    fn is_all_or_nothing(&self) -> bool {
        true
    }

    fn keep_alive(&mut self, _: &mut BytesMut) {}
}

/// The blocks so far; the last one may still grow.
#[derive(Default)]
struct Collected {
    blocks: Vec<Block>,
}

enum Block {
    Text {
        text: String,
        citations: Vec<Box<RawValue>>,
    },
    Thinking {
        text: String,
        signature: String,
    },
    Redacted {
        data: String,
    },
    Call {
        id: String,
        name: String,
        arguments: String,
    },
    /// Anything else; `input` is what its arguments will be read from.
    Other {
        members: Map<String, Value>,
        input: String,
    },
}

impl Sink for Collected {
    fn start(&mut self, block: &Start<'_>, _: &mut BytesMut) {
        self.blocks.push(match *block {
            Start::Text => Block::Text { text: String::new(), citations: Vec::new() },
            Start::Thinking => Block::Thinking { text: String::new(), signature: String::new() },
            Start::Redacted { data } => Block::Redacted { data: data.to_owned() },
            Start::Call { id, name } => {
                Block::Call { id: id.to_owned(), name: name.to_owned(), arguments: String::new() }
            }
            Start::Json(json) => Block::Other {
                members: serde_json::from_str(json).unwrap_or_default(),
                input: String::new(),
            },
        });
    }

    fn add(&mut self, piece: &Piece<'_>, _: &mut BytesMut) {
        let Some(block) = self.blocks.last_mut() else { return };
        match (block, piece) {
            (Block::Text { text, .. }, Piece::Text(more))
            | (Block::Thinking { text, .. }, Piece::Thinking(more))
            | (Block::Call { arguments: text, .. }, Piece::Arguments(more)) => text.push_str(more),
            (Block::Thinking { signature, .. }, Piece::Signature(all)) => {
                (*all).clone_into(signature);
            }
            (Block::Text { citations, .. }, Piece::Json(json)) => {
                let delta = serde_json::from_str::<KnownDelta>(json).ok();
                citations.extend(delta.and_then(|delta| delta.citation));
            }
            (Block::Other { members, .. }, Piece::Text(more)) => grow(members, "text", more),
            (Block::Other { members, input }, Piece::Json(json)) => add_json(members, input, json),
            _ => {}
        }
    }

    fn stop(&mut self, _: &mut BytesMut) {
        let Some(Block::Other { members, input }) = self.blocks.last_mut() else { return };
        if !input.is_empty() {
            let written = serde_json::from_str(input).unwrap_or_else(|_| Value::from(&**input));
            members.insert("input".to_owned(), written);
        }
    }
}

/// What a delta adds to a block that this version does not know: citations to the list of them,
/// JSON to its input, every other member to the block's own of that name.
fn add_json(members: &mut Map<String, Value>, input: &mut String, json: &str) {
    let known = serde_json::from_str::<KnownDelta>(json).ok();
    match known.as_ref().map(|delta| &*delta.r#type) {
        Some("input_json_delta") => {
            input.push_str(known.and_then(|delta| delta.partial_json).as_deref().unwrap_or(""));
        }
        Some("citations_delta") => {
            let Some(citation) = known.and_then(|delta| delta.citation) else { return };
            let citation = serde_json::from_str(citation.get()).unwrap_or_default();
            match members.get_mut("citations") {
                Some(Value::Array(citations)) => citations.push(citation),
                _ => {
                    members.insert("citations".to_owned(), vec![citation].into());
                }
            }
        }
        _ => {
            let delta: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
            for (name, value) in delta.into_iter().filter(|(name, _)| name != "type") {
                match value {
                    Value::String(more) => grow(members, &name, &more),
                    Value::Null => {}
                    other => {
                        members.insert(name, other);
                    }
                }
            }
        }
    }
}

fn grow(members: &mut Map<String, Value>, name: &str, more: &str) {
    match members.get_mut(name) {
        Some(Value::String(text)) => text.push_str(more),
        _ => {
            members.insert(name.to_owned(), more.into());
        }
    }
}

impl Block {
    fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Text { text, citations } => {
                out.extend_from_slice(b"{\"type\":\"text\",\"text\":");
                write_string(out, text);
                if !citations.is_empty() {
                    out.extend_from_slice(b",\"citations\":[");
                    for (position, citation) in citations.iter().enumerate() {
                        if position > 0 {
                            out.extend_from_slice(b",");
                        }
                        out.extend_from_slice(citation.get().as_bytes());
                    }
                    out.extend_from_slice(b"]");
                }
                out.extend_from_slice(b"}");
            }
            Self::Thinking { text, signature } => {
                out.extend_from_slice(b"{\"type\":\"thinking\",\"thinking\":");
                write_string(out, text);
                out.extend_from_slice(b",\"signature\":");
                write_string(out, signature);
                out.extend_from_slice(b"}");
            }
            Self::Redacted { data } => {
                out.extend_from_slice(b"{\"type\":\"redacted_thinking\",\"data\":");
                write_string(out, data);
                out.extend_from_slice(b"}");
            }
            Self::Call { id, name, arguments } => {
                out.extend_from_slice(b"{\"type\":\"tool_use\",\"id\":");
                write_string(out, id);
                out.extend_from_slice(b",\"name\":");
                write_string(out, name);
                out.extend_from_slice(b",\"input\":");
                write_input(out, arguments);
                out.extend_from_slice(b"}");
            }
            Self::Other { members, .. } => {
                use std::fmt::Write as _;
                // A buffer that grows refuses nothing.
                let _ = write!(out, "{}", Value::Object(members.clone()));
            }
        }
    }
}

/// The arguments of a call as JSON. What is not JSON, because the answer was cut off, stays text:
/// nothing of it is lost, and nothing is made up.
fn write_input(out: &mut BytesMut, arguments: &str) {
    if arguments.trim().is_empty() {
        out.extend_from_slice(b"{}");
    } else if serde_json::from_str::<&RawValue>(arguments).is_ok() {
        out.extend_from_slice(arguments.trim().as_bytes());
    } else {
        write_string(out, arguments);
    }
}
