//! Requests for chat completions.

use serde_json::Value;

use super::super::{Asked, Incoming};
use super::message;
use crate::fields::{Fields, plain_number};
use crate::refusal::{Problem, Refusal};
use crate::understood::{CacheMark, Reasoning, ResponseFormat, Tool, ToolChoice, Understood};

type Result<T> = std::result::Result<T, Refusal>;

/// Members that stand for themselves, and between what they must lie.
const NUMBERS: [(&str, f64, f64); 8] = [
    ("temperature", 0.0, 2.0),
    ("top_p", 0.0, 1.0),
    ("min_p", 0.0, 1.0),
    ("top_a", 0.0, 1.0),
    ("top_k", -1.0, 1_000_000.0),
    ("frequency_penalty", -2.0, 2.0),
    ("presence_penalty", -2.0, 2.0),
    ("repetition_penalty", 0.0, 2.0),
];

pub(super) fn read(incoming: &Incoming<'_>) -> Result<Asked> {
    let mut fields = Fields::root(incoming.body)?;
    let model = fields.text("model")?;
    // Azure's model is a part of the address.
    let model = incoming.route.model.clone().or(model);
    let model = model.ok_or_else(|| Refusal::new("model", Problem::Missing))?;
    let stream = fields.boolean("stream")?.unwrap_or(false);
    let mut asked = Understood { model, stream, ..Understood::default() };
    let messages =
        fields.objects("messages")?.ok_or_else(|| Refusal::new("messages", Problem::Missing))?;
    if messages.is_empty() {
        return Err(Refusal::rule("messages", "Expected an array with at least one item"));
    }
    message::messages(&mut asked, messages)?;
    asked.tools = tools(&mut fields, &mut asked)?;
    asked.tool_choice = tool_choice(&mut fields, &asked)?;
    asked.parallel_tool_calls = fields.boolean("parallel_tool_calls")?;
    if asked.parallel_tool_calls.is_some() && asked.tools.is_empty() {
        let message = "'parallel_tool_calls' is only allowed when 'tools' are specified.";
        return Err(Refusal::rule("parallel_tool_calls", message));
    }
    asked.response_format = response_format(&mut fields)?;
    asked.reasoning = reasoning(&mut fields)?;
    sampling(&mut fields, &mut asked)?;
    let with_usage = match fields.object("stream_options")? {
        Some(mut options) => options.boolean("include_usage")?.unwrap_or(false),
        None => false,
    };
    asked.unknown.extend(fields.rest().into_iter().filter(|(_, value)| !value.is_null()));
    Ok(Asked { understood: asked, with_usage })
}

fn sampling(fields: &mut Fields, asked: &mut Understood) -> Result<()> {
    for (name, low, high) in NUMBERS {
        if let Some(number) = fields.number(name, low..=high)? {
            asked.sampling.insert(name.to_owned(), number);
        }
    }
    if let Some(seed) = fields.take("seed") {
        if seed.as_i64().is_none() {
            return Err(Refusal::new("seed", Problem::Type("an integer")));
        }
        asked.sampling.insert("seed".to_owned(), seed);
    }
    if let Some(bias) = fields.object("logit_bias")? {
        asked.sampling.insert("logit_bias".to_owned(), logit_bias(bias)?);
    }
    let logprobs = fields.boolean("logprobs")?;
    if let Some(flag) = logprobs {
        asked.sampling.insert("logprobs".to_owned(), flag.into());
    }
    if let Some(top) = fields.integer("top_logprobs", 0..=20)? {
        if logprobs != Some(true) {
            let message = "'top_logprobs' is only allowed when 'logprobs' is true.";
            return Err(Refusal::rule("top_logprobs", message));
        }
        asked.sampling.insert("top_logprobs".to_owned(), top.into());
    }
    let most = fields.integer("max_completion_tokens", 1..=u64::MAX)?;
    asked.max_tokens = match (most, fields.integer("max_tokens", 1..=u64::MAX)?) {
        (Some(_), Some(_)) => {
            let message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is \
                           not supported.";
            return Err(Refusal::rule("max_tokens", message));
        }
        (one, other) => one.or(other),
    };
    asked.choices = fields.integer("n", 1..=128)?;
    asked.stop = stops(fields, 4)?;
    asked.modalities = fields.texts("modalities")?;
    asked.verbosity = fields.text("verbosity")?;
    asked.user = fields.text("user")?;
    asked.service_tier = fields.text("service_tier")?;
    asked.automatic_cache = fields.object("cache_control")?.map(cache_mark).transpose()?;
    Ok(())
}

fn logit_bias(bias: Fields) -> Result<Value> {
    let path = bias.path().to_owned();
    let members = bias.rest().into_iter().map(|(token, value)| {
        let at = || format!("{path}.{token}");
        match value.as_f64() {
            None => Err(Refusal::new(at(), Problem::Type("a number"))),
            Some(number) if (-100.0..=100.0).contains(&number) => Ok((token, plain_number(number))),
            Some(_) => Err(Refusal::rule(at(), "Expected a value between -100 and 100")),
        }
    });
    Ok(Value::Object(members.collect::<Result<_>>()?))
}

/// A text, or a list of them that is not too long.
fn stops(fields: &mut Fields, most: usize) -> Result<Vec<String>> {
    let Some(value) = fields.take("stop") else { return Ok(Vec::new()) };
    let values = match value {
        Value::String(text) => return Ok(vec![text]),
        Value::Array(values) => values,
        _ => return Err(Refusal::new("stop", Problem::Type("a string or an array of strings"))),
    };
    if values.len() > most {
        let message = format!("Expected an array with maximum length {most}");
        return Err(Refusal::rule("stop", message));
    }
    let texts = values.into_iter().enumerate().map(|(index, value)| match value {
        Value::String(text) => Ok(text),
        _ => Err(Refusal::new(format!("stop.{index}"), Problem::Type("a string"))),
    });
    texts.collect()
}

/// `{"type": "ephemeral", "ttl": "1h"}`, which some providers took over from Anthropic.
pub(super) fn cache_mark(mut fields: Fields) -> Result<CacheMark> {
    fields.one_of("type", &["ephemeral"])?;
    let ttl = fields.text("ttl")?;
    Ok(CacheMark { ttl })
}

fn tools(fields: &mut Fields, asked: &mut Understood) -> Result<Vec<Tool>> {
    let mut tools = Vec::new();
    for mut tool in fields.objects("tools")?.unwrap_or_default() {
        let kind = tool.required_text("type")?;
        let cache = tool.object("cache_control")?.map(cache_mark).transpose()?;
        let path = tool.path().to_owned();
        if kind != "function" {
            tools.push(hosted(&kind, tool));
            continue;
        }
        let mut function = tool
            .object("function")?
            .ok_or_else(|| Refusal::new(format!("{path}.function"), Problem::Missing))?;
        let name = function.required_text("name")?;
        check_tool_name(&function.at("name"), &name)?;
        let schema = function.take("parameters");
        if schema.as_ref().is_some_and(|schema| !schema.is_object()) {
            return Err(Refusal::new(function.at("parameters"), Problem::Type("an object")));
        }
        tools.push(Tool {
            name,
            description: function.text("description")?,
            schema,
            strict: function.boolean("strict")?,
            cache,
            hosted: None,
        });
        keep_unknown(asked, function);
        keep_unknown(asked, tool);
    }
    Ok(tools)
}

/// A tool that the provider runs itself.
pub(crate) fn hosted(kind: &str, tool: Fields) -> Tool {
    Tool {
        name: kind.to_owned(),
        description: None,
        schema: Some(Value::Object(tool.rest())).filter(|value| value != &serde_json::json!({})),
        strict: None,
        cache: None,
        hosted: Some(kind.to_owned()),
    }
}

pub(crate) fn check_tool_name(path: &str, name: &str) -> Result<()> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(is_good) {
        let message = "Expected a string that matches the pattern '^[a-zA-Z0-9_-]{1,64}$'.";
        return Err(Refusal::rule(path, message));
    }
    Ok(())
}

fn tool_choice(fields: &mut Fields, asked: &Understood) -> Result<Option<ToolChoice>> {
    let Some(value) = fields.take("tool_choice") else { return Ok(None) };
    let choice = match value {
        Value::String(word) => match word.as_str() {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" | "any" => ToolChoice::Required,
            _ => {
                let message = "Supported values are: 'none', 'auto', and 'required'.";
                return Err(Refusal::rule("tool_choice", message));
            }
        },
        value => {
            let mut choice = Fields::of(value, "tool_choice")?;
            match choice.required_text("type")?.as_str() {
                "function" => {
                    let mut function = choice
                        .object("function")?
                        .ok_or_else(|| Refusal::new(choice.at("function"), Problem::Missing))?;
                    ToolChoice::Named(function.required_text("name")?)
                }
                "allowed_tools" => allowed(choice)?,
                kind => ToolChoice::Named(kind.to_owned()),
            }
        }
    };
    check_choice(&choice, asked)?;
    Ok(Some(choice))
}

fn allowed(mut choice: Fields) -> Result<ToolChoice> {
    let mut allowed = choice
        .object("allowed_tools")?
        .ok_or_else(|| Refusal::new(choice.at("allowed_tools"), Problem::Missing))?;
    let required = allowed.one_of("mode", &["auto", "required"])?.as_deref() == Some("required");
    let names = allowed.objects("tools")?.unwrap_or_default().into_iter().map(|mut tool| {
        let at = tool.at("function");
        tool.object("function")?
            .ok_or_else(|| Refusal::new(at, Problem::Missing))?
            .required_text("name")
    });
    Ok(ToolChoice::Among { names: names.collect::<Result<_>>()?, required })
}

/// A choice is one of tools that are there.
pub(crate) fn check_choice(choice: &ToolChoice, asked: &Understood) -> Result<()> {
    if asked.tools.is_empty() && !matches!(choice, ToolChoice::None) {
        let message = "'tool_choice' is only allowed when 'tools' are specified.";
        return Err(Refusal::rule("tool_choice", message));
    }
    let names: &[String] = match choice {
        ToolChoice::Named(name) => std::slice::from_ref(name),
        ToolChoice::Among { names, .. } => names,
        ToolChoice::Auto | ToolChoice::None | ToolChoice::Required => &[],
    };
    let is_known = |name: &&String| asked.tools.iter().any(|tool| tool.name == **name);
    match names.iter().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) => {
            let message = format!("Tool choice '{name}' not found in 'tools' parameter.");
            Err(Refusal::rule("tool_choice", message))
        }
    }
}

fn response_format(fields: &mut Fields) -> Result<Option<ResponseFormat>> {
    let Some(mut format) = fields.object("response_format")? else { return Ok(None) };
    Ok(Some(match format.required_text("type")?.as_str() {
        "text" => ResponseFormat::Text,
        "json_object" => ResponseFormat::JsonObject,
        "json_schema" => {
            let at = format.at("json_schema");
            let mut inner =
                format.object("json_schema")?.ok_or_else(|| Refusal::new(at, Problem::Missing))?;
            let name = inner.required_text("name")?;
            check_tool_name(&inner.at("name"), &name)?;
            let schema = inner.take("schema").unwrap_or_default();
            if !schema.is_object() {
                return Err(Refusal::new(inner.at("schema"), Problem::Type("an object")));
            }
            ResponseFormat::JsonSchema {
                schema,
                name: Some(name),
                strict: inner.boolean("strict")?,
            }
        }
        kind @ ("grammar" | "python" | "regex" | "json_value") => {
            let value = serde_json::json!({"type": kind, "rest": format.rest()});
            ResponseFormat::Other { value }
        }
        kind => {
            let message = format!(
                "'{kind}'. Supported values are: 'json_object', 'json_schema', and 'text'."
            );
            return Err(Refusal::rule(format.at("type"), message));
        }
    }))
}

/// `reasoning_effort`, `reasoning` or `thinking`: providers have their own ways to say it.
fn reasoning(fields: &mut Fields) -> Result<Option<Reasoning>> {
    const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
    if let Some(effort) = fields.one_of("reasoning_effort", &EFFORTS)? {
        let enabled = effort != "none";
        return Ok(Some(Reasoning { enabled, effort: Some(effort), ..Reasoning::default() }));
    }
    if let Some(mut reasoning) = fields.object("reasoning")? {
        let effort = reasoning.one_of("effort", &EFFORTS)?;
        let budget = reasoning.integer("max_tokens", 0..=u64::MAX)?;
        let is_on = reasoning.boolean("enabled")?;
        let shown = reasoning.boolean("exclude")?.map(|exclude| !exclude);
        let enabled = match effort.as_deref() {
            Some(effort) => effort != "none",
            None => is_on.unwrap_or(budget.is_some()),
        };
        return Ok(Some(Reasoning { enabled, effort, budget, shown, encrypted: false }));
    }
    let Some(mut thinking) = fields.object("thinking")? else { return Ok(None) };
    let enabled = thinking.required_text("type")? != "disabled";
    let budget = thinking.integer("budget_tokens", 0..=u64::MAX)?;
    Ok(Some(Reasoning { enabled, budget, ..Reasoning::default() }))
}

/// Keeps what was not understood, by its path.
pub(crate) fn keep_unknown(asked: &mut Understood, fields: Fields) {
    let path = fields.path().to_owned();
    for (name, value) in fields.rest() {
        if !value.is_null() {
            asked.unknown.insert(format!("{path}.{name}"), value);
        }
    }
}
