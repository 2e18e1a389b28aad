//! Events to blocks of content, one after the other.

use bytes::BytesMut;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Thoughts;
use super::calls::{Nesting, Step, Waiting};
use super::details::{self, Detail};
use crate::chat::event::{Delta, Native, ToolCallDelta};
use crate::dialects::Dialect;
use crate::dialects::messages::packed;

/// What takes blocks: a stream, or a message that is written in one piece.
pub(super) trait Sink {
    fn start(&mut self, block: &Start<'_>, out: &mut BytesMut);

    /// Adds to the block that was started last.
    fn add(&mut self, piece: &Piece<'_>, out: &mut BytesMut);

    fn stop(&mut self, out: &mut BytesMut);
}

/// How a block begins.
pub(super) enum Start<'a> {
    Text,
    Thinking,
    Redacted {
        data: &'a str,
    },
    Call {
        id: &'a str,
        name: &'a str,
    },
    /// The whole block, as JSON.
    Json(&'a str),
}

/// What is added to a block.
pub(super) enum Piece<'a> {
    Text(&'a str),
    Thinking(&'a str),
    Signature(&'a str),
    Arguments(&'a str),
    /// The whole delta, as JSON.
    Json(&'a str),
}

/// Puts events in an order in which blocks never interleave, and tells a sink of each block.
pub(super) struct Blocks<S> {
    pub(super) sink: S,
    /// Names calls that the provider did not name.
    id: String,
    thoughts: Thoughts,
    open: Open,
    /// What came while a call was being written.
    waiting: Waiting,
    /// Calls that were written whole; more of them can only be blanks.
    written: Vec<u32>,
    /// Reasoning in formats of others, until there is a block to carry it.
    foreign: Vec<Value>,
    /// Citations without a text to stand at.
    citations: Vec<String>,
    /// The upstream speaks this dialect and says its citations in it.
    cites_natively: bool,
    pub(super) has_refused: bool,
}

/// The block that is being written.
enum Open {
    Nothing,
    Text,
    Thinking(Signed),
    Call { index: u32, arguments: Nesting },
    Native,
}

/// Whether a block of thinking has its signature.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signed {
    No,
    /// By the detail of this index.
    By(Option<u64>),
}

impl<S: Sink> Blocks<S> {
    pub(super) fn new(sink: S, id: String, thoughts: Thoughts) -> Self {
        Self {
            sink,
            id,
            thoughts,
            open: Open::Nothing,
            waiting: Waiting::default(),
            written: Vec::new(),
            foreign: Vec::new(),
            citations: Vec::new(),
            cites_natively: false,
            has_refused: false,
        }
    }

    /// Whether a call was written, or is being written.
    pub(super) fn has_calls(&self) -> bool {
        !self.written.is_empty() || matches!(self.open, Open::Call { .. })
    }

    pub(super) fn push(&mut self, delta: &Delta, out: &mut BytesMut) {
        let is_more = match (delta, &self.open) {
            (Delta::ToolCall(part), Open::Call { index, .. }) => part.index == *index,
            _ => false,
        };
        if is_more || (self.waiting.is_empty() && !self.must_wait(delta)) {
            self.write(delta, out);
        } else {
            self.waiting.push(delta);
        }
        self.release(out);
    }

    pub(super) fn push_native(&mut self, native: &Native, out: &mut BytesMut) {
        if native.dialect != Dialect::Messages {
            return;
        }
        if self.waiting.is_empty() && !self.is_in_call() {
            self.write_native(native, out);
        } else {
            self.waiting.push_native(native);
        }
        self.release(out);
    }

    /// Nothing more is added to any call.
    pub(super) fn release_all(&mut self, out: &mut BytesMut) {
        while let Some(step) = self.waiting.pop() {
            self.write_step(&step, out);
        }
    }

    /// The answer is over.
    pub(super) fn finish(&mut self, out: &mut BytesMut) {
        self.release_all(out);
        self.close(out);
        self.write_foreign(out);
        if !self.citations.is_empty() {
            self.open_text(out);
            self.close(out);
        }
    }

    /// Writes what waits, as far as it may be written now.
    fn release(&mut self, out: &mut BytesMut) {
        while let Some(step) = self.waiting.front() {
            let must_wait = match step {
                Step::Delta(delta) => self.must_wait(delta),
                Step::Native(_) => self.is_in_call(),
            };
            if must_wait && !self.waiting.is_full() {
                return;
            }
            if let Some(step) = self.waiting.pop() {
                self.write_step(&step, out);
            }
        }
    }

    /// A call can neither be interrupted, nor begun before its name is known.
    fn must_wait(&self, delta: &Delta) -> bool {
        let lacks_name = match delta {
            Delta::ToolCall(part) => part.name.is_none() && !self.written.contains(&part.index),
            _ => false,
        };
        lacks_name || self.is_in_call()
    }

    fn is_in_call(&self) -> bool {
        matches!(&self.open, Open::Call { arguments, .. } if !arguments.is_complete())
    }

    fn write_step(&mut self, step: &Step, out: &mut BytesMut) {
        match step {
            Step::Delta(delta) => self.write(delta, out),
            Step::Native(native) => self.write_native(native, out),
        }
    }

    fn write(&mut self, delta: &Delta, out: &mut BytesMut) {
        match delta {
            Delta::Content(text) => self.write_text(text, out),
            Delta::Refusal(text) => {
                self.has_refused = true;
                self.write_text(text, out);
            }
            Delta::Reasoning(text) => self.write_thinking(text, out),
            Delta::ReasoningDetails(raw) => {
                for detail in details::read(raw) {
                    self.write_detail(detail, out);
                }
            }
            Delta::ToolCall(part) => self.write_call(part, out),
            Delta::Other { name, value } => match name.as_str() {
                "images" => self.write_images(value, out),
                "annotations" => self.write_annotations(value, out),
                _ => {}
            },
            // Anthropic has no form for it.
            Delta::Logprobs(_) => {}
        }
    }

    fn write_text(&mut self, text: &str, out: &mut BytesMut) {
        if text.is_empty() {
            return;
        }
        self.open_text(out);
        self.sink.add(&Piece::Text(text), out);
    }

    fn open_text(&mut self, out: &mut BytesMut) {
        if matches!(self.open, Open::Text) {
            return;
        }
        self.start(&Start::Text, out);
        self.open = Open::Text;
        for citation in std::mem::take(&mut self.citations) {
            self.sink.add(&Piece::Json(&citation), out);
        }
    }

    fn write_thinking(&mut self, text: &str, out: &mut BytesMut) {
        if text.is_empty() {
            return;
        }
        if !matches!(self.open, Open::Thinking(Signed::No)) {
            self.open_thinking(out);
        }
        if self.thoughts == Thoughts::Shown {
            self.sink.add(&Piece::Thinking(text), out);
        }
    }

    fn open_thinking(&mut self, out: &mut BytesMut) {
        // What waits for a block finds one here.
        self.close(out);
        self.sink.start(&Start::Thinking, out);
        self.open = Open::Thinking(Signed::No);
    }

    fn write_detail(&mut self, detail: Detail, out: &mut BytesMut) {
        match detail {
            Detail::Signature { index, signature } => {
                let is_mine = match &self.open {
                    Open::Thinking(signed) => {
                        matches!(signed, Signed::No) || *signed == Signed::By(index)
                    }
                    _ => false,
                };
                if !is_mine {
                    self.open_thinking(out);
                }
                self.sink.add(&Piece::Signature(&signature), out);
                self.open = Open::Thinking(Signed::By(index));
            }
            Detail::Redacted { data } => {
                self.start(&Start::Redacted { data: &data }, out);
                self.sink.stop(out);
            }
            Detail::Foreign(item) => details::collect(&mut self.foreign, item),
        }
    }

    fn write_call(&mut self, part: &ToolCallDelta, out: &mut BytesMut) {
        let is_open = matches!(&self.open, Open::Call { index, .. } if *index == part.index);
        if !is_open && self.written.contains(&part.index) {
            return;
        }
        if !is_open {
            let made_up;
            let id = if let Some(id) = part.id.as_deref().filter(|id| !id.is_empty()) {
                id
            } else {
                made_up = format!("toolu_{}_{}", self.id, part.index);
                &made_up
            };
            let name = part.name.as_deref().unwrap_or_default();
            self.start(&Start::Call { id, name }, out);
            self.open = Open::Call { index: part.index, arguments: Nesting::default() };
        }
        if let Open::Call { arguments, .. } = &mut self.open {
            arguments.push(&part.arguments);
            // Blanks alone are no JSON: clients would fail to read them.
            if arguments.has_begun() && !part.arguments.is_empty() {
                self.sink.add(&Piece::Arguments(&part.arguments), out);
            }
        }
    }

    fn write_images(&mut self, value: &RawValue, out: &mut BytesMut) {
        for block in details::images(value) {
            self.start(&Start::Json(&block), out);
            self.sink.stop(out);
        }
    }

    fn write_annotations(&mut self, value: &RawValue, out: &mut BytesMut) {
        if self.cites_natively {
            return;
        }
        for citation in details::citations(value) {
            if matches!(self.open, Open::Text) {
                self.sink.add(&Piece::Json(&citation), out);
            } else {
                self.citations.push(citation);
            }
        }
    }

    fn write_native(&mut self, native: &Native, out: &mut BytesMut) {
        let json = native.data.get();
        match native.name.as_str() {
            "content_block_start" => {
                self.start(&Start::Json(json), out);
                let is_text = type_of(&native.data) == "text";
                self.open = if is_text { Open::Text } else { Open::Native };
            }
            "content_block_delta" => {
                let is_citation = type_of(&native.data) == "citations_delta";
                self.cites_natively |= is_citation;
                if is_citation && !matches!(self.open, Open::Native) {
                    self.open_text(out);
                }
                if is_citation || matches!(self.open, Open::Native) {
                    self.sink.add(&Piece::Json(json), out);
                }
            }
            "content_block_stop" if matches!(self.open, Open::Text | Open::Native) => {
                self.close(out);
            }
            _ => {}
        }
    }

    /// Begins a block after whatever must come before it.
    fn start(&mut self, block: &Start<'_>, out: &mut BytesMut) {
        self.close(out);
        self.write_foreign(out);
        self.sink.start(block, out);
    }

    fn close(&mut self, out: &mut BytesMut) {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => return,
            Open::Thinking(Signed::No) => {
                if let Some(signature) = self.take_foreign() {
                    self.sink.add(&Piece::Signature(&signature), out);
                }
            }
            Open::Call { index, .. } => self.written.push(index),
            Open::Text | Open::Thinking(Signed::By(_)) | Open::Native => {}
        }
        self.sink.stop(out);
    }

    /// What is left of foreign reasoning gets a block of its own.
    fn write_foreign(&mut self, out: &mut BytesMut) {
        if let Some(data) = self.take_foreign() {
            self.sink.start(&Start::Redacted { data: &data }, out);
            self.sink.stop(out);
        }
    }

    fn take_foreign(&mut self) -> Option<String> {
        let items = std::mem::take(&mut self.foreign);
        let worth: Vec<Value> = items.into_iter().filter(details::must_be_replayed).collect();
        (!worth.is_empty()).then(|| packed::pack(&worth))
    }
}

/// The `type` of an object; empty where there is none.
fn type_of(raw: &RawValue) -> String {
    #[derive(Deserialize)]
    struct Typed {
        r#type: String,
    }
    serde_json::from_str::<Typed>(raw.get()).map_or_else(|_| String::new(), |typed| typed.r#type)
}
