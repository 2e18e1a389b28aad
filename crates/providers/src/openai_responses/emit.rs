//! Events, one by one.

use protocol::chat::event::{ChatEvent, Delta, Native};
use protocol::dialects::Dialect;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::items::{Annotation, Item};

pub(super) fn push(out: &mut Vec<ChatEvent>, delta: Delta) {
    out.push(ChatEvent::Delta { choice: 0, delta });
}

pub(super) fn push_detail(detail: &Value, out: &mut Vec<ChatEvent>) {
    if let Ok(value) = serde_json::value::to_raw_value(&[detail]) {
        push(out, Delta::ReasoningDetails(value));
    }
}

fn push_other(name: &str, value: &Value, out: &mut Vec<ChatEvent>) {
    if let Ok(value) = serde_json::value::to_raw_value(value) {
        push(out, Delta::Other { name: name.to_owned(), value });
    }
}

pub(super) fn push_image(item: &Item<'_>, out: &mut Vec<ChatEvent>) {
    if let Some(url) = item.image_url() {
        push_other("images", &json!([{"type": "image_url", "image_url": {"url": url}}]), out);
    }
}

pub(super) fn push_annotations(raw: Option<&RawValue>, out: &mut Vec<ChatEvent>) {
    // What cites a file of the upstream's means nothing to anybody else.
    let annotation = raw.and_then(|raw| serde_json::from_str::<Annotation>(raw.get()).ok());
    if let Some(annotation) = annotation.and_then(Annotation::into_chat) {
        push_other("annotations", &json!([annotation]), out);
    }
}

/// Probabilities, with the member that chat completions demand.
pub(super) fn push_logprobs(raw: Option<&RawValue>, out: &mut Vec<ChatEvent>) {
    fn complete(entry: &mut Value) {
        if let Value::Object(entry) = entry {
            entry.entry("bytes").or_insert(Value::Null);
            if let Some(Value::Array(top)) = entry.get_mut("top_logprobs") {
                top.iter_mut().for_each(complete);
            }
        }
    }
    let Some(raw) = raw.filter(|raw| !matches!(raw.get(), "null" | "[]")) else { return };
    let Ok(mut entries) = serde_json::from_str::<Vec<Value>>(raw.get()) else { return };
    for entry in &mut entries {
        complete(entry);
        if let Value::Object(entry) = entry {
            entry.entry("top_logprobs").or_insert_with(|| json!([]));
        }
    }
    let logprobs = json!({"content": entries, "refusal": null});
    if let Ok(value) = serde_json::value::to_raw_value(&logprobs) {
        push(out, Delta::Logprobs(value));
    }
}

/// Something for callers who speak this dialect.
pub(super) fn pass_on(name: &str, json: &[u8], out: &mut Vec<ChatEvent>) {
    if let Ok(data) = serde_json::from_slice::<Box<RawValue>>(json) {
        let name = name.to_owned();
        out.push(ChatEvent::Native(Native { dialect: Dialect::Responses, name, data }));
    }
}
