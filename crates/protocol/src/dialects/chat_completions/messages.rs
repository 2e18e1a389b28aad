//! The one pass over a request body: messages are read, everything else is kept verbatim.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::chat::request::{Content, Message, Part, PartKind, Role};
use crate::dialects::check::{
    ANY_TEXT, MEMBERS_MAX, Rule, Text, allow, check_cache_control, invalid, list, members,
    not_an_object, part_kind, require, text, too_many_members,
};
use crate::error::PublicError;

/// A body as it was read, before anything but its messages is understood.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) messages: Option<Vec<Message>>,
    pub(super) members: Vec<(String, Box<RawValue>)>,
}

/// Reads a whole body.
pub(super) fn read(body: &[u8]) -> Result<Draft, PublicError> {
    let mut trail = Trail::default();
    let mut json = serde_json::Deserializer::from_slice(body);
    let outcome = Body(&mut trail).deserialize(&mut json).and_then(|draft| {
        trail.place = Place::End;
        json.end().map(|()| draft)
    });
    outcome.map_err(|error| trail.explain(&error))
}

/// Where reading is, so that an error can say so, and the error itself once it is known.
///
/// serde's own errors carry only a text.
#[derive(Default)]
struct Trail {
    place: Place,
    fault: Option<PublicError>,
}

#[derive(Default, Clone, Copy)]
enum Place {
    #[default]
    Body,
    Messages,
    Message(usize),
    Role(usize),
    Content(usize),
    End,
}

impl Trail {
    /// Keeps what is wrong and stops the reading.
    fn stop<E: de::Error>(&mut self, fault: PublicError) -> E {
        self.fault = Some(fault);
        E::custom("invalid request")
    }

    fn explain(self, error: &serde_json::Error) -> PublicError {
        if let Some(fault) = self.fault {
            return fault;
        }
        if !error.is_data() {
            return not_an_object(error, EXAMPLE);
        }
        match self.place {
            Place::Body | Place::End => not_an_object(error, EXAMPLE),
            Place::Messages => invalid("messages", "must be a list of at least one message"),
            Place::Message(index) => invalid(
                &format!("messages[{index}]"),
                "must be an object with `role` and `content`",
            ),
            Place::Role(index) => invalid(&format!("messages[{index}].role"), ROLES),
            Place::Content(index) => {
                invalid(&format!("messages[{index}].content"), "must be text or a list of parts")
            }
        }
    }
}

const EXAMPLE: &str = "{\"model\": …, \"messages\": […]}";

const ROLES: &str = "must be `system`, `developer`, `user`, `assistant` or `tool`";

struct Body<'t>(&'t mut Trail);

impl<'de> DeserializeSeed<'de> for Body<'_> {
    type Value = Draft;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Draft, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Body<'_> {
    type Value = Draft;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Draft, A::Error> {
        let trail = self.0;
        let mut draft = Draft::default();
        while let Some(name) = map.next_key::<String>()? {
            let again = match name.as_str() {
                "messages" => draft.messages.is_some(),
                _ => draft.members.iter().any(|(known, _)| *known == name),
            };
            if again {
                return Err(trail.stop(invalid(&name, "is given twice: keep one of them")));
            }
            if draft.members.len() >= MEMBERS_MAX {
                return Err(trail.stop(too_many_members()));
            }
            if name == "messages" {
                trail.place = Place::Messages;
                draft.messages = map.next_value_seed(Messages(trail))?;
                trail.place = Place::Body;
            } else {
                draft.members.push((name, map.next_value()?));
            }
        }
        Ok(draft)
    }
}

struct Messages<'t>(&'t mut Trail);

impl<'de> DeserializeSeed<'de> for Messages<'_> {
    type Value = Option<Vec<Message>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Messages<'_> {
    type Value = Option<Vec<Message>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of messages")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut messages = Vec::new();
        loop {
            let index = messages.len();
            self.0.place = Place::Message(index);
            match seq.next_element_seed(OneMessage { trail: self.0, index })? {
                Some(message) => messages.push(message),
                None => return Ok(Some(messages)),
            }
        }
    }
}

struct OneMessage<'t> {
    trail: &'t mut Trail,
    index: usize,
}

impl<'de> DeserializeSeed<'de> for OneMessage<'_> {
    type Value = Message;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Message, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneMessage<'_> {
    type Value = Message;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message, A::Error> {
        let Self { trail, index } = self;
        let mut role = None;
        let mut content = None;
        let mut other: Vec<(String, Box<RawValue>)> = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            let again = match &*name {
                "role" => role.is_some(),
                "content" => content.is_some(),
                _ => other.iter().any(|(known, _)| *known == name),
            };
            if again || other.len() >= MEMBERS_MAX {
                let field = format!("messages[{index}].{name}");
                return Err(trail.stop(invalid(&field, "is given twice: keep one of them")));
            }
            match &*name {
                "role" => {
                    trail.place = Place::Role(index);
                    let named = map.next_value::<String>()?;
                    let Some(known) = role_named(&named) else {
                        return Err(trail.stop(invalid(&format!("messages[{index}].role"), ROLES)));
                    };
                    role = Some(known);
                }
                "content" => {
                    trail.place = Place::Content(index);
                    content = Some(map.next_value_seed(ContentOf { trail, index })?);
                }
                _ => other.push((name.into_owned(), map.next_value()?)),
            }
            trail.place = Place::Message(index);
        }
        let Some(role) = role else {
            let demand = format!("is missing and {ROLES}");
            return Err(trail.stop(invalid(&format!("messages[{index}].role"), &demand)));
        };
        let message = Message { role, content: content.unwrap_or(Content::None), other };
        match check_message(index, &message) {
            Ok(()) => Ok(message),
            Err(fault) => Err(trail.stop(fault)),
        }
    }
}

fn role_named(name: &str) -> Option<Role> {
    Some(match name {
        "system" => Role::System,
        "developer" => Role::Developer,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        _ => return None,
    })
}

struct ContentOf<'t> {
    trail: &'t mut Trail,
    index: usize,
}

impl<'de> DeserializeSeed<'de> for ContentOf<'_> {
    type Value = Content;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ContentOf<'_> {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or a list of parts")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Content, E> {
        Ok(Content::None)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
        let mut parts = Vec::new();
        while let Some(raw) = seq.next_element::<Box<RawValue>>()? {
            let field = format!("messages[{}].content[{}]", self.index, parts.len());
            match part_kind(&field, &raw) {
                Ok(kind) => parts.push(Part { kind, raw }),
                Err(fault) => return Err(self.trail.stop(fault)),
            }
        }
        if parts.is_empty() {
            let field = format!("messages[{}].content", self.index);
            return Err(self.trail.stop(invalid(&field, "must hold at least one part")));
        }
        Ok(Content::Parts(parts))
    }
}

/// Members of a message besides its role and content, where they are simple.
const MEMBERS: [(&str, Rule); 9] = [
    ("name", Rule::Text { characters_max: 256 }),
    ("tool_call_id", ANY_TEXT),
    ("refusal", ANY_TEXT),
    ("reasoning", ANY_TEXT),
    ("reasoning_content", ANY_TEXT),
    ("annotations", Rule::List),
    ("images", Rule::List),
    ("audio", Rule::Object),
    ("cache_control", Rule::Custom(check_cache_control)),
];

fn check_message(index: usize, message: &Message) -> Result<(), PublicError> {
    let field = |name: &str| format!("messages[{index}].{name}");
    let member = |name: &str| {
        message
            .other
            .iter()
            .find(|(known, raw)| known == name && raw.get() != "null")
            .map(|(_, raw)| &**raw)
    };
    for (name, rule) in &MEMBERS {
        if let Some(value) = member(name) {
            rule.check(&field(name), value)?;
        }
    }
    if let Some(details) = member("reasoning_details") {
        check_reasoning_details(&field("reasoning_details"), details)?;
    }
    if let Some(calls) = member("tool_calls") {
        check_tool_calls(&field("tool_calls"), calls)?;
    }
    let has_content = !matches!(message.content, Content::None);
    match message.role {
        Role::Assistant => {
            const INSTEAD: [&str; 7] = [
                "tool_calls",
                "function_call",
                "refusal",
                "audio",
                "images",
                "reasoning",
                "reasoning_details",
            ];
            if !has_content && INSTEAD.iter().all(|name| member(name).is_none()) {
                return Err(invalid(&field("content"), "is missing and so is `tool_calls`"));
            }
        }
        Role::Tool => {
            let id = member("tool_call_id").and_then(text);
            if id.is_none_or(|id| id.is_empty()) {
                return Err(invalid(
                    &field("tool_call_id"),
                    "is missing and must be the `id` of the tool call that this answers",
                ));
            }
        }
        Role::System | Role::Developer => {
            if let Content::Parts(parts) = &message.content
                && let Some(wrong) =
                    parts.iter().position(|part| !matches!(part.kind, PartKind::Text { .. }))
            {
                let field = format!("messages[{index}].content[{wrong}].type");
                return Err(invalid(&field, "must be `text` in a message of this role"));
            }
        }
        Role::User => {}
    }
    if !has_content && message.role != Role::Assistant {
        return Err(invalid(&field("content"), "is missing and must be text or a list of parts"));
    }
    Ok(())
}

fn check_reasoning_details(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(details) = list(raw) else {
        return Err(invalid(field, "must be the list that an earlier answer had"));
    };
    for (index, raw) in details.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let Some(detail) = members(raw) else {
            return Err(invalid(&field, "must be an object with a `type`"));
        };
        require(&detail, &field, "type", &ANY_TEXT)?;
        for name in ["text", "summary", "data", "signature", "format"] {
            allow(&detail, &field, name, &ANY_TEXT)?;
        }
    }
    Ok(())
}

fn check_tool_calls(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(calls) = list(raw) else {
        return Err(invalid(field, "must be a list of tool calls"));
    };
    for (index, raw) in calls.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let Some(call) = members(raw) else {
            return Err(invalid(&field, "must be an object with `id` and `function`"));
        };
        require(&call, &field, "id", &ANY_TEXT)?;
        let Some(function) = call.find("function").and_then(members) else {
            // Calls of tools that are not functions are somebody else's to check.
            if call.find("type").and_then(text).is_some_and(|kind| kind != "function") {
                continue;
            }
            let demand = "must be an object with `name` and `arguments`";
            return Err(invalid(&format!("{field}.function"), demand));
        };
        let field = format!("{field}.function");
        require(&function, &field, "name", &ANY_TEXT)?;
        require(&function, &field, "arguments", &ANY_TEXT)?;
    }
    Ok(())
}
