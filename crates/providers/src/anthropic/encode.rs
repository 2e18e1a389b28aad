//! A canonical request to an upstream request.

use bytes::Bytes;
use http::header::HeaderValue;
use protocol::chat::reasoning::Effort;
use protocol::chat::request::{ChatRequest, Kind};
use protocol::chat::view::Source;
use protocol::dialects::Dialect;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::decode::StreamDecoder;
use super::native;
use super::wire::{self, WireFormat, WireOutput};
use crate::adapter::{Encoded, Target};
use crate::body::{self, Body};
use crate::dropped::Dropped;
use crate::error::EncodeError;
use crate::quirks::Effective;
use crate::turns::ability::Ability;
use crate::turns::emit::Undo;
use crate::turns::names::Names;
use crate::turns::thinking::{self, Against, Thinking};
use crate::turns::tools::{self, Choice, Format};
use crate::turns::{BlockKind, Conversation, Thoughts, cache, identity};

/// The version of the API that this is written for.
const VERSION: &str = "2023-06-01";
/// Without it, files that the provider keeps cannot be referred to.
const FILES_BETA: &str = "files-api-2025-04-14";
/// The longest name of a function.
const NAME_BYTES_MAX: usize = 128;

/// Parameters that are ours, that stand elsewhere in this dialect, or that are read where they
/// matter.
const SETTLED: [&str; 16] = [
    "cache_control",
    "include_reasoning",
    "metadata",
    "modalities",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "service_tier",
    "stop",
    "stream_options",
    "structured_outputs",
    "tool_choice",
    "tools",
    "verbosity",
];

pub(super) fn encode(request: &ChatRequest, target: &Target<'_>) -> Result<Encoded, EncodeError> {
    let written = write(request, target, Purpose::Answer)?;
    let upstream = post(target, "", "text/event-stream", &written)?;
    let decoder = Box::new(StreamDecoder::new(written.undo));
    Ok(Encoded { request: upstream, decoder, dropped: written.dropped })
}

/// What a body is written for: counting takes less than answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Answer,
    Count,
}

/// A body, and what goes with it.
pub(super) struct Written {
    pub(super) body: Bytes,
    pub(super) betas: Vec<String>,
    pub(super) undo: Undo,
    pub(super) dropped: Vec<String>,
}

pub(super) fn write(
    request: &ChatRequest,
    target: &Target<'_>,
    purpose: Purpose,
) -> Result<Written, EncodeError> {
    if !matches!(request.kind, Kind::Chat) {
        return Err(EncodeError::Unsupported { parameter: "input".to_owned() });
    }
    let ability = Ability::of(target.endpoint);
    match &request.native {
        Some(own) if own.dialect == Dialect::Messages && native::is_sendable(own) => {
            native::write(request, own, ability, purpose)
        }
        own => {
            let mut written = translate(request, ability, purpose)?;
            written.betas.extend(own.iter().flat_map(native::betas));
            Ok(written)
        }
    }
}

pub(super) fn post(
    target: &Target<'_>,
    end: &str,
    accept: &'static str,
    written: &Written,
) -> Result<http::Request<Bytes>, EncodeError> {
    let quirks = Effective::of(target.endpoint);
    let path = quirks.chat_path().unwrap_or("/messages");
    let address = format!("{}{path}{end}", target.base_url.trim_end_matches('/'));
    let mut upstream = body::post(address, written.body.clone(), accept, quirks)?;
    let headers = upstream.headers_mut();
    if !headers.contains_key("anthropic-version") {
        headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
    }
    if !written.betas.is_empty() {
        let betas = HeaderValue::from_str(&written.betas.join(","))
            .map_err(|_| EncodeError::Header("anthropic-beta".to_owned()))?;
        headers.append("anthropic-beta", betas);
    }
    Ok(upstream)
}

/// Writes a request of another dialect.
fn translate(
    request: &ChatRequest,
    ability: Ability<'_>,
    purpose: Purpose,
) -> Result<Written, EncodeError> {
    let mut dropped = Dropped::translated(request)?;
    let mut names = Names::new(NAME_BYTES_MAX);
    let mut conversation = Conversation::of(request, Thoughts::Replayed, &mut names)?;
    if conversation.is_prefilled() && ability.refuses_prefill() {
        let parameter = format!("messages[{}].role", request.messages.len().saturating_sub(1));
        return Err(EncodeError::Unsupported { parameter });
    }
    let format = tools::format(request, ability, &mut dropped)?;
    let output_max = ability.output_max(request.max_tokens);
    let against = Against {
        answers_by_tool: matches!(format, Format::Tool { .. }),
        goes_on_from_nothing: conversation.continues_without_thinking(),
        is_prefilled: conversation.is_prefilled(),
    };
    let thinking = thinking::plan(request, ability, output_max, against, &mut dropped)?;
    let is_on = thinking.is_on();
    let mut plan = tools::plan(request, ability, &format, is_on, &mut names, &mut dropped)?;
    if plan.tools.is_empty() {
        plan.tools = tools::of_history(&conversation);
        if !plan.tools.is_empty() {
            plan.choice = Choice::None;
        }
    }
    cache::settle(request, ability, &mut plan.tools, &mut conversation);

    let mut body = Body::new(4_096, request, ability.endpoint);
    write_head(&mut body, request, ability, purpose)?;
    if !conversation.system.is_empty() {
        body.json("system", &wire::blocks(&conversation.system)?)?;
    }
    body.json("messages", &wire::turns(&conversation.turns)?)?;
    if !plan.tools.is_empty() {
        body.json("tools", &wire::tools(&plan.tools))?;
        if let Some(choice) = wire::choice(&plan.choice, plan.one_at_a_time) {
            body.json("tool_choice", &choice)?;
        }
    }
    write_thinking(&mut body, request, ability, thinking, &format, &mut dropped)?;
    if purpose == Purpose::Answer {
        write_rest(&mut body, request, ability, thinking, &mut dropped)?;
    }
    let mut betas = Vec::new();
    if refers_to_files(&conversation) {
        betas.push(FILES_BETA.to_owned());
    }
    let undo = Undo { names, answer: plan.answer, ..Undo::nothing() };
    Ok(Written { body: body.finish()?, betas, undo, dropped: dropped.into_names() })
}

/// What every body begins with.
pub(super) fn write_head(
    body: &mut Body<'_>,
    request: &ChatRequest,
    ability: Ability<'_>,
    purpose: Purpose,
) -> Result<(), EncodeError> {
    body.text("model", &ability.endpoint.upstream_model);
    if purpose == Purpose::Answer {
        body.json("max_tokens", &ability.output_max(request.max_tokens))?;
        body.raw("stream", "true");
    }
    Ok(())
}

fn refers_to_files(conversation: &Conversation<'_>) -> bool {
    let blocks = conversation.turns.iter().flat_map(|turn| &turn.blocks);
    blocks.into_iter().any(|block| {
        matches!(
            &block.kind,
            BlockKind::Image(Source::Id(_)) | BlockKind::Document { source: Source::Id(_), .. }
        )
    })
}

/// `thinking` and `output_config`, which holds both an effort and the form of the answer.
fn write_thinking(
    body: &mut Body<'_>,
    request: &ChatRequest,
    ability: Ability<'_>,
    thinking: Thinking,
    format: &Format<'_>,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    let mut output = WireOutput::default();
    if let Some(wire) = wire::thinking(thinking) {
        body.json("thinking", &wire)?;
    }
    if let Thinking::Adaptive(effort) = thinking {
        output.effort = Some(effort.as_str());
    }
    // How much to say and how hard to think are one dial here; thinking has the word.
    if let Some(verbosity) = request.text_parameter("verbosity") {
        match Effort::parse(&verbosity).filter(|_| ability.takes("verbosity")) {
            Some(effort) if output.effort.is_none() => output.effort = Some(effort.as_str()),
            _ => dropped.add("verbosity")?,
        }
    }
    if let Format::Native { schema, .. } = format {
        output.format = Some(WireFormat::JsonSchema { schema });
    }
    if output.effort.is_some() || output.format.is_some() {
        body.json("output_config", &output)?;
    }
    Ok(())
}

/// Sampling, stops, tier and user; what has no place here is dropped.
fn write_rest(
    body: &mut Body<'_>,
    request: &ChatRequest,
    ability: Ability<'_>,
    thinking: Thinking,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    let mut has_temperature = false;
    for (name, value) in &request.parameters {
        match name.as_str() {
            "temperature" if ability.takes(name) => {
                // A thinking model has one temperature, which need not be said.
                let number: f64 = serde_json::from_str(value.get()).unwrap_or(1.0);
                if !thinking.is_on() {
                    body.json(name, &Number(number.min(1.0), value))?;
                    has_temperature = true;
                } else if (number - 1.0).abs() > f64::EPSILON {
                    dropped.add(name)?;
                }
            }
            "top_k" if ability.takes(name) && !thinking.is_on() => write_top_k(body, value)?,
            // After temperature: only one of the two may be sent.
            "top_p" => {}
            name if SETTLED.contains(&name) => {}
            "logprobs" if value.get() == "false" => {}
            name => dropped.add(name)?,
        }
    }
    if let Some(value) = request.parameter("top_p") {
        if ability.takes("top_p") && !has_temperature && !thinking.is_on() {
            body.json("top_p", value)?;
        } else {
            dropped.add("top_p")?;
        }
    }
    if request.n.is_some_and(|choices| choices > 1) {
        dropped.add("n")?;
    }
    write_stops(body, request, ability, dropped)?;
    write_tier(body, request, dropped)?;
    if wants_more_than_text(request) {
        dropped.add("modalities")?;
    }
    write_user(body, request)
}

/// The end user, as a provider may know them.
pub(super) fn write_user(body: &mut Body<'_>, request: &ChatRequest) -> Result<(), EncodeError> {
    match &request.user {
        Some(user) => body.json("metadata", &json!({ "user_id": identity::end_user(user) })),
        None => Ok(()),
    }
}

/// A number as it was written, unless it had to be changed.
struct Number<'a>(f64, &'a RawValue);

impl Serialize for Number<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(number, written) = self;
        let is_unchanged = serde_json::from_str::<f64>(written.get())
            .is_ok_and(|value| value.to_bits() == number.to_bits());
        if is_unchanged { written.serialize(serializer) } else { number.serialize(serializer) }
    }
}

/// Zero switches it off, which is said by saying nothing.
fn write_top_k(body: &mut Body<'_>, value: &RawValue) -> Result<(), EncodeError> {
    match serde_json::from_str::<u64>(value.get()) {
        Ok(1..) => body.json("top_k", value),
        _ => Ok(()),
    }
}

fn write_stops(
    body: &mut Body<'_>,
    request: &ChatRequest,
    ability: Ability<'_>,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    let mut stops = request.stop_sequences();
    let asked = stops.len();
    // Blank sequences are refused.
    stops.retain(|stop| !stop.trim().is_empty() && ability.takes("stop"));
    if stops.len() < asked {
        dropped.add("stop")?;
    }
    if stops.is_empty() { Ok(()) } else { body.json("stop_sequences", &stops) }
}

fn write_tier(
    body: &mut Body<'_>,
    request: &ChatRequest,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    match request.text_parameter("service_tier").as_deref() {
        None => Ok(()),
        // Capacity that was bought ahead is used where there is some.
        Some("auto" | "priority") => body.json("service_tier", "auto"),
        Some("default" | "standard" | "standard_only") => {
            body.json("service_tier", "standard_only")
        }
        Some(_) => dropped.add("service_tier"),
    }
}

fn wants_more_than_text(request: &ChatRequest) -> bool {
    let list = request.parameter("modalities").map(RawValue::get);
    let list = list.and_then(|json| serde_json::from_str::<Vec<Value>>(json).ok());
    list.is_some_and(|list| list.iter().any(|modality| modality != "text"))
}
