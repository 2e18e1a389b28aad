//! Requests to converse.

use serde_json::Value;

use super::super::anthropic;
use super::super::{Asked, Incoming};
use super::{block, turns};
use crate::fields::Fields;
use crate::refusal::{Problem, Refusal};
use crate::understood::{CacheMark, Part, Reasoning, ResponseFormat, Tool, ToolChoice, Understood};

type Result<T> = std::result::Result<T, Refusal>;

pub(super) fn read(incoming: &Incoming<'_>) -> Result<Asked> {
    let mut fields = Fields::root(incoming.body)?;
    let asked = request(incoming, &mut fields)?;
    fields.deny_rest()?;
    Ok(Asked { understood: asked, with_usage: true })
}

/// `{"input": {"converse": …}}`.
pub(super) fn read_to_count(incoming: &Incoming<'_>) -> Result<Understood> {
    let mut fields = Fields::root(incoming.body)?;
    let mut input =
        fields.object("input")?.ok_or_else(|| Refusal::new("input", Problem::Missing))?;
    let mut converse = input
        .object("converse")?
        .ok_or_else(|| Refusal::new("input.converse", Problem::Missing))?;
    let asked = request(incoming, &mut converse)?;
    converse.deny_rest()?;
    input.deny_rest()?;
    fields.deny_rest()?;
    Ok(asked)
}

fn request(incoming: &Incoming<'_>, fields: &mut Fields) -> Result<Understood> {
    let model = incoming.route.model.clone().unwrap_or_default();
    let stream = incoming.route.stream.unwrap_or(false);
    let mut asked = Understood { model, stream, ..Understood::default() };
    asked.system = system(fields)?;
    let messages =
        fields.objects("messages")?.ok_or_else(|| Refusal::new("messages", Problem::Missing))?;
    turns::turns(&mut asked, messages)?;
    tool_config(fields, &mut asked)?;
    if asked.tools.is_empty() && turns::mentions_tools(&asked) {
        let sentence = "The toolConfig field must be defined when using toolUse and toolResult \
                        content blocks.";
        return Err(Refusal::rule("", sentence));
    }
    if let Some(config) = fields.object("inferenceConfig")? {
        inference(config, &mut asked)?;
    }
    if let Some(extra) = fields.object("additionalModelRequestFields")? {
        additional(extra, &mut asked)?;
    }
    if let Some(output) = fields.object("outputConfig")? {
        asked.response_format = Some(output_config(output)?);
    }
    if let Some(mut tier) = fields.object("serviceTier")? {
        asked.service_tier = tier.one_of("type", &["priority", "default", "flex", "reserved"])?;
        tier.deny_rest()?;
    }
    for name in [
        "guardrailConfig",
        "promptVariables",
        "additionalModelResponseFieldPaths",
        "requestMetadata",
        "performanceConfig",
    ] {
        if let Some(value) = fields.take(name) {
            asked.unknown.insert(name.to_owned(), value);
        }
    }
    anthropic::check::check(&asked)?;
    Ok(asked)
}

fn system(fields: &mut Fields) -> Result<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    for mut fields in fields.objects("system")?.unwrap_or_default() {
        if let Some(mark) = block::cache_point(&mut fields)? {
            turns::mark_last(&mut parts, mark, fields.path())?;
        } else if let Some(value) = fields.take("guardContent") {
            parts.push(Part::Other { kind: "guardContent".to_owned(), value });
        } else {
            let text = fields.required_text("text")?;
            if text.is_empty() {
                let sentence = "Member must have length greater than or equal to 1";
                return Err(Refusal::rule(fields.at("text"), sentence));
            }
            parts.push(Part::text(text));
        }
        fields.deny_rest()?;
    }
    Ok(parts)
}

fn tool_config(fields: &mut Fields, asked: &mut Understood) -> Result<()> {
    let Some(mut config) = fields.object("toolConfig")? else { return Ok(()) };
    for mut tool in config.objects("tools")?.unwrap_or_default() {
        if let Some(mark) = block::cache_point(&mut tool)? {
            mark_tool(&mut asked.tools, mark, tool.path())?;
        } else if let Some(mut hosted) = tool.object("systemTool")? {
            let name = hosted.required_text("name")?;
            asked.tools.push(Tool {
                name: name.clone(),
                description: None,
                schema: None,
                strict: None,
                cache: None,
                hosted: Some(name),
            });
        } else {
            let at = tool.at("toolSpec");
            let spec =
                tool.object("toolSpec")?.ok_or_else(|| Refusal::new(at, Problem::Missing))?;
            asked.tools.push(tool_spec(spec)?);
        }
        tool.deny_rest()?;
    }
    if asked.tools.is_empty() {
        let sentence = "Member must have length greater than or equal to 1";
        return Err(Refusal::rule("toolConfig.tools", sentence));
    }
    if let Some(mut choice) = config.object("toolChoice")? {
        asked.tool_choice = Some(tool_choice(&mut choice, &asked.tools)?);
        choice.deny_rest()?;
    }
    config.deny_rest()
}

fn mark_tool(tools: &mut [Tool], mark: CacheMark, path: &str) -> Result<()> {
    let Some(tool) = tools.last_mut() else {
        return Err(Refusal::rule(path, "there is nothing before the cachePoint"));
    };
    tool.cache = Some(mark);
    Ok(())
}

fn tool_spec(mut spec: Fields) -> Result<Tool> {
    let name = spec.required_text("name")?;
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(is_good) {
        let sentence =
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+, at most 64 long";
        return Err(Refusal::rule(spec.at("name"), sentence));
    }
    let description = spec.text("description")?;
    if description.as_ref().is_some_and(String::is_empty) {
        let sentence = "Member must have length greater than or equal to 1";
        return Err(Refusal::rule(spec.at("description"), sentence));
    }
    let at = spec.at("inputSchema");
    let mut input =
        spec.object("inputSchema")?.ok_or_else(|| Refusal::new(at, Problem::Missing))?;
    let schema = input.required("json")?;
    if schema["type"] != "object" {
        let sentence = "The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the \
             following: object.";
        return Err(Refusal::rule("", sentence));
    }
    input.deny_rest()?;
    let strict = spec.boolean("strict")?;
    spec.deny_rest()?;
    Ok(Tool { name, description, schema: Some(schema), strict, cache: None, hosted: None })
}

fn tool_choice(choice: &mut Fields, tools: &[Tool]) -> Result<ToolChoice> {
    let (auto, any, tool) = (choice.object("auto")?, choice.object("any")?, choice.object("tool")?);
    match (auto, any, tool) {
        (Some(auto), None, None) => auto.deny_rest().map(|()| ToolChoice::Auto),
        (None, Some(any), None) => any.deny_rest().map(|()| ToolChoice::Required),
        (None, None, Some(mut tool)) => {
            let name = tool.required_text("name")?;
            tool.deny_rest()?;
            if !tools.iter().any(|known| known.name == name) {
                let sentence = format!("The tool `{name}` is not one of toolConfig.tools.");
                return Err(Refusal::rule("", sentence));
            }
            Ok(ToolChoice::Named(name))
        }
        _ => Err(Refusal::rule(choice.path(), "exactly one of auto, any and tool must be set")),
    }
}

fn inference(mut config: Fields, asked: &mut Understood) -> Result<()> {
    asked.max_tokens = config.integer("maxTokens", 1..=u64::MAX)?;
    for (name, ours) in [("temperature", "temperature"), ("topP", "top_p")] {
        if let Some(number) = config.number(name, 0.0..=1.0)? {
            asked.sampling.insert(ours.to_owned(), number);
        }
    }
    asked.stop = config.texts("stopSequences")?;
    config.deny_rest()
}

/// What Converse has no member for, in the words of the model's maker.
fn additional(mut extra: Fields, asked: &mut Understood) -> Result<()> {
    for name in ["top_k", "topK", "k"] {
        if let Some(number) = extra.integer(name, 0..=u64::MAX)? {
            asked.sampling.insert("top_k".to_owned(), number.into());
        }
    }
    for name in ["thinking", "reasoning_config"] {
        let Some(mut thinking) = extra.object(name)? else { continue };
        let kind = thinking.required_text("type")?;
        let budget = thinking.integer("budget_tokens", 1_024..=u64::MAX)?;
        if kind == "enabled" && budget.is_none() {
            return Err(Refusal::new(thinking.at("budget_tokens"), Problem::Missing));
        }
        let display = thinking.one_of("display", &["summarized", "omitted"])?;
        let shown = display.map(|display| display != "omitted");
        thinking.deny_rest()?;
        let enabled = kind != "disabled";
        asked.reasoning = Some(Reasoning { enabled, budget, shown, ..Reasoning::default() });
    }
    let mut effort = extra.text("reasoning_effort")?;
    if let Some(mut config) = extra.object("output_config")? {
        effort = effort.or(config.text("effort")?);
        if let Some(value) = config.take("format") {
            let mut format = Fields::of(value, config.at("format"))?;
            format.one_of("type", &["json_schema"])?;
            let schema = format.required("schema")?;
            asked.response_format =
                Some(ResponseFormat::JsonSchema { schema, name: None, strict: None });
        }
        config.deny_rest()?;
    }
    if let Some(effort) = effort {
        let reasoning = asked.reasoning.get_or_insert_default();
        reasoning.enabled = reasoning.enabled || effort != "none";
        reasoning.effort = Some(effort);
    }
    if let Some(mut choice) = extra.object("tool_choice")? {
        // Only Claude knows how to be told to call one tool at a time.
        choice.take("type");
        choice.take("name");
        let disabled = choice.boolean("disable_parallel_tool_use")?;
        asked.parallel_tool_calls = disabled.map(|disabled| !disabled);
        choice.deny_rest()?;
    }
    let path = extra.path().to_owned();
    for (name, value) in extra.rest() {
        asked.unknown.insert(format!("{path}.{name}"), value);
    }
    Ok(())
}

fn output_config(mut output: Fields) -> Result<ResponseFormat> {
    let missing = |path: &str| Refusal::new(path, Problem::Missing);
    let mut format =
        output.object("textFormat")?.ok_or_else(|| missing("outputConfig.textFormat"))?;
    output.deny_rest()?;
    format.one_of("type", &["json_schema"])?;
    let mut structure =
        format.object("structure")?.ok_or_else(|| missing("outputConfig.textFormat.structure"))?;
    format.deny_rest()?;
    let at = structure.at("jsonSchema");
    let mut inner = structure.object("jsonSchema")?.ok_or_else(|| missing(&at))?;
    structure.deny_rest()?;
    let text = inner.required_text("schema")?;
    let schema: Value = serde_json::from_str(&text).unwrap_or_default();
    if !schema.is_object() {
        return Err(Refusal::rule(inner.at("schema"), "the schema must be JSON, as text"));
    }
    let name = inner.text("name")?;
    inner.text("description")?;
    inner.deny_rest()?;
    Ok(ResponseFormat::JsonSchema { schema, name, strict: None })
}

/// A result in JSON is as good as its text.
pub(super) fn json_text(value: &Value) -> Part {
    Part::text(crate::canonical::canonical(value))
}

/// What a cache point must look like.
pub(super) fn cache_mark(mut point: Fields) -> Result<CacheMark> {
    if point.one_of("type", &["default"])?.is_none() {
        return Err(Refusal::new(point.at("type"), Problem::Missing));
    }
    let ttl = point.one_of("ttl", &["5m", "1h"])?;
    point.deny_rest()?;
    Ok(CacheMark { ttl })
}
