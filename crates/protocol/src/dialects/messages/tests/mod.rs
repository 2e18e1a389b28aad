//! Bodies and streams are those of Anthropic's documentation, shortened.

mod bad_input;
mod decode;
mod encode;
mod replay;

use serde_json::{Value, json};

use crate::chat::request::ChatRequest;

/// A request with these members beside the least that there must be.
fn with(members: &Value) -> Vec<u8> {
    let mut body = json!({
        "model": "a/b",
        "max_tokens": 1024,
        "messages": [{"role": "user", "content": "Hello"}],
    });
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string().into_bytes()
}

fn decoded(members: &Value) -> ChatRequest {
    super::decode(&with(members)).unwrap_or_else(|error| panic!("{members}: {}", error.message))
}

/// A canonical parameter as JSON.
fn parameter(request: &ChatRequest, name: &str) -> Value {
    let raw = request.parameter(name).map_or("null", |raw| raw.get());
    serde_json::from_str(raw).unwrap()
}

/// What an upstream of the same dialect is sent.
fn native(request: &ChatRequest, name: &str) -> Value {
    let raw = request.native.as_ref().and_then(|native| native.member(name));
    serde_json::from_str(raw.map_or("null", |raw| raw.get())).unwrap()
}

/// The conversation as chat completions would write it.
fn conversation(request: &ChatRequest) -> Value {
    use crate::chat::request::{Content, Role};
    let raw = |json: &str| serde_json::from_str::<Value>(json).unwrap();
    let message = |message: &crate::chat::request::Message| {
        let role = match message.role {
            Role::System => "system",
            Role::Developer => "developer",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        };
        let content = match &message.content {
            Content::None => Value::Null,
            Content::Text(text) => text.as_str().into(),
            Content::Parts(parts) => parts.iter().map(|part| raw(part.raw.get())).collect(),
        };
        let mut all = json!({"role": role, "content": content});
        for (name, value) in &message.other {
            all[name] = raw(value.get());
        }
        all
    };
    request.messages.iter().map(message).collect()
}
