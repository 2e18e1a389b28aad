//! Items of the input.

use serde_json::Value;

use super::super::chat::message::check_image;
use crate::fields::Fields;
use crate::media;
use crate::refusal::{Problem, Refusal};
use crate::seal::{self, Maker};
use crate::understood::{Media, Part, Role, Understood};

type Result<T> = std::result::Result<T, Refusal>;

pub(super) fn input(asked: &mut Understood, fields: &mut Fields) -> Result<()> {
    let has_other_source =
        ["prompt", "previous_response_id", "conversation"].into_iter().any(|name| fields.has(name));
    match fields.take("input") {
        Some(Value::String(text)) => {
            asked.say(Role::User, vec![Part::text(text)]);
            Ok(())
        }
        Some(Value::Array(values)) => items(asked, values, has_other_source),
        Some(_) => Err(Refusal::new("input", Problem::Type("a string or an array"))),
        None if has_other_source => Ok(()),
        None => Err(Refusal::new("input", Problem::Missing)),
    }
}

/// Calls that wait for a result, and thoughts that wait for what they led to.
#[derive(Default)]
struct Waiting {
    calls: Vec<String>,
    thought: Option<String>,
}

fn items(asked: &mut Understood, values: Vec<Value>, is_continued: bool) -> Result<()> {
    let mut waiting = Waiting::default();
    for (index, value) in values.into_iter().enumerate() {
        let mut fields = Fields::of(value, format!("input.{index}"))?;
        let kind = match fields.text("type")? {
            Some(kind) => kind,
            None if fields.has("role") => "message".to_owned(),
            None => return Err(Refusal::new(fields.at("type"), Problem::Missing)),
        };
        let is_models = match kind.as_str() {
            "message" => message(asked, fields)?,
            "function_call" => {
                let part = call(fields, &mut waiting)?;
                asked.say(Role::Assistant, vec![part]);
                true
            }
            "function_call_output" => {
                let part = result(asked, fields, &mut waiting, is_continued)?;
                asked.say(Role::User, vec![part]);
                false
            }
            "reasoning" => {
                let (id, part) = reasoning(fields)?;
                asked.say(Role::Assistant, vec![part]);
                waiting.thought = Some(id);
                continue;
            }
            "item_reference"
            | "web_search_call"
            | "file_search_call"
            | "image_generation_call"
            | "code_interpreter_call"
            | "computer_call"
            | "computer_call_output"
            | "mcp_call"
            | "mcp_list_tools"
            | "custom_tool_call"
            | "custom_tool_call_output"
            | "local_shell_call"
            | "local_shell_call_output"
            | "compaction" => {
                let value = Value::Object(fields.rest());
                asked.say(Role::Assistant, vec![Part::Other { kind, value }]);
                true
            }
            _ => {
                let sentence = format!("'{kind}'. Supported values are the types of items.");
                return Err(Refusal::rule(fields.at("type"), sentence));
            }
        };
        if let Some(id) = waiting.thought.take().filter(|_| !is_models) {
            return Err(without_following(&id));
        }
    }
    if let Some(id) = waiting.thought {
        return Err(without_following(&id));
    }
    match waiting.calls.first() {
        None => Ok(()),
        Some(id) => {
            let sentence = format!("No tool output found for function call {id}.");
            Err(Refusal::rule("input", sentence))
        }
    }
}

fn without_following(id: &str) -> Refusal {
    let sentence = format!(
        "Item '{id}' of type 'reasoning' was provided without its required following item."
    );
    Refusal::rule("input", sentence)
}

/// Whether an id begins as ids of its kind do.
fn check_id(fields: &mut Fields, prefix: &str) -> Result<Option<String>> {
    let at = fields.at("id");
    let id = fields.text("id")?;
    match id {
        Some(id) if !id.starts_with(prefix) => {
            let sentence = format!("'{id}'. Expected an ID that begins with '{prefix}'.");
            Err(Refusal::rule(at, sentence))
        }
        id => Ok(id),
    }
}

fn status(fields: &mut Fields) -> Result<()> {
    fields.one_of("status", &["in_progress", "completed", "incomplete"]).map(drop)
}

/// Whether it was the model that spoke.
fn message(asked: &mut Understood, mut fields: Fields) -> Result<bool> {
    let roles = ["user", "assistant", "system", "developer"];
    let role = fields.one_of("role", &roles)?;
    let role = role.ok_or_else(|| Refusal::new(fields.at("role"), Problem::Missing))?;
    check_id(&mut fields, "msg")?;
    status(&mut fields)?;
    fields.take("phase");
    let is_assistant = role == "assistant";
    let parts = content(&mut fields, is_assistant)?;
    fields.deny_rest()?;
    match role.as_str() {
        "user" => asked.say(Role::User, parts),
        "assistant" => asked.say(Role::Assistant, parts),
        _ if asked.turns.is_empty() => asked.system.extend(parts),
        _ => asked.say(Role::System, parts),
    }
    Ok(is_assistant)
}

fn content(fields: &mut Fields, is_assistant: bool) -> Result<Vec<Part>> {
    let at = fields.at("content");
    match fields.required("content")? {
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(values) => {
            let parts = values.into_iter().enumerate().map(|(index, value)| {
                part(Fields::of(value, format!("{at}.{index}"))?, is_assistant)
            });
            parts.collect()
        }
        _ => Err(Refusal::new(at, Problem::Type("a string or an array"))),
    }
}

fn part(mut fields: Fields, is_assistant: bool) -> Result<Part> {
    let kind = fields.required_text("type")?;
    fields.take("prompt_cache_breakpoint");
    let part = match (kind.as_str(), is_assistant) {
        ("input_text", false) => Part::text(fields.required_text("text")?),
        ("output_text", true) => {
            fields.take("annotations");
            fields.take("logprobs");
            Part::text(fields.required_text("text")?)
        }
        ("refusal", true) => Part::Refusal { text: fields.required_text("refusal")? },
        ("input_image", false) => image(&mut fields)?,
        ("input_file", false) => file(&mut fields)?,
        ("input_audio", false) => {
            let mut audio = super::read::nested(&mut fields, "input_audio")?;
            let data = audio.required_text("data")?;
            let media_type = format!("audio/{}", audio.required_text("format")?);
            let media = media::inline(&audio.at("data"), Some(media_type), &data)?;
            audio.deny_rest()?;
            Part::Audio { media }
        }
        (kind, _) => {
            let supported = if is_assistant {
                "'output_text' and 'refusal'"
            } else {
                "'input_text', 'input_image', 'input_file', and 'input_audio'"
            };
            let sentence = format!("'{kind}'. Supported values are: {supported}.");
            return Err(Refusal::rule(fields.at("type"), sentence));
        }
    };
    fields.deny_rest()?;
    Ok(part)
}

fn image(fields: &mut Fields) -> Result<Part> {
    let at = fields.at("image_url");
    let media = match (fields.text("image_url")?, fields.text("file_id")?) {
        (Some(url), None) => media::address(&at, &url)?,
        (None, Some(id)) => Media { file_id: Some(id), ..Media::default() },
        _ => {
            let sentence = "Expected exactly one of 'image_url' and 'file_id'.";
            return Err(Refusal::rule(fields.path(), sentence));
        }
    };
    check_image(&at, &media)?;
    let detail = fields.one_of("detail", &["low", "high", "auto", "original"])?;
    Ok(Part::Image { media, detail, cache: None })
}

fn file(fields: &mut Fields) -> Result<Part> {
    let filename = fields.text("filename")?;
    let sources = (fields.text("file_data")?, fields.text("file_url")?, fields.text("file_id")?);
    let media = match sources {
        (Some(data), None, None) => {
            if filename.is_none() {
                return Err(Refusal::new(fields.at("filename"), Problem::Missing));
            }
            media::address(&fields.at("file_data"), &data)?
        }
        (None, Some(url), None) => media::address(&fields.at("file_url"), &url)?,
        (None, None, Some(id)) => Media { file_id: Some(id), ..Media::default() },
        _ => {
            let sentence = "Expected exactly one of 'file_data', 'file_url' and 'file_id'.";
            return Err(Refusal::rule(fields.path(), sentence));
        }
    };
    Ok(Part::File { media, filename, cache: None })
}

fn call(mut fields: Fields, waiting: &mut Waiting) -> Result<Part> {
    check_id(&mut fields, "fc")?;
    status(&mut fields)?;
    let id = fields.required_text("call_id")?;
    if id.is_empty() || id.len() > 64 {
        let sentence = "Expected a string with a length of 1 to 64.";
        return Err(Refusal::rule(fields.at("call_id"), sentence));
    }
    let name = fields.required_text("name")?;
    let text = fields.required_text("arguments")?;
    fields.take("namespace");
    fields.deny_rest()?;
    waiting.calls.push(id.clone());
    let arguments = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Part::ToolCall { id: Some(id), name, arguments, signature: None, cache: None })
}

fn result(
    asked: &Understood,
    mut fields: Fields,
    waiting: &mut Waiting,
    is_continued: bool,
) -> Result<Part> {
    fields.text("id")?;
    status(&mut fields)?;
    let id = fields.required_text("call_id")?;
    match waiting.calls.iter().position(|call| *call == id) {
        Some(place) => drop(waiting.calls.remove(place)),
        None if is_continued => {}
        None => {
            let sentence =
                format!("No tool call found for function call output with call_id {id}.");
            return Err(Refusal::rule("input", sentence));
        }
    }
    let at = fields.at("output");
    let parts = match fields.required("output")? {
        Value::String(text) => vec![Part::text(text)],
        Value::Array(values) => {
            let parts = values
                .into_iter()
                .enumerate()
                .map(|(index, value)| part(Fields::of(value, format!("{at}.{index}"))?, false));
            parts.collect::<Result<_>>()?
        }
        _ => return Err(Refusal::new(at, Problem::Type("a string or an array"))),
    };
    fields.deny_rest()?;
    let name = asked.tool_of_call(&id);
    Ok(Part::ToolResult { id: Some(id), name, parts, is_error: false, cache: None })
}

/// A thought and its id. What is encrypted in it must be ours.
fn reasoning(mut fields: Fields) -> Result<(String, Part)> {
    let id = check_id(&mut fields, "rs")?.unwrap_or_else(|| "rs".to_owned());
    status(&mut fields)?;
    let at = fields.at("summary");
    let summary = fields.objects("summary")?.ok_or_else(|| Refusal::new(at, Problem::Missing))?;
    let mut text = Vec::new();
    for mut part in summary {
        part.one_of("type", &["summary_text"])?;
        text.push(part.required_text("text")?);
        part.deny_rest()?;
    }
    for mut part in fields.objects("content")?.unwrap_or_default() {
        part.one_of("type", &["reasoning_text"])?;
        text.push(part.required_text("text")?);
        part.deny_rest()?;
    }
    let signature = fields.text("encrypted_content")?;
    fields.deny_rest()?;
    if let Some(sealed) = &signature
        && seal::open(Maker::OpenAi, sealed).is_none()
    {
        let sentence = format!(
            "The encrypted content for item {id} could not be verified. Reason: Encrypted content \
             could not be decrypted or parsed."
        );
        return Err(Refusal::rule("", sentence));
    }
    Ok((id, Part::Reasoning { text: text.join("\n\n"), signature }))
}
