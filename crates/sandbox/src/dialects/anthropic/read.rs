//! Requests for messages.

use serde_json::Value;

use super::super::{Asked, Incoming};
use super::{block, check};
use crate::fields::Fields;
use crate::refusal::{Problem, Refusal};
use crate::understood::{Part, Reasoning, ResponseFormat, Role, Tool, ToolChoice, Understood};

type Result<T> = std::result::Result<T, Refusal>;

pub(super) fn read(incoming: &Incoming<'_>) -> Result<Asked> {
    let mut fields = Fields::root(incoming.body)?;
    let mut asked = prompt(incoming, &mut fields)?;
    asked.stream = fields.boolean("stream")?.unwrap_or(incoming.route.stream == Some(true));
    asked.max_tokens = fields.integer("max_tokens", 1..=u64::MAX)?;
    if asked.max_tokens.is_none() {
        return Err(Refusal::new("max_tokens", Problem::Missing));
    }
    for (name, high) in [("temperature", 1.0), ("top_p", 1.0)] {
        if let Some(number) = fields.number(name, 0.0..=high)? {
            asked.sampling.insert(name.to_owned(), number);
        }
    }
    if let Some(number) = fields.integer("top_k", 0..=u64::MAX)? {
        asked.sampling.insert("top_k".to_owned(), number.into());
    }
    asked.stop = fields.texts("stop_sequences")?;
    if asked.stop.iter().any(|stop| stop.trim().is_empty()) {
        let message = "each stop sequence must contain non-whitespace";
        return Err(Refusal::rule("stop_sequences", message));
    }
    if let Some(mut metadata) = fields.object("metadata")? {
        asked.user = metadata.text("user_id")?;
        metadata.deny_rest()?;
    }
    asked.service_tier = fields.one_of("service_tier", &["auto", "standard_only"])?;
    for name in ["container", "inference_geo", "speed"] {
        if let Some(value) = fields.take(name) {
            asked.unknown.insert(name.to_owned(), value);
        }
    }
    fields.deny_rest()?;
    check::check(&asked)?;
    Ok(Asked { understood: asked, with_usage: true })
}

/// What may stand in a request to count tokens: the prompt and what it means.
pub(super) fn read_to_count(incoming: &Incoming<'_>) -> Result<Understood> {
    let mut fields = Fields::root(incoming.body)?;
    let asked = prompt(incoming, &mut fields)?;
    fields.deny_rest()?;
    check::check(&asked)?;
    Ok(asked)
}

fn prompt(incoming: &Incoming<'_>, fields: &mut Fields) -> Result<Understood> {
    let version = fields.text("anthropic_version")?;
    let model = if let Some(model) = &incoming.route.model {
        // Vertex and Bedrock have the model in the address and the version in the body.
        if version.is_none() {
            return Err(Refusal::new("anthropic_version", Problem::Missing));
        }
        model.clone()
    } else {
        if version.is_some() {
            return Err(Refusal::new("anthropic_version", Problem::Unknown));
        }
        if incoming.header("anthropic-version").is_none() {
            return Err(Refusal::rule("", "anthropic-version: header is required"));
        }
        fields.required_text("model")?
    };
    let mut asked = Understood { model, ..Understood::default() };
    for name in ["anthropic_beta", "mcp_servers", "context_management"] {
        if let Some(value) = fields.take(name) {
            asked.unknown.insert(name.to_owned(), value);
        }
    }
    asked.automatic_cache = block::cache(fields)?;
    asked.system = system(fields)?;
    let messages =
        fields.objects("messages")?.ok_or_else(|| Refusal::new("messages", Problem::Missing))?;
    if messages.is_empty() {
        return Err(Refusal::rule("messages", "at least one message is required"));
    }
    check::Conversation::default().read(&mut asked, messages)?;
    asked.tools = tools(fields)?;
    tool_choice(fields, &mut asked)?;
    asked.reasoning = thinking(fields)?;
    output(fields, &mut asked)?;
    Ok(asked)
}

fn system(fields: &mut Fields) -> Result<Vec<Part>> {
    let Some(value) = fields.take("system") else { return Ok(Vec::new()) };
    match value {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(values) => {
            let parts = values.into_iter().enumerate().map(|(index, value)| {
                let mut fields = Fields::of(value, format!("system.{index}"))?;
                if fields.one_of("type", &["text"])?.is_none() {
                    return Err(Refusal::new(fields.at("type"), Problem::Missing));
                }
                block::text(fields)
            });
            parts.collect()
        }
        _ => Err(Refusal::new("system", Problem::Type("a valid string or a valid list"))),
    }
}

fn tools(fields: &mut Fields) -> Result<Vec<Tool>> {
    let mut tools: Vec<Tool> = Vec::new();
    for mut tool in fields.objects("tools")?.unwrap_or_default() {
        let kind = tool.text("type")?.unwrap_or_else(|| "custom".to_owned());
        let name = tool.required_text("name")?;
        if tools.iter().any(|known| known.name == name) {
            return Err(Refusal::rule("tools", "Tool names must be unique."));
        }
        let cache = block::cache(&mut tool)?;
        if kind != "custom" {
            let schema = Some(Value::Object(tool.rest()));
            tools.push(Tool {
                name,
                description: None,
                schema,
                strict: None,
                cache,
                hosted: Some(kind),
            });
            continue;
        }
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if name.is_empty() || name.len() > 128 || !name.bytes().all(is_good) {
            let message = "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'";
            return Err(Refusal::rule(tool.at("name"), message));
        }
        let schema = tool.required("input_schema")?;
        if schema["type"] != "object" {
            let path = format!("{}.custom.input_schema.type", tool.path());
            return Err(match schema.get("type") {
                None => Refusal::new(path, Problem::Missing),
                Some(_) => Refusal::rule(path, "Input should be 'object'"),
            });
        }
        let description = tool.text("description")?;
        let strict = tool.boolean("strict")?;
        for extra in ["defer_loading", "allowed_callers", "input_examples", "eager_input_streaming"]
        {
            tool.take(extra);
        }
        tool.deny_rest()?;
        tools.push(Tool { name, description, schema: Some(schema), strict, cache, hosted: None });
    }
    Ok(tools)
}

fn tool_choice(fields: &mut Fields, asked: &mut Understood) -> Result<()> {
    let Some(mut choice) = fields.object("tool_choice")? else { return Ok(()) };
    if asked.tools.is_empty() {
        let message = "tool_choice may only be specified while providing tools.";
        return Err(Refusal::rule("", message));
    }
    let kind = choice.one_of("type", &["auto", "any", "tool", "none"])?;
    let kind = kind.ok_or_else(|| Refusal::new("tool_choice.type", Problem::Missing))?;
    asked.tool_choice = Some(match kind.as_str() {
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => {
            let name = choice.required_text("name")?;
            if !asked.tools.iter().any(|tool| tool.name == name) {
                let message = format!("Tool '{name}' not found in provided tools");
                return Err(Refusal::rule("tool_choice", message));
            }
            ToolChoice::Named(name)
        }
        _ => ToolChoice::Auto,
    });
    if kind != "none" {
        let disabled = choice.boolean("disable_parallel_tool_use")?;
        asked.parallel_tool_calls = disabled.map(|disabled| !disabled);
    }
    choice.deny_rest()
}

fn thinking(fields: &mut Fields) -> Result<Option<Reasoning>> {
    let Some(mut thinking) = fields.object("thinking")? else { return Ok(None) };
    let kind = thinking.one_of("type", &["enabled", "disabled", "adaptive"])?;
    let kind = kind.ok_or_else(|| Refusal::new("thinking.type", Problem::Missing))?;
    let mut reasoning = Reasoning { enabled: kind != "disabled", ..Reasoning::default() };
    if kind == "enabled" {
        let path = "thinking.enabled.budget_tokens";
        let budget = thinking.integer("budget_tokens", 0..=u64::MAX)?;
        let budget = budget.ok_or_else(|| Refusal::new(path, Problem::Missing))?;
        if budget < 1_024 {
            return Err(Refusal::rule(path, "Input should be greater than or equal to 1024"));
        }
        reasoning.budget = Some(budget);
    }
    if kind != "disabled" {
        let display = thinking.one_of("display", &["summarized", "omitted"])?;
        reasoning.shown = display.map(|display| display != "omitted");
    }
    thinking.deny_rest()?;
    Ok(Some(reasoning))
}

/// `output_config`, and `output_format` as it was called at first.
fn output(fields: &mut Fields, asked: &mut Understood) -> Result<()> {
    let mut format = fields.object("output_format")?;
    if let Some(mut config) = fields.object("output_config")? {
        let efforts = ["low", "medium", "high", "xhigh", "max"];
        if let Some(effort) = config.one_of("effort", &efforts)? {
            asked.reasoning.get_or_insert_default().effort = Some(effort);
        }
        format = format.or(config.object("format")?);
        config.take("task_budget");
        config.deny_rest()?;
    }
    let Some(mut format) = format else { return Ok(()) };
    format.one_of("type", &["json_schema"])?;
    let schema = format.required("schema")?;
    format.deny_rest()?;
    asked.response_format = Some(ResponseFormat::JsonSchema { schema, name: None, strict: None });
    Ok(())
}

pub(super) fn role(message: &mut Fields) -> Result<Role> {
    let role = message.required_text("role")?;
    match role.as_str() {
        "user" => Ok(Role::User),
        "assistant" => Ok(Role::Assistant),
        _ => {
            let sentence = format!(
                "Unexpected role \"{role}\". The Messages API accepts a top-level `system` \
                 parameter, not \"system\" as an input message role."
            );
            Err(Refusal::rule("messages", sentence))
        }
    }
}
