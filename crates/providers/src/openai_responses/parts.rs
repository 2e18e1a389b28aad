//! The parts of items: text, calls and reasoning.

use protocol::chat::event::{ChatEvent, Delta, ToolCallDelta};
use serde_json::json;

use super::emit::{push, push_annotations, push_detail, push_logprobs};
use super::items::{Item, Known, Open, Part, Reasoned};
use super::state::{ITEMS_MAX, State};
use crate::error::DecodeError;

/// More calls than this are not an answer.
const CALLS_MAX: u32 = 128;

impl State {
    pub(super) fn part(
        &mut self,
        index: u32,
        part: &Part<'_>,
        (has_text, has_annotations): (bool, bool),
        out: &mut Vec<ChatEvent>,
    ) {
        if !has_text {
            if let Some(text) = part.text().filter(|text| !text.is_empty()) {
                self.say(index, text.into_owned(), out);
            }
            if let Some(refusal) = part.refusal().filter(|text| !text.is_empty()) {
                push(out, Delta::Refusal(refusal.into_owned()));
            }
            push_logprobs(part.logprobs, out);
        }
        if !has_annotations {
            for annotation in part.annotations() {
                push_annotations(Some(annotation), out);
            }
        }
    }

    /// Text of a message. Several messages of one answer are told apart by an empty line.
    pub(super) fn say(&mut self, index: u32, text: String, out: &mut Vec<ChatEvent>) {
        let of_item = |item: &&mut Open| item.index == index;
        let is_new = self
            .items
            .iter_mut()
            .find(of_item)
            .is_some_and(|item| !std::mem::replace(&mut item.has_spoken, true));
        if is_new && std::mem::replace(&mut self.has_spoken, true) {
            push(out, Delta::Content("\n\n".to_owned()));
        }
        push(out, Delta::Content(text));
    }

    /// Begins a call, unless that was done.
    pub(super) fn call(
        &mut self,
        index: u32,
        item: &Item<'_>,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let calls = self.calls;
        let open = self.open(index, Known::Call)?;
        if open.call.is_some() {
            return Ok(());
        }
        if calls >= CALLS_MAX {
            return Err(DecodeError::Malformed("it has too many calls".to_owned()));
        }
        open.call = Some(calls);
        self.calls = calls.saturating_add(1);
        let id = item.call_id().unwrap_or_else(|| format!("call_{calls}"));
        let name = Some(item.name());
        let arguments = String::new();
        push(out, Delta::ToolCall(ToolCallDelta { index: calls, id: Some(id), name, arguments }));
        Ok(())
    }

    pub(super) fn arguments(
        &mut self,
        index: u32,
        arguments: &str,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let open = self.open(index, Known::Call)?;
        let Some(call) = open.call else {
            return Err(DecodeError::Malformed("a call has arguments before a name".to_owned()));
        };
        if !arguments.is_empty() {
            open.has_text = true;
            let arguments = arguments.to_owned();
            let part = ToolCallDelta { index: call, id: None, name: None, arguments };
            push(out, Delta::ToolCall(part));
        }
        Ok(())
    }

    /// Reasoning that is shown, and the same as a detail that can be sent again.
    pub(super) fn reason(
        &mut self,
        index: u32,
        part: Reasoned,
        text: &str,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let next = self.details;
        let open = self.open(index, Known::Reasoning)?;
        let (place, is_new) = match open.reasoned.iter().find(|(known, _)| *known == part) {
            Some((_, place)) => (*place, false),
            None if open.reasoned.len() >= ITEMS_MAX => {
                return Err(DecodeError::Malformed("it reasons in too many parts".to_owned()));
            }
            None => {
                open.reasoned.push((part, next));
                (next, true)
            }
        };
        let id = open.id.clone();
        if is_new {
            self.details = next.saturating_add(1);
            if std::mem::replace(&mut self.has_reasoned, true) {
                push(out, Delta::Reasoning("\n\n".to_owned()));
            }
        }
        let (kind, member) = match part {
            Reasoned::Summary(_) => ("reasoning.summary", "summary"),
            Reasoned::Text(_) => ("reasoning.text", "text"),
        };
        push(out, Delta::Reasoning(text.to_owned()));
        push_detail(
            &json!({"type": kind, member: text, "id": id, "format": self.format, "index": place}),
            out,
        );
        Ok(())
    }

    pub(super) fn reasoned(
        &mut self,
        index: u32,
        item: &Item<'_>,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        if self.open(index, Known::Reasoning)?.reasoned.is_empty() {
            for (place, part) in (0..).zip(item.summary()) {
                if let Some(text) = part.text().filter(|text| !text.is_empty()) {
                    self.reason(index, Reasoned::Summary(place), &text, out)?;
                }
            }
            for (place, part) in (0..).zip(item.parts()) {
                if let Some(text) = part.text().filter(|text| !text.is_empty()) {
                    self.reason(index, Reasoned::Text(place), &text, out)?;
                }
            }
        }
        let Some(data) = item.encrypted_content() else { return Ok(()) };
        let id = self.open(index, Known::Reasoning)?.id.clone();
        let place = self.details;
        self.details = place.saturating_add(1);
        push_detail(
            &json!({"type": "reasoning.encrypted", "data": data, "id": id, "format": self.format,
                "index": place}),
            out,
        );
        Ok(())
    }
}
