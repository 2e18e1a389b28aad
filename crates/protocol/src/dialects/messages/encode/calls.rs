//! What has to wait, because a call is being written and blocks must not interleave.

use std::collections::VecDeque;

use crate::chat::event::{Delta, Native, ToolCallDelta};

/// Bytes that may wait. A call whose arguments are not closed by then never will be.
const WAITING_BYTES_MAX: usize = 4 << 20;

/// A step of the answer, kept for later.
#[derive(Debug)]
pub(super) enum Step {
    Delta(Delta),
    Native(Native),
}

/// Steps in the order in which they are written, with the parts of each call joined.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    steps: VecDeque<Step>,
    bytes: usize,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub(super) const fn is_full(&self) -> bool {
        self.bytes > WAITING_BYTES_MAX
    }

    pub(super) fn front(&self) -> Option<&Step> {
        self.steps.front()
    }

    pub(super) fn pop(&mut self) -> Option<Step> {
        let step = self.steps.pop_front();
        if self.steps.is_empty() {
            self.bytes = 0;
        }
        step
    }

    pub(super) fn push_native(&mut self, native: &Native) {
        self.bytes = self.bytes.saturating_add(native.data.get().len());
        self.steps.push_back(Step::Native(native.clone()));
    }

    pub(super) fn push(&mut self, delta: &Delta) {
        self.bytes = self.bytes.saturating_add(size(delta));
        match (delta, self.steps.back_mut()) {
            (Delta::Content(text), Some(Step::Delta(Delta::Content(last)))) => last.push_str(text),
            (Delta::ToolCall(part), _) => self.push_call(part),
            _ => self.steps.push_back(Step::Delta(delta.clone())),
        }
    }

    fn push_call(&mut self, part: &ToolCallDelta) {
        let known = self.steps.iter_mut().find_map(|step| match step {
            Step::Delta(Delta::ToolCall(call)) if call.index == part.index => Some(call),
            _ => None,
        });
        let Some(call) = known else {
            self.steps.push_back(Step::Delta(Delta::ToolCall(part.clone())));
            return;
        };
        call.arguments.push_str(&part.arguments);
        call.id = call.id.take().or_else(|| part.id.clone());
        call.name = call.name.take().or_else(|| part.name.clone());
    }
}

/// The part of a delta that may be long; each counts for a little more.
fn size(delta: &Delta) -> usize {
    const STEP_BYTES: usize = 64;
    let long = match delta {
        Delta::Content(text) | Delta::Reasoning(text) | Delta::Refusal(text) => text.len(),
        Delta::ToolCall(part) => part.arguments.len(),
        Delta::ReasoningDetails(value) | Delta::Logprobs(value) | Delta::Other { value, .. } => {
            value.get().len()
        }
    };
    long.saturating_add(STEP_BYTES)
}

/// Follows JSON text that arrives in pieces, to see where its outermost object ends.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    depth: u32,
    has_begun: bool,
    has_opened: bool,
    in_string: bool,
    is_escaped: bool,
}

impl Nesting {
    pub(super) fn push(&mut self, json: &str) {
        for byte in json.bytes() {
            self.has_begun = self.has_begun || !byte.is_ascii_whitespace();
            if self.in_string {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    self.has_opened = true;
                    self.depth = self.depth.saturating_add(1);
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// Whether there was anything but blanks.
    pub(super) const fn has_begun(&self) -> bool {
        self.has_begun
    }

    pub(super) const fn is_complete(&self) -> bool {
        self.has_opened && self.depth == 0 && !self.in_string
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_object_is_seen_however_it_is_cut() {
        let json = r#" {"a": "}\"", "b": [{}]} "#;
        let end = json.rfind('}').unwrap() + 1;
        for cut in 0..json.len() {
            let mut nesting = Nesting::default();
            nesting.push(&json[..cut]);
            assert_eq!(nesting.is_complete(), cut >= end, "cut at {cut}");
            nesting.push(&json[cut..]);
            assert!(nesting.is_complete());
        }
    }

    #[test]
    fn parts_of_a_call_that_waits_are_joined() {
        let part = |name: Option<&str>, arguments: &str| {
            Delta::ToolCall(ToolCallDelta {
                index: 1,
                id: name.map(Into::into),
                name: name.map(Into::into),
                arguments: arguments.into(),
            })
        };
        let mut waiting = Waiting::default();
        waiting.push(&part(Some("f"), "{\"a\""));
        waiting.push(&Delta::Content("x".into()));
        waiting.push(&part(None, ":1}"));
        let Some(Step::Delta(Delta::ToolCall(call))) = waiting.pop() else { panic!() };
        assert_eq!((call.name.as_deref(), &*call.arguments), (Some("f"), "{\"a\":1}"));
        assert!(matches!(waiting.pop(), Some(Step::Delta(Delta::Content(text))) if text == "x"));
        assert!(waiting.is_empty());
    }
}
