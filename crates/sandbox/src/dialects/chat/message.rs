//! The messages of a chat, and whether they can follow each other.

use serde_json::Value;

use super::read::{cache_mark, keep_unknown};
use crate::fields::Fields;
use crate::media;
use crate::refusal::{Problem, Refusal};
use crate::understood::{Media, Part, Role, Understood};

type Result<T> = std::result::Result<T, Refusal>;

pub(super) fn messages(asked: &mut Understood, messages: Vec<Fields>) -> Result<()> {
    // Calls that wait for their results, and where they were made.
    let mut open: Vec<String> = Vec::new();
    let mut opened_at = 0;
    for (index, mut message) in messages.into_iter().enumerate() {
        let role = message.required_text("role")?;
        if !open.is_empty() && role != "tool" {
            return Err(unanswered(&open, opened_at));
        }
        let name = message.text("name")?;
        match role.as_str() {
            "system" | "developer" => {
                let parts = content(&mut message, name.as_deref())?;
                if asked.turns.is_empty() {
                    asked.system.extend(parts);
                } else {
                    asked.say(Role::System, parts);
                }
            }
            "user" => {
                let parts = content(&mut message, name.as_deref())?;
                asked.say(Role::User, parts);
            }
            "assistant" => {
                let parts = assistant(&mut message, name.as_deref(), &mut open)?;
                opened_at = index;
                asked.say(Role::Assistant, parts);
            }
            "tool" => {
                let part = result(asked, &mut message, name, &mut open)?;
                asked.say(Role::User, vec![part]);
            }
            _ => {
                let message_ = format!(
                    "'{role}'. Supported values are: 'system', 'assistant', 'user', 'tool', and \
                     'developer'."
                );
                return Err(Refusal::rule(message.at("role"), message_));
            }
        }
        keep_unknown(asked, message);
    }
    if open.is_empty() { Ok(()) } else { Err(unanswered(&open, opened_at)) }
}

fn unanswered(ids: &[String], index: usize) -> Refusal {
    let message = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to \
         each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
        ids.join(", ")
    );
    Refusal::rule(format!("messages.{index}.role"), message)
}

fn assistant(
    message: &mut Fields,
    name: Option<&str>,
    open: &mut Vec<String>,
) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for member in ["reasoning_content", "reasoning"] {
        if let Some(text) = message.text(member)? {
            parts.push(Part::Reasoning { text, signature: None });
        }
    }
    if let Some(details) = message.take("reasoning_details") {
        parts.push(Part::Other { kind: "reasoning_details".to_owned(), value: details });
    }
    let calls = message.objects("tool_calls")?.unwrap_or_default();
    if message.has("content") {
        parts.extend(content(message, name)?);
    } else if calls.is_empty() && !message.has("refusal") && !message.has("audio") {
        return Err(Refusal::new(message.at("content"), Problem::Type("a string or an array")));
    }
    if let Some(text) = message.text("refusal")? {
        parts.push(Part::Refusal { text });
    }
    for mut call in calls {
        let id = call.required_text("id")?;
        call.one_of("type", &["function"])?;
        let at = call.at("function");
        let mut function =
            call.object("function")?.ok_or_else(|| Refusal::new(at, Problem::Missing))?;
        let name = function.required_text("name")?;
        let text = function.required_text("arguments")?;
        let arguments = serde_json::from_str(&text).unwrap_or(Value::String(text));
        open.push(id.clone());
        parts.push(Part::ToolCall {
            id: Some(id),
            name,
            arguments,
            signature: None,
            cache: call.object("cache_control")?.map(cache_mark).transpose()?,
        });
    }
    Ok(parts)
}

fn result(
    asked: &Understood,
    message: &mut Fields,
    name: Option<String>,
    open: &mut Vec<String>,
) -> Result<Part> {
    let id = message.required_text("tool_call_id")?;
    let Some(position) = open.iter().position(|waiting| *waiting == id) else {
        let message_ = "messages with role 'tool' must be a response to a preceding message with \
                        'tool_calls'.";
        return Err(Refusal::rule(message.at("role"), message_));
    };
    open.swap_remove(position);
    let parts = content(message, None)?;
    let name = name.or_else(|| asked.tool_of_call(&id));
    let cache = message.object("cache_control")?.map(cache_mark).transpose()?;
    Ok(Part::ToolResult { id: Some(id), name, parts, is_error: false, cache })
}

/// A text, or parts.
fn content(message: &mut Fields, name: Option<&str>) -> Result<Vec<Part>> {
    let name = name.map(str::to_owned);
    match message.required("content")? {
        Value::String(text) => Ok(vec![Part::Text { text, name, cache: None, signature: None }]),
        Value::Array(values) => {
            let at = message.at("content");
            let parts = values.into_iter().enumerate().map(|(index, value)| {
                let mut part = part(Fields::of(value, format!("{at}.{index}"))?)?;
                if let Part::Text { name: speaker, .. } = &mut part {
                    speaker.clone_from(&name);
                }
                Ok(part)
            });
            parts.collect()
        }
        _ => Err(Refusal::new(message.at("content"), Problem::Type("a string or an array"))),
    }
}

fn part(mut fields: Fields) -> Result<Part> {
    let kind = fields.required_text("type")?;
    let cache = fields.object("cache_control")?.map(cache_mark).transpose()?;
    Ok(match kind.as_str() {
        "text" => {
            Part::Text { text: fields.required_text("text")?, name: None, cache, signature: None }
        }
        "refusal" => Part::Refusal { text: fields.required_text("refusal")? },
        "image_url" => {
            let at = fields.at("image_url");
            let mut image = match fields.required("image_url")? {
                Value::String(url) => Fields::of(serde_json::json!({"url": url}), at)?,
                value => Fields::of(value, at)?,
            };
            let media = media::address(&image.at("url"), &image.required_text("url")?)?;
            check_image(&image.at("url"), &media)?;
            Part::Image { media, detail: image.text("detail")?, cache }
        }
        "input_audio" => {
            let mut audio = nested(&mut fields, "input_audio")?;
            let data = audio.required_text("data")?;
            let media_type = format!("audio/{}", audio.required_text("format")?);
            Part::Audio { media: media::inline(&audio.at("data"), Some(media_type), &data)? }
        }
        "video_url" => {
            let mut video = nested(&mut fields, "video_url")?;
            let url = video.required_text("url")?;
            Part::Video { media: media::address(&video.at("url"), &url)? }
        }
        "file" => {
            let mut file = nested(&mut fields, "file")?;
            let filename = file.text("filename")?;
            let media = match (file.text("file_data")?, file.text("file_id")?) {
                (Some(data), _) => media::address(&file.at("file_data"), &data)?,
                (None, Some(id)) => Media { file_id: Some(id), ..Media::default() },
                (None, None) => return Err(Refusal::new(file.at("file_data"), Problem::Missing)),
            };
            Part::File { media, filename, cache }
        }
        _ => {
            let message = format!(
                "'{kind}'. Supported values are: 'text', 'image_url', 'input_audio', 'file', \
                 'video_url', and 'refusal'."
            );
            return Err(Refusal::rule(fields.at("type"), message));
        }
    })
}

fn nested(fields: &mut Fields, name: &str) -> Result<Fields> {
    let at = fields.at(name);
    fields.object(name)?.ok_or_else(|| Refusal::new(at, Problem::Missing))
}

/// Pictures are of four kinds.
pub(crate) fn check_image(path: &str, media: &Media) -> Result<()> {
    const KINDS: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
    match media.media_type.as_deref() {
        Some(kind) if !KINDS.contains(&kind) => {
            let message = format!(
                "You uploaded an unsupported image ({kind}). Please make sure your image has one \
                 of the following formats: ['png', 'jpeg', 'gif', 'webp']."
            );
            Err(Refusal::rule(path, message))
        }
        _ => Ok(()),
    }
}
