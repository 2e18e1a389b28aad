//! One item of an answer while it grows: what it holds, and how it is written.
//!
//! Text is kept escaped, because it is written three times: as a piece, when its part is done and
//! in the whole answer.

use bytes::BytesMut;
use serde_json::Value;
use serde_json::value::RawValue;

use super::output::Mark;
use super::reasoning;
use super::wire::{put, write_list, write_raw};
use crate::json::write_string;

/// Text with its escapes, as it stands between quotes.
pub(super) type Escaped = BytesMut;

#[derive(Debug)]
pub(super) enum Item {
    Message(Message),
    Reasoning(Reasoning),
    Call(FunctionCall),
    Image(Image),
    /// An item that only this dialect knows, as its upstream wrote it.
    Native(Box<RawValue>),
}

#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) parts: Vec<Part>,
    pub(super) status: Status,
}

#[derive(Debug)]
pub(super) enum Part {
    Text { text: Escaped, annotations: Vec<Box<RawValue>>, logprobs: Vec<Box<RawValue>> },
    Refusal(Escaped),
}

#[derive(Debug)]
pub(super) struct Reasoning {
    pub(super) id: String,
    /// What the upstream calls it, where that is known.
    pub(super) upstream_id: Option<String>,
    /// Whether what is shown sums up the reasoning rather than being it.
    pub(super) sums_up: bool,
    /// Each with the index of the detail that it shows, where there is one.
    pub(super) parts: Vec<(Option<u64>, Escaped)>,
    /// With the parts of one detail joined.
    pub(super) details: Vec<Value>,
    /// Set when the item is done.
    pub(super) encrypted: Option<String>,
}

#[derive(Debug)]
pub(super) struct FunctionCall {
    pub(super) id: String,
    pub(super) call_id: String,
    pub(super) name: String,
    pub(super) arguments: Escaped,
    pub(super) status: Status,
}

#[derive(Debug)]
pub(super) struct Image {
    pub(super) id: String,
    /// Base64, or the address where there is only that.
    pub(super) result: String,
    /// `png`, `jpeg` or `webp`.
    pub(super) format: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    InProgress,
    Completed,
    Incomplete,
}

impl Status {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
        }
    }
}

impl Part {
    pub(super) fn text() -> Self {
        Self::Text { text: Escaped::new(), annotations: Vec::new(), logprobs: Vec::new() }
    }
}

impl Reasoning {
    /// The type of the parts that are shown.
    const fn part_type(&self) -> &'static str {
        if self.sums_up { "summary_text" } else { "reasoning_text" }
    }

    /// Whether a piece with this mark belongs here.
    pub(super) fn takes(&self, mark: &Mark) -> bool {
        let same_id = match (&self.upstream_id, &mark.id) {
            (Some(known), Some(id)) => known == id,
            _ => true,
        };
        let same_kind = self.parts.is_empty() || mark.sums_up.is_none_or(|it| it == self.sums_up);
        same_id && same_kind
    }

    /// The events that begin a part and add to it, and the name of its number.
    pub(super) const fn part_events(&self) -> (&'static str, &'static str, &'static str) {
        if self.sums_up {
            (
                "response.reasoning_summary_part.added",
                "response.reasoning_summary_text.delta",
                "summary_index",
            )
        } else {
            ("response.content_part.added", "response.reasoning_text.delta", "content_index")
        }
    }

    /// The events that end a part, and the name of its number.
    pub(super) const fn done_events(&self) -> (&'static str, &'static str, &'static str) {
        if self.sums_up {
            (
                "response.reasoning_summary_text.done",
                "response.reasoning_summary_part.done",
                "summary_index",
            )
        } else {
            ("response.reasoning_text.done", "response.content_part.done", "content_index")
        }
    }

    /// Everything is known: what must come back is packed.
    pub(super) fn seal(&mut self) {
        self.encrypted = reasoning::encrypted_content(&self.id, &self.details);
    }
}

impl Item {
    pub(super) fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Message(message) => message.write(out),
            Self::Reasoning(reasoning) => reasoning.write(out),
            Self::Call(call) => call.write(out),
            Self::Image(image) => image.write(out, Status::Completed),
            Self::Native(raw) => write_raw(out, raw),
        }
    }
}

impl Message {
    fn write(&self, out: &mut BytesMut) {
        put(out, &["{\"id\":\"", &self.id, "\",\"type\":\"message\",\"role\":\"assistant\","]);
        put(out, &["\"status\":\"", self.status.as_str(), "\",\"content\":"]);
        write_list(out, &self.parts, |out, part| part.write(out));
        out.extend_from_slice(b"}");
    }
}

impl Part {
    pub(super) fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Text { text, annotations, logprobs } => {
                out.extend_from_slice(b"{\"type\":\"output_text\",\"text\":\"");
                out.extend_from_slice(text);
                out.extend_from_slice(b"\",\"annotations\":");
                write_list(out, annotations, |out, raw| write_raw(out, raw));
                out.extend_from_slice(b",\"logprobs\":");
                write_list(out, logprobs, |out, raw| write_raw(out, raw));
                out.extend_from_slice(b"}");
            }
            Self::Refusal(text) => write_text_part(out, "refusal", "refusal", text),
        }
    }
}

impl Reasoning {
    fn write(&self, out: &mut BytesMut) {
        put(out, &["{\"id\":\"", &self.id, "\",\"type\":\"reasoning\",\"summary\":"]);
        let parts = |sums_up: bool| {
            self.parts.iter().filter(move |_| self.sums_up == sums_up).map(|(_, text)| text)
        };
        write_list(out, parts(true), |out, text| self.write_part(out, text));
        if !self.sums_up && !self.parts.is_empty() {
            out.extend_from_slice(b",\"content\":");
            write_list(out, parts(false), |out, text| self.write_part(out, text));
        }
        let details = &self.details;
        for (name, value) in [
            ("encrypted_content", self.encrypted.as_deref()),
            ("format", reasoning::shared(details, "format")),
            ("signature", reasoning::shared(details, "signature")),
        ] {
            if let Some(value) = value {
                put(out, &[",\"", name, "\":"]);
                write_string(out, value);
            }
        }
        out.extend_from_slice(b"}");
    }

    pub(super) fn write_part(&self, out: &mut BytesMut, text: &Escaped) {
        write_text_part(out, self.part_type(), "text", text);
    }
}

impl FunctionCall {
    pub(super) fn write(&self, out: &mut BytesMut) {
        put(out, &["{\"id\":\"", &self.id, "\",\"type\":\"function_call\",\"status\":\""]);
        put(out, &[self.status.as_str(), "\",\"call_id\":"]);
        write_string(out, &self.call_id);
        out.extend_from_slice(b",\"name\":");
        write_string(out, &self.name);
        out.extend_from_slice(b",\"arguments\":\"");
        out.extend_from_slice(&self.arguments);
        out.extend_from_slice(b"\"}");
    }
}

impl Image {
    pub(super) fn write(&self, out: &mut BytesMut, status: Status) {
        put(out, &["{\"id\":\"", &self.id, "\",\"type\":\"image_generation_call\",\"status\":\""]);
        put(out, &[status.as_str(), "\",\"result\":"]);
        if status == Status::InProgress {
            out.extend_from_slice(b"null");
        } else {
            write_string(out, &self.result);
        }
        if let Some(format) = &self.format {
            out.extend_from_slice(b",\"output_format\":");
            write_string(out, format);
        }
        out.extend_from_slice(b"}");
    }
}

/// `{"type":…,"text":…}`, from text that is escaped.
pub(super) fn write_text_part(out: &mut BytesMut, kind: &str, name: &str, text: &Escaped) {
    put(out, &["{\"type\":\"", kind, "\",\"", name, "\":\""]);
    out.extend_from_slice(text);
    out.extend_from_slice(b"\"}");
}
