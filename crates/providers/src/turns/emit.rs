//! Blocks of an answer to events.

use std::borrow::Cow;

use domain::generation::FinishReason;
use protocol::chat::event::{ChatEvent, Delta, ToolCallDelta};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::citations::{Citation, Citations};
use super::names::Names;
use super::replay::FORMAT;
use crate::error::DecodeError;

/// More blocks than this are never open at once.
const OPEN_MAX: usize = 128;

/// What was done to the request that its answer must be read by.
#[derive(Debug, Clone)]
pub(crate) struct Undo {
    pub(crate) names: Names,
    /// The tool whose input is the answer.
    pub(crate) answer: Option<String>,
    /// The `format` of the items of `reasoning_details`.
    pub(crate) format: &'static str,
}

impl Undo {
    pub(crate) const fn nothing() -> Self {
        Self { names: Names::new(usize::MAX), answer: None, format: FORMAT }
    }
}

/// Follows the blocks of one answer, by the upstream's own index.
pub(crate) struct Emitter {
    undo: Undo,
    open: Vec<(u64, Open)>,
    /// Items of `reasoning_details` and calls so far.
    details: u32,
    calls: u32,
    /// Characters of content so far: annotations point into it.
    characters: u64,
    has_answered_by_tool: bool,
    citations: Citations,
}

enum Open {
    Text {
        start: u64,
    },
    Thinking {
        index: u32,
    },
    Call {
        index: u32,
        has_arguments: bool,
    },
    /// Input of the tool that stands for the answer.
    Answer {
        is_empty: bool,
    },
    Other,
}

#[derive(Serialize)]
struct Detail<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
    id: (),
    format: &'static str,
    index: u32,
}

impl Emitter {
    pub(crate) const fn new(undo: Undo) -> Self {
        Self {
            undo,
            open: Vec::new(),
            details: 0,
            calls: 0,
            characters: 0,
            has_answered_by_tool: false,
            citations: Citations::new(),
        }
    }

    fn begin(&mut self, block: u64, open: Open) -> Result<(), DecodeError> {
        if self.open.len() >= OPEN_MAX {
            return Err(DecodeError::Malformed("too many blocks are open at once".to_owned()));
        }
        self.open.retain(|(index, _)| *index != block);
        self.open.push((block, open));
        Ok(())
    }

    fn find(&mut self, block: u64) -> Option<&mut Open> {
        self.open.iter_mut().rev().find(|(index, _)| *index == block).map(|(_, open)| open)
    }

    pub(crate) fn begin_text(&mut self, block: u64) -> Result<(), DecodeError> {
        self.begin(block, Open::Text { start: self.characters })
    }

    /// A block that has no form in chat completions.
    pub(crate) fn begin_other(&mut self, block: u64) -> Result<(), DecodeError> {
        self.begin(block, Open::Other)
    }

    pub(crate) fn is_other(&mut self, block: u64) -> bool {
        matches!(self.find(block), Some(Open::Other))
    }

    pub(crate) fn is_text(&mut self, block: u64) -> bool {
        matches!(self.find(block), Some(Open::Text { .. }))
    }

    /// Says where the words of the open block come from.
    pub(crate) fn cite(&mut self, citation: Citation) {
        self.citations.add(citation);
    }

    /// Adds a member to the answer that is a list.
    pub(crate) fn other(
        name: &str,
        value: &Value,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        out.push(delta(Delta::Other { name: name.to_owned(), value: raw(value)? }));
        Ok(())
    }

    pub(crate) fn text(
        &mut self,
        block: u64,
        text: Cow<'_, str>,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        if self.find(block).is_none() {
            self.begin_text(block)?;
        }
        if !text.is_empty() {
            self.characters += u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
            out.push(delta(Delta::Content(text.into_owned())));
        }
        Ok(())
    }

    const fn detail<'d>(&self, kind: &'static str, index: u32) -> Detail<'d> {
        let format = self.undo.format;
        Detail { kind, text: None, signature: None, data: None, id: (), format, index }
    }

    fn thinking_index(&mut self, block: u64) -> Result<u32, DecodeError> {
        if let Some(Open::Thinking { index }) = self.find(block) {
            return Ok(*index);
        }
        let index = self.details;
        self.details = self.details.saturating_add(1);
        self.begin(block, Open::Thinking { index })?;
        Ok(index)
    }

    pub(crate) fn thinking(
        &mut self,
        block: u64,
        text: Cow<'_, str>,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let index = self.thinking_index(block)?;
        if text.is_empty() {
            return Ok(());
        }
        let detail = Detail { text: Some(&text), ..self.detail("reasoning.text", index) };
        let details = detail.alone()?;
        out.push(delta(Delta::Reasoning(text.into_owned())));
        out.push(delta(details));
        Ok(())
    }

    pub(crate) fn signature(
        &mut self,
        block: u64,
        signature: &str,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let index = self.thinking_index(block)?;
        if !signature.is_empty() {
            let signature = Some(signature);
            let detail = Detail { signature, ..self.detail("reasoning.text", index) };
            out.push(delta(detail.alone()?));
        }
        Ok(())
    }

    pub(crate) fn redacted(
        &mut self,
        data: &str,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let detail =
            Detail { data: Some(data), ..self.detail("reasoning.encrypted", self.details) };
        self.details = self.details.saturating_add(1);
        out.push(delta(detail.alone()?));
        Ok(())
    }

    pub(crate) fn begin_call(
        &mut self,
        block: u64,
        id: &str,
        name: Cow<'_, str>,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        if self.undo.answer.as_deref() == Some(&*name) {
            self.has_answered_by_tool = true;
            return self.begin(block, Open::Answer { is_empty: true });
        }
        let index = self.calls;
        self.calls = self.calls.saturating_add(1);
        self.begin(block, Open::Call { index, has_arguments: false })?;
        out.push(delta(Delta::ToolCall(ToolCallDelta {
            index,
            id: Some(id.to_owned()),
            name: Some(self.undo.names.original(name)),
            arguments: String::new(),
        })));
        Ok(())
    }

    /// A part of the JSON text that a call is made with.
    pub(crate) fn input(
        &mut self,
        block: u64,
        json: Cow<'_, str>,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        if json.is_empty() {
            return Ok(());
        }
        match self.find(block) {
            Some(Open::Call { index, has_arguments }) => {
                *has_arguments = true;
                let index = *index;
                out.push(arguments(index, json.into_owned()));
                Ok(())
            }
            Some(Open::Answer { is_empty }) => {
                *is_empty = false;
                self.characters += u64::try_from(json.chars().count()).unwrap_or(u64::MAX);
                out.push(delta(Delta::Content(json.into_owned())));
                Ok(())
            }
            Some(Open::Text { .. } | Open::Thinking { .. } | Open::Other) | None => {
                Err(DecodeError::Malformed("input of a call that was not begun".to_owned()))
            }
        }
    }

    pub(crate) fn end(&mut self, block: u64, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let Some(position) = self.open.iter().rposition(|(index, _)| *index == block) else {
            return Ok(());
        };
        match self.open.remove(position).1 {
            // A tool without arguments was called with nothing at all, which is no JSON.
            Open::Call { index, has_arguments: false } => {
                out.push(arguments(index, "{}".to_owned()));
            }
            Open::Answer { is_empty: true } => out.push(delta(Delta::Content("{}".to_owned()))),
            Open::Text { start } => {
                out.extend(self.citations.take(start, self.characters)?.map(delta));
            }
            Open::Thinking { .. } | Open::Call { .. } | Open::Answer { .. } | Open::Other => {}
        }
        Ok(())
    }

    /// The reason for which an answer ended, where the upstream says that a tool is to be used:
    /// the tool that stands for the answer is none of the caller's business.
    pub(crate) const fn called(&self) -> FinishReason {
        if self.calls == 0 && self.has_answered_by_tool {
            FinishReason::Stop
        } else {
            FinishReason::ToolCalls
        }
    }
}

impl Detail<'_> {
    fn alone(&self) -> Result<Delta, DecodeError> {
        raw(&[self]).map(Delta::ReasoningDetails)
    }
}

/// A value as JSON text.
pub(crate) fn raw<T: Serialize + ?Sized>(value: &T) -> Result<Box<RawValue>, DecodeError> {
    to_raw_value(value).map_err(|error| DecodeError::Malformed(error.to_string()))
}

/// Both dialects give one choice.
pub(crate) const fn delta(delta: Delta) -> ChatEvent {
    ChatEvent::Delta { choice: 0, delta }
}

const fn arguments(index: u32, arguments: String) -> ChatEvent {
    delta(Delta::ToolCall(ToolCallDelta { index, id: None, name: None, arguments }))
}
