//! Items of `input` to the messages of a conversation.
//!
//! What an assistant did between two inputs is one message: its reasoning, its text and its calls
//! may be any number of items.

use std::collections::HashSet;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::content::{self, Side};
use super::reasoning::{self, Native};
use crate::chat::media;
use crate::chat::request::{Content, Message, Part, PartKind, Role};
use crate::dialects::check::{ANY_TEXT, Members, invalid, members, require, text};
use crate::error::PublicError;

/// The conversation so far.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) messages: Vec<Message>,
    /// What the assistant has done since somebody else spoke.
    turn: Turn,
    /// Of every call so far.
    call_ids: HashSet<String>,
    /// Paths of parts that are no text, in order.
    pub(super) media: Vec<String>,
    /// Paths of items that have no form in a conversation.
    pub(super) unconverted: Vec<String>,
    /// How an upstream of this dialect is sent the items, in order.
    pub(super) natives: Vec<Native>,
}

#[derive(Debug, Default)]
struct Turn {
    content: Vec<Part>,
    calls: Vec<Value>,
    reasoning: String,
    details: Vec<Map<String, Value>>,
    images: Vec<Value>,
}

impl Conversation {
    /// Text that stands for a user's message.
    pub(super) fn say(&mut self, role: Role, text: String) {
        self.end_turn();
        self.messages.push(Message { role, content: Content::Text(text), other: Vec::new() });
    }

    /// Adds the item at `field`.
    pub(super) fn add(&mut self, field: &str, raw: &RawValue) -> Result<(), PublicError> {
        let Some(item) = members(raw) else {
            return Err(invalid(
                field,
                "must be an object such as `{\"role\": …, \"content\": …}`",
            ));
        };
        let mut native = Native::Verbatim;
        let kind = item.find("type").and_then(text);
        match kind.as_deref() {
            None if item.find("role").is_none() => {
                return Err(invalid(&format!("{field}.type"), "is missing, and so is `role`"));
            }
            None | Some("message") => self.message(field, &item)?,
            Some("function_call") => self.call(field, &item)?,
            Some("function_call_output") => self.result(field, &item)?,
            Some("reasoning") => native = self.reasoning(field, &item)?,
            Some("image_generation_call") => self.image(field, &item),
            Some("item_reference") => {
                let demand = "refers to an item by its id, which is not kept here: send the item \
                              itself, or continue a stored response by `previous_response_id`";
                return Err(invalid(&format!("{field}.id"), demand));
            }
            Some(_) => self.unconverted.push(field.to_owned()),
        }
        self.natives.push(native);
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Vec<Message> {
        self.end_turn();
        std::mem::take(&mut self.messages)
    }

    fn message(&mut self, field: &str, item: &Members<'_>) -> Result<(), PublicError> {
        let (role, side) = match item.find("role").and_then(text).as_deref() {
            Some("user") => (Role::User, Side::User),
            Some("system") => (Role::System, Side::Instruction),
            Some("developer") => (Role::Developer, Side::Instruction),
            Some("assistant") => (Role::Assistant, Side::Assistant),
            _ => {
                let demand = "must be `user`, `assistant`, `system` or `developer`";
                return Err(invalid(&format!("{field}.role"), demand));
            }
        };
        let field = format!("{field}.content");
        let parts = match item.find("content") {
            Some(raw) => content::read(&field, raw, side)?,
            None if role == Role::Assistant => Vec::new(),
            None => return Err(invalid(&field, "is missing and must be text or a list of parts")),
        };
        self.note_media(&field, &parts);
        if role == Role::Assistant {
            self.turn.content.extend(parts);
            return Ok(());
        }
        if parts.is_empty() {
            return Err(invalid(&field, "must hold at least one part"));
        }
        self.end_turn();
        let content = content::settle(parts, side);
        self.messages.push(Message { role, content, other: Vec::new() });
        Ok(())
    }

    fn call(&mut self, field: &str, item: &Members<'_>) -> Result<(), PublicError> {
        let [id, name] = ["call_id", "name"].map(|name| required(field, item, name));
        let (id, name) = (id?, name?);
        require(item, field, "arguments", &ANY_TEXT)?;
        let arguments = item.find("arguments").and_then(text).unwrap_or_default();
        let arguments = if arguments.trim().is_empty() { "{}" } else { &*arguments };
        if !self.call_ids.insert(id.clone()) {
            return Err(invalid(
                &format!("{field}.call_id"),
                "is the `call_id` of an earlier call",
            ));
        }
        self.turn.calls.push(json!({
            "id": id, "type": "function", "function": { "name": name, "arguments": arguments },
        }));
        Ok(())
    }

    fn result(&mut self, field: &str, item: &Members<'_>) -> Result<(), PublicError> {
        let id = required(field, item, "call_id")?;
        if !self.call_ids.contains(&id) {
            let demand = "answers no call: the `function_call` with this `call_id` must come \
                          before, in `input` or in the response of `previous_response_id`";
            return Err(invalid(&format!("{field}.call_id"), demand));
        }
        let field = format!("{field}.output");
        let Some(raw) = item.find("output") else {
            return Err(invalid(&field, "is missing and must be text or a list of parts"));
        };
        let parts = content::read(&field, raw, Side::Tool)?;
        self.note_media(&field, &parts);
        let content = match content::settle(parts, Side::Tool) {
            Content::None => Content::Text(String::new()),
            content => content,
        };
        self.end_turn();
        let other = vec![member("tool_call_id", &id)?];
        self.messages.push(Message { role: Role::Tool, content, other });
        Ok(())
    }

    fn note_media(&mut self, field: &str, parts: &[Part]) {
        let media = parts.iter().enumerate();
        let media = media.filter(|(_, part)| !matches!(part.kind, PartKind::Text { .. }));
        self.media.extend(media.map(|(index, _)| format!("{field}[{index}]")));
    }

    fn reasoning(&mut self, field: &str, item: &Members<'_>) -> Result<Native, PublicError> {
        let read = reasoning::read(field, item)?;
        self.turn.reasoning.push_str(&read.text);
        // Every item counts from nought; in a message all have places of their own.
        let index = |detail: &Map<String, Value>| detail.get("index").and_then(Value::as_u64);
        let base = self.turn.details.iter().filter_map(index).max().map_or(0, |max| max + 1);
        for mut detail in read.details {
            if let Some(own) = index(&detail) {
                detail.insert("index".into(), own.saturating_add(base).into());
            }
            self.turn.details.push(detail);
        }
        Ok(read.native)
    }

    /// An image that the model drew in an earlier answer.
    fn image(&mut self, field: &str, item: &Members<'_>) {
        let Some(result) = item.find("result").and_then(text) else {
            // One that came to nothing.
            self.unconverted.push(field.to_owned());
            return;
        };
        let url = match media::image_type(&result) {
            Some(kind) => format!("data:{kind};base64,{result}"),
            None => result.into_owned(),
        };
        self.turn.images.push(json!({ "type": "image_url", "image_url": { "url": url } }));
    }

    /// Makes one message of what the assistant did.
    fn end_turn(&mut self) {
        let Turn { content, calls, reasoning, details, images } = std::mem::take(&mut self.turn);
        let lists = [
            ("reasoning_details", details.into_iter().map(Value::from).collect()),
            ("tool_calls", calls),
            ("images", images),
        ];
        let mut other = Vec::new();
        if !reasoning.is_empty() {
            other.extend(member("reasoning", &reasoning));
        }
        for (name, list) in lists {
            if !list.is_empty() {
                other.extend(member(name, &list));
            }
        }
        let content = content::settle(content, Side::Assistant);
        if !other.is_empty() || !matches!(content, Content::None) {
            self.messages.push(Message { role: Role::Assistant, content, other });
        }
    }
}

fn member(
    name: &str,
    value: &impl serde::Serialize,
) -> Result<(String, Box<RawValue>), PublicError> {
    let raw = to_raw_value(value).map_err(|_| invalid(name, "cannot be written"))?;
    Ok((name.to_owned(), raw))
}

/// Text that must be there and not be empty.
fn required(field: &str, item: &Members<'_>, name: &str) -> Result<String, PublicError> {
    require(item, field, name, &ANY_TEXT)?;
    let found = item.find(name).and_then(text).filter(|text| !text.is_empty());
    let wrong = || invalid(&format!("{field}.{name}"), "must not be empty");
    found.map(Into::into).ok_or_else(wrong)
}
