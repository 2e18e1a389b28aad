//! Requests to chat.

use serde_json::Value;

use super::super::{Asked, Incoming};
use crate::fields::Fields;
use crate::media;
use crate::refusal::{Problem, Refusal};
use crate::understood::{Part, Reasoning, ResponseFormat, Role, Tool, ToolChoice, Understood};

type Result<T> = std::result::Result<T, Refusal>;

/// Members, our names for them and between what they must lie.
const NUMBERS: [(&str, &str, f64, f64); 5] = [
    ("temperature", "temperature", 0.0, 1.0),
    ("p", "top_p", 0.01, 0.99),
    ("k", "top_k", 0.0, 500.0),
    ("frequency_penalty", "frequency_penalty", 0.0, 1.0),
    ("presence_penalty", "presence_penalty", 0.0, 1.0),
];

pub(super) fn read(incoming: &Incoming<'_>) -> Result<Asked> {
    let mut fields = Fields::root(incoming.body)?;
    let model = fields.required_text("model")?;
    let stream = fields.boolean("stream")?.unwrap_or(false);
    let mut asked = Understood { model, stream, ..Understood::default() };
    let messages =
        fields.objects("messages")?.ok_or_else(|| Refusal::new("messages", Problem::Missing))?;
    self::messages(&mut asked, messages)?;
    let is_strict = fields.boolean("strict_tools")?;
    for tool in fields.objects("tools")?.unwrap_or_default() {
        let tool = self::tool(tool, is_strict)?;
        asked.tools.push(tool);
    }
    asked.tool_choice = match fields.one_of("tool_choice", &["REQUIRED", "NONE"])?.as_deref() {
        Some(_) if asked.tools.is_empty() => {
            let sentence = "tool_choice can only be specified when tools are";
            return Err(Refusal::rule("", sentence));
        }
        Some("REQUIRED") => Some(ToolChoice::Required),
        Some(_) => Some(ToolChoice::None),
        None => None,
    };
    if let Some(format) = fields.object("response_format")? {
        asked.response_format = Some(response_format(format)?);
        if !asked.tools.is_empty() && asked.response_format != Some(ResponseFormat::Text) {
            let sentence = "cannot specify response_format in json mode with tools";
            return Err(Refusal::rule("", sentence));
        }
    }
    for (name, ours, low, high) in NUMBERS {
        if let Some(number) = fields.number(name, low..=high)? {
            asked.sampling.insert(ours.to_owned(), number);
        }
    }
    if let Some(seed) = fields.integer("seed", 0..=u64::MAX)? {
        asked.sampling.insert("seed".to_owned(), seed.into());
    }
    if let Some(flag) = fields.boolean("logprobs")? {
        asked.sampling.insert("logprobs".to_owned(), flag.into());
    }
    asked.max_tokens = fields.integer("max_tokens", 1..=u64::MAX)?;
    asked.stop = fields.texts("stop_sequences")?;
    if asked.stop.len() > 5 {
        return Err(Refusal::rule("stop_sequences", "at most 5 stop sequences are allowed"));
    }
    if let Some(mut thinking) = fields.object("thinking")? {
        let kind = thinking.one_of("type", &["enabled", "disabled"])?;
        let kind = kind.ok_or_else(|| Refusal::new("thinking.type", Problem::Missing))?;
        let budget = thinking.integer("token_budget", 1..=u64::MAX)?;
        thinking.deny_rest()?;
        let enabled = kind == "enabled";
        asked.reasoning = Some(Reasoning { enabled, budget, ..Reasoning::default() });
    }
    for name in ["documents", "citation_options", "safety_mode", "priority", "raw_prompting"] {
        if let Some(value) = fields.take(name) {
            asked.unknown.insert(name.to_owned(), value);
        }
    }
    fields.deny_rest()?;
    Ok(Asked { understood: asked, with_usage: true })
}

fn messages(asked: &mut Understood, messages: Vec<Fields>) -> Result<()> {
    if messages.is_empty() {
        let sentence = "invalid request: messages must not be empty";
        return Err(Refusal::rule("", sentence));
    }
    let mut open: Vec<String> = Vec::new();
    for mut message in messages {
        let role = message.required_text("role")?;
        if role != "tool" && !open.is_empty() {
            return Err(unanswered(&open));
        }
        match role.as_str() {
            "system" | "developer" => {
                let parts = content(&mut message)?;
                if asked.turns.is_empty() {
                    asked.system.extend(parts);
                } else {
                    asked.say(Role::System, parts);
                }
            }
            "user" => {
                let parts = content(&mut message)?;
                asked.say(Role::User, parts);
            }
            "assistant" => {
                let parts = assistant(&mut message, &mut open)?;
                asked.say(Role::Assistant, parts);
            }
            "tool" => {
                let part = result(asked, &mut message, &mut open)?;
                asked.say(Role::User, vec![part]);
            }
            _ => {
                let sentence = format!("unknown role: `{role}`");
                return Err(Refusal::rule(message.at("role"), sentence));
            }
        }
        message.deny_rest()?;
    }
    if open.is_empty() { Ok(()) } else { Err(unanswered(&open)) }
}

fn unanswered(open: &[String]) -> Refusal {
    let sentence = format!(
        "invalid request: every tool call must be followed by its result; there is none for {}",
        open.join(", ")
    );
    Refusal::rule("", sentence)
}

fn assistant(message: &mut Fields, open: &mut Vec<String>) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    if let Some(text) = message.text("tool_plan")? {
        parts.push(Part::Reasoning { text, signature: None });
    }
    let calls = message.objects("tool_calls")?.unwrap_or_default();
    if message.has("content") {
        parts.extend(content(message)?);
    } else if calls.is_empty() {
        let sentence = "invalid request: an assistant message must have content or tool_calls";
        return Err(Refusal::rule("", sentence));
    }
    message.take("citations");
    for mut call in calls {
        let id = call.required_text("id")?;
        call.one_of("type", &["function"])?;
        let at = call.at("function");
        let mut function =
            call.object("function")?.ok_or_else(|| Refusal::new(at, Problem::Missing))?;
        call.deny_rest()?;
        let name = function.required_text("name")?;
        let text = function.required_text("arguments")?;
        let at = function.at("arguments");
        function.deny_rest()?;
        let arguments: Value = serde_json::from_str(&text).unwrap_or_default();
        if !arguments.is_object() {
            return Err(Refusal::rule(at, "must be a JSON object, as text"));
        }
        open.push(id.clone());
        parts.push(Part::ToolCall { id: Some(id), name, arguments, signature: None, cache: None });
    }
    Ok(parts)
}

fn result(asked: &Understood, message: &mut Fields, open: &mut Vec<String>) -> Result<Part> {
    let id = message.required_text("tool_call_id")?;
    let Some(place) = open.iter().position(|open| *open == id) else {
        let sentence = format!(
            "invalid request: tool message has tool_call_id `{id}`, which no tool call before it has"
        );
        return Err(Refusal::rule("", sentence));
    };
    open.swap_remove(place);
    let parts = content(message)?;
    let name = asked.tool_of_call(&id);
    Ok(Part::ToolResult { id: Some(id), name, parts, is_error: false, cache: None })
}

fn content(message: &mut Fields) -> Result<Vec<Part>> {
    let at = message.at("content");
    match message.required("content")? {
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(values) => {
            let parts = values
                .into_iter()
                .enumerate()
                .map(|(index, value)| part(Fields::of(value, format!("{at}.{index}"))?));
            parts.collect()
        }
        _ => Err(Refusal::new(at, Problem::Type("a string or a list"))),
    }
}

fn part(mut fields: Fields) -> Result<Part> {
    let kind = fields.required_text("type")?;
    let part = match kind.as_str() {
        "text" => Part::text(fields.required_text("text")?),
        "thinking" => Part::Reasoning { text: fields.required_text("thinking")?, signature: None },
        "image_url" => {
            let at = fields.at("image_url");
            let mut image =
                fields.object("image_url")?.ok_or_else(|| Refusal::new(at, Problem::Missing))?;
            let media = media::address(&image.at("url"), &image.required_text("url")?)?;
            let detail = image.one_of("detail", &["auto", "low", "high"])?;
            image.deny_rest()?;
            Part::Image { media, detail, cache: None }
        }
        "document" => Part::Other { value: fields.take("document").unwrap_or_default(), kind },
        _ => {
            let sentence = format!("unknown content type: `{kind}`");
            return Err(Refusal::rule(fields.at("type"), sentence));
        }
    };
    fields.deny_rest()?;
    Ok(part)
}

fn tool(mut fields: Fields, strict: Option<bool>) -> Result<Tool> {
    fields.one_of("type", &["function"])?;
    let at = fields.at("function");
    let mut function =
        fields.object("function")?.ok_or_else(|| Refusal::new(at, Problem::Missing))?;
    fields.deny_rest()?;
    let name = function.required_text("name")?;
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if !starts || name.len() > 256 || !name.bytes().all(is_good) {
        let sentence = "tool names must begin with a letter and consist of letters, digits, \
                        underscores and hyphens";
        return Err(Refusal::rule(function.at("name"), sentence));
    }
    let description = function.text("description")?;
    let at = function.at("parameters");
    let schema = function.required("parameters")?;
    if schema["type"] != "object" {
        return Err(Refusal::rule(at, "must be a JSON schema of type object"));
    }
    function.deny_rest()?;
    if strict == Some(true) && schema["required"].as_array().is_none_or(Vec::is_empty) {
        let sentence = "with strict_tools, every tool must have a required parameter";
        return Err(Refusal::rule(at, sentence));
    }
    Ok(Tool { name, description, schema: Some(schema), strict, cache: None, hosted: None })
}

fn response_format(mut format: Fields) -> Result<ResponseFormat> {
    let kind = format.one_of("type", &["text", "json_object"])?;
    let kind = kind.ok_or_else(|| Refusal::new("response_format.type", Problem::Missing))?;
    let schema = format.take("json_schema").or_else(|| format.take("schema"));
    format.deny_rest()?;
    match (kind.as_str(), schema) {
        ("text", None) => Ok(ResponseFormat::Text),
        ("text", Some(_)) => {
            Err(Refusal::rule("response_format", "a schema needs the type json_object"))
        }
        (_, None) => Ok(ResponseFormat::JsonObject),
        (_, Some(schema)) => {
            if schema["type"] != "object" || schema["required"].as_array().is_none_or(Vec::is_empty)
            {
                let sentence = "the schema must be of type object and have a required member";
                return Err(Refusal::rule("response_format.json_schema", sentence));
            }
            Ok(ResponseFormat::JsonSchema { schema, name: None, strict: None })
        }
    }
}
