//! What each parameter may be, and where it goes, as a table.

use serde_json::value::RawValue;

use crate::dialects::check::{
    Rule, allow, check_cache_control, integer_in, invalid, list, members, number_in, text,
};
use crate::error::PublicError;

/// Where a parameter goes once it is known to be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is called the same everywhere.
    Shared,
    /// It is not of OpenAI's Responses, but of what we add to them.
    Added,
    /// It is of OpenAI's Responses alone.
    Native,
    /// It speaks to us and has nothing more to say.
    Dropped,
}

const fn any_text() -> Rule {
    Rule::Text { characters_max: usize::MAX }
}

const EFFORTS: Rule = Rule::OneOf(&["max", "xhigh", "high", "medium", "low", "minimal", "none"]);

/// Every parameter that is known and not interpreted while decoding.
static RULES: &[(&str, Fate, Rule)] = &[
    ("temperature", Fate::Shared, number_in(0.0, 2.0)),
    ("top_p", Fate::Shared, number_in(0.0, 1.0)),
    ("top_logprobs", Fate::Shared, integer_in(0, 20)),
    ("parallel_tool_calls", Fate::Shared, Rule::Boolean),
    ("metadata", Fate::Shared, Rule::Custom(check_metadata)),
    (
        "service_tier",
        Fate::Shared,
        Rule::OneOf(&["auto", "default", "flex", "priority", "scale", "fast", "ultrafast"]),
    ),
    ("prompt_cache_key", Fate::Shared, Rule::Text { characters_max: 1024 }),
    ("prompt_cache_options", Fate::Shared, Rule::Object),
    ("prompt_cache_retention", Fate::Shared, Rule::OneOf(&["in-memory", "in_memory", "24h"])),
    ("safety_identifier", Fate::Shared, Rule::Text { characters_max: 512 }),
    ("max_tool_calls", Fate::Native, integer_in(1, i64::MAX)),
    ("top_k", Fate::Added, integer_in(0, i64::MAX)),
    ("min_p", Fate::Added, number_in(0.0, 1.0)),
    ("top_a", Fate::Added, number_in(0.0, 1.0)),
    ("frequency_penalty", Fate::Added, number_in(-2.0, 2.0)),
    ("presence_penalty", Fate::Added, number_in(-2.0, 2.0)),
    ("repetition_penalty", Fate::Added, number_in(0.0, 2.0)),
    ("seed", Fate::Added, integer_in(i64::MIN, i64::MAX)),
    ("stop", Fate::Added, Rule::Custom(check_stop)),
    ("modalities", Fate::Added, Rule::Custom(check_modalities)),
    ("image_config", Fate::Added, Rule::Object),
    ("cache_control", Fate::Added, Rule::Custom(check_cache_control)),
    ("plugins", Fate::Dropped, Rule::List),
    ("preset", Fate::Dropped, Rule::Text { characters_max: 256 }),
    ("trace", Fate::Dropped, Rule::Object),
    ("debug", Fate::Dropped, Rule::Object),
    ("stop_server_tools_when", Fate::Dropped, Rule::List),
    ("deferred_tools", Fate::Dropped, Rule::Object),
    ("stream_options", Fate::Dropped, Rule::Object),
    ("route", Fate::Dropped, Rule::OneOf(&["fallback"])),
    ("transforms", Fate::Dropped, Rule::List),
];

/// Checks a parameter that is not null. What is not in the table is OpenAI's to know.
pub(super) fn check(name: &str, raw: &RawValue) -> Result<Fate, PublicError> {
    let Some((_, fate, rule)) = RULES.iter().find(|(known, _, _)| *known == name) else {
        return Ok(Fate::Native);
    };
    rule.check(name, raw).map(|()| *fate)
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

fn check_stop(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let valid = text(raw).is_some()
        || list(raw)
            .is_some_and(|stops| stops.len() <= 4 && stops.iter().all(|stop| text(stop).is_some()));
    if valid { Ok(()) } else { Err(invalid(field, "must be text or a list of at most 4 texts")) }
}

fn check_modalities(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    const MODALITY: Rule = Rule::OneOf(&["text", "image"]);
    let Some(modalities) = list(raw) else {
        return Err(invalid(field, "must be a list of `text` and `image`"));
    };
    modalities
        .iter()
        .enumerate()
        .try_for_each(|(index, modality)| MODALITY.check(&format!("{field}[{index}]"), modality))
}

/// Members of `reasoning` that are not OpenAI's.
pub(super) const REASONING_ADDED: [&str; 3] = ["max_tokens", "enabled", "exclude"];

pub(super) fn check_reasoning(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    const SUMMARIES: Rule = Rule::OneOf(&["auto", "concise", "detailed"]);
    let Some(reasoning) = members(raw) else {
        return Err(invalid(field, "must be an object such as `{\"effort\": \"medium\"}`"));
    };
    allow(&reasoning, field, "effort", &EFFORTS)?;
    allow(&reasoning, field, "max_tokens", &integer_in(0, i64::from(u32::MAX)))?;
    allow(&reasoning, field, "exclude", &Rule::Boolean)?;
    allow(&reasoning, field, "enabled", &Rule::Boolean)?;
    allow(&reasoning, field, "summary", &SUMMARIES)?;
    allow(&reasoning, field, "generate_summary", &SUMMARIES)?;
    allow(&reasoning, field, "context", &Rule::OneOf(&["auto", "all_turns", "current_turn"]))?;
    allow(&reasoning, field, "mode", &Rule::OneOf(&["standard", "pro"]))
}

/// Whether `include` asks for the probabilities of tokens; the rest is for upstreams of this
/// dialect, or is always sent.
pub(super) fn includes_logprobs(field: &str, raw: &RawValue) -> Result<bool, PublicError> {
    let Some(names) = list(raw) else {
        return Err(invalid(field, "must be a list such as `[\"reasoning.encrypted_content\"]`"));
    };
    let mut asked = false;
    for (index, name) in names.iter().enumerate() {
        let name =
            text(name).ok_or_else(|| invalid(&format!("{field}[{index}]"), "must be text"))?;
        asked |= name == "message.output_text.logprobs";
    }
    Ok(asked)
}

/// What cannot be had here is refused: to ignore it would break a promise.
pub(super) fn refuse(name: &str, raw: &RawValue) -> Result<(), PublicError> {
    let demand = match name {
        "background" if raw.get() == "false" => return Ok(()),
        "background" => "must be `false` or left out: answers are given while the caller waits",
        "conversation" => {
            "is not kept here: send the conversation in `input`, or continue a stored response by \
             `previous_response_id`"
        }
        "prompt" => "is not kept here: send its text in `instructions` and `input`",
        _ => return Ok(()),
    };
    Err(invalid(name, demand))
}

/// Not in the table, but checked like its rows.
pub(super) const INSTRUCTIONS: Rule = any_text();
