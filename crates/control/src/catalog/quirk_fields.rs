//! `[quirks]` of a provider or of one of its endpoints.

use domain::catalog::{Bounds, Quirks};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

use super::check;
use super::fields::{Fields, Values};

/// What `tool_choice` may be, and what `inline` may list.
const TOOL_CHOICES: [&str; 4] = ["auto", "none", "required", "named"];
const INLINE: [&str; 3] = ["image", "video", "file"];
const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

pub(super) fn read_quirks(fields: &Fields<'_>) -> Quirks {
    let names = |name: &str, value: &str| Ok((check::member(name)?, check::member(value)?));
    let one_of = |known: &'static [&'static str]| move |text: &str| check::one_of(text, known);
    Quirks {
        // Whether anybody speaks it is checked when sources are joined.
        dialect: fields.checked("dialect", check::member),
        rename: pairs(fields, "rename", Values::Text, names),
        clamp: pairs(fields, "clamp", Values::Json, bounds),
        unsupported: fields.checked_list("unsupported", path_of_member).unwrap_or_default(),
        accepts: fields.checked_list("accepts", path_of_member).unwrap_or_default(),
        defaults: pairs(fields, "defaults", Values::Json, json),
        body: pairs(fields, "body", Values::Json, json),
        headers: pairs(fields, "headers", Values::Text, header),
        no_stream_options: fields.flag("no_stream_options").unwrap_or_default(),
        no_developer_role: fields.flag("no_developer_role").unwrap_or_default(),
        max_tokens_name: fields.checked("max_tokens_name", check::member),
        chat_path: fields.checked("chat_path", path),
        api_version: fields.checked("api_version", check::member),
        reasoning: fields.checked("reasoning", word),
        reasoning_efforts: fields
            .checked_list("reasoning_efforts", one_of(&EFFORTS))
            .unwrap_or_default(),
        reasoning_budget: fields.checked("reasoning_budget", check::member),
        reasoning_replay: fields.checked("reasoning_replay", word),
        reasoning_format: fields.checked("reasoning_format", check::member),
        tool_choices: fields
            .checked_list("tool_choices", one_of(&TOOL_CHOICES))
            .unwrap_or_default(),
        tool_choice_required: fields.checked("tool_choice_required", check::member),
        tool_id_length: fields.count("tool_id_length").map(|length| length.value),
        prefill: fields.checked("prefill", word),
        cache_marks: fields.checked("cache_marks", word),
        cache_tokens_min: fields.count("cache_tokens_min").map(|tokens| tokens.value),
        inline: fields.checked_list("inline", one_of(&INLINE)).unwrap_or_default(),
        file_part: fields.checked("file_part", word),
        service_tiers: fields.checked_list("service_tiers", check::member).unwrap_or_default(),
    }
}

/// One of the words that a quirk may be.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::from(text)).map_err(|error| format!("is {error}"))
}

/// A field's name, or where it is: `tools.strict`.
fn path_of_member(text: &str) -> Result<String, String> {
    text.split('.').try_for_each(|name| check::member(name).map(drop))?;
    Ok(text.to_owned())
}

fn json(name: &str, value: &str) -> Result<(String, String), String> {
    serde_json::from_str::<serde_json::Value>(value)
        .map_err(|error| format!("must be JSON, strings in quotes inside the quotes: {error}"))?;
    Ok((check::member(name)?, value.to_owned()))
}

/// `"0..1"`: at least the one and at most the other.
fn bounds(name: &str, value: &str) -> Result<(String, Bounds), String> {
    let number = |text: &str| {
        let text = text.trim();
        let finite = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
        serde_json::from_str::<serde_json::Number>(text).ok()?;
        Some((text.to_owned(), finite))
    };
    let both = value.split_once("..").and_then(|(min, max)| number(min).zip(number(max)));
    match both.filter(|((_, min), (_, max))| min <= max) {
        Some(((min, _), (max, _))) => Ok((check::member(name)?, Bounds { min, max })),
        None => Err(format!("must be two numbers such as \"0..1\", not `{value}`")),
    }
}

fn header(name: &str, value: &str) -> Result<(String, String), String> {
    let name = check::header_name(name)?;
    if ["authorization", "host", "content-length", "content-type"].contains(&name.as_str()) {
        return Err("is not for this header; see `auth` and `credential_env`".to_owned());
    }
    Ok((name, check::header_value(value)?))
}

fn path(text: &str) -> Result<String, String> {
    if text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("must be a path that begins with `/`".to_owned())
    }
}

fn pairs<T>(
    fields: &Fields<'_>,
    key: &'static str,
    values: Values,
    check: impl Fn(&str, &str) -> Result<(String, T), String>,
) -> BTreeMap<String, T> {
    let mut map = BTreeMap::new();
    for (name, value) in fields.texts_by_name(key, values) {
        match check(&name.value, &value.value) {
            Ok((name, value)) => {
                map.insert(name, value);
            }
            Err(reason) => {
                fields.report(&value.place, format!("`{key}.{}` {reason}", name.value));
            }
        }
    }
    map
}
