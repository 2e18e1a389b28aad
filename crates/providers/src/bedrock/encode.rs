//! A canonical request to an upstream request.

use std::fmt::Write as _;

use protocol::chat::request::{ChatRequest, Kind};
use serde_json::{Map, Value, json};

use super::decode::StreamDecoder;
use super::family::{self, Family};
use super::wire::{self, WireInference, Writer};
use crate::adapter::{Encoded, Target};
use crate::body::{self, Body};
use crate::dropped::Dropped;
use crate::error::EncodeError;
use crate::turns::ability::Ability;
use crate::turns::emit::Undo;
use crate::turns::names::Names;
use crate::turns::thinking::{Against, Thinking};
use crate::turns::tools::{self, Choice, Format};
use crate::turns::{Conversation, cache};

/// The longest name of a function.
const NAME_BYTES_MAX: usize = 64;
/// The media type of Amazon's event stream.
const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";
/// Where Claude says which stop sequence it met.
const STOP_SEQUENCE_PATH: &str = "/stop_sequence";

/// Parameters that are ours, or that are read where they matter.
const SETTLED: [&str; 13] = [
    "cache_control",
    "include_reasoning",
    "metadata",
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
];

pub(super) fn encode(request: &ChatRequest, target: &Target<'_>) -> Result<Encoded, EncodeError> {
    if !matches!(request.kind, Kind::Chat) {
        return Err(EncodeError::Unsupported { parameter: "input".to_owned() });
    }
    let ability = Ability::of(target.endpoint);
    let family = Family::of(&target.endpoint.upstream_model);
    let mut dropped = Dropped::translated(request)?;
    let mut names = Names::new(NAME_BYTES_MAX);
    let mut conversation = Conversation::of(request, family.thoughts(), &mut names)?;
    if conversation.is_prefilled() && ability.refuses_prefill() {
        let parameter = format!("messages[{}].role", request.messages.len().saturating_sub(1));
        return Err(EncodeError::Unsupported { parameter });
    }
    let format = tools::format(request, ability, &mut dropped)?;
    let against = Against {
        answers_by_tool: matches!(format, Format::Tool { .. }),
        goes_on_from_nothing: conversation.continues_without_thinking(),
        is_prefilled: conversation.is_prefilled(),
    };
    let mut extra = Map::new();
    let thinking = family::think(request, ability, family, against, &mut extra, &mut dropped)?;
    let is_on = thinking.is_on();
    let mut plan = tools::plan(request, ability, &format, is_on, &mut names, &mut dropped)?;
    settle_choice(&mut plan, &conversation, &mut dropped)?;
    cache::settle(request, ability, &mut plan.tools, &mut conversation);

    let mut body = Body::new(4_096, request, target.endpoint);
    let mut writer = Writer::default();
    body.json("messages", &writer.turns(&conversation.turns)?)?;
    if !conversation.system.is_empty() {
        body.json("system", &writer.blocks(&conversation.system)?)?;
    }
    if !plan.tools.is_empty() {
        body.json("toolConfig", &wire::tool_config(&plan.tools, &plan.choice))?;
    }
    if let Some(output) = wire::output_config(&format) {
        body.json("outputConfig", &output)?;
    }
    let inference = inference(request, ability, family, thinking, &mut extra, &mut dropped)?;
    body.json("inferenceConfig", &inference)?;
    if !extra.is_empty() {
        body.json("additionalModelRequestFields", &extra)?;
    }
    if family == Family::Claude && !inference.stop_sequences.is_empty() {
        body.json("additionalModelResponseFieldPaths", &[STOP_SEQUENCE_PATH])?;
    }
    write_tier(&mut body, request, ability, &mut dropped)?;

    let model = path_segment(&target.endpoint.upstream_model);
    let path = ability.quirks.chat_path().unwrap_or("/model/{model}/converse-stream");
    let base = target.base_url.trim_end_matches('/');
    let address = format!("{base}{}", path.replace("{model}", &model));
    let upstream = body::post(address, body.finish()?, EVENT_STREAM, ability.quirks)?;
    let undo = Undo { names, answer: plan.answer, format: family.reasoning_format() };
    let decoder = Box::new(StreamDecoder::new(undo));
    Ok(Encoded { request: upstream, decoder, dropped: dropped.into_names() })
}

/// A model's id in a path: some hold colons, and addresses of profiles hold slashes.
fn path_segment(model: &str) -> String {
    let mut out = String::with_capacity(model.len() + 8);
    for byte in model.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// There is no way to offer tools and forbid their use, nor to ask for one call at a time.
fn settle_choice(
    plan: &mut tools::Plan<'_>,
    conversation: &Conversation<'_>,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    let history = tools::of_history(conversation);
    if plan.choice == Choice::None {
        if history.is_empty() {
            plan.tools.clear();
        } else {
            // Calls in the conversation cannot be sent without the tools that were called.
            dropped.add("tool_choice")?;
        }
    } else if plan.tools.is_empty() {
        plan.tools = history;
    }
    if plan.one_at_a_time && !plan.tools.is_empty() {
        dropped.add("parallel_tool_calls")?;
    }
    Ok(())
}

/// Sampling and stops; what has no place here is dropped.
fn inference<'a>(
    request: &'a ChatRequest,
    ability: Ability<'_>,
    family: Family,
    thinking: Thinking,
    extra: &mut Map<String, Value>,
    dropped: &mut Dropped,
) -> Result<WireInference<'a>, EncodeError> {
    let number = |name: &str| {
        let number: Option<f64> =
            request.parameter(name).and_then(|raw| serde_json::from_str(raw.get()).ok());
        number.map(|number| number.min(1.0))
    };
    let mut inference = WireInference {
        max_tokens: ability.output_max(request.max_tokens),
        temperature: None,
        top_p: None,
        stop_sequences: Vec::new(),
    };
    let may_sample = |name: &str| ability.takes(name) && !thinking.is_on();
    for (name, value) in &request.parameters {
        match name.as_str() {
            "temperature" if may_sample(name) => inference.temperature = number(name),
            // A model that thinks has this temperature, which need not be said.
            "temperature" if ability.takes(name) && number(name) == Some(1.0) => {}
            "top_p" if may_sample(name) => inference.top_p = number(name),
            "top_k" if may_sample(name) => match serde_json::from_str::<u64>(value.get()) {
                Ok(count @ 1..) if !family::top_k(family, count, extra) => dropped.add(name)?,
                // Zero switches it off, which is said by saying nothing.
                Ok(_) | Err(_) => {}
            },
            name if SETTLED.contains(&name) => {}
            "parallel_tool_calls" | "logprobs" | "modalities" if is_usual(name, value.get()) => {}
            name => dropped.add(name)?,
        }
    }
    // Claude takes one of the two.
    if family == Family::Claude && inference.temperature.is_some() && inference.top_p.is_some() {
        inference.top_p = None;
        dropped.add("top_p")?;
    }
    if request.n.is_some_and(|choices| choices > 1) {
        dropped.add("n")?;
    }
    let stops = request.stop_sequences();
    let asked = stops.len();
    inference.stop_sequences =
        stops.into_iter().filter(|stop| !stop.trim().is_empty() && ability.takes("stop")).collect();
    if inference.stop_sequences.len() < asked {
        dropped.add("stop")?;
    }
    Ok(inference)
}

/// Whether a parameter asks for what is done anyway. Whether calls come one at a time is told
/// elsewhere.
fn is_usual(name: &str, json: &str) -> bool {
    match name {
        "logprobs" => json == "false",
        "modalities" => {
            let list: Vec<Value> = serde_json::from_str(json).unwrap_or_default();
            list.iter().all(|modality| modality == "text")
        }
        _ => true,
    }
}

fn write_tier(
    body: &mut Body<'_>,
    request: &ChatRequest,
    ability: Ability<'_>,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    match request.text_parameter("service_tier").as_deref() {
        None | Some("auto" | "default") => Ok(()),
        Some(tier) if ability.quirks.knows_service_tier(tier) => {
            body.json("serviceTier", &json!({ "type": tier }))
        }
        Some(_) => dropped.add("service_tier"),
    }
}
