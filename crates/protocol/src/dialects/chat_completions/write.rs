//! What answers of several dialects have in common: the envelope, errors, and usage with its cost.

use bytes::BytesMut;
use domain::usage::Usage;

use crate::dialects::{Envelope, Summary};
use crate::error::PublicError;
use crate::json::{write_i64, write_string, write_u64, write_usd};

/// `"id":…,"object":…,"created":…,"model":…,"provider":…,`
pub(in crate::dialects) fn write_envelope(out: &mut BytesMut, envelope: &Envelope, object: &str) {
    out.extend_from_slice(b"\"id\":");
    write_string(out, &envelope.id);
    out.extend_from_slice(b",\"object\":");
    write_string(out, object);
    out.extend_from_slice(b",\"created\":");
    write_i64(out, envelope.created);
    out.extend_from_slice(b",\"model\":");
    write_string(out, &envelope.model);
    out.extend_from_slice(b",\"provider\":");
    write_string(out, &envelope.provider);
    out.extend_from_slice(b",");
}

pub(in crate::dialects) fn write_optional_value(
    out: &mut BytesMut,
    value: Option<&serde_json::Value>,
) {
    use std::fmt::Write as _;
    // A buffer that grows refuses nothing.
    let _ = match value {
        Some(value) => write!(out, "{value}"),
        None => write!(out, "null"),
    };
}

pub(in crate::dialects) fn write_error(out: &mut BytesMut, error: &PublicError) {
    let body = error.to_chat_json();
    write_optional_value(out, body.get("error"));
}

/// Prompt and completion totals contain their details, as in OpenAI's shape; ours are disjoint.
pub(in crate::dialects) fn write_usage(out: &mut BytesMut, summary: &Summary) {
    let usage = &summary.usage;
    write_count(out, "{\"prompt_tokens\":", usage.prompt_total());
    write_count(out, ",\"completion_tokens\":", usage.completion_total());
    write_count(out, ",\"total_tokens\":", usage.total());
    write_cost(out, summary);
    write_count(out, ",\"prompt_tokens_details\":{\"cached_tokens\":", usage.cache_read);
    let cache_write = usage.cache_write_5m.saturating_add(usage.cache_write_1h);
    write_count(out, ",\"cache_write_tokens\":", cache_write);
    write_count(out, ",\"audio_tokens\":", usage.audio_input);
    out.extend_from_slice(b",\"video_tokens\":0}");
    write_count(out, ",\"completion_tokens_details\":{\"reasoning_tokens\":", usage.reasoning);
    write_count(out, ",\"audio_tokens\":", usage.audio_output);
    write_count(out, ",\"image_tokens\":", usage.image_output);
    // No upstream's prediction is counted apart from its completion.
    out.extend_from_slice(b",\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}");
    if usage.web_searches > 0 {
        write_count(
            out,
            ",\"server_tool_use_details\":{\"web_search_requests\":",
            usage.web_searches,
        );
        out.extend_from_slice(b"}");
    }
    out.extend_from_slice(b"}");
}

/// `,"cost":…,"is_byok":…,"cost_details":{…}`
pub(in crate::dialects) fn write_cost(out: &mut BytesMut, summary: &Summary) {
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

/// `,"prompt_tokens_details":{…}` of what only reads.
pub(in crate::dialects) fn write_input_details(out: &mut BytesMut, usage: &Usage) {
    write_count(out, ",\"prompt_tokens_details\":{\"text_tokens\":", usage.prompt);
    write_count(out, ",\"audio_tokens\":", usage.audio_input);
    out.extend_from_slice(b"}");
}

fn write_count(out: &mut BytesMut, name: &str, count: u64) {
    out.extend_from_slice(name.as_bytes());
    write_u64(out, count);
}

/// `,"openrouter_metadata":…` where the caller asked for it.
pub(in crate::dialects) fn write_metadata(out: &mut BytesMut, summary: &Summary) {
    if let Some(metadata) = &summary.metadata {
        out.extend_from_slice(b",\"openrouter_metadata\":");
        out.extend_from_slice(metadata.get().as_bytes());
    }
}
