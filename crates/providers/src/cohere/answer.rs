//! One event of an answer after another, or a whole answer.

use std::fmt;
use std::marker::PhantomData;

use domain::generation::FinishReason;
use protocol::chat::event::{ChatEvent, Delta, ToolCallDelta};
use protocol::error::ErrorType;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::citations::Citation;
use super::classify;
use super::usage::WireUsage;
use crate::document::malformed;
use crate::error::{DecodeError, Retry, UpstreamError};

/// More calls than this are not an answer.
const CALLS_MAX: usize = 128;

#[derive(Debug, Default)]
pub(super) struct Answer {
    salt: usize,
    response_id: String,
    has_started: bool,
    is_finished: bool,
    /// In order of appearance.
    calls: Vec<Begun>,
}

/// A call so far.
#[derive(Debug)]
struct Begun {
    /// Cohere's number of it; ours is its place.
    number: u32,
    has_arguments: bool,
}

#[derive(Deserialize)]
struct Event {
    r#type: Option<String>,
    id: Option<String>,
    index: Option<u32>,
    delta: Option<EventDelta>,
    logprobs: Option<Logprobs>,
}

#[derive(Deserialize)]
struct EventDelta {
    message: Option<EventMessage>,
    finish_reason: Option<String>,
    usage: Option<WireUsage>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct EventMessage {
    content: Option<OneOrMany<Content>>,
    tool_plan: Option<String>,
    tool_calls: Option<OneOrMany<Call>>,
    citations: Option<OneOrMany<Citation>>,
}

/// A whole answer, or an error, whose message is text.
#[derive(Deserialize)]
pub(super) struct Whole<'a> {
    id: Option<String>,
    finish_reason: Option<String>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    usage: Option<WireUsage>,
    logprobs: Option<Vec<Logprobs>>,
}

/// Some events hold a list where others hold its only element.
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrManyVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or a list of objects")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    list.push(item);
                }
                Ok(OneOrMany::Many(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(OneOrMany::One)
            }
        }

        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

impl<T> OneOrMany<T> {
    fn into_list(self) -> Vec<T> {
        match self {
            Self::Many(list) => list,
            Self::One(one) => vec![one],
        }
    }
}

#[derive(Deserialize)]
struct Content {
    text: Option<String>,
    thinking: Option<String>,
}

#[derive(Deserialize)]
struct Call {
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Logprobs {
    text: Option<String>,
    logprobs: Option<Vec<f64>>,
}

impl Answer {
    pub(super) fn new(salt: usize) -> Self {
        Self { salt, ..Self::default() }
    }

    pub(super) const fn is_finished(&self) -> bool {
        self.is_finished
    }

    pub(super) fn take(
        &mut self,
        json: &[u8],
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let event: Event = serde_json::from_slice(json).map_err(|error| malformed(&error))?;
        let Some(kind) = event.r#type else {
            // What has no type is an error: `{"message": "…"}`.
            return Err(DecodeError::Upstream(classify::in_band(json)));
        };
        if self.is_finished {
            return Ok(());
        }
        self.start(event.id, out);
        let delta = event.delta;
        match kind.as_str() {
            "message-end" => {
                let Some(delta) = delta else { return Err(DecodeError::Truncated) };
                return self.finish(delta.finish_reason, delta.usage, delta.error, json, out);
            }
            "tool-call-start" | "tool-call-delta" => {
                let calls = delta.and_then(|delta| delta.message?.tool_calls);
                for call in calls.map(OneOrMany::into_list).unwrap_or_default() {
                    self.call(call, event.index, kind == "tool-call-start", out)?;
                }
            }
            "message-start" | "content-start" | "content-delta" | "tool-plan-delta"
            | "citation-start" => {
                if let Some(message) = delta.and_then(|delta| delta.message) {
                    say(message, out);
                }
            }
            _ => {}
        }
        if let Some(logprobs) = event.logprobs {
            tell(vec![logprobs], out);
        }
        Ok(())
    }

    pub(super) fn take_whole(
        &mut self,
        whole: Whole<'_>,
        json: &[u8],
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let message = whole.message.filter(|message| message.get().starts_with('{'));
        let Some(message) = message else {
            return Err(DecodeError::Upstream(classify::in_band(json)));
        };
        let mut message: EventMessage =
            serde_json::from_str(message.get()).map_err(|error| malformed(&error))?;
        self.start(whole.id, out);
        let calls = message.tool_calls.take();
        say(message, out);
        let calls = calls.map(OneOrMany::into_list).unwrap_or_default();
        for (index, call) in (0_u32..).zip(calls) {
            self.call(call, Some(index), true, out)?;
        }
        tell(whole.logprobs.unwrap_or_default(), out);
        self.finish(whole.finish_reason, whole.usage, None, json, out)
    }

    fn start(&mut self, id: Option<String>, out: &mut Vec<ChatEvent>) {
        if std::mem::replace(&mut self.has_started, true) {
            return;
        }
        let id = id.filter(|id| !id.is_empty() && id.len() <= 256);
        let letters = id.iter().flat_map(|id| id.chars());
        self.response_id = letters.filter(char::is_ascii_alphanumeric).take(32).collect();
        out.push(ChatEvent::Started {
            upstream_id: id,
            upstream_model: None,
            system_fingerprint: None,
            service_tier: None,
        });
    }

    fn call(
        &mut self,
        call: Call,
        number: Option<u32>,
        begins: bool,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let function = call.function.unwrap_or(Function { name: None, arguments: None });
        let arguments = function.arguments.unwrap_or_default();
        let known = number
            .and_then(|number| self.calls.iter().rposition(|known| known.number == number))
            .or_else(|| self.calls.len().checked_sub(1));
        let (place, id, name) = match known {
            Some(place) if !begins => (place, None, None),
            _ => {
                let place = self.calls.len();
                if place >= CALLS_MAX {
                    return Err(DecodeError::Malformed("there are too many calls".to_owned()));
                }
                self.calls.push(Begun { number: number.unwrap_or(u32::MAX), has_arguments: false });
                let made = || format!("call_{}_{}_{place}", self.response_id, self.salt);
                let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(made);
                (place, Some(id), Some(function.name.unwrap_or_default()))
            }
        };
        let index = u32::try_from(place).unwrap_or(u32::MAX);
        if let Some(begun) = self.calls.get_mut(place) {
            begun.has_arguments |= !arguments.is_empty();
        }
        push(Delta::ToolCall(ToolCallDelta { index, id, name, arguments }), out);
        Ok(())
    }

    fn finish(
        &mut self,
        native: Option<String>,
        usage: Option<WireUsage>,
        error: Option<String>,
        json: &[u8],
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        if let Some(usage) = usage.and_then(|usage| usage.disjoint()) {
            out.push(ChatEvent::Usage(usage));
        }
        let native = native.unwrap_or_default();
        let reason = match native.as_str() {
            "ERROR" => return Err(DecodeError::Upstream(broken(error, json))),
            "TIMEOUT" => return Err(DecodeError::Upstream(timed_out())),
            "MAX_TOKENS" | "ERROR_LIMIT" => FinishReason::Length,
            "ERROR_TOXIC" => FinishReason::ContentFilter,
            "TOOL_CALL" => FinishReason::ToolCalls,
            _ if !self.calls.is_empty() => FinishReason::ToolCalls,
            _ => FinishReason::Stop,
        };
        // Of a function without arguments nothing is sent, which is no JSON.
        for (index, _) in (0_u32..).zip(&self.calls).filter(|(_, call)| !call.has_arguments) {
            let arguments = "{}".to_owned();
            push(Delta::ToolCall(ToolCallDelta { index, id: None, name: None, arguments }), out);
        }
        self.is_finished = true;
        out.push(ChatEvent::Finished {
            choice: 0,
            reason,
            native_reason: Some(native).filter(|native| !native.is_empty()),
            stop_sequence: None,
        });
        Ok(())
    }
}

fn push(delta: Delta, out: &mut Vec<ChatEvent>) {
    out.push(ChatEvent::Delta { choice: 0, delta });
}

/// Words, thoughts, plans and sources. A plan is what the model thinks before it calls.
fn say(message: EventMessage, out: &mut Vec<ChatEvent>) {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    if let Some(plan) = given(message.tool_plan) {
        push(Delta::Reasoning(plan), out);
    }
    for content in message.content.map(OneOrMany::into_list).unwrap_or_default() {
        if let Some(thought) = given(content.thinking) {
            push(Delta::Reasoning(thought), out);
        }
        if let Some(text) = given(content.text) {
            push(Delta::Content(text), out);
        }
    }
    let citations = message.citations.map(OneOrMany::into_list).unwrap_or_default();
    if let Some(value) = Citation::write(&citations) {
        push(Delta::Other { name: "annotations".to_owned(), value }, out);
    }
}

/// Probabilities, a piece of text at a time: Cohere does not say which letters are which token's.
fn tell(pieces: Vec<Logprobs>, out: &mut Vec<ChatEvent>) {
    let content: Vec<serde_json::Value> = pieces
        .into_iter()
        .filter_map(|piece| {
            let text = piece.text.filter(|text| !text.is_empty())?;
            let logprob: f64 = piece.logprobs?.iter().sum();
            Some(json!({
                "token": text, "logprob": logprob, "bytes": text.as_bytes(), "top_logprobs": [],
            }))
        })
        .collect();
    if content.is_empty() {
        return;
    }
    if let Ok(raw) = to_raw_value(&json!({ "content": content, "refusal": null })) {
        push(Delta::Logprobs(raw), out);
    }
}

fn broken(error: Option<String>, json: &[u8]) -> UpstreamError {
    let said = error.unwrap_or_default();
    UpstreamError {
        kind: ErrorType::ProviderUnavailable,
        retry: Retry::Other,
        status: Some(200),
        provider_code: Some("ERROR".to_owned()),
        raw: crate::raw::shorten(if said.is_empty() { json } else { said.as_bytes() }),
        message: "the provider failed while it answered".to_owned(),
    }
}

fn timed_out() -> UpstreamError {
    UpstreamError {
        kind: ErrorType::Timeout,
        retry: Retry::Other,
        status: Some(200),
        provider_code: Some("TIMEOUT".to_owned()),
        raw: None,
        message: "the provider took too long to answer".to_owned(),
    }
}
