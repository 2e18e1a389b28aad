//! Tools, the choice among them, and the form of the answer: from the flat objects of this dialect
//! to the nested ones of chat completions.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use crate::dialects::check::{
    ANY_TEXT, Members, Rule, allow, check_cache_control, check_schema, invalid, list, members,
    require, text,
};
use crate::error::PublicError;

/// More tools than this confuse every model.
const TOOLS_MAX: usize = 1_024;
const CHOICES: Rule = Rule::OneOf(&["none", "auto", "required"]);
const NAME: Rule = Rule::Custom(check_name);

/// What becomes of `tools` and `tool_choice`.
#[derive(Debug, Default)]
pub(super) struct Converted {
    pub(super) tools: Option<Box<RawValue>>,
    pub(super) choice: Option<Box<RawValue>>,
    /// Paths of what has no form elsewhere.
    pub(super) unconverted: Vec<String>,
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: Function<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    defer_loading: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<&'a RawValue>,
}

/// Which of the tools the model may use.
enum Choice<'a> {
    Unsaid,
    Word(&'a RawValue),
    Function(String),
    /// These functions only, and how.
    Among(HashSet<String>, &'a RawValue),
    /// A tool that is no function.
    Other,
}

/// Reads `tools` and `tool_choice`, either of which may be absent.
pub(super) fn read(
    tools: Option<&RawValue>,
    choice: Option<&RawValue>,
) -> Result<Converted, PublicError> {
    let mut read = Converted::default();
    let functions = match tools {
        Some(raw) => functions(raw, &mut read.unconverted)?,
        None => Vec::new(),
    };
    let choice = choice.map_or(Ok(Choice::Unsaid), read_choice)?;
    let has_others = !read.unconverted.is_empty();
    if functions.is_empty() && !has_others {
        return match choice {
            Choice::Unsaid => Ok(read),
            Choice::Word(raw) if matches!(text(raw).as_deref(), Some("auto" | "none")) => Ok(read),
            _ => Err(invalid("tool_choice", "asks for a tool, but `tools` has none")),
        };
    }
    let is_known = |name: &str| functions.iter().any(|tool| tool.function.name == name);
    let mut kept: Vec<&Tool<'_>> = functions.iter().collect();
    match choice {
        Choice::Unsaid => {}
        Choice::Word(raw) => read.choice = Some(raw.to_owned()),
        Choice::Function(name) if is_known(&name) => {
            let choice = json!({ "type": "function", "function": { "name": name } });
            read.choice = Some(written("tool_choice", &choice)?);
        }
        // What another kind of tool brings with it cannot be seen here.
        Choice::Function(_) | Choice::Other if has_others => {
            read.unconverted.push("tool_choice".to_owned());
        }
        Choice::Function(_) => {
            let demand = "names a function that `tools` does not have";
            return Err(invalid("tool_choice.name", demand));
        }
        Choice::Other => {
            return Err(invalid("tool_choice.type", "names a tool that `tools` does not have"));
        }
        Choice::Among(names, mode) => {
            kept.retain(|tool| names.contains(&tool.function.name));
            read.choice = Some(mode.to_owned());
        }
    }
    if kept.is_empty() {
        // What is left is for an upstream of this dialect alone.
        if read.choice.take().is_some_and(|choice| choice.get() == "\"required\"") {
            read.unconverted.push("tool_choice".to_owned());
        }
    } else {
        read.tools = Some(written("tools", &kept)?);
    }
    Ok(read)
}

fn functions<'a>(
    raw: &'a RawValue,
    unconverted: &mut Vec<String>,
) -> Result<Vec<Tool<'a>>, PublicError> {
    let Some(tools) = list(raw) else {
        return Err(invalid("tools", "must be a list of tools"));
    };
    if tools.len() > TOOLS_MAX {
        return Err(invalid("tools", &format!("must hold at most {TOOLS_MAX} tools")));
    }
    let mut functions = Vec::new();
    let mut names = HashSet::new();
    for (index, raw) in tools.into_iter().enumerate() {
        let field = format!("tools[{index}]");
        let Some(tool) = members(raw) else {
            return Err(invalid(&field, "must be an object with a `type`"));
        };
        require(&tool, &field, "type", &Rule::Text { characters_max: 128 })?;
        if tool.find("type").and_then(text).as_deref() != Some("function") {
            unconverted.push(field);
            continue;
        }
        let function = function(&field, &tool)?;
        if !names.insert(function.name.clone()) {
            let demand = "is the name of an earlier tool too";
            return Err(invalid(&format!("{field}.name"), demand));
        }
        functions.push(Tool {
            r#type: "function",
            function,
            cache_control: tool.find("cache_control"),
            defer_loading: tool.find("defer_loading"),
        });
    }
    Ok(functions)
}

fn function<'a>(field: &str, tool: &Members<'a>) -> Result<Function<'a>, PublicError> {
    if tool.find("name").is_none() && tool.find("function").is_some() {
        let demand = "must stand beside `type`, as must `parameters`: `function` is how chat \
                      completions write tools";
        return Err(invalid(&format!("{field}.name"), demand));
    }
    require(tool, field, "name", &NAME)?;
    allow(tool, field, "description", &ANY_TEXT)?;
    allow(tool, field, "parameters", &Rule::Custom(check_schema))?;
    allow(tool, field, "strict", &Rule::Boolean)?;
    allow(tool, field, "defer_loading", &Rule::Boolean)?;
    allow(tool, field, "cache_control", &Rule::Custom(check_cache_control))?;
    Ok(Function {
        name: tool.find("name").and_then(text).unwrap_or_default().into_owned(),
        description: tool.find("description"),
        parameters: tool.find("parameters"),
        strict: tool.find("strict"),
    })
}

fn check_name(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let valid = text(raw).is_some_and(|name| (1..=256).contains(&name.len()));
    if valid { Ok(()) } else { Err(invalid(field, "must be a name of 1 to 256 bytes")) }
}

fn read_choice(raw: &RawValue) -> Result<Choice<'_>, PublicError> {
    let field = "tool_choice";
    if text(raw).is_some() {
        return CHOICES.check(field, raw).map(|()| Choice::Word(raw));
    }
    let Some(choice) = members(raw) else {
        return Err(invalid(field, "must be `none`, `auto`, `required` or an object"));
    };
    require(&choice, field, "type", &Rule::Text { characters_max: 128 })?;
    match choice.find("type").and_then(text).as_deref() {
        Some("function") => {
            require(&choice, field, "name", &NAME)?;
            let name = choice.find("name").and_then(text).unwrap_or_default();
            Ok(Choice::Function(name.into_owned()))
        }
        Some("allowed_tools") => {
            require(&choice, field, "mode", &Rule::OneOf(&["auto", "required"]))?;
            let demand = "is missing and must be a list of tools";
            let (Some(mode), Some(allowed)) =
                (choice.find("mode"), choice.find("tools").and_then(list))
            else {
                return Err(invalid("tool_choice.tools", demand));
            };
            let name = |tool: &RawValue| Some(members(tool)?.find("name").and_then(text)?.into());
            Ok(Choice::Among(allowed.into_iter().filter_map(name).collect(), mode))
        }
        _ => Ok(Choice::Other),
    }
}

/// `text`, as `response_format` and `verbosity`.
pub(super) fn read_text_settings(
    raw: &RawValue,
) -> Result<Vec<(&'static str, Box<RawValue>)>, PublicError> {
    const VERBOSITY: Rule = Rule::OneOf(&["low", "medium", "high", "xhigh", "max"]);
    let Some(settings) = members(raw) else {
        return Err(invalid(
            "text",
            "must be an object such as `{\"format\": {\"type\": \"text\"}}`",
        ));
    };
    allow(&settings, "text", "verbosity", &VERBOSITY)?;
    let mut read = Vec::new();
    if let Some(raw) = settings.find("format") {
        read.push(("response_format", read_format(raw)?));
    }
    if let Some(verbosity) = settings.find("verbosity") {
        read.push(("verbosity", verbosity.to_owned()));
    }
    Ok(read)
}

fn read_format(raw: &RawValue) -> Result<Box<RawValue>, PublicError> {
    const TYPES: Rule = Rule::OneOf(&["text", "json_object", "json_schema"]);
    #[derive(Serialize)]
    struct Named<'a> {
        name: Option<&'a RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a RawValue>,
        schema: Option<&'a RawValue>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<&'a RawValue>,
    }
    #[derive(Serialize)]
    struct Format<'a> {
        r#type: &'static str,
        json_schema: Named<'a>,
    }
    let field = "text.format";
    let Some(format) = members(raw) else {
        return Err(invalid(field, "must be an object with a `type`"));
    };
    require(&format, field, "type", &TYPES)?;
    if format.find("type").and_then(text).as_deref() != Some("json_schema") {
        return Ok(raw.to_owned());
    }
    if format.find("schema").is_none() && format.find("json_schema").is_some() {
        let demand = "must stand beside `type`, as must `name`: `json_schema` is how chat \
                      completions write it";
        return Err(invalid("text.format.schema", demand));
    }
    require(&format, field, "name", &Rule::Text { characters_max: 64 })?;
    require(&format, field, "schema", &Rule::Custom(check_schema))?;
    allow(&format, field, "description", &ANY_TEXT)?;
    allow(&format, field, "strict", &Rule::Boolean)?;
    let [name, description, schema, strict] =
        ["name", "description", "schema", "strict"].map(|name| format.find(name));
    let json_schema = Named { name, description, schema, strict };
    written(field, &Format { r#type: "json_schema", json_schema })
}

fn written(field: &str, value: &impl Serialize) -> Result<Box<RawValue>, PublicError> {
    to_raw_value(value).map_err(|_| invalid(field, "cannot be read"))
}
