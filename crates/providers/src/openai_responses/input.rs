//! The conversation as items.

use std::borrow::Cow;

use bytes::BytesMut;
use protocol::chat::request::{ChatRequest, Content, Message, Part, Role};
use protocol::chat::view::{PartView, ReasoningDetail, Source};
use protocol::json::write_string;

use crate::body::write_list;
use crate::error::EncodeError;
use crate::quirks::Effective;

/// What stands before the words of a tool that failed: the dialect has no other sign.
const FAILURE: &str = "Error: ";

/// Writes the items. Encrypted reasoning goes only to who wrote it, which `format` says.
pub(super) fn write(
    out: &mut BytesMut,
    request: &ChatRequest,
    format: &str,
    quirks: Effective<'_>,
) -> Result<(), EncodeError> {
    let mut items = Items { out, has_items: false };
    items.out.extend_from_slice(b"[");
    for message in &request.messages {
        match message.role {
            Role::Tool => items.result(message)?,
            Role::Assistant => {
                items.reasoning(message, format);
                items.message("assistant", message)?;
                for call in message.tool_calls() {
                    items.begin("function_call");
                    items.text("call_id", &call.id);
                    items.text("name", &call.name);
                    items.text("arguments", &call.arguments);
                    items.end();
                }
            }
            Role::User => items.message("user", message)?,
            Role::Developer if quirks.takes_developer_role() => {
                items.message("developer", message)?;
            }
            Role::System | Role::Developer => items.message("system", message)?,
        }
    }
    items.out.extend_from_slice(b"]");
    Ok(())
}

struct Items<'o> {
    out: &'o mut BytesMut,
    has_items: bool,
}

impl Items<'_> {
    fn begin(&mut self, kind: &str) {
        self.out.extend_from_slice(if self.has_items { b",{\"type\":" } else { b"{\"type\":" });
        self.has_items = true;
        write_string(self.out, kind);
    }

    fn text(&mut self, name: &str, text: &str) {
        self.member(name);
        write_string(self.out, text);
    }

    fn member(&mut self, name: &str) {
        self.out.extend_from_slice(b",");
        write_string(self.out, name);
        self.out.extend_from_slice(b":");
    }

    fn end(&mut self) {
        self.out.extend_from_slice(b"}");
    }

    fn message(&mut self, role: &str, message: &Message) -> Result<(), EncodeError> {
        let is_answer = role == "assistant";
        let refusal = if is_answer { message.refusal() } else { None };
        if is_answer && is_empty(&message.content) && refusal.is_none() {
            return Ok(());
        }
        self.begin("message");
        self.text("role", role);
        self.member("content");
        let mut list = PartList::new(self.out, is_answer);
        // The dialect has no names of speakers.
        if let Some(name) = message.name() {
            list.text(&format!("{name}: "));
        }
        list.content(&message.content)?;
        if let Some(refusal) = refusal {
            list.refusal(&refusal);
        }
        list.end();
        self.end();
        Ok(())
    }

    fn result(&mut self, message: &Message) -> Result<(), EncodeError> {
        self.begin("function_call_output");
        self.text("call_id", &message.tool_call_id().unwrap_or_default());
        self.member("output");
        let prefix = if message.is_error() { FAILURE } else { "" };
        match &message.content {
            Content::Parts(_) => {
                let mut list = PartList::new(self.out, false);
                if !prefix.is_empty() {
                    list.text(prefix);
                }
                list.content(&message.content)?;
                list.end();
            }
            Content::Text(text) if prefix.is_empty() => write_string(self.out, text),
            Content::Text(_) | Content::None => {
                write_string(self.out, &format!("{prefix}{}", message.plain_text()));
            }
        }
        self.end();
        Ok(())
    }

    /// Reasoning that its author can read again: items are told apart by their ids.
    fn reasoning(&mut self, message: &Message, format: &str) {
        let details = message.reasoning_details();
        let own = details.iter().filter(|detail| detail.format.as_deref() == Some(format));
        let mut shown: Vec<&ReasoningDetail<'_>> = Vec::new();
        for detail in own {
            let Some(data) = &detail.data else {
                shown.push(detail);
                continue;
            };
            let of_item = |other: &&&ReasoningDetail<'_>| other.id == detail.id;
            self.begin("reasoning");
            if let Some(id) = &detail.id {
                self.text("id", id);
            }
            self.member("summary");
            let texts = |pick: fn(&ReasoningDetail<'_>) -> Option<String>| {
                shown.iter().filter(of_item).filter_map(|detail| pick(detail)).collect::<Vec<_>>()
            };
            let summaries = texts(|detail| detail.summary.as_deref().map(str::to_owned));
            let contents = texts(|detail| detail.text.as_deref().map(str::to_owned));
            write_list(self.out, summaries, |out, text| part(out, "summary_text", &text));
            if !contents.is_empty() {
                self.member("content");
                write_list(self.out, contents, |out, text| part(out, "reasoning_text", &text));
            }
            self.text("encrypted_content", data);
            self.end();
            shown.retain(|other| other.id != detail.id);
        }
    }
}

fn part(out: &mut BytesMut, kind: &str, text: &str) {
    out.extend_from_slice(b"{\"type\":");
    write_string(out, kind);
    out.extend_from_slice(b",\"text\":");
    write_string(out, text);
    out.extend_from_slice(b"}");
}

fn is_empty(content: &Content) -> bool {
    match content {
        Content::None => true,
        Content::Text(text) => text.is_empty(),
        Content::Parts(parts) => parts.is_empty(),
    }
}

/// The parts of one message.
struct PartList<'o> {
    out: &'o mut BytesMut,
    /// Whether the model wrote them: its words are output, everybody else's are input.
    is_answer: bool,
    has_parts: bool,
}

impl<'o> PartList<'o> {
    fn new(out: &'o mut BytesMut, is_answer: bool) -> Self {
        out.extend_from_slice(b"[");
        Self { out, is_answer, has_parts: false }
    }

    fn end(self) {
        self.out.extend_from_slice(b"]");
    }

    fn next(&mut self) {
        if self.has_parts {
            self.out.extend_from_slice(b",");
        }
        self.has_parts = true;
    }

    fn text(&mut self, text: &str) {
        self.next();
        part(self.out, if self.is_answer { "output_text" } else { "input_text" }, text);
    }

    fn refusal(&mut self, text: &str) {
        self.next();
        self.out.extend_from_slice(b"{\"type\":\"refusal\",\"refusal\":");
        write_string(self.out, text);
        self.out.extend_from_slice(b"}");
    }

    fn content(&mut self, content: &Content) -> Result<(), EncodeError> {
        match content {
            Content::None => Ok(()),
            Content::Text(text) => {
                self.text(text);
                Ok(())
            }
            Content::Parts(parts) => parts.iter().try_for_each(|part| self.part(part)),
        }
    }

    fn part(&mut self, part: &Part) -> Result<(), EncodeError> {
        match part.view() {
            PartView::Refusal(text) if self.is_answer => self.refusal(&text),
            PartView::Text(text) | PartView::Refusal(text) => self.text(&text),
            PartView::Image { source, detail } => {
                self.next();
                self.out.extend_from_slice(b"{\"type\":\"input_image\"");
                match &source {
                    Source::Id(id) => self.member("file_id", id),
                    Source::Url(_) | Source::Inline { .. } => {
                        self.member("image_url", &address(&source));
                    }
                }
                self.member("detail", detail.as_deref().unwrap_or("auto"));
                self.out.extend_from_slice(b"}");
            }
            PartView::File { filename, source } => {
                self.next();
                self.out.extend_from_slice(b"{\"type\":\"input_file\"");
                match &source {
                    Source::Id(id) => self.member("file_id", id),
                    Source::Url(url) => self.member("file_url", url),
                    Source::Inline { .. } => {
                        self.member("filename", filename.as_deref().unwrap_or("file.pdf"));
                        self.member("file_data", &address(&source));
                    }
                }
                self.out.extend_from_slice(b"}");
            }
            PartView::Audio { base64, format } => {
                self.next();
                self.out.extend_from_slice(b"{\"type\":\"input_audio\",\"input_audio\":{\"data\":");
                write_string(self.out, &base64);
                self.member("format", &format);
                self.out.extend_from_slice(b"}}");
            }
            PartView::Video(_) => {
                return Err(EncodeError::Unsupported { parameter: "video_url".to_owned() });
            }
            PartView::Unknown => {
                let parameter = "a part of a message".to_owned();
                return Err(EncodeError::Unsupported { parameter });
            }
        }
        Ok(())
    }

    fn member(&mut self, name: &str, text: &str) {
        self.out.extend_from_slice(b",");
        write_string(self.out, name);
        self.out.extend_from_slice(b":");
        write_string(self.out, text);
    }
}

/// An address, or the data as one.
fn address<'a>(source: &'a Source<'_>) -> Cow<'a, str> {
    match source {
        Source::Url(url) | Source::Id(url) => Cow::Borrowed(url),
        Source::Inline { media_type, base64 } => {
            Cow::Owned(format!("data:{media_type};base64,{base64}"))
        }
    }
}
