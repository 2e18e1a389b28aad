//! Events to a whole response: what a caller who does not stream is given.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::generation::FinishReason;
use domain::usage::Usage;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::event::{ChatEvent, Delta, ToolCallDelta};

/// Collects events. [`Fold::response`] can be read at any time, also after a failure.
#[derive(Debug, Default)]
pub struct Fold {
    response: Response,
}

/// A response so far.
#[derive(Debug, Default)]
pub struct Response {
    pub upstream_id: Option<String>,
    pub upstream_model: Option<String>,
    pub system_fingerprint: Option<String>,
    pub service_tier: Option<String>,
    /// By index.
    pub choices: Vec<Choice>,
    pub usage: Option<Usage>,
}

/// One choice so far.
#[derive(Debug, Default)]
pub struct Choice {
    pub index: u32,
    pub content: Option<String>,
    pub reasoning: Option<String>,
    /// With the parts of one detail joined.
    pub reasoning_details: Vec<Value>,
    pub refusal: Option<String>,
    /// By index.
    pub tool_calls: Vec<ToolCallDelta>,
    pub logprobs: Option<Value>,
    /// Members that this version does not interpret, in order of appearance.
    pub other: Vec<(String, Value)>,
    pub finish_reason: Option<FinishReason>,
    pub native_finish_reason: Option<String>,
    pub stop_sequence: Option<String>,
}

impl Fold {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Started {
                upstream_id,
                upstream_model,
                system_fingerprint,
                service_tier,
            } => {
                self.response.upstream_id.clone_from(upstream_id);
                self.response.upstream_model.clone_from(upstream_model);
                self.response.system_fingerprint.clone_from(system_fingerprint);
                self.response.service_tier.clone_from(service_tier);
            }
            ChatEvent::Delta { choice, delta } => self.choice(*choice).add(delta),
            ChatEvent::Finished { choice, reason, native_reason, stop_sequence } => {
                let choice = self.choice(*choice);
                choice.finish_reason = Some(*reason);
                choice.native_finish_reason.clone_from(native_reason);
                choice.stop_sequence.clone_from(stop_sequence);
            }
            ChatEvent::Usage(usage) => self.response.usage = Some(*usage),
            // Kept by the encoders that have a form for them.
            ChatEvent::Native(_) | ChatEvent::Embeddings(_) | ChatEvent::Ranking(_) => {}
        }
    }

    pub const fn response(&self) -> &Response {
        &self.response
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        let choices = &mut self.response.choices;
        let position = match choices.binary_search_by_key(&index, |choice| choice.index) {
            Ok(position) => position,
            Err(position) => {
                choices.insert(position, Choice { index, ..Choice::default() });
                position
            }
        };
        &mut choices[position]
    }
}

impl Choice {
    fn add(&mut self, delta: &Delta) {
        match delta {
            Delta::Content(text) => append(&mut self.content, text),
            Delta::Reasoning(text) => append(&mut self.reasoning, text),
            Delta::Refusal(text) => append(&mut self.refusal, text),
            Delta::ReasoningDetails(raw) => {
                if let Some(Value::Array(items)) = parse(raw) {
                    for item in items {
                        join_detail(&mut self.reasoning_details, item);
                    }
                }
            }
            Delta::ToolCall(part) => self.add_tool_call(part),
            Delta::Logprobs(raw) => {
                if let Some(value) = parse(raw) {
                    match &mut self.logprobs {
                        Some(so_far) => join(so_far, value),
                        None => self.logprobs = Some(value),
                    }
                }
            }
            Delta::Other { name, value } => {
                let Some(value) = parse(value) else { return };
                match self.other.iter_mut().find(|(known, _)| known == name) {
                    Some((_, so_far)) if name == "audio" => join_audio(so_far, value),
                    Some((_, so_far)) => join(so_far, value),
                    None => self.other.push((name.clone(), value)),
                }
            }
        }
    }

    fn add_tool_call(&mut self, part: &ToolCallDelta) {
        match self.tool_calls.binary_search_by_key(&part.index, |call| call.index) {
            Ok(position) => {
                let call = &mut self.tool_calls[position];
                call.arguments.push_str(&part.arguments);
                if call.id.is_none() {
                    call.id.clone_from(&part.id);
                }
                if call.name.is_none() {
                    call.name.clone_from(&part.name);
                }
            }
            Err(position) => self.tool_calls.insert(position, part.clone()),
        }
    }
}

/// Adds an item to `reasoning_details`, or a part of one: parts of one detail share their type and
/// their index.
pub fn join_detail(details: &mut Vec<Value>, item: Value) {
    let same = |known: &&mut Value| {
        !item["index"].is_null() && known["index"] == item["index"] && known["type"] == item["type"]
    };
    match details.iter_mut().rev().find(same) {
        Some(known) => join(known, item),
        None => details.push(item),
    }
}

fn append(so_far: &mut Option<String>, text: &str) {
    so_far.get_or_insert_default().push_str(text);
}

/// Each part's sound is base64 by itself, so the padding of one must not stand before the next.
fn join_audio(so_far: &mut Value, mut part: Value) {
    let data = part.as_object_mut().and_then(|part| part.remove("data"));
    join(so_far, part);
    let (Some(so_far), Some(Value::String(more))) = (so_far.as_object_mut(), data) else { return };
    match so_far.get_mut("data") {
        Some(Value::String(all)) => append_base64(all, &more),
        _ => {
            so_far.insert("data".to_owned(), more.into());
        }
    }
}

/// Adds the bytes of `more`: what was padded is padded anew.
fn append_base64(all: &mut String, more: &str) {
    let padded = if all.ends_with('=') { all.len().checked_sub(4) } else { None };
    let joined = padded.and_then(|start| {
        let mut bytes = STANDARD.decode(all.get(start..)?).ok()?;
        bytes.extend(STANDARD.decode(more).ok()?);
        Some((start, STANDARD.encode(bytes)))
    });
    match joined {
        Some((start, tail)) => {
            all.truncate(start);
            all.push_str(&tail);
        }
        None => all.push_str(more),
    }
}

/// Raw values were valid JSON when they were read; what nests too deeply for a tree is left out.
fn parse(raw: &RawValue) -> Option<Value> {
    serde_json::from_str(raw.get()).ok()
}

/// Adds a later part to an earlier one: lists and running text grow, everything else is replaced.
fn join(so_far: &mut Value, part: Value) {
    match (so_far, part) {
        (Value::Array(all), Value::Array(more)) => all.extend(more),
        (Value::Object(all), Value::Object(more)) => join_members(all, more),
        (Value::String(all), Value::String(more)) => all.push_str(&more),
        (_, Value::Null) => {}
        (so_far, part) => *so_far = part,
    }
}

fn join_members(all: &mut Map<String, Value>, more: Map<String, Value>) {
    /// Texts that are stated again with every part rather than continued.
    const STATED: [&str; 6] = ["id", "type", "format", "index", "signature", "tool_call_id"];
    for (name, value) in more {
        let stated = STATED.contains(&name.as_str());
        match all.get_mut(&name) {
            Some(so_far) if !stated => join(so_far, value),
            Some(_) if value.is_null() => {}
            _ => {
                all.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn delta(choice: u32, delta: Delta) -> ChatEvent {
        ChatEvent::Delta { choice, delta }
    }

    fn raw(value: &Value) -> Box<RawValue> {
        serde_json::value::to_raw_value(value).unwrap()
    }

    fn call(index: u32, id: Option<&str>, name: Option<&str>, arguments: &str) -> Delta {
        Delta::ToolCall(ToolCallDelta {
            index,
            id: id.map(Into::into),
            name: name.map(Into::into),
            arguments: arguments.into(),
        })
    }

    #[test]
    fn text_and_tool_calls_are_joined_by_choice_and_index() {
        let mut fold = Fold::new();
        for event in [
            delta(1, Delta::Content("b".into())),
            delta(0, Delta::Content("a".into())),
            delta(0, Delta::Content("A".into())),
            delta(0, call(1, Some("y"), Some("second"), "")),
            delta(0, call(0, Some("x"), Some("first"), "{\"q\"")),
            delta(0, call(0, None, None, ":1}")),
        ] {
            fold.push(&event);
        }
        let choices = &fold.response().choices;
        assert_eq!(choices[0].content.as_deref(), Some("aA"));
        assert_eq!(choices[1].content.as_deref(), Some("b"));
        assert_eq!(choices[0].tool_calls[0].arguments, "{\"q\":1}");
        assert_eq!(choices[0].tool_calls[1].id.as_deref(), Some("y"));
    }

    #[test]
    fn parts_of_a_reasoning_detail_become_one() {
        let mut fold = Fold::new();
        for items in [
            json!([{"type": "reasoning.text", "index": 0, "text": "He", "format": "unknown"}]),
            json!([{"type": "reasoning.text", "index": 0, "text": "llo", "format": "unknown"}]),
            json!([{"type": "reasoning.text", "index": 0, "signature": "s1"}]),
            json!([{"type": "reasoning.encrypted", "index": 1, "data": "x"}]),
        ] {
            fold.push(&delta(0, Delta::ReasoningDetails(raw(&items))));
        }
        let expected = json!([
            {"type": "reasoning.text", "index": 0, "text": "Hello", "format": "unknown",
             "signature": "s1"},
            {"type": "reasoning.encrypted", "index": 1, "data": "x"},
        ]);
        assert_eq!(Value::from(fold.response().choices[0].reasoning_details.clone()), expected);
    }

    #[test]
    fn sounds_are_joined_as_bytes() {
        let mut fold = Fold::new();
        // "a", "bc", "def" and "g".
        for data in ["YQ==", "YmM=", "ZGVm", "Zw=="] {
            let value = raw(&json!({"id": "s", "data": data, "transcript": "."}));
            fold.push(&delta(0, Delta::Other { name: "audio".into(), value }));
        }
        let expected = json!({"id": "s", "data": "YWJjZGVmZw==", "transcript": "...."});
        assert_eq!(fold.response().choices[0].other[0].1, expected);
    }

    #[test]
    fn unknown_members_and_logprobs_grow() {
        let mut fold = Fold::new();
        let other = |value: Value| Delta::Other { name: "audio".into(), value: raw(&value) };
        fold.push(&delta(0, other(json!({"id": "a1", "transcript": "He"}))));
        fold.push(&delta(0, other(json!({"id": "a1", "transcript": "llo"}))));
        fold.push(&delta(0, Delta::Logprobs(raw(&json!({"content": [1], "refusal": null})))));
        fold.push(&delta(0, Delta::Logprobs(raw(&json!({"content": [2], "refusal": null})))));
        let choice = &fold.response().choices[0];
        assert_eq!(choice.other[0].1, json!({"id": "a1", "transcript": "Hello"}));
        assert_eq!(choice.logprobs, Some(json!({"content": [1, 2], "refusal": null})));
    }
}
