//! Answers of every dialect, read back into one form: once from the stream, by a reader that
//! holds it to its dialect's rules, and once from the whole answer.
//!
//! Written from the published forms, not with the code under test.

mod chat;
mod completions;
mod messages;
mod responses;

use serde_json::Value;

use super::cell::Inbound;
use crate::app::Reply;

/// What was said, whoever said it in whatever form.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Said {
    pub(super) choices: Vec<Choice>,
    pub(super) usage: Counts,
    pub(super) service_tier: Option<String>,
    /// `openrouter_metadata`.
    pub(super) metadata: Value,
    /// An error that came inside the answer: its `error_type` and its message.
    pub(super) error: Option<(String, String)>,
    /// The answer as the caller would send it back in the next turn.
    pub(super) replay: Value,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Choice {
    pub(super) text: String,
    pub(super) reasoning: String,
    pub(super) refusal: String,
    pub(super) calls: Vec<Call>,
    pub(super) finish: Finish,
    /// What the provider called it, where the dialect says so.
    pub(super) native_finish: Option<String>,
    pub(super) stop_sequence: Option<String>,
    /// Addresses that were cited.
    pub(super) citations: Vec<String>,
    /// Addresses of images, `data:` for what is inline.
    pub(super) images: Vec<String>,
    /// Base64.
    pub(super) audio: String,
    /// Tokens with their logarithms, as they were given.
    pub(super) logprobs: Vec<Value>,
    /// Signatures and encrypted blocks of reasoning.
    pub(super) sealed: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Finish {
    #[default]
    Unknown,
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
    Error,
}

/// Tokens; what a dialect does not say is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// All of the prompt, however it was cached.
    pub(super) prompt: u64,
    /// All of the answer, with its reasoning.
    pub(super) completion: u64,
    pub(super) reasoning: Option<u64>,
    pub(super) cache_read: Option<u64>,
    pub(super) cache_write: Option<u64>,
}

/// Reads a stream; a broken rule of its dialect is an error.
pub(super) fn stream(inbound: Inbound, reply: &Reply) -> Result<Said, String> {
    let kind = reply.header("content-type");
    ensure(kind.starts_with("text/event-stream"), || format!("content type `{kind}`"))?;
    let events = events(&reply.text)?;
    match inbound {
        Inbound::Chat => chat::stream(&events),
        Inbound::Completions => completions::stream(&events),
        Inbound::Responses => responses::stream(&events),
        Inbound::Messages => messages::stream(&events),
    }
}

pub(super) fn whole(inbound: Inbound, reply: &Reply) -> Result<Said, String> {
    let kind = reply.header("content-type");
    ensure(kind.starts_with("application/json"), || format!("content type `{kind}`"))?;
    let body: Value = serde_json::from_str(&reply.text).map_err(|error| error.to_string())?;
    match inbound {
        Inbound::Chat => chat::whole(&body),
        Inbound::Completions => completions::whole(&body),
        Inbound::Responses => responses::whole(&body),
        Inbound::Messages => messages::whole(&body),
    }
}

/// One server-sent event.
struct Event {
    /// Empty where there was none.
    name: String,
    data: String,
}

impl Event {
    fn json(&self) -> Result<Value, String> {
        serde_json::from_str(&self.data).map_err(|error| format!("{error} in `{}`", self.data))
    }
}

fn events(text: &str) -> Result<Vec<Event>, String> {
    ensure(text.ends_with("\n\n"), || "the last event has no blank line".to_owned())?;
    let mut events = Vec::new();
    for block in text.split("\n\n").filter(|block| !block.is_empty()) {
        let mut event = Event { name: String::new(), data: String::new() };
        let mut is_comment = true;
        for line in block.lines() {
            if line.starts_with(':') {
                continue;
            }
            is_comment = false;
            if let Some(data) = line.strip_prefix("data: ") {
                event.data.push_str(data);
            } else if let Some(name) = line.strip_prefix("event: ") {
                name.clone_into(&mut event.name);
            } else {
                return Err(format!("a line is no field: `{line}`"));
            }
        }
        if !is_comment {
            events.push(event);
        }
    }
    Ok(events)
}

fn ensure(condition: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(message()) }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn optional_text(value: &Value) -> Option<String> {
    value.as_str().map(ToOwned::to_owned)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn count(value: &Value, name: &str) -> Result<u64, String> {
    value[name].as_u64().ok_or_else(|| format!("`{name}` is not a count in {value}"))
}
