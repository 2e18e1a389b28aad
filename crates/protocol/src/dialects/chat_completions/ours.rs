//! Parameters that speak to us and not to a provider: checked, and not passed on.

use serde_json::value::RawValue;

use crate::dialects::check::{
    Members, Rule, allow, integer_in, invalid, list, members, number_in, require, text,
};
use crate::error::PublicError;

/// More entries than this are a mistake.
const ENTRIES_MAX: usize = 64;

const LABEL: Rule = Rule::Text { characters_max: 1024 };

fn object<'a>(field: &str, raw: &'a RawValue) -> Result<Members<'a>, PublicError> {
    members(raw).ok_or_else(|| invalid(field, "must be an object"))
}

fn entries<'a>(field: &str, raw: &'a RawValue) -> Result<Vec<&'a RawValue>, PublicError> {
    list(raw)
        .filter(|entries| entries.len() <= ENTRIES_MAX)
        .ok_or_else(|| invalid(field, &format!("must be a list of at most {ENTRIES_MAX} entries")))
}

pub(super) fn check_transforms(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let known = Rule::OneOf(&["middle-out"]);
    entries(field, raw)?
        .iter()
        .enumerate()
        .try_for_each(|(index, name)| known.check(&format!("{field}[{index}]"), name))
}

pub(super) fn check_plugins(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    for (index, plugin) in entries(field, raw)?.into_iter().enumerate() {
        let field = format!("{field}[{index}]");
        let Some(plugin) = members(plugin) else {
            return Err(invalid(&field, "must be an object with an `id`"));
        };
        require(&plugin, &field, "id", &Rule::Text { characters_max: 128 })?;
        allow(&plugin, &field, "enabled", &Rule::Boolean)?;
    }
    Ok(())
}

pub(super) fn check_trace(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let trace = object(field, raw)?;
    ["trace_id", "trace_name", "span_name", "generation_name", "parent_span_id"]
        .iter()
        .try_for_each(|name| allow(&trace, field, name, &LABEL))
}

pub(super) fn check_usage(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    allow(&object(field, raw)?, field, "include", &Rule::Boolean)
}

pub(super) fn check_stream_options(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    allow(&object(field, raw)?, field, "include_usage", &Rule::Boolean)
}

pub(super) fn check_debug(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    allow(&object(field, raw)?, field, "echo_upstream_body", &Rule::Boolean)
}

pub(super) fn check_deferred_tools(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let deferred = object(field, raw)?;
    require(&deferred, field, "protocol", &Rule::OneOf(&["v1"]))?;
    require(&deferred, field, "profile", &Rule::OneOf(&["portable", "universal"]))?;
    require(&deferred, field, "search", &Rule::Object)?;
    require(&deferred, field, "validation", &Rule::OneOf(&["runtime"]))
}

pub(super) fn check_stop_conditions(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    for (index, condition) in entries(field, raw)?.into_iter().enumerate() {
        let field = format!("{field}[{index}]");
        let Some(condition) = members(condition) else {
            return Err(invalid(&field, "must be an object with a `type`"));
        };
        let (name, rule) = match condition.find("type").and_then(text).as_deref() {
            Some("step_count_is") => ("step_count", integer_in(1, i64::MAX)),
            Some("has_tool_call") => ("tool_name", Rule::Text { characters_max: 256 }),
            Some("max_tokens_used") => ("max_tokens", integer_in(1, i64::MAX)),
            Some("max_cost") => ("max_cost_in_dollars", number_in(0.0, 1e9)),
            Some("finish_reason_is") => ("reason", Rule::Text { characters_max: 64 }),
            _ => {
                return Err(invalid(
                    &format!("{field}.type"),
                    "must be `step_count_is`, `has_tool_call`, `max_tokens_used`, `max_cost` or \
                     `finish_reason_is`",
                ));
            }
        };
        require(&condition, &field, name, &rule)?;
    }
    Ok(())
}
