//! What each parameter may be, as a table.

use serde_json::value::RawValue;

use super::{ours, tools};
use crate::dialects::check::{
    ANY_TEXT, Rule, allow, check_cache_control, check_schema, integer_in, invalid, list, members,
    number, number_in, require, text,
};
use crate::error::PublicError;

/// What is done with a parameter once it is known to be right.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays in the request, verbatim.
    Kept,
    /// It speaks to us alone and has nothing more to say: it is not passed on.
    Dropped,
}

const EFFORTS: &[&str] = &["max", "xhigh", "high", "medium", "low", "minimal", "none"];

/// Every parameter that is known and not interpreted while decoding.
static RULES: &[(&str, Fate, Rule)] = &[
    ("temperature", Fate::Kept, number_in(0.0, 2.0)),
    ("top_p", Fate::Kept, number_in(0.0, 1.0)),
    ("top_k", Fate::Kept, integer_in(0, i64::MAX)),
    ("min_p", Fate::Kept, number_in(0.0, 1.0)),
    ("top_a", Fate::Kept, number_in(0.0, 1.0)),
    ("frequency_penalty", Fate::Kept, number_in(-2.0, 2.0)),
    ("presence_penalty", Fate::Kept, number_in(-2.0, 2.0)),
    ("repetition_penalty", Fate::Kept, number_in(0.0, 2.0)),
    ("seed", Fate::Kept, integer_in(i64::MIN, i64::MAX)),
    ("logit_bias", Fate::Kept, Rule::Custom(check_logit_bias)),
    ("logprobs", Fate::Kept, Rule::Boolean),
    ("top_logprobs", Fate::Kept, integer_in(0, 20)),
    ("stop", Fate::Kept, Rule::Custom(check_stop)),
    ("tools", Fate::Kept, Rule::Custom(tools::check_tools)),
    ("tool_choice", Fate::Kept, Rule::Custom(tools::check_tool_choice)),
    ("parallel_tool_calls", Fate::Kept, Rule::Boolean),
    ("response_format", Fate::Kept, Rule::Custom(check_response_format)),
    ("structured_outputs", Fate::Kept, Rule::Boolean),
    ("prediction", Fate::Kept, Rule::Custom(check_prediction)),
    ("metadata", Fate::Kept, Rule::Custom(check_metadata)),
    ("modalities", Fate::Kept, Rule::Custom(check_modalities)),
    ("audio", Fate::Kept, Rule::Custom(check_audio)),
    ("verbosity", Fate::Kept, Rule::OneOf(&["low", "medium", "high", "xhigh", "max"])),
    ("reasoning", Fate::Kept, Rule::Custom(check_reasoning)),
    ("reasoning_effort", Fate::Kept, Rule::OneOf(EFFORTS)),
    (
        "service_tier",
        Fate::Kept,
        Rule::OneOf(&["auto", "default", "flex", "priority", "scale", "fast", "ultrafast"]),
    ),
    ("prompt_cache_key", Fate::Kept, Rule::Text { characters_max: 1024 }),
    ("prompt_cache_options", Fate::Kept, Rule::Custom(check_cache_options)),
    ("web_search_options", Fate::Kept, Rule::Custom(check_web_search)),
    ("cache_control", Fate::Kept, Rule::Custom(check_cache_control)),
    ("image_config", Fate::Kept, Rule::Custom(check_image_config)),
    ("route", Fate::Dropped, Rule::OneOf(&["fallback"])),
    ("transforms", Fate::Dropped, Rule::Custom(ours::check_transforms)),
    ("plugins", Fate::Dropped, Rule::Custom(ours::check_plugins)),
    ("preset", Fate::Dropped, Rule::Text { characters_max: 256 }),
    ("trace", Fate::Dropped, Rule::Custom(ours::check_trace)),
    ("usage", Fate::Dropped, Rule::Custom(ours::check_usage)),
    ("debug", Fate::Dropped, Rule::Custom(ours::check_debug)),
    ("stream_options", Fate::Dropped, Rule::Custom(ours::check_stream_options)),
    ("deferred_tools", Fate::Dropped, Rule::Custom(ours::check_deferred_tools)),
    ("max_tool_calls", Fate::Dropped, integer_in(1, 30)),
    ("stop_server_tools_when", Fate::Dropped, Rule::Custom(ours::check_stop_conditions)),
    ("x_search_filter", Fate::Dropped, Rule::Object),
];

/// Checks a parameter that is not null. What is not in the table is kept as it is.
pub(super) fn check(name: &str, raw: &RawValue) -> Result<Fate, PublicError> {
    let Some((_, fate, rule)) = RULES.iter().find(|(known, _, _)| *known == name) else {
        return Ok(Fate::Kept);
    };
    rule.check(name, raw).map(|()| *fate)
}

/// Whether a parameter is in the table: its null means that it is absent.
pub(super) fn is_known(name: &str) -> bool {
    RULES.iter().any(|(known, _, _)| *known == name)
}

fn check_stop(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let valid = text(raw).is_some()
        || list(raw)
            .is_some_and(|stops| stops.len() <= 4 && stops.iter().all(|stop| text(stop).is_some()));
    if valid { Ok(()) } else { Err(invalid(field, "must be text or a list of at most 4 texts")) }
}

fn check_logit_bias(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    const BIAS: Rule = number_in(-100.0, 100.0);
    let Some(biases) = members(raw) else {
        return Err(invalid(field, "must be an object of token ids to numbers from -100 to 100"));
    };
    biases.iter().try_for_each(|(token, bias)| {
        let field = format!("{field}.{token}");
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid(&field, "must be named by a token id, such as `50256`"));
        }
        BIAS.check(&field, bias)
    })
}

fn check_metadata(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    const VALUE: Rule = Rule::Text { characters_max: 512 };
    let Some(pairs) = members(raw).filter(|pairs| pairs.len() <= 16) else {
        return Err(invalid(field, "must be an object of at most 16 texts"));
    };
    pairs.iter().try_for_each(|(name, value)| {
        if name.chars().count() > 64 {
            return Err(invalid(field, "must have names of at most 64 characters"));
        }
        VALUE.check(&format!("{field}.{name}"), value)
    })
}

fn check_modalities(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    const MODALITY: Rule = Rule::OneOf(&["text", "image", "audio"]);
    let Some(modalities) = list(raw) else {
        return Err(invalid(field, "must be a list of `text`, `image` or `audio`"));
    };
    modalities
        .iter()
        .enumerate()
        .try_for_each(|(index, modality)| MODALITY.check(&format!("{field}[{index}]"), modality))
}

fn check_prediction(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(prediction) = members(raw) else {
        return Err(invalid(field, "must be an object with `type` and `content`"));
    };
    require(&prediction, field, "type", &Rule::OneOf(&["content"]))?;
    let is_said = prediction.find("content").is_some_and(|content| {
        text(content).is_some() || list(content).is_some_and(|parts| parts.iter().all(is_text_part))
    });
    if is_said {
        return Ok(());
    }
    Err(invalid(&format!("{field}.content"), "must be text or a list of text parts"))
}

fn is_text_part(part: &&RawValue) -> bool {
    members(part).is_some_and(|part| {
        part.find("type").and_then(text).as_deref() == Some("text")
            && part.find("text").and_then(text).is_some()
    })
}

fn check_audio(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    const FORMATS: Rule = Rule::OneOf(&["wav", "mp3", "flac", "opus", "aac", "pcm16"]);
    let Some(audio) = members(raw) else {
        return Err(invalid(field, "must be an object with `voice` and `format`"));
    };
    require(&audio, field, "format", &FORMATS)?;
    // A voice of one's own is named by an object.
    match audio.find("voice") {
        Some(voice) if voice.get().starts_with('{') => Ok(()),
        _ => require(&audio, field, "voice", &Rule::Text { characters_max: 256 }),
    }
}

fn check_cache_options(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(options) = members(raw) else {
        return Err(invalid(field, "must be an object with the `mode` `explicit`"));
    };
    require(&options, field, "mode", &Rule::OneOf(&["explicit"]))?;
    allow(&options, field, "ttl", &Rule::OneOf(&["30m", "12h"]))
}

fn check_web_search(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(options) = members(raw) else {
        return Err(invalid(field, "must be an object"));
    };
    allow(&options, field, "search_context_size", &Rule::OneOf(&["low", "medium", "high"]))?;
    allow(&options, field, "user_location", &Rule::Object)
}

fn check_image_config(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(options) = members(raw) else {
        return Err(invalid(field, "must be an object"));
    };
    options.iter().try_for_each(|(name, value)| {
        let fits = matches!(value.get(), "null")
            || text(value).is_some()
            || number(value).is_some()
            || list(value).is_some();
        let field = format!("{field}.{name}");
        if fits { Ok(()) } else { Err(invalid(&field, "must be text, a number or a list")) }
    })
}

fn check_reasoning(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(reasoning) = members(raw) else {
        return Err(invalid(field, "must be an object such as `{\"effort\": \"medium\"}`"));
    };
    allow(&reasoning, field, "effort", &Rule::OneOf(EFFORTS))?;
    allow(&reasoning, field, "max_tokens", &integer_in(0, i64::from(u32::MAX)))?;
    allow(&reasoning, field, "exclude", &Rule::Boolean)?;
    allow(&reasoning, field, "enabled", &Rule::Boolean)?;
    allow(&reasoning, field, "summary", &Rule::OneOf(&["auto", "concise", "detailed"]))?;
    allow(&reasoning, field, "context", &Rule::OneOf(&["auto", "all_turns", "current_turn"]))?;
    allow(&reasoning, field, "mode", &Rule::OneOf(&["standard", "pro"]))
}

fn check_response_format(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    const TYPES: Rule = Rule::OneOf(&["text", "json_object", "json_schema", "grammar", "python"]);
    let Some(format) = members(raw) else {
        return Err(invalid(field, "must be an object with a `type`"));
    };
    require(&format, field, "type", &TYPES)?;
    match format.find("type").and_then(text).as_deref() {
        Some("json_schema") => {
            let field = format!("{field}.json_schema");
            let Some(schema) = format.find("json_schema").and_then(members) else {
                return Err(invalid(&field, "must be an object with `name` and `schema`"));
            };
            require(&schema, &field, "name", &Rule::Text { characters_max: 64 })?;
            allow(&schema, &field, "description", &ANY_TEXT)?;
            allow(&schema, &field, "strict", &Rule::Boolean)?;
            allow(&schema, &field, "schema", &Rule::Custom(check_schema))
        }
        Some("grammar") => require(&format, field, "grammar", &ANY_TEXT),
        _ => Ok(()),
    }
}
