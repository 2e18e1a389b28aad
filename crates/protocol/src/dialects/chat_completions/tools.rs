//! Tools and the choice among them.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::chat::request::ChatRequest;
use crate::chat::view::{Tool, ToolChoice};
use crate::dialects::check::{
    ANY_TEXT, Rule, allow, check_cache_control, check_schema, invalid, list, members, require, text,
};
use crate::error::PublicError;

/// More tools than this confuse every model.
const TOOLS_MAX: usize = 1024;

pub(super) fn check_tools(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(tools) = list(raw) else {
        return Err(invalid(field, "must be a list of tools"));
    };
    if tools.len() > TOOLS_MAX {
        return Err(invalid(field, &format!("must hold at most {TOOLS_MAX} tools")));
    }
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
    allow(&tool, field, "cache_control", &Rule::Custom(check_cache_control))?;
    if tool.find("type").and_then(text).as_deref() != Some("function") {
        return Ok(());
    }
    allow(&tool, field, "defer_loading", &Rule::Boolean)?;
    let field = format!("{field}.function");
    let Some(function) = tool.find("function").and_then(members) else {
        return Err(invalid(&field, "must be an object with a `name`"));
    };
    require(&function, &field, "name", &Rule::Custom(check_function_name))?;
    allow(&function, &field, "description", &ANY_TEXT)?;
    allow(&function, &field, "parameters", &Rule::Custom(check_schema))?;
    allow(&function, &field, "strict", &Rule::Boolean)
}

fn check_function_name(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let valid = text(raw).is_some_and(|name| (1..=256).contains(&name.len()));
    if valid { Ok(()) } else { Err(invalid(field, "must be a name of 1 to 256 bytes")) }
}

pub(super) fn check_tool_choice(field: &str, raw: &RawValue) -> Result<(), PublicError> {
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

/// What holds between tools and the choice. No tools is the same as an empty list of them; a
/// choice among none is a contradiction.
pub(super) fn settle(request: &mut ChatRequest) -> Result<(), PublicError> {
    let has_tools =
        request.parameter("tools").and_then(list).is_some_and(|tools| !tools.is_empty());
    if has_tools {
        let tools = request.tools();
        check_names(&tools)?;
        return match request.tool_choice() {
            Some(ToolChoice::Function(name)) if !has_function(&tools, &name) => Err(invalid(
                "tool_choice.function.name",
                "names a function that `tools` does not have",
            )),
            _ => Ok(()),
        };
    }
    if let Some(choice) = request.parameter("tool_choice")
        && !matches!(text(choice).as_deref(), Some("auto" | "none"))
    {
        return Err(invalid("tool_choice", "asks for a tool, but `tools` has none"));
    }
    request.parameters.retain(|(name, _)| {
        !matches!(name.as_str(), "tools" | "tool_choice" | "parallel_tool_calls")
    });
    Ok(())
}

fn has_function(tools: &[Tool<'_>], wanted: &str) -> bool {
    tools.iter().any(|tool| matches!(tool, Tool::Function(function) if function.name == wanted))
}

/// A call names its function, so no two may share a name.
fn check_names(tools: &[Tool<'_>]) -> Result<(), PublicError> {
    let mut known = HashMap::new();
    for (index, tool) in tools.iter().enumerate() {
        let Tool::Function(function) = tool else { continue };
        if let Some(first) = known.insert(&*function.name, index) {
            let field = format!("tools[{index}].function.name");
            return Err(invalid(&field, &format!("is the name of `tools[{first}]` too")));
        }
    }
    Ok(())
}
