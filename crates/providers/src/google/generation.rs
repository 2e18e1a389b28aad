//! `generationConfig`: how an answer is drawn, and what form it has.

use domain::catalog::{Endpoint, PARAMETERS, Quirks};
use protocol::chat::request::ChatRequest;
use protocol::chat::view::{ResponseFormat, ToolChoice};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::wire::{GenerationConfig, ImageConfig, PrebuiltVoice, SpeechConfig, VoiceConfig};
use super::{schema, thinking};
use crate::dropped::Dropped;
use crate::error::EncodeError;

/// More sequences are refused.
const STOP_SEQUENCES_MAX: usize = 5;

/// Parameters that are written elsewhere, or say nothing that Google would have to know.
const ELSEWHERE: [&str; 13] = [
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "web_search_options",
    "reasoning",
    "reasoning_effort",
    "include_reasoning",
    "structured_outputs",
    "metadata",
    "cache_control",
    "top_logprobs",
    "prompt_cache_key",
    "stream_options",
];

/// Whether an endpoint takes a parameter, by its public name.
pub(super) fn takes(endpoint: &Endpoint, name: &str) -> bool {
    let refuses = |quirks: &Quirks| quirks.unsupported.iter().any(|known| known == name);
    if refuses(&endpoint.quirks) || refuses(&endpoint.provider.quirks) {
        return false;
    }
    if !PARAMETERS.contains(&name) || endpoint.supports(name) {
        return true;
    }
    match name {
        "parallel_tool_calls" | "tool_choice" => endpoint.supports("tools"),
        "top_logprobs" => endpoint.supports("logprobs"),
        "response_format" => endpoint.supports("structured_outputs"),
        "max_tokens" => endpoint.supports("max_completion_tokens"),
        "reasoning_effort" => endpoint.supports("reasoning"),
        _ => false,
    }
}

pub(super) fn write<'a>(
    request: &'a ChatRequest,
    endpoint: &Endpoint,
    has_functions: bool,
    dropped: &mut Dropped,
) -> Result<GenerationConfig<'a>, EncodeError> {
    let mut config = GenerationConfig {
        thinking_config: thinking::write(request, endpoint, dropped)?,
        ..GenerationConfig::default()
    };
    if let Some(limit) = request.max_tokens {
        if takes(endpoint, "max_tokens") {
            config.max_output_tokens = Some(limit);
        } else {
            dropped.add("max_tokens")?;
        }
    }
    if let Some(choices) = request.n.filter(|choices| *choices > 1) {
        if takes(endpoint, "n") {
            config.candidate_count = Some(choices);
        } else {
            dropped.add("n")?;
        }
    }
    for (name, value) in &request.parameters {
        if ELSEWHERE.contains(&name.as_str()) {
            continue;
        }
        let is_written = takes(endpoint, name)
            && write_parameter(&mut config, request, name, value, (has_functions, endpoint));
        if !is_written {
            dropped.add(name)?;
        }
    }
    if stop_sequences(request).nth(STOP_SEQUENCES_MAX).is_some() {
        dropped.add("stop")?;
    }
    Ok(config)
}

/// Writes one parameter. `false` where Google has no form for it.
fn write_parameter<'a>(
    config: &mut GenerationConfig<'a>,
    request: &'a ChatRequest,
    name: &str,
    value: &'a RawValue,
    (has_functions, endpoint): (bool, &Endpoint),
) -> bool {
    if value.get() == "null" {
        return true;
    }
    match name {
        "temperature" => config.temperature = Some(value),
        "top_p" => config.top_p = Some(value),
        // Zero is our word for no bound, and refused there.
        "top_k" => config.top_k = Some(value).filter(|value| value.get() != "0"),
        "presence_penalty" => config.presence_penalty = Some(value),
        "frequency_penalty" => config.frequency_penalty = Some(value),
        "seed" => {
            config.seed = request.integer_parameter("seed").and_then(|seed| seed.try_into().ok());
            return config.seed.is_some();
        }
        "stop" => {
            config.stop_sequences = stop_sequences(request).take(STOP_SEQUENCES_MAX).collect();
        }
        "logprobs" => {
            config.response_logprobs = request.bool_parameter("logprobs") == Some(true);
            if config.response_logprobs {
                config.logprobs = request.integer_parameter("top_logprobs").filter(|n| *n > 0);
            }
        }
        "response_format" => return write_format(config, request, has_functions, endpoint),
        "modalities" => config.response_modalities = modalities(value),
        "audio" => return write_voice(config, value),
        "image_config" => return write_image(config, value),
        _ => return false,
    }
    true
}

fn stop_sequences(request: &ChatRequest) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
    request.stop_sequences().into_iter().filter(|sequence| !sequence.is_empty())
}

/// JSON, with or without a schema. Models before the third generation refuse it beside functions.
fn write_format<'a>(
    config: &mut GenerationConfig<'a>,
    request: &'a ChatRequest,
    has_functions: bool,
    endpoint: &Endpoint,
) -> bool {
    let Some(format) = request.response_format() else { return true };
    let schema = match format {
        ResponseFormat::Text => return true,
        ResponseFormat::Other(_) => return false,
        ResponseFormat::JsonObject => None,
        ResponseFormat::JsonSchema { schema, .. } => schema,
    };
    if has_functions && !thinking::takes_levels(endpoint) {
        return false;
    }
    config.response_mime_type = Some("application/json");
    config.response_json_schema = schema.map(schema::write);
    true
}

/// Whether the functions may be called at all.
pub(super) fn may_call(request: &ChatRequest) -> bool {
    request.tool_choice() != Some(ToolChoice::None)
}

/// What the answer may consist of; text alone needs no mention.
fn modalities(value: &RawValue) -> Vec<&'static str> {
    let names: Vec<String> = serde_json::from_str(value.get()).unwrap_or_default();
    let list: Vec<&'static str> = names
        .iter()
        .filter_map(|name| match name.as_str() {
            "text" => Some("TEXT"),
            "image" => Some("IMAGE"),
            "audio" => Some("AUDIO"),
            _ => None,
        })
        .collect();
    if list == ["TEXT"] { Vec::new() } else { list }
}

/// Sound comes as 16-bit samples and nothing else.
fn write_voice<'a>(config: &mut GenerationConfig<'a>, value: &'a RawValue) -> bool {
    #[derive(Deserialize)]
    struct Audio<'a> {
        #[serde(borrow)]
        voice: Option<&'a RawValue>,
        format: Option<String>,
    }
    let Ok(audio) = serde_json::from_str::<Audio<'a>>(value.get()) else { return false };
    if let Some(voice_name) = audio.voice {
        let prebuilt_voice_config = PrebuiltVoice { voice_name };
        let voice_config = VoiceConfig { prebuilt_voice_config };
        config.speech_config = Some(SpeechConfig { voice_config });
    }
    audio.format.is_none_or(|format| format == "pcm16")
}

fn write_image<'a>(config: &mut GenerationConfig<'a>, value: &'a RawValue) -> bool {
    #[derive(Deserialize)]
    struct Image<'a> {
        #[serde(borrow)]
        aspect_ratio: Option<&'a RawValue>,
        #[serde(borrow)]
        image_size: Option<&'a RawValue>,
    }
    let Ok(image) = serde_json::from_str::<Image<'a>>(value.get()) else { return false };
    let Image { aspect_ratio, image_size } = image;
    config.image_config = Some(ImageConfig { aspect_ratio, image_size });
    true
}
