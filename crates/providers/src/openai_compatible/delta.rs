//! One chunk of a stream, or one whole response, read in one pass into events.

use std::borrow::Cow;
use std::fmt;

use domain::generation::FinishReason;
use protocol::chat::event::{ChatEvent, Delta};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::calls::Calls;
use super::usage::WireUsage;
use super::wire::{Textual, WireToolCall};

/// More choices than this are not an answer.
const INDEX_MAX: u64 = 127;

/// What is known of the choices of a response.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// What the upstream calls this response: ids that it leaves out are made from it, so that
    /// they stay unique in a conversation.
    pub(super) response_id: String,
    pub(super) choices: Vec<ChoiceProgress>,
}

#[derive(Debug, Default)]
pub(super) struct ChoiceProgress {
    pub(super) index: u32,
    pub(super) is_finished: bool,
    calls: Calls,
}

impl ChoiceProgress {
    /// The reason for an end that the upstream did not give one for.
    pub(super) const fn unstated_reason(&self) -> FinishReason {
        if self.calls.have_begun() { FinishReason::ToolCalls } else { FinishReason::Stop }
    }
}

fn choice_at(choices: &mut Vec<ChoiceProgress>, index: u32) -> &mut ChoiceProgress {
    let known = choices.iter().position(|choice| choice.index == index);
    let position = known.unwrap_or_else(|| {
        choices.push(ChoiceProgress { index, ..ChoiceProgress::default() });
        choices.len() - 1
    });
    &mut choices[position]
}

/// What a chunk says besides its choices.
#[derive(Debug, Default)]
pub(super) struct Rest<'a> {
    pub(super) usage: Option<WireUsage>,
    pub(super) error: Option<&'a RawValue>,
    /// Pages that the answer rests on: `search_results` (Perplexity) or `citations` (xAI).
    pub(super) sources: Option<&'a RawValue>,
}

/// What Groq says beside the form, in its last chunk.
#[derive(Deserialize)]
struct Groq<'a> {
    usage: Option<WireUsage>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Text that borrows where it can: a bare `Cow` always copies.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(|_| ())
}

/// Reads one chunk; its events are appended to `out`.
pub(super) struct Chunk<'s> {
    pub(super) progress: &'s mut Progress,
    pub(super) out: &'s mut Vec<ChatEvent>,
}

impl<'de> DeserializeSeed<'de> for Chunk<'_> {
    type Value = Rest<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Rest<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Chunk<'_> {
    type Value = Rest<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a chat completion chunk")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rest<'de>, A::Error> {
        let mut rest = Rest::default();
        while let Some(Name(name)) = map.next_key()? {
            match &*name {
                "choices" => map.next_value_seed(Choices {
                    progress: &mut *self.progress,
                    out: &mut *self.out,
                    error: &mut rest.error,
                })?,
                "usage" => rest.usage = map.next_value::<Option<WireUsage>>()?.or(rest.usage),
                "error" => rest.error = map.next_value::<Option<&RawValue>>()?.or(rest.error),
                "x_groq" => {
                    if let Some(groq) = map.next_value::<Option<Groq<'de>>>()? {
                        rest.usage = rest.usage.or(groq.usage);
                        rest.error = rest.error.or(groq.error);
                    }
                }
                "search_results" => rest.sources = map.next_value()?,
                "citations" => {
                    let citations = map.next_value::<Option<&RawValue>>()?;
                    rest.sources = rest.sources.or(citations);
                }
                _ => skip(&mut map)?,
            }
        }
        Ok(rest)
    }
}

struct Choices<'s, 'de> {
    progress: &'s mut Progress,
    out: &'s mut Vec<ChatEvent>,
    error: &'s mut Option<&'de RawValue>,
}

impl<'de> DeserializeSeed<'de> for Choices<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Choices<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of choices")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        loop {
            let choice = OneChoice {
                progress: &mut *self.progress,
                out: &mut *self.out,
                error: &mut *self.error,
            };
            if seq.next_element_seed(choice)?.is_none() {
                return Ok(());
            }
        }
    }
}

struct OneChoice<'s, 'de> {
    progress: &'s mut Progress,
    out: &'s mut Vec<ChatEvent>,
    error: &'s mut Option<&'de RawValue>,
}

impl<'de> DeserializeSeed<'de> for OneChoice<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneChoice<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a choice")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let first = self.out.len();
        let mut index = 0;
        let mut finish: Option<Name<'de>> = None;
        let mut error = None;
        while let Some(Name(name)) = map.next_key()? {
            match &*name {
                "index" => index = map.next_value::<Option<u64>>()?.unwrap_or(0),
                "delta" | "message" => map.next_value_seed(Additions { out: &mut *self.out })?,
                "finish_reason" => finish = map.next_value()?,
                "logprobs" => {
                    if let Some(value) = map.next_value::<Option<Box<RawValue>>>()? {
                        self.out
                            .push(ChatEvent::Delta { choice: 0, delta: Delta::Logprobs(value) });
                    }
                }
                "error" => error = map.next_value::<Option<&RawValue>>()?,
                _ => skip(&mut map)?,
            }
        }
        let Some(index) = u32::try_from(index).ok().filter(|i| u64::from(*i) <= INDEX_MAX) else {
            return Err(serde::de::Error::custom("a choice index is out of range"));
        };
        let Progress { response_id, choices } = self.progress;
        let progress = choice_at(choices, index);
        // The index may stand after the delta, so it is filled in once it is known.
        for event in &mut self.out[first..] {
            if let ChatEvent::Delta { choice, delta } = event {
                *choice = index;
                if let Delta::ToolCall(part) = delta {
                    let calls = &mut progress.calls;
                    calls.place(index, response_id, part).map_err(serde::de::Error::custom)?;
                }
            }
        }
        if error.is_some() {
            // Whoever reads the error decides how the choice ends.
            *self.error = error;
        } else if let Some(Name(native)) = finish
            && !native.is_empty()
            && !progress.is_finished
        {
            progress.is_finished = true;
            let reason = match finish_reason(&native) {
                FinishReason::Stop => progress.unstated_reason(),
                reason => reason,
            };
            let native_reason = Some(native.into_owned());
            self.out.push(ChatEvent::Finished {
                choice: index,
                reason,
                native_reason,
                stop_sequence: None,
            });
        }
        Ok(())
    }
}

/// An upstream's word for why it stopped, in the public vocabulary.
fn finish_reason(native: &str) -> FinishReason {
    match native {
        "length" | "max_tokens" | "MAX_TOKENS" | "max_output_tokens" | "model_length" => {
            FinishReason::Length
        }
        "tool_calls" | "function_call" | "tool_use" | "tool_call" => FinishReason::ToolCalls,
        "content_filter" | "safety" | "SAFETY" | "sensitive" | "content_filtered" => {
            FinishReason::ContentFilter
        }
        "error" | "insufficient_system_resource" | "network_error" => FinishReason::Error,
        _ => FinishReason::Stop,
    }
}

/// The `delta` of a chunk or the `message` of a whole response.
struct Additions<'s> {
    out: &'s mut Vec<ChatEvent>,
}

impl Additions<'_> {
    fn push(&mut self, delta: Delta) {
        self.out.push(ChatEvent::Delta { choice: 0, delta });
    }

    fn push_text(&mut self, value: Textual, wrap: fn(String) -> Delta) {
        match value {
            Textual::None => {}
            Textual::Text(text) => self.push(wrap(text)),
            Textual::Parts(parts) => parts.into_iter().for_each(|part| self.push_part(part, wrap)),
        }
    }

    /// Content in parts: Mistral's reasoning models write it so.
    fn push_part(&mut self, part: Value, wrap: fn(String) -> Delta) {
        match part["type"].as_str() {
            Some("text") => {
                if let Some(text) = part["text"].as_str() {
                    self.push(wrap(text.to_owned()));
                }
            }
            Some("thinking") => {
                let text = match &part["thinking"] {
                    Value::String(text) => text.clone(),
                    Value::Array(parts) => {
                        parts.iter().filter_map(|part| part["text"].as_str()).collect()
                    }
                    _ => String::new(),
                };
                if !text.is_empty() {
                    self.push(Delta::Reasoning(text));
                }
            }
            _ => {
                if let Ok(value) = serde_json::value::to_raw_value(&[part]) {
                    self.push(Delta::Other { name: "content_parts".to_owned(), value });
                }
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for Additions<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Additions<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a delta")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut has_reasoning = false;
        let mut details = None;
        while let Some(Name(name)) = map.next_key()? {
            match &*name {
                "role" => skip(&mut map)?,
                "content" => self.push_text(map.next_value()?, Delta::Content),
                "refusal" => self.push_text(map.next_value()?, Delta::Refusal),
                // Some upstreams write the same text under both names.
                "reasoning" | "reasoning_content" if has_reasoning => skip(&mut map)?,
                "reasoning" | "reasoning_content" => {
                    let text: Textual = map.next_value()?;
                    has_reasoning = !matches!(text, Textual::None);
                    self.push_text(text, Delta::Reasoning);
                }
                "reasoning_details" => {
                    let value: Box<RawValue> = map.next_value()?;
                    details = is_something(&value).then_some(value);
                }
                "tool_calls" => {
                    for part in map.next_value::<Option<Vec<WireToolCall>>>()?.unwrap_or_default() {
                        self.push(Delta::ToolCall(part.into()));
                    }
                }
                _ => {
                    let value: Box<RawValue> = map.next_value()?;
                    if is_something(&value) {
                        self.push(Delta::Other { name: name.into_owned(), value });
                    }
                }
            }
        }
        if let Some(value) = details {
            // What can be shown comes before what can be sent again.
            if !has_reasoning && let Some(text) = shown(&value) {
                self.push(Delta::Reasoning(text));
            }
            self.push(Delta::ReasoningDetails(value));
        }
        Ok(())
    }
}

/// The text of details that come without any beside them.
fn shown(details: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Detail<'a> {
        #[serde(borrow)]
        text: Option<Name<'a>>,
        #[serde(borrow)]
        summary: Option<Name<'a>>,
    }
    let details: Vec<Detail<'_>> = serde_json::from_str(details.get()).ok()?;
    let texts =
        details.iter().filter_map(|detail| detail.text.as_ref().or(detail.summary.as_ref()));
    let joined: String = texts.map(|Name(text)| &**text).collect();
    (!joined.is_empty()).then_some(joined)
}

fn is_something(value: &RawValue) -> bool {
    !matches!(value.get(), "null" | "[]" | "{}" | "\"\"")
}
