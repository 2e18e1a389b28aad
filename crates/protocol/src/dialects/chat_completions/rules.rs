//! What each parameter may be, as a table.

use serde_json::value::RawValue;

use crate::dialects::check::{
    Rule, allow, check_cache_control, check_schema, integer_in, invalid, list, members, number_in,
    require, text,
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

pub(super) const EFFORTS: &[&str] = &["max", "xhigh", "high", "medium", "low", "minimal", "none"];

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
    ("tools", Fate::Kept, Rule::Custom(check_tools)),
    ("tool_choice", Fate::Kept, Rule::Custom(check_tool_choice)),
    ("parallel_tool_calls", Fate::Kept, Rule::Boolean),
    ("response_format", Fate::Kept, Rule::Custom(check_response_format)),
    ("structured_outputs", Fate::Kept, Rule::Boolean),
    ("prediction", Fate::Kept, Rule::Custom(check_prediction)),
    ("metadata", Fate::Kept, Rule::Custom(check_metadata)),
    ("modalities", Fate::Kept, Rule::Custom(check_modalities)),
    ("audio", Fate::Kept, Rule::Object),
    ("verbosity", Fate::Kept, Rule::OneOf(&["low", "medium", "high", "xhigh", "max"])),
    ("reasoning", Fate::Kept, Rule::Custom(check_reasoning)),
    ("reasoning_effort", Fate::Kept, Rule::OneOf(EFFORTS)),
    (
        "service_tier",
        Fate::Kept,
        Rule::OneOf(&["auto", "default", "flex", "priority", "scale", "fast", "ultrafast"]),
    ),
    ("prompt_cache_key", Fate::Kept, Rule::Text { characters_max: 1024 }),
    ("prompt_cache_options", Fate::Kept, Rule::Object),
    ("web_search_options", Fate::Kept, Rule::Object),
    ("cache_control", Fate::Kept, Rule::Custom(check_cache_control)),
    ("image_config", Fate::Kept, Rule::Object),
    ("route", Fate::Dropped, Rule::OneOf(&["fallback"])),
    ("transforms", Fate::Dropped, Rule::List),
    ("plugins", Fate::Dropped, Rule::List),
    ("preset", Fate::Dropped, Rule::Text { characters_max: 256 }),
    ("trace", Fate::Dropped, Rule::Object),
    ("usage", Fate::Dropped, Rule::Object),
    ("debug", Fate::Dropped, Rule::Object),
    ("stream_options", Fate::Dropped, Rule::Object),
    ("deferred_tools", Fate::Dropped, Rule::Object),
    ("max_tool_calls", Fate::Dropped, integer_in(1, 30)),
    ("stop_server_tools_when", Fate::Dropped, Rule::List),
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
    biases.iter().try_for_each(|(token, bias)| BIAS.check(&format!("{field}.{token}"), bias))
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
    if prediction.find("content").is_none() {
        return Err(invalid(&format!("{field}.content"), "must be text or a list of text parts"));
    }
    Ok(())
}

fn check_reasoning(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(reasoning) = members(raw) else {
        return Err(invalid(field, "must be an object such as `{\"effort\": \"medium\"}`"));
    };
    allow(&reasoning, field, "effort", &Rule::OneOf(EFFORTS))?;
    allow(&reasoning, field, "max_tokens", &integer_in(0, i64::from(u32::MAX)))?;
    allow(&reasoning, field, "exclude", &Rule::Boolean)?;
    allow(&reasoning, field, "enabled", &Rule::Boolean)?;
    allow(&reasoning, field, "summary", &Rule::OneOf(&["auto", "concise", "detailed"]))
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
            allow(&schema, &field, "strict", &Rule::Boolean)?;
            allow(&schema, &field, "schema", &Rule::Custom(check_schema))
        }
        Some("grammar") => {
            require(&format, field, "grammar", &Rule::Text { characters_max: usize::MAX })
        }
        _ => Ok(()),
    }
}

fn check_tools(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(tools) = list(raw) else {
        return Err(invalid(field, "must be a list of tools"));
    };
    tools
        .iter()
        .enumerate()
        .try_for_each(|(index, tool)| check_tool(&format!("{field}[{index}]"), tool))
}

fn check_tool(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(tool) = members(raw) else {
        return Err(invalid(field, "must be an object with a `type`"));
    };
    require(&tool, field, "type", &Rule::Text { characters_max: 128 })?;
    if tool.find("type").and_then(text).as_deref() != Some("function") {
        return Ok(());
    }
    let field = format!("{field}.function");
    let Some(function) = tool.find("function").and_then(members) else {
        return Err(invalid(&field, "must be an object with a `name`"));
    };
    require(&function, &field, "name", &Rule::Custom(check_function_name))?;
    allow(&function, &field, "description", &Rule::Text { characters_max: usize::MAX })?;
    allow(&function, &field, "parameters", &Rule::Custom(check_schema))?;
    allow(&function, &field, "strict", &Rule::Boolean)
}

fn check_function_name(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let valid = text(raw).is_some_and(|name| (1..=256).contains(&name.len()));
    if valid { Ok(()) } else { Err(invalid(field, "must be a name of 1 to 256 bytes")) }
}

fn check_tool_choice(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    if text(raw).is_some() {
        return Rule::OneOf(&["none", "auto", "required"]).check(field, raw);
    }
    let Some(choice) = members(raw) else {
        return Err(invalid(field, "must be `none`, `auto`, `required` or an object"));
    };
    require(&choice, field, "type", &Rule::Text { characters_max: 128 })?;
    if choice.find("type").and_then(text).as_deref() != Some("function") {
        return Ok(());
    }
    let field = format!("{field}.function");
    let Some(function) = choice.find("function").and_then(members) else {
        return Err(invalid(&field, "must be an object with a `name`"));
    };
    require(&function, &field, "name", &Rule::Custom(check_function_name))
}
