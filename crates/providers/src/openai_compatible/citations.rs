//! Pages that an answer rests on, as those say it who search before they answer.

use protocol::chat::event::{ChatEvent, Delta};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// More sources than this are not an answer's.
const SOURCES_MAX: usize = 256;

/// Addresses, or objects with a `url`, as annotations of the first choice.
pub(super) fn event(sources: &RawValue) -> Option<ChatEvent> {
    let sources: Vec<Value> = serde_json::from_str(sources.get()).ok()?;
    let annotations: Vec<Value> = sources
        .iter()
        .take(SOURCES_MAX)
        .filter_map(|source| {
            let url = source.as_str().or_else(|| source["url"].as_str())?;
            let title = source["title"].as_str().unwrap_or(url);
            let content = source["snippet"].as_str().unwrap_or_default();
            // Where in the text they belong is written in the text itself: `[1]`.
            Some(json!({"type": "url_citation", "url_citation": {
                "url": url, "title": title, "content": content, "start_index": 0, "end_index": 0,
            }}))
        })
        .collect();
    if annotations.is_empty() {
        return None;
    }
    let value = serde_json::value::to_raw_value(&annotations).ok()?;
    Some(ChatEvent::Delta { choice: 0, delta: Delta::Other { name: "annotations".into(), value } })
}
