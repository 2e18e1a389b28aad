//! Events to chunks of a stream, or to one response.

use bytes::BytesMut;
use domain::generation::FinishReason;

use super::write::{
    write_envelope, write_error, write_metadata, write_optional_value, write_usage,
};
use crate::chat::event::{ChatEvent, Delta, ToolCallDelta};
use crate::chat::fold::{Choice, Fold};
use crate::dialects::{Encoder, Envelope, Summary};
use crate::error::PublicError;
use crate::json::{write_escaped, write_optional_string, write_string, write_u64};
use crate::sse;

/// An encoder for one response, streamed or whole.
pub fn encoder(envelope: Envelope, stream: bool) -> Box<dyn Encoder> {
    if stream { Box::new(Chunks::new(envelope)) } else { Box::new(Whole::new(envelope)) }
}

/// What stands between the caller and a long silence.
const KEEP_ALIVE: &str = "ENTREPOT PROCESSING";

/// Writes every event as a chunk of its own.
struct Chunks {
    envelope: Envelope,
    /// Everything from `data: {` to `"choices":[`: the same in every chunk of a stream.
    prefix: BytesMut,
    /// Choices that have begun and not ended.
    open: Vec<u32>,
}

impl Chunks {
    fn new(envelope: Envelope) -> Self {
        let mut chunks = Self { envelope, prefix: BytesMut::with_capacity(256), open: Vec::new() };
        chunks.write_prefix(None, None);
        chunks
    }

    fn write_prefix(&mut self, system_fingerprint: Option<&str>, service_tier: Option<&str>) {
        self.prefix.clear();
        self.prefix.extend_from_slice(b"data: {");
        write_envelope(&mut self.prefix, &self.envelope, "chat.completion.chunk");
        for (name, value) in
            [("system_fingerprint", system_fingerprint), ("service_tier", service_tier)]
        {
            if let Some(value) = value {
                self.prefix.extend_from_slice(b"\"");
                self.prefix.extend_from_slice(name.as_bytes());
                self.prefix.extend_from_slice(b"\":");
                write_string(&mut self.prefix, value);
                self.prefix.extend_from_slice(b",");
            }
        }
    }

    fn write_delta(&mut self, choice: u32, delta: &Delta, out: &mut BytesMut) {
        if !self.open.contains(&choice) {
            self.open.push(choice);
        }
        self.begin_choice(choice, out);
        // Content is null wherever there is none: what adds chunks up must come to what an answer
        // in one piece says, and that has no content when all it does is call tools.
        out.extend_from_slice(b"\"delta\":{\"role\":\"assistant\",\"content\":");
        let mut logprobs = "null";
        match delta {
            Delta::Content(text) => write_string(out, text),
            Delta::Reasoning(text) => {
                out.extend_from_slice(b"null,\"reasoning\":");
                write_string(out, text);
            }
            Delta::ReasoningDetails(items) => {
                out.extend_from_slice(b"null,\"reasoning_details\":");
                out.extend_from_slice(items.get().as_bytes());
            }
            Delta::Refusal(text) => {
                out.extend_from_slice(b"null,\"refusal\":");
                write_string(out, text);
            }
            Delta::ToolCall(part) => {
                out.extend_from_slice(b"null,\"tool_calls\":[");
                write_tool_call_part(out, part);
                out.extend_from_slice(b"]");
            }
            Delta::Logprobs(value) => {
                out.extend_from_slice(b"null");
                logprobs = value.get();
            }
            Delta::Other { name, value } => {
                out.extend_from_slice(b"null,");
                write_string(out, name);
                out.extend_from_slice(b":");
                out.extend_from_slice(value.get().as_bytes());
            }
        }
        out.extend_from_slice(
            b"},\"finish_reason\":null,\"native_finish_reason\":null,\"logprobs\":",
        );
        out.extend_from_slice(logprobs.as_bytes());
        out.extend_from_slice(b"}]}\n\n");
    }

    fn write_finish(
        &mut self,
        choice: u32,
        reason: FinishReason,
        native_reason: Option<&str>,
        out: &mut BytesMut,
    ) {
        self.open.retain(|open| *open != choice);
        self.begin_choice(choice, out);
        out.extend_from_slice(
            b"\"delta\":{\"role\":\"assistant\",\"content\":null},\"finish_reason\":\"",
        );
        out.extend_from_slice(reason.as_str().as_bytes());
        out.extend_from_slice(b"\",\"native_finish_reason\":");
        write_optional_string(out, native_reason);
        out.extend_from_slice(b",\"logprobs\":null}]}\n\n");
    }

    /// Writes up to and including the index of the chunk's one choice.
    fn begin_choice(&self, choice: u32, out: &mut BytesMut) {
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(b"\"choices\":[{\"index\":");
        write_u64(out, u64::from(choice));
        out.extend_from_slice(b",");
    }

    fn write_end(&self, summary: &Summary, out: &mut BytesMut) {
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(b"\"choices\":[],\"usage\":");
        write_usage(out, summary);
        write_metadata(out, summary);
        out.extend_from_slice(b"}\n\n");
        sse::write_data(out, "[DONE]");
    }
}

impl Encoder for Chunks {
    fn push(&mut self, event: &ChatEvent, out: &mut BytesMut) {
        match event {
            ChatEvent::Started { system_fingerprint, service_tier, .. } => {
                self.write_prefix(system_fingerprint.as_deref(), service_tier.as_deref());
            }
            ChatEvent::Delta { choice, delta } => self.write_delta(*choice, delta, out),
            ChatEvent::Finished { choice, reason, native_reason, .. } => {
                self.write_finish(*choice, *reason, native_reason.as_deref(), out);
            }
            // Usage is told once, at the end, together with what it cost; the rest has no form
            // in this dialect.
            ChatEvent::Usage(_)
            | ChatEvent::Native(_)
            | ChatEvent::Embeddings(_)
            | ChatEvent::Ranking(_) => {}
        }
    }

    fn finish(&mut self, summary: &Summary, out: &mut BytesMut) {
        self.write_end(summary, out);
    }

    fn fail(&mut self, error: &PublicError, summary: &Summary, out: &mut BytesMut) {
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(b"\"error\":");
        write_error(out, error);
        out.extend_from_slice(b",\"choices\":[");
        if self.open.is_empty() {
            self.open.push(0);
        }
        for (position, choice) in self.open.drain(..).enumerate() {
            out.extend_from_slice(if position == 0 { b"{\"index\":" } else { b",{\"index\":" });
            write_u64(out, u64::from(choice));
            out.extend_from_slice(
                b",\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"error\",\
                  \"native_finish_reason\":null,\"logprobs\":null}",
            );
        }
        out.extend_from_slice(b"]}\n\n");
        self.write_end(summary, out);
    }

    fn keep_alive(&mut self, out: &mut BytesMut) {
        sse::write_comment(out, KEEP_ALIVE);
    }
}

/// Collects the events and writes one response.
struct Whole {
    envelope: Envelope,
    fold: Fold,
}

impl Whole {
    fn new(envelope: Envelope) -> Self {
        Self { envelope, fold: Fold::new() }
    }

    fn write(&self, error: Option<&PublicError>, summary: &Summary, out: &mut BytesMut) {
        let response = self.fold.response();
        out.extend_from_slice(b"{");
        write_envelope(out, &self.envelope, "chat.completion");
        out.extend_from_slice(b"\"system_fingerprint\":");
        write_optional_string(out, response.system_fingerprint.as_deref());
        out.extend_from_slice(b",\"service_tier\":");
        write_optional_string(out, response.service_tier.as_deref());
        out.extend_from_slice(b",\"choices\":[");
        let nothing = [Choice::default()];
        // A failure is told within a choice, so there must be one.
        let choices = match error {
            Some(_) if response.choices.is_empty() => &nothing[..],
            _ => &response.choices[..],
        };
        for (position, choice) in choices.iter().enumerate() {
            if position > 0 {
                out.extend_from_slice(b",");
            }
            write_choice(out, choice, error);
        }
        out.extend_from_slice(b"],\"usage\":");
        write_usage(out, summary);
        write_metadata(out, summary);
        out.extend_from_slice(b"}");
    }
}

impl Encoder for Whole {
    fn push(&mut self, event: &ChatEvent, _: &mut BytesMut) {
        self.fold.push(event);
    }

    fn finish(&mut self, summary: &Summary, out: &mut BytesMut) {
        self.write(None, summary, out);
    }

    fn fail(&mut self, error: &PublicError, summary: &Summary, out: &mut BytesMut) {
        self.write(Some(error), summary, out);
    }

    fn keep_alive(&mut self, _: &mut BytesMut) {}
}

fn write_choice(out: &mut BytesMut, choice: &Choice, error: Option<&PublicError>) {
    // What had ended before the failure is whole.
    let error = error.filter(|_| choice.finish_reason.is_none());
    let reason = match error {
        Some(_) => Some(FinishReason::Error),
        None => choice.finish_reason,
    };
    out.extend_from_slice(b"{\"index\":");
    write_u64(out, u64::from(choice.index));
    out.extend_from_slice(b",\"finish_reason\":");
    write_optional_string(out, reason.map(FinishReason::as_str));
    out.extend_from_slice(b",\"native_finish_reason\":");
    write_optional_string(out, choice.native_finish_reason.as_deref());
    out.extend_from_slice(b",\"logprobs\":");
    write_optional_value(out, choice.logprobs.as_ref());
    out.extend_from_slice(b",\"message\":{\"role\":\"assistant\",\"content\":");
    // The chunk that tells of a failure has empty content.
    write_optional_string(out, choice.content.as_deref().or(error.map(|_| "")));
    out.extend_from_slice(b",\"refusal\":");
    write_optional_string(out, choice.refusal.as_deref());
    out.extend_from_slice(b",\"reasoning\":");
    write_optional_string(out, choice.reasoning.as_deref());
    if !choice.reasoning_details.is_empty() {
        out.extend_from_slice(b",\"reasoning_details\":[");
        for (position, detail) in choice.reasoning_details.iter().enumerate() {
            if position > 0 {
                out.extend_from_slice(b",");
            }
            write_optional_value(out, Some(detail));
        }
        out.extend_from_slice(b"]");
    }
    if !choice.tool_calls.is_empty() {
        out.extend_from_slice(b",\"tool_calls\":[");
        for (position, call) in choice.tool_calls.iter().enumerate() {
            if position > 0 {
                out.extend_from_slice(b",");
            }
            write_tool_call(out, call);
        }
        out.extend_from_slice(b"]");
    }
    for (name, value) in &choice.other {
        out.extend_from_slice(b",");
        write_string(out, name);
        out.extend_from_slice(b":");
        write_optional_value(out, Some(value));
    }
    out.extend_from_slice(b"}");
    if let Some(error) = error {
        out.extend_from_slice(b",\"error\":");
        write_error(out, error);
    }
    out.extend_from_slice(b"}");
}

fn write_tool_call(out: &mut BytesMut, call: &ToolCallDelta) {
    out.extend_from_slice(b"{\"id\":");
    write_string(out, call.id.as_deref().unwrap_or_default());
    out.extend_from_slice(b",\"type\":\"function\",\"function\":{\"name\":");
    write_string(out, call.name.as_deref().unwrap_or_default());
    out.extend_from_slice(b",\"arguments\":");
    write_string(out, &call.arguments);
    out.extend_from_slice(b"}}");
}

/// A part of a call: what identifies the call stands in its first part only.
fn write_tool_call_part(out: &mut BytesMut, part: &ToolCallDelta) {
    out.extend_from_slice(b"{\"index\":");
    write_u64(out, u64::from(part.index));
    if let Some(id) = &part.id {
        out.extend_from_slice(b",\"id\":");
        write_string(out, id);
        out.extend_from_slice(b",\"type\":\"function\"");
    }
    out.extend_from_slice(b",\"function\":{");
    if let Some(name) = &part.name {
        out.extend_from_slice(b"\"name\":");
        write_string(out, name);
        out.extend_from_slice(b",");
    }
    out.extend_from_slice(b"\"arguments\":\"");
    write_escaped(out, &part.arguments);
    out.extend_from_slice(b"\"}}");
}
