//! `tools` and `tool_choice`, as chat completions write them.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::value::RawValue;

use super::parameters::check_cache_control;
use super::{Body, LeftOut, raw};
use crate::chat::request::ChatRequest;
use crate::dialects::check::{
    Members, Rule, allow, boolean, check_schema, invalid, list, members, require, text,
};
use crate::error::PublicError;

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: Function<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a RawValue>,
    parameters: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
struct Choice<'a> {
    r#type: &'static str,
    function: ChosenFunction<'a>,
}

#[derive(Serialize)]
struct ChosenFunction<'a> {
    name: &'a str,
}

pub(super) fn read(
    body: &Body,
    request: &mut ChatRequest,
    left_out: &mut LeftOut,
) -> Result<(), PublicError> {
    let mut tools = Vec::new();
    let mut names = HashSet::new();
    let mut functions = HashSet::new();
    if let Some(written) = body.find("tools") {
        let Some(written) = list(written) else {
            return Err(invalid("tools", "must be a list of tools"));
        };
        for (index, value) in written.into_iter().enumerate() {
            let field = format!("tools[{index}]");
            let Some(tool) = members(value) else {
                return Err(invalid(&field, "must be an object with `name` and `input_schema`"));
            };
            let name = read_name(&tool, &field)?;
            if let Some(function) = function(&tool, &field, name.as_deref(), left_out)? {
                tools.push(function);
                functions.extend(name.clone());
            }
            if let Some(name) = name
                && !names.insert(name)
            {
                let demand = "is the name of an earlier tool: give each its own";
                return Err(invalid(&format!("{field}.name"), demand));
            }
        }
    }
    let choice = choice(body, &names, &functions)?;
    if tools.is_empty() {
        return Ok(());
    }
    request.parameters.push(("tools".to_owned(), raw(&tools)?));
    if let Some(choice) = choice.value {
        request.parameters.push(("tool_choice".to_owned(), choice));
    }
    if choice.is_single {
        request.parameters.push(("parallel_tool_calls".to_owned(), raw(&false)?));
    }
    Ok(())
}

/// Only tools of Anthropic's own may be without a name.
fn read_name(tool: &Members<'_>, field: &str) -> Result<Option<String>, PublicError> {
    let field = format!("{field}.name");
    match tool.find("name").map(text) {
        None => Ok(None),
        Some(Some(name)) if (1..=256).contains(&name.len()) => Ok(Some(name.into_owned())),
        Some(_) => Err(invalid(&field, "must be a name of 1 to 256 bytes")),
    }
}

/// The function that a tool is; none where only Anthropic knows what it does.
fn function(
    tool: &Members<'_>,
    field: &str,
    name: Option<&str>,
    left_out: &mut LeftOut,
) -> Result<Option<Box<RawValue>>, PublicError> {
    allow(tool, field, "type", &Rule::Text { characters_max: 128 })?;
    allow(tool, field, "cache_control", &Rule::Custom(check_cache_control))?;
    if let Some(kind) = tool.find("type").and_then(text)
        && kind != "custom"
    {
        left_out.add(&format!("tools.{kind}"));
        return Ok(None);
    }
    let Some(name) = name else {
        return Err(invalid(&format!("{field}.name"), "is missing and must be text"));
    };
    require(tool, field, "input_schema", &Rule::Custom(check_input_schema))?;
    allow(tool, field, "description", &Rule::Text { characters_max: usize::MAX })?;
    allow(tool, field, "strict", &Rule::Boolean)?;
    for (member, value) in tool.iter() {
        let is_known = matches!(
            member,
            "type" | "name" | "description" | "input_schema" | "strict" | "cache_control"
        );
        if !is_known && value.get() != "null" {
            left_out.add(&format!("tools.{member}"));
        }
    }
    let function = Function {
        name,
        description: tool.find("description"),
        parameters: tool.find("input_schema"),
        strict: tool.find("strict").and_then(boolean),
    };
    let tool = Tool { r#type: "function", function, cache_control: tool.find("cache_control") };
    raw(&tool).map(Some)
}

/// Anthropic's tools take an object.
fn check_input_schema(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let demand = "must be a JSON Schema such as `{\"type\": \"object\", \"properties\": {…}}`";
    let Some(schema) = members(raw) else { return Err(invalid(field, demand)) };
    allow(&schema, field, "type", &Rule::OneOf(&["object"]))?;
    check_schema(field, raw)
}

#[derive(Default)]
struct Chosen {
    value: Option<Box<RawValue>>,
    /// No more than one call at a time.
    is_single: bool,
}

/// Reads `tool_choice`. `names` are of all tools, `functions` of those that others know too.
fn choice(
    body: &Body,
    names: &HashSet<String>,
    functions: &HashSet<String>,
) -> Result<Chosen, PublicError> {
    const FIELD: &str = "tool_choice";
    let Some(choice) = body.find(FIELD) else { return Ok(Chosen::default()) };
    let Some(choice) = members(choice) else {
        return Err(invalid(FIELD, "must be an object such as `{\"type\": \"auto\"}`"));
    };
    require(&choice, FIELD, "type", &Rule::OneOf(&["auto", "any", "tool", "none"]))?;
    allow(&choice, FIELD, "disable_parallel_tool_use", &Rule::Boolean)?;
    let kind = choice.find("type").and_then(text).unwrap_or_default();
    let asks_for_one = matches!(&*kind, "any" | "tool");
    let has_tools = body.find("tools").and_then(list).is_some_and(|tools| !tools.is_empty());
    if asks_for_one && !has_tools {
        return Err(invalid(FIELD, "asks for a tool, but `tools` has none"));
    }
    let is_single = choice.find("disable_parallel_tool_use").and_then(boolean) == Some(true);
    let value = match &*kind {
        "any" => Some(raw(&"required")?),
        "none" => Some(raw(&"none")?),
        "tool" => {
            let named = choice.find("name").and_then(text).unwrap_or_default();
            if !names.contains(&*named) {
                return Err(invalid("tool_choice.name", "must be the name of one of `tools`"));
            }
            let function = ChosenFunction { name: &named };
            let choice = || raw(&Choice { r#type: "function", function });
            functions.contains(&*named).then(choice).transpose()?
        }
        _ => Some(raw(&"auto")?),
    };
    Ok(Chosen { value, is_single })
}
