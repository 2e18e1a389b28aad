//! A canonical request to an upstream request.

use bytes::Bytes;
use domain::catalog::Endpoint;
use protocol::chat::reasoning::{Effort, Reasoning};
use protocol::chat::request::{ChatRequest, Kind};
use protocol::chat::view::ResponseFormat;
use protocol::dialects::Dialect;
use protocol::json::{write_string, write_u64};
use serde_json::value::RawValue;

use super::decode::ResponseDecoder;
use super::{FORMAT, input, native, tools};
use crate::adapter::{Encoded, Target};
use crate::body::{Body, post, text, write_list};
use crate::dropped::Dropped;
use crate::error::EncodeError;
use crate::openai_compatible::encode::is_taken;
use crate::quirks::Effective;

/// Fewer tokens of output than this are refused.
const OUTPUT_TOKENS_MIN: u32 = 16;

pub(super) fn encode(request: &ChatRequest, target: &Target<'_>) -> Result<Encoded, EncodeError> {
    let endpoint = target.endpoint;
    let quirks = Effective::of(endpoint);
    if !matches!(request.kind, Kind::Chat) {
        let parameter = "this kind of request".to_owned();
        return Err(EncodeError::Unsupported { parameter });
    }
    let format = quirks.reasoning_format().unwrap_or(FORMAT);
    let own = request.native.as_ref().filter(|native| native.dialect == Dialect::Responses);
    let (body, dropped) = match own {
        Some(written) => native::write(request, written, endpoint)?,
        None => write(request, endpoint, format)?,
    };
    let base = target.base_url.trim_end_matches('/');
    let address = format!("{base}{}", quirks.chat_path().unwrap_or("/responses"));
    let request = post(address, body, "text/event-stream", quirks)?;
    Ok(Encoded { request, decoder: Box::new(ResponseDecoder::new(format)), dropped })
}

fn write(
    request: &ChatRequest,
    endpoint: &Endpoint,
    format: &str,
) -> Result<(Bytes, Vec<String>), EncodeError> {
    let mut dropped = Dropped::translated(request)?;
    dropped.note_marks(request);
    let mut body = Body::new(1_024, request, endpoint);
    body.begin("model");
    write_string(&mut body.out, &endpoint.upstream_model);
    body.begin("input");
    input::write(&mut body.out, request, format, body.quirks)?;
    body.raw("stream", "true");
    body.raw("store", "false");
    write_include(&mut body, request, endpoint);
    if let Some(limit) = request.max_tokens {
        let limit = limit.max(OUTPUT_TOKENS_MIN);
        if !body.is_set("max_output_tokens") {
            body.begin("max_output_tokens");
            write_u64(&mut body.out, u64::from(limit));
        }
    }
    if request.n.is_some_and(|choices| choices > 1) {
        dropped.add("n")?;
    }
    write_reasoning(&mut body, request, endpoint, &mut dropped)?;
    write_text(&mut body, request, endpoint, &mut dropped)?;
    tools::write(&mut body, request, endpoint, &mut dropped)?;
    for (name, value) in &request.parameters {
        write_parameter(&mut body, name, value, endpoint, &mut dropped)?;
    }
    Ok((body.finish()?, dropped.into_names()))
}

/// What the answer holds besides itself. Models that don't reason refuse to be asked for it.
fn write_include(body: &mut Body<'_>, request: &ChatRequest, endpoint: &Endpoint) {
    let reasons = endpoint.supports("reasoning").then_some("reasoning.encrypted_content");
    let logprobs = (request.bool_parameter("logprobs") == Some(true)
        && is_taken("logprobs", endpoint, body.quirks))
    .then_some("message.output_text.logprobs");
    if (reasons.is_some() || logprobs.is_some()) && !body.is_set("include") {
        body.begin("include");
        write_list(&mut body.out, reasons.into_iter().chain(logprobs), write_string);
    }
}

fn write_parameter(
    body: &mut Body<'_>,
    name: &str,
    value: &RawValue,
    endpoint: &Endpoint,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    let quirks = body.quirks;
    match name {
        // Written elsewhere, in the form of this dialect; or ours, or hints that it has not.
        "reasoning"
        | "reasoning_effort"
        | "include_reasoning"
        | "response_format"
        | "structured_outputs"
        | "verbosity"
        | "tools"
        | "tool_choice"
        | "parallel_tool_calls"
        | "web_search_options"
        | "metadata"
        | "cache_control" => Ok(()),
        "temperature" | "top_p" | "top_logprobs" if is_taken(name, endpoint, quirks) => {
            body.raw(name, value.get());
            Ok(())
        }
        "logprobs" if is_taken(name, endpoint, quirks) => Ok(()),
        "prompt_cache_key" | "prompt_cache_options" if !quirks.refuses(name) => {
            body.raw(name, value.get());
            Ok(())
        }
        "service_tier" => {
            let tier = text(value).unwrap_or_default();
            let tier = if tier == "fast" { "priority" } else { &*tier };
            if quirks.knows_service_tier(tier) {
                body.text(name, tier);
                return Ok(());
            }
            match tier {
                "auto" | "default" => Ok(()),
                _ => dropped.add(name),
            }
        }
        // Images are made by a tool here.
        "modalities" if tools::are_made(value) => Ok(()),
        // Sampling that this dialect has no word for, and what only chat completions know.
        _ => dropped.add(name),
    }
}

fn write_reasoning(
    body: &mut Body<'_>,
    request: &ChatRequest,
    endpoint: &Endpoint,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    let Some(reasoning) = Reasoning::of(request) else { return Ok(()) };
    let name =
        if request.parameter("reasoning").is_some() { "reasoning" } else { "reasoning_effort" };
    if !endpoint.supports("reasoning") && !endpoint.supports("reasoning_effort") {
        return if reasoning.is_on() { dropped.add(name) } else { Ok(()) };
    }
    let output_max = request.max_tokens.unwrap_or_else(|| endpoint.output_tokens_max());
    let known = body.quirks.efforts();
    let thinking: Vec<Effort> =
        known.iter().copied().filter(|effort| *effort != Effort::None).collect();
    let effort = match reasoning.effort(output_max) {
        Some(effort) if known.is_empty() || known.contains(&effort) => Some(effort),
        Some(Effort::None) => {
            dropped.add(name)?;
            None
        }
        Some(effort) => effort.nearest(&thinking),
        None => None,
    };
    // Whoever speaks of reasoning and does not exclude it wants to see it.
    let wants_summary = reasoning.exclude != Some(true) && effort != Some(Effort::None);
    let summary = wants_summary.then(|| reasoning.summary.as_deref().unwrap_or("auto"));
    if (effort.is_none() && summary.is_none()) || body.is_set("reasoning") {
        return Ok(());
    }
    body.begin("reasoning");
    let out = &mut body.out;
    let mut before = "{\"";
    for (name, value) in [("effort", effort.map(Effort::as_str)), ("summary", summary)] {
        let Some(value) = value else { continue };
        out.extend_from_slice(before.as_bytes());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        write_string(out, value);
        before = ",\"";
    }
    out.extend_from_slice(b"}");
    Ok(())
}

/// `text`: the form of the answer and how wordy it is.
fn write_text(
    body: &mut Body<'_>,
    request: &ChatRequest,
    endpoint: &Endpoint,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    let format = request.response_format();
    let mut verbosity = request.text_parameter("verbosity");
    if verbosity.is_some() && !is_taken("verbosity", endpoint, body.quirks) {
        dropped.add("verbosity")?;
        verbosity = None;
    }
    let takes = ["structured_outputs", "response_format"]
        .iter()
        .any(|name| endpoint.supports(name) && !body.quirks.refuses(name));
    let format = match format {
        None | Some(ResponseFormat::Text) => None,
        Some(ResponseFormat::Other(_)) => {
            dropped.add("response_format")?;
            None
        }
        Some(_) if !takes => {
            dropped.add("response_format")?;
            None
        }
        format => format,
    };
    if (format.is_none() && verbosity.is_none()) || body.is_set("text") {
        return Ok(());
    }
    body.begin("text");
    let out = &mut body.out;
    out.extend_from_slice(b"{");
    match format {
        Some(ResponseFormat::JsonSchema { name, description, schema, strict }) => {
            out.extend_from_slice(b"\"format\":{\"type\":\"json_schema\",\"name\":");
            write_string(out, &name);
            if let Some(description) = description {
                out.extend_from_slice(b",\"description\":");
                write_string(out, &description);
            }
            out.extend_from_slice(b",\"schema\":");
            out.extend_from_slice(schema.map_or("{\"type\":\"object\"}", RawValue::get).as_bytes());
            // Schemas are strict here unless it is said that they aren't.
            let strict = strict.unwrap_or(false);
            out.extend_from_slice(if strict {
                b",\"strict\":true}"
            } else {
                b",\"strict\":false}"
            });
        }
        Some(_) => out.extend_from_slice(b"\"format\":{\"type\":\"json_object\"}"),
        None => {}
    }
    if let Some(verbosity) = verbosity {
        if !out.ends_with(b"{") {
            out.extend_from_slice(b",");
        }
        out.extend_from_slice(b"\"verbosity\":");
        write_string(out, &verbosity);
    }
    out.extend_from_slice(b"}");
    Ok(())
}
