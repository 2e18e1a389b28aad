//! `thinking` and `output_config`, as `reasoning` and `response_format`.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Betas, Body, LeftOut, raw};
use crate::chat::request::ChatRequest;
use crate::dialects::check::{
    Members, Rule, allow, check_schema, integer, integer_in, invalid, members, require, text,
};
use crate::error::PublicError;

/// The least that Anthropic lets a model think with.
const BUDGET_MIN: i64 = 1_024;
const EFFORT: Rule = Rule::OneOf(&["low", "medium", "high", "xhigh", "max"]);

#[derive(Serialize, Default)]
struct Reasoning {
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'static str>,
}

pub(super) fn read(
    body: &Body,
    betas: &Betas,
    request: &mut ChatRequest,
    left_out: &mut LeftOut,
) -> Result<(), PublicError> {
    let mut reasoning = thinking(body, betas, request.max_tokens, left_out)?;
    let mut format = body.find("output_format");
    let mut format_field = "output_format".to_owned();
    if let Some(config) = body.find("output_config") {
        let Some(config) = members(config) else {
            return Err(invalid("output_config", "must be an object with `effort` or `format`"));
        };
        allow(&config, "output_config", "effort", &EFFORT)?;
        let effort = config.find("effort").and_then(text);
        match (effort, &mut reasoning) {
            // Elsewhere an effort is one of thinking, and there is none.
            (Some(_), Some(Reasoning { enabled: Some(false), .. })) => {
                left_out.add("output_config.effort");
            }
            (Some(effort), reasoning) => {
                reasoning.get_or_insert_default().effort = Some(effort.into_owned());
            }
            (None, _) => {}
        }
        if let Some(inner) = config.find("format") {
            if format.is_some() {
                let demand = "must be left out when `output_config.format` is given";
                return Err(invalid("output_format", demand));
            }
            (format, format_field) = (Some(inner), "output_config.format".to_owned());
        }
        for (name, value) in config.iter() {
            if !matches!(name, "effort" | "format") && value.get() != "null" {
                left_out.add(&format!("output_config.{name}"));
            }
        }
    }
    if let Some(reasoning) = reasoning {
        request.parameters.push(("reasoning".to_owned(), raw(&reasoning)?));
    }
    if let Some(format) = format {
        let format = response_format(&format_field, format)?;
        request.parameters.push(("response_format".to_owned(), format));
    }
    Ok(())
}

fn thinking(
    body: &Body,
    betas: &Betas,
    max_tokens: Option<u32>,
    left_out: &mut LeftOut,
) -> Result<Option<Reasoning>, PublicError> {
    const TYPES: Rule = Rule::OneOf(&["enabled", "disabled", "adaptive", "between_tools"]);
    const DISPLAYS: Rule = Rule::OneOf(&["summarized", "omitted", "updates"]);
    let Some(thinking) = body.find("thinking") else { return Ok(None) };
    let Some(thinking) = members(thinking) else {
        return Err(invalid("thinking", "must be an object with a `type`"));
    };
    require(&thinking, "thinking", "type", &TYPES)?;
    allow(&thinking, "thinking", "display", &DISPLAYS)?;
    let mut reasoning = Reasoning::default();
    match thinking.find("type").and_then(text).as_deref() {
        Some("enabled") => reasoning.max_tokens = Some(budget(&thinking, betas, max_tokens)?),
        Some("adaptive") => reasoning.enabled = Some(true),
        Some("between_tools") => {
            left_out.add("thinking");
            return Ok(None);
        }
        _ => reasoning.enabled = Some(false),
    }
    if thinking.find("display").and_then(text).as_deref() == Some("summarized") {
        reasoning.summary = Some("auto");
    }
    Ok(Some(reasoning))
}

fn budget(
    thinking: &Members<'_>,
    betas: &Betas,
    max_tokens: Option<u32>,
) -> Result<i64, PublicError> {
    const FIELD: &str = "thinking.budget_tokens";
    require(thinking, "thinking", "budget_tokens", &integer_in(BUDGET_MIN, u32::MAX.into()))?;
    let budget = thinking.find("budget_tokens").and_then(integer).unwrap_or(BUDGET_MIN);
    // Between tools, a model may think more often than once in an answer.
    let is_spread = betas.has("interleaved-thinking");
    if max_tokens.is_some_and(|max| budget >= i64::from(max)) && !is_spread {
        return Err(invalid(FIELD, "must be less than `max_tokens`"));
    }
    Ok(budget)
}

fn response_format(field: &str, format: &RawValue) -> Result<Box<RawValue>, PublicError> {
    #[derive(Serialize)]
    struct Format<'a> {
        r#type: &'static str,
        json_schema: Demand<'a>,
    }
    #[derive(Serialize)]
    struct Demand<'a> {
        name: &'static str,
        strict: bool,
        schema: Option<&'a RawValue>,
    }
    let Some(format) = members(format) else {
        return Err(invalid(field, "must be an object with the `type` `json_schema`"));
    };
    require(&format, field, "type", &Rule::OneOf(&["json_schema"]))?;
    require(&format, field, "schema", &Rule::Custom(check_schema))?;
    // Anthropic holds an answer to its schema without being told to.
    let json_schema = Demand { name: "answer", strict: true, schema: format.find("schema") };
    raw(&Format { r#type: "json_schema", json_schema })
}
