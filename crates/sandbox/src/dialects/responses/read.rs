//! Requests for a response.

use serde_json::Value;

use super::super::chat::read::{check_choice, check_tool_name, hosted};
use super::super::{Asked, Incoming};
use super::{item, strict};
use crate::fields::Fields;
use crate::refusal::{Problem, Refusal};
use crate::understood::{Part, Reasoning, ResponseFormat, Tool, ToolChoice, Understood};

type Result<T> = std::result::Result<T, Refusal>;

pub(super) fn read(incoming: &Incoming<'_>) -> Result<Asked> {
    let mut fields = Fields::root(incoming.body)?;
    let model = fields.required_text("model")?;
    let stream = fields.boolean("stream")?.unwrap_or(false);
    let mut asked = Understood { model, stream, ..Understood::default() };
    if let Some(text) = fields.text("instructions")? {
        asked.system.push(Part::text(text));
    }
    item::input(&mut asked, &mut fields)?;
    for tool in fields.objects("tools")?.unwrap_or_default() {
        let tool = self::tool(tool)?;
        asked.tools.push(tool);
    }
    asked.tool_choice = tool_choice(&mut fields, &asked)?;
    asked.parallel_tool_calls = fields.boolean("parallel_tool_calls")?;
    text_options(&mut fields, &mut asked)?;
    asked.reasoning = reasoning(&mut fields)?;
    sampling(&mut fields, &mut asked)?;
    for name in [
        "metadata",
        "store",
        "previous_response_id",
        "conversation",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_retention",
        "prompt_cache_options",
        "safety_identifier",
        "stream_options",
        "truncation",
        "background",
        "max_tool_calls",
        "context_management",
    ] {
        if let Some(value) = fields.take(name) {
            asked.unknown.insert(name.to_owned(), value);
        }
    }
    fields.deny_rest()?;
    Ok(Asked { understood: asked, with_usage: true })
}

fn sampling(fields: &mut Fields, asked: &mut Understood) -> Result<()> {
    for (name, high) in [("temperature", 2.0), ("top_p", 1.0)] {
        if let Some(number) = fields.number(name, 0.0..=high)? {
            asked.sampling.insert(name.to_owned(), number);
        }
    }
    let top = fields.integer("top_logprobs", 0..=20)?;
    let mut logprobs = false;
    for (index, name) in fields.texts("include")?.into_iter().enumerate() {
        match name.as_str() {
            "reasoning.encrypted_content" => {
                asked.reasoning.get_or_insert_default().encrypted = true;
            }
            "message.output_text.logprobs" => logprobs = true,
            "web_search_call.action.sources"
            | "web_search_call.results"
            | "code_interpreter_call.outputs"
            | "computer_call_output.output.image_url"
            | "file_search_call.results"
            | "message.input_image.image_url" => {}
            _ => {
                let sentence =
                    format!("'{name}'. Supported values are those of the documentation.");
                return Err(Refusal::rule(format!("include.{index}"), sentence));
            }
        }
    }
    if logprobs {
        asked.sampling.insert("logprobs".to_owned(), true.into());
    }
    if let Some(top) = top {
        asked.sampling.insert("top_logprobs".to_owned(), top.into());
    }
    asked.max_tokens = fields.integer("max_output_tokens", 16..=u64::MAX)?;
    asked.user = fields.text("user")?;
    let tiers = ["auto", "default", "flex", "priority", "scale"];
    asked.service_tier = fields.one_of("service_tier", &tiers)?;
    Ok(())
}

fn tool(mut fields: Fields) -> Result<Tool> {
    let kind = fields.required_text("type")?;
    if kind != "function" {
        return Ok(hosted(&kind, fields));
    }
    let name = fields.required_text("name")?;
    check_tool_name(&fields.at("name"), &name)?;
    let at = fields.at("parameters");
    let schema = fields.take("parameters");
    let is_strict = fields.boolean("strict")?;
    if let (Some(schema), Some(true)) = (&schema, is_strict) {
        strict::check(schema, &at, &format!("function '{name}'"))?;
    }
    let description = fields.text("description")?;
    fields.take("defer_loading");
    fields.deny_rest()?;
    Ok(Tool { name, description, schema, strict: is_strict, cache: None, hosted: None })
}

fn tool_choice(fields: &mut Fields, asked: &Understood) -> Result<Option<ToolChoice>> {
    let Some(value) = fields.take("tool_choice") else { return Ok(None) };
    let choice = match value {
        Value::String(word) => match word.as_str() {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" => ToolChoice::Required,
            _ => {
                let sentence =
                    format!("'{word}'. Supported values are: 'none', 'auto', and 'required'.");
                return Err(Refusal::rule("tool_choice", sentence));
            }
        },
        value => {
            let mut choice = Fields::of(value, "tool_choice")?;
            let kind = choice.required_text("type")?;
            let found = match kind.as_str() {
                "function" | "custom" => ToolChoice::Named(choice.required_text("name")?),
                "allowed_tools" => {
                    let mode = choice.one_of("mode", &["auto", "required"])?;
                    let tools = choice.objects("tools")?.unwrap_or_default().into_iter();
                    let names = tools.map(|mut tool| {
                        let kind = tool.required_text("type")?;
                        Ok(tool.text("name")?.unwrap_or(kind))
                    });
                    ToolChoice::Among {
                        names: names.collect::<Result<_>>()?,
                        required: mode.as_deref() == Some("required"),
                    }
                }
                _ => ToolChoice::Named(kind),
            };
            choice.deny_rest()?;
            found
        }
    };
    // Unlike chat completions, this API does not mind a choice without tools when it is a word.
    if !asked.tools.is_empty() || !matches!(choice, ToolChoice::Auto | ToolChoice::Required) {
        check_choice(&choice, asked)?;
    }
    Ok(Some(choice))
}

fn text_options(fields: &mut Fields, asked: &mut Understood) -> Result<()> {
    let Some(mut text) = fields.object("text")? else { return Ok(()) };
    asked.verbosity = text.one_of("verbosity", &["low", "medium", "high"])?;
    let format = text.object("format")?;
    text.deny_rest()?;
    let Some(mut format) = format else { return Ok(()) };
    asked.response_format = Some(match format.required_text("type")?.as_str() {
        "text" => ResponseFormat::Text,
        "json_object" => ResponseFormat::JsonObject,
        "json_schema" => {
            let name = format.required_text("name")?;
            check_tool_name(&format.at("name"), &name)?;
            let at = format.at("schema");
            let schema = format.required("schema")?;
            let is_strict = format.boolean("strict")?;
            if is_strict == Some(true) {
                strict::check(&schema, &at, &format!("response_format '{name}'"))?;
            }
            format.text("description")?;
            ResponseFormat::JsonSchema { schema, name: Some(name), strict: is_strict }
        }
        kind => {
            let sentence = format!(
                "'{kind}'. Supported values are: 'json_object', 'json_schema', and 'text'."
            );
            return Err(Refusal::rule(format.at("type"), sentence));
        }
    });
    format.deny_rest()
}

fn reasoning(fields: &mut Fields) -> Result<Option<Reasoning>> {
    let Some(mut reasoning) = fields.object("reasoning")? else { return Ok(None) };
    let efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
    let effort = reasoning.one_of("effort", &efforts)?;
    let summaries = ["auto", "concise", "detailed"];
    let summary = reasoning.one_of("summary", &summaries)?;
    let summary = summary.or(reasoning.one_of("generate_summary", &summaries)?);
    reasoning.take("context");
    reasoning.take("mode");
    reasoning.deny_rest()?;
    let enabled = effort.as_deref() != Some("none");
    let shown = Some(summary.is_some());
    Ok(Some(Reasoning { enabled, effort, shown, ..Reasoning::default() }))
}

/// A member that must be there.
pub(super) fn nested(fields: &mut Fields, name: &str) -> Result<Fields> {
    let at = fields.at(name);
    fields.object(name)?.ok_or_else(|| Refusal::new(at, Problem::Missing))
}
