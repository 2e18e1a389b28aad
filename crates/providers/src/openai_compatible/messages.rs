//! The conversation as this dialect's upstreams take it.

use bytes::BytesMut;
use domain::catalog::{CacheMarks, FilePart, Prefill, ReasoningReplay};
use protocol::chat::request::{ChatRequest, Content, Message, Part, PartKind, Role};
use protocol::chat::view::{PartView, Source};
use protocol::json::{write_escaped, write_string};
use serde_json::value::RawValue;

use super::ids;
use crate::body::{elements, keep, rewrite, write_list};
use crate::quirks::Effective;

/// What stands before the words of a tool that failed, where the dialect has no other sign.
const FAILURE: &str = "Error: ";

/// Writes the messages. `instruction` is ours, and goes to the end of what the system is told.
pub(super) fn write(
    out: &mut BytesMut,
    request: &ChatRequest,
    instruction: Option<&str>,
    quirks: Effective<'_>,
) {
    let mut rest = instruction;
    let has_system =
        request.messages.first().is_some_and(|m| matches!(m.role, Role::System | Role::Developer));
    out.extend_from_slice(b"[");
    if let (Some(text), false) = (rest, has_system) {
        out.extend_from_slice(b"{\"role\":\"system\",\"content\":");
        write_string(out, text);
        out.extend_from_slice(b"},");
        rest = None;
    }
    let last = request.messages.len().saturating_sub(1);
    for (index, message) in request.messages.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b",");
        }
        Writer { out, quirks, is_last: index == last }.message(message, rest.take());
    }
    out.extend_from_slice(b"]");
}

struct Writer<'o, 'q> {
    out: &'o mut BytesMut,
    quirks: Effective<'q>,
    is_last: bool,
}

impl Writer<'_, '_> {
    fn message(&mut self, message: &Message, instruction: Option<&str>) {
        let role = match message.role {
            Role::Developer if self.quirks.takes_developer_role() => "developer",
            Role::System | Role::Developer => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        };
        self.out.extend_from_slice(b"{\"role\":\"");
        self.out.extend_from_slice(role.as_bytes());
        self.out.extend_from_slice(b"\",\"content\":");
        let thought = self.thought(message);
        if let Some(thought) = &thought {
            self.out.extend_from_slice(b"[{\"type\":\"thinking\",\"thinking\":[");
            text_part(self.out, thought);
            self.out.extend_from_slice(b"]}");
        }
        if thought.is_some() {
            self.after_thinking(&message.content);
            for (name, value) in &message.other {
                self.member(message.role, name, value);
            }
        } else if message.other.is_empty() && instruction.is_none() {
            self.content(&message.content, "", None);
        } else {
            let prefix = self.prefix(message);
            self.content(&message.content, &prefix, instruction);
            for (name, value) in &message.other {
                self.member(message.role, name, value);
            }
        }
        if message.role == Role::Assistant {
            self.reasoning(message);
            if self.is_last && is_prefill(message) {
                self.prefill();
            }
        }
        self.out.extend_from_slice(b"}");
    }

    /// What the text must say because no member of the message can.
    fn prefix(&self, message: &Message) -> String {
        let mut prefix = String::new();
        if message.role != Role::Tool
            && self.quirks.refuses("messages.name")
            && let Some(name) = message.name()
        {
            prefix.push_str(&name);
            prefix.push_str(": ");
        }
        if message.is_error() {
            prefix.push_str(FAILURE);
        }
        prefix
    }

    fn content(&mut self, content: &Content, prefix: &str, suffix: Option<&str>) {
        let suffix = suffix.unwrap_or_default();
        match content {
            Content::None if prefix.is_empty() => self.out.extend_from_slice(b"null"),
            Content::None => write_string(self.out, prefix),
            Content::Text(text) => self.text(prefix, text, suffix),
            Content::Parts(parts) => {
                let is_text = |part: &Part| matches!(part.kind, PartKind::Text { .. });
                if self.quirks.refuses("messages.parts") && parts.iter().all(is_text) {
                    let message =
                        Message { role: Role::User, content: content.clone(), other: vec![] };
                    return self.text(prefix, &message.plain_text(), suffix);
                }
                self.parts(parts, prefix, suffix);
            }
        }
    }

    fn text(&mut self, prefix: &str, text: &str, suffix: &str) {
        self.out.extend_from_slice(b"\"");
        write_escaped(self.out, prefix);
        write_escaped(self.out, text);
        if !suffix.is_empty() {
            write_escaped(self.out, "\n\n");
            write_escaped(self.out, suffix);
        }
        self.out.extend_from_slice(b"\"");
    }

    fn parts(&mut self, parts: &[Part], prefix: &str, suffix: &str) {
        self.out.extend_from_slice(b"[");
        if !prefix.is_empty() {
            text_part(self.out, prefix);
            self.out.extend_from_slice(b",");
        }
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.out.extend_from_slice(b",");
            }
            self.part(part);
        }
        if !suffix.is_empty() {
            self.out.extend_from_slice(b",");
            text_part(self.out, suffix);
        }
        self.out.extend_from_slice(b"]");
    }

    fn part(&mut self, part: &Part) {
        let json = part.raw.get().as_bytes();
        match part.kind {
            PartKind::File if self.quirks.file_part().is_some() => return self.file(part),
            PartKind::Video if memchr::memmem::find(json, b"input_video").is_some() => {
                rewrite(self.out, &part.raw, |out, name, value| {
                    if name == "type" {
                        out.extend_from_slice(b"\"video_url\"");
                        return true;
                    }
                    !is_mark(name) && keep(out, value)
                });
                return;
            }
            _ => {}
        }
        if has_marks(json) {
            write_marked(self.out, &part.raw, self.quirks);
        } else {
            self.out.extend_from_slice(json);
        }
    }

    /// A file in the form of the few that have another one.
    fn file(&mut self, part: &Part) {
        let PartView::File { source, .. } = part.view() else {
            self.out.extend_from_slice(part.raw.get().as_bytes());
            return;
        };
        let url = match source {
            Source::Url(url) => url,
            Source::Inline { media_type, base64 } => {
                format!("data:{media_type};base64,{base64}").into()
            }
            Source::Id(_) => {
                self.out.extend_from_slice(part.raw.get().as_bytes());
                return;
            }
        };
        let (before, after): (&[u8], &[u8]) = match self.quirks.file_part() {
            Some(FilePart::FileUrl) => (b"{\"type\":\"file_url\",\"file_url\":{\"url\":", b"}}"),
            Some(FilePart::DocumentUrl) | None => {
                (b"{\"type\":\"document_url\",\"document_url\":", b"}")
            }
        };
        self.out.extend_from_slice(before);
        write_string(self.out, &url);
        self.out.extend_from_slice(after);
    }

    /// A member besides role and content. What only the canonical form has is not sent.
    fn member(&mut self, role: Role, name: &str, value: &RawValue) {
        let quirks = self.quirks;
        match name {
            "is_error" | "reasoning" | "reasoning_content" | "reasoning_details" => return,
            "annotations" | "images" if !quirks.accepts("messages.annotations") => return,
            "cache_control" | "prompt_cache_breakpoint" if quirks.cache_marks().is_none() => return,
            "name" if quirks.refuses("messages.name") => return,
            "refusal" | "audio" | "tool_calls" | "function_call" | "name"
                if value.get() == "null" =>
            {
                return;
            }
            _ => {}
        }
        self.out.extend_from_slice(b",");
        write_string(self.out, name);
        self.out.extend_from_slice(b":");
        match (name, quirks.tool_id_length()) {
            ("tool_call_id", Some(length)) if role == Role::Tool => {
                ids::write(self.out, value, length);
            }
            ("tool_calls", Some(length)) => {
                write_list(self.out, elements(value), |out, call| {
                    rewrite(out, call, |out, name, value| {
                        if name == "id" {
                            ids::write(out, value, length);
                            return true;
                        }
                        keep(out, value)
                    });
                });
            }
            _ => self.out.extend_from_slice(value.get().as_bytes()),
        }
    }

    /// Earlier reasoning that goes before the content, into the same list.
    fn thought(&self, message: &Message) -> Option<String> {
        let is_taken = message.role == Role::Assistant
            && self.quirks.reasoning_replay() == Some(ReasoningReplay::ThinkingPart);
        if is_taken { reasoning_text(message) } else { None }
    }

    fn after_thinking(&mut self, content: &Content) {
        match content {
            Content::Text(text) if !text.is_empty() => {
                self.out.extend_from_slice(b",");
                text_part(self.out, text);
            }
            Content::Parts(parts) => {
                for part in parts {
                    self.out.extend_from_slice(b",");
                    self.part(part);
                }
            }
            Content::None | Content::Text(_) => {}
        }
        self.out.extend_from_slice(b"]");
    }

    /// Earlier reasoning, where this upstream takes it back. Text is everybody's; what was signed
    /// or encrypted goes only to those who speak of details themselves.
    fn reasoning(&mut self, message: &Message) {
        let Some(replay) = self.quirks.reasoning_replay() else { return };
        let (name, is_text) = match replay {
            ReasoningReplay::ReasoningContent => ("reasoning_content", true),
            ReasoningReplay::Reasoning => ("reasoning", true),
            ReasoningReplay::ReasoningDetails => ("reasoning_details", false),
            // Said in the content.
            ReasoningReplay::ThinkingPart => return,
        };
        if !is_text {
            if let Some(details) = message.member(name) {
                self.begin(name);
                self.out.extend_from_slice(details.get().as_bytes());
            }
            return;
        }
        if let Some(text) = reasoning_text(message) {
            self.begin(name);
            write_string(self.out, &text);
        }
    }

    /// The flag with which an upstream goes on where the last message ends.
    fn prefill(&mut self) {
        match self.quirks.prefill() {
            Some(Prefill::Prefix) => self.out.extend_from_slice(b",\"prefix\":true"),
            Some(Prefill::Partial) => self.out.extend_from_slice(b",\"partial\":true"),
            Some(Prefill::ContinueFinalMessage | Prefill::Refused) | None => {}
        }
    }

    fn begin(&mut self, name: &str) {
        self.out.extend_from_slice(b",");
        write_string(self.out, name);
        self.out.extend_from_slice(b":");
    }
}

/// What a message says of the thinking before it.
fn reasoning_text(message: &Message) -> Option<String> {
    message.reasoning().map(std::borrow::Cow::into_owned).or_else(|| {
        let details = message.reasoning_details();
        let texts = details.iter().filter_map(|d| d.text.as_deref().or(d.summary.as_deref()));
        let joined: String = texts.collect();
        (!joined.is_empty()).then_some(joined)
    })
}

fn text_part(out: &mut BytesMut, text: &str) {
    out.extend_from_slice(b"{\"type\":\"text\",\"text\":");
    write_string(out, text);
    out.extend_from_slice(b"}");
}

/// Whether a message at the end is the beginning of the answer.
pub(super) fn is_prefill(message: &Message) -> bool {
    message.role == Role::Assistant && message.member("tool_calls").is_none()
}

fn is_mark(name: &str) -> bool {
    matches!(name, "cache_control" | "prompt_cache_breakpoint")
}

/// Whether marks for caching may be in it: most parts are long and have none.
pub(super) fn has_marks(json: &[u8]) -> bool {
    memchr::memmem::find(json, b"cache_").is_some()
}

/// Writes a part or a tool with its mark in the form that the upstream knows, or without.
pub(super) fn write_marked(out: &mut BytesMut, raw: &RawValue, quirks: Effective<'_>) {
    let Some(form) = quirks.cache_marks() else {
        rewrite(out, raw, |out, name, value| !is_mark(name) && keep(out, value));
        return;
    };
    let (own, mark) = match form {
        CacheMarks::CacheControl => ("cache_control", "{\"type\":\"ephemeral\"}"),
        CacheMarks::PromptCacheBreakpoint => ("prompt_cache_breakpoint", "{\"mode\":\"explicit\"}"),
    };
    let mut marked = None;
    rewrite(out, raw, |out, name, value| {
        if !is_mark(name) {
            return keep(out, value);
        }
        // A mark in the upstream's own form stays as it is.
        marked = Some(name == own || marked == Some(true));
        name == own && keep(out, value)
    });
    if marked == Some(false) {
        out.truncate(out.len().saturating_sub(1));
        out.extend_from_slice(b",\"");
        out.extend_from_slice(own.as_bytes());
        out.extend_from_slice(b"\":");
        out.extend_from_slice(mark.as_bytes());
        out.extend_from_slice(b"}");
    }
}
