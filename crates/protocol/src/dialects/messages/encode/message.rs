//! What a message says about itself: who wrote it, why it ended and what it used.

use bytes::BytesMut;
use domain::generation::FinishReason;
use domain::usage::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::event::{ChatEvent, Native};
use crate::dialects::check::members;
use crate::dialects::{Dialect, Envelope, Summary};
use crate::error::PublicError;
use crate::json::{write_optional_string, write_string, write_u64, write_usd};

/// Everything about an answer but its blocks.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// As the upstream calls it.
    service_tier: Option<String>,
    pub(super) usage: Usage,
    reason: Option<FinishReason>,
    native_reason: Option<String>,
    stop_sequence: Option<String>,
    /// Members of a message that only Anthropic has, by name: `container`, `stop_details`, ….
    extra: Vec<(String, Box<RawValue>)>,
}

impl Facts {
    pub(super) fn note(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Started { service_tier, .. } => self.service_tier.clone_from(service_tier),
            ChatEvent::Usage(usage) => self.usage = *usage,
            ChatEvent::Finished { choice: 0, reason, native_reason, stop_sequence } => {
                self.reason = Some(*reason);
                self.native_reason.clone_from(native_reason);
                self.stop_sequence.clone_from(stop_sequence);
            }
            ChatEvent::Native(native) => self.note_native(native),
            ChatEvent::Finished { .. }
            | ChatEvent::Delta { .. }
            | ChatEvent::Embeddings(_)
            | ChatEvent::Ranking(_) => {}
        }
    }

    fn note_native(&mut self, native: &Native) {
        if native.dialect != Dialect::Messages || native.name != "message_delta" {
            return;
        }
        let Some(delta) = members(&native.data) else { return };
        for (name, value) in delta.iter() {
            if !matches!(name, "stop_reason" | "stop_sequence" | "usage") {
                self.extra.retain(|(known, _)| known != name);
                self.extra.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// Why the answer ended, in Anthropic's words; none where it failed, for which there is none.
    fn stop_reason(&self, has_calls: bool, has_refused: bool) -> Option<&str> {
        const ONLY_ANTHROPICS: [&str; 4] =
            ["pause_turn", "model_context_window_exceeded", "compaction", "refusal"];
        let native = self.native_reason.as_deref();
        if let Some(own) = native.filter(|native| ONLY_ANTHROPICS.contains(native)) {
            return Some(own);
        }
        let is_sequence = self.stop_sequence.is_some() || native == Some("stop_sequence");
        Some(match self.reason {
            Some(FinishReason::Error) => return None,
            Some(FinishReason::Length) => "max_tokens",
            Some(FinishReason::ToolCalls) => "tool_use",
            Some(FinishReason::ContentFilter) => "refusal",
            Some(FinishReason::Stop) | None if has_refused => "refusal",
            Some(FinishReason::Stop) | None if is_sequence => "stop_sequence",
            // Some providers say that a forced call is an ordinary end; a caller that waits for
            // this word would never run it.
            Some(FinishReason::Stop) | None if has_calls => "tool_use",
            Some(FinishReason::Stop) | None => "end_turn",
        })
    }

    /// `"stop_reason":…,"stop_sequence":…` and what else only Anthropic says.
    pub(super) fn write_end(&self, has_calls: bool, has_refused: bool, out: &mut BytesMut) {
        out.extend_from_slice(b"\"stop_reason\":");
        write_optional_string(out, self.stop_reason(has_calls, has_refused));
        out.extend_from_slice(b",\"stop_sequence\":");
        write_optional_string(out, self.stop_sequence.as_deref());
        for (name, value) in &self.extra {
            out.extend_from_slice(b",");
            write_string(out, name);
            out.extend_from_slice(b":");
            write_line(out, value);
        }
    }

    /// Members that every message has, where they were not said.
    pub(super) fn write_absent(&self, out: &mut BytesMut) {
        for name in ["stop_details", "container"] {
            if !self.extra.iter().any(|(known, _)| known == name) {
                out.extend_from_slice(b",");
                write_string(out, name);
                out.extend_from_slice(b":null");
            }
        }
    }

    /// The usage so far, or with a summary all of it and its cost.
    pub(super) fn write_usage(&self, summary: Option<&Summary>, out: &mut BytesMut) {
        let usage = summary.map_or(&self.usage, |summary| &summary.usage);
        let write_count = |out: &mut BytesMut, name: &str, count: u64| {
            out.extend_from_slice(name.as_bytes());
            write_u64(out, count);
        };
        let cache_write = usage.cache_write_5m.saturating_add(usage.cache_write_1h);
        let input = usage.prompt.saturating_add(usage.audio_input);
        write_count(out, "{\"input_tokens\":", input);
        write_count(out, ",\"cache_creation_input_tokens\":", cache_write);
        write_count(out, ",\"cache_read_input_tokens\":", usage.cache_read);
        let five_minutes = usage.cache_write_5m;
        write_count(out, ",\"cache_creation\":{\"ephemeral_5m_input_tokens\":", five_minutes);
        write_count(out, ",\"ephemeral_1h_input_tokens\":", usage.cache_write_1h);
        write_count(out, "},\"output_tokens\":", usage.completion_total());
        write_count(out, ",\"output_tokens_details\":{\"thinking_tokens\":", usage.reasoning);
        out.extend_from_slice(b"},\"server_tool_use\":");
        if usage.web_searches > 0 {
            write_count(out, "{\"web_search_requests\":", usage.web_searches);
            out.extend_from_slice(b",\"web_fetch_requests\":0}");
        } else {
            out.extend_from_slice(b"null");
        }
        out.extend_from_slice(b",\"inference_geo\":null,\"service_tier\":");
        write_optional_string(out, self.service_tier());
        if let Some(summary) = summary {
            write_cost(summary, out);
        }
        out.extend_from_slice(b"}");
    }

    /// Anthropic's envelope of an error, with what was used until then.
    pub(super) fn write_error(
        &self,
        error: &PublicError,
        envelope: &Envelope,
        summary: &Summary,
        out: &mut BytesMut,
    ) {
        use std::fmt::Write as _;
        let body = error.to_json(Dialect::Messages, Some(&envelope.id));
        out.extend_from_slice(b"{\"type\":\"error\",\"error\":");
        // A buffer that grows refuses nothing.
        let _ = write!(out, "{}", body["error"]);
        out.extend_from_slice(b",\"request_id\":");
        write_string(out, &envelope.id);
        out.extend_from_slice(b",\"usage\":");
        self.write_usage(Some(summary), out);
        write_metadata(summary, out);
        out.extend_from_slice(b"}");
    }

    /// What others call the default tier is `standard` here.
    fn service_tier(&self) -> Option<&str> {
        match self.service_tier.as_deref() {
            Some("default") => Some("standard"),
            other => other,
        }
    }
}

fn write_cost(summary: &Summary, out: &mut BytesMut) {
    let upstream = summary.upstream_prompt_cost.saturating_add(summary.upstream_completion_cost);
    out.extend_from_slice(b",\"cost\":");
    write_usd(out, summary.cost);
    out.extend_from_slice(b",\"is_byok\":false,\"cost_details\":{\"upstream_inference_cost\":");
    write_usd(out, upstream);
    out.extend_from_slice(b",\"upstream_inference_prompt_cost\":");
    write_usd(out, summary.upstream_prompt_cost);
    out.extend_from_slice(b",\"upstream_inference_completions_cost\":");
    write_usd(out, summary.upstream_completion_cost);
    out.extend_from_slice(b"}");
}

/// `"id":…,"type":"message","role":"assistant","model":…,"provider":…,`
pub(super) fn write_envelope(envelope: &Envelope, out: &mut BytesMut) {
    out.extend_from_slice(b"\"id\":");
    write_string(out, &envelope.id);
    out.extend_from_slice(b",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
    write_string(out, &envelope.model);
    out.extend_from_slice(b",\"provider\":");
    write_string(out, &envelope.provider);
    out.extend_from_slice(b",");
}

/// `,"openrouter_metadata":…`, where it was asked for.
pub(super) fn write_metadata(summary: &Summary, out: &mut BytesMut) {
    if let Some(metadata) = &summary.metadata {
        out.extend_from_slice(b",\"openrouter_metadata\":");
        write_line(out, metadata);
    }
}

/// Writes JSON on one line. Line breaks in it can only stand between its tokens.
pub(super) fn write_line(out: &mut BytesMut, json: &RawValue) {
    write_json_line(out, json.get());
}

pub(super) fn write_json_line(out: &mut BytesMut, json: &str) {
    for part in json.split(['\n', '\r']) {
        out.extend_from_slice(part.as_bytes());
    }
}

/// The text of a delta that is known by its type alone.
#[derive(Deserialize)]
pub(super) struct KnownDelta {
    pub(super) r#type: String,
    pub(super) citation: Option<Box<RawValue>>,
    pub(super) partial_json: Option<String>,
}
