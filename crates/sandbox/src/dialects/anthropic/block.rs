//! Content blocks.

use serde_json::Value;

use crate::fields::Fields;
use crate::media;
use crate::refusal::{Problem, Refusal};
use crate::seal::{self, Maker};
use crate::understood::{CacheMark, Media, Part, Role};

type Result<T> = std::result::Result<T, Refusal>;

/// A text, or blocks.
pub(super) fn content(message: &mut Fields, role: Role) -> Result<Vec<Part>> {
    let at = message.at("content");
    match message.required("content")? {
        Value::String(text) if text.is_empty() => {
            Err(Refusal::rule(at, "text content blocks must be non-empty"))
        }
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(values) => {
            let parts = values
                .into_iter()
                .enumerate()
                .map(|(index, value)| block(Fields::of(value, format!("{at}.{index}"))?, role));
            parts.collect()
        }
        _ => Err(Refusal::new(at, Problem::Type("a valid string or a valid list"))),
    }
}

/// The mark on whatever this is.
pub(super) fn cache(fields: &mut Fields) -> Result<Option<CacheMark>> {
    let Some(mut mark) = fields.object("cache_control")? else { return Ok(None) };
    if mark.one_of("type", &["ephemeral"])?.is_none() {
        return Err(Refusal::new(mark.at("type"), Problem::Missing));
    }
    let ttl = mark.one_of("ttl", &["5m", "1h"])?;
    mark.deny_rest()?;
    Ok(Some(CacheMark { ttl }))
}

fn block(mut fields: Fields, role: Role) -> Result<Part> {
    let kind = fields.required_text("type")?;
    match (kind.as_str(), role) {
        ("text", _) => text(fields),
        ("image", Role::User) => image(fields),
        ("document", Role::User) => document(fields),
        ("tool_result", Role::User) => tool_result(fields),
        ("tool_use", Role::Assistant) => tool_use(fields),
        ("thinking", Role::Assistant) => thinking(fields),
        ("redacted_thinking", Role::Assistant) => {
            let data = fields.required_text("data")?;
            let at = fields.at("data");
            fields.deny_rest()?;
            if seal::open(Maker::Claude, &data).is_none() {
                return Err(Refusal::rule(at, "Invalid `data` in `redacted_thinking` block"));
            }
            Ok(Part::EncryptedReasoning { data })
        }
        (
            "search_result"
            | "container_upload"
            | "server_tool_use"
            | "web_search_tool_result"
            | "web_fetch_tool_result"
            | "code_execution_tool_result"
            | "mcp_tool_use"
            | "mcp_tool_result",
            _,
        ) => Ok(Part::Other { kind, value: Value::Object(fields.rest()) }),
        _ => {
            let role = if role == Role::User { "user" } else { "assistant" };
            let sentence = format!(
                "Input tag '{kind}' found using 'type' is not one of those of {role} turns"
            );
            Err(Refusal::rule(fields.path(), sentence))
        }
    }
}

pub(super) fn text(mut fields: Fields) -> Result<Part> {
    let text = fields.required_text("text")?;
    if text.is_empty() {
        return Err(Refusal::rule(fields.path(), "text content blocks must be non-empty"));
    }
    if text.trim().is_empty() {
        let sentence = "text content blocks must contain non-whitespace text";
        return Err(Refusal::rule(fields.path(), sentence));
    }
    let cache = cache(&mut fields)?;
    fields.take("citations");
    fields.deny_rest()?;
    Ok(Part::Text { text, name: None, cache, signature: None })
}

fn image(mut fields: Fields) -> Result<Part> {
    let mut source = required_source(&mut fields)?;
    let media = match source.required_text("type")?.as_str() {
        "base64" => {
            let kinds = ["image/jpeg", "image/png", "image/gif", "image/webp"];
            let media_type = source.one_of("media_type", &kinds)?;
            if media_type.is_none() {
                return Err(Refusal::new(source.at("media_type"), Problem::Missing));
            }
            media::inline(&source.at("base64.data"), media_type, &source.required_text("data")?)?
        }
        kind => elsewhere(&mut source, kind)?,
    };
    source.deny_rest()?;
    let cache = cache(&mut fields)?;
    fields.deny_rest()?;
    Ok(Part::Image { media, detail: None, cache })
}

fn document(mut fields: Fields) -> Result<Part> {
    let mut source = required_source(&mut fields)?;
    let media = match source.required_text("type")?.as_str() {
        "base64" => {
            let media_type = source.one_of("media_type", &["application/pdf"])?;
            if media_type.is_none() {
                return Err(Refusal::new(source.at("media_type"), Problem::Missing));
            }
            media::inline(&source.at("base64.data"), media_type, &source.required_text("data")?)?
        }
        "text" => {
            let media_type = source.one_of("media_type", &["text/plain"])?;
            media::known(media_type, source.required_text("data")?.as_bytes())
        }
        "content" => {
            let json = source.required("content")?.to_string();
            media::known(Some("application/json".to_owned()), json.as_bytes())
        }
        kind => elsewhere(&mut source, kind)?,
    };
    source.deny_rest()?;
    let filename = fields.text("title")?;
    let cache = cache(&mut fields)?;
    fields.take("context");
    fields.take("citations");
    fields.deny_rest()?;
    Ok(Part::File { media, filename, cache })
}

fn required_source(fields: &mut Fields) -> Result<Fields> {
    let at = fields.at("source");
    fields.object("source")?.ok_or_else(|| Refusal::new(at, Problem::Missing))
}

fn elsewhere(source: &mut Fields, kind: &str) -> Result<Media> {
    match kind {
        "url" => {
            let url = source.required_text("url")?;
            let at = source.at("url");
            if !url.starts_with("https://") {
                return Err(Refusal::rule(at, "Only HTTPS URLs are supported."));
            }
            media::address(&at, &url)
        }
        "file" => Ok(Media { file_id: Some(source.required_text("file_id")?), ..Media::default() }),
        _ => {
            let sentence = format!(
                "Input tag '{kind}' found using 'type' does not match any of the expected tags: \
                 'base64', 'url', 'file'"
            );
            Err(Refusal::rule(source.path(), sentence))
        }
    }
}

fn tool_use(mut fields: Fields) -> Result<Part> {
    let id = fields.required_text("id")?;
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if id.is_empty() || !id.bytes().all(is_good) {
        let sentence = "String should match pattern '^[a-zA-Z0-9_-]+$'";
        return Err(Refusal::rule(format!("{}.tool_use.id", fields.path()), sentence));
    }
    let name = fields.required_text("name")?;
    let arguments = fields.required("input")?;
    if !arguments.is_object() {
        let at = format!("{}.tool_use.input", fields.path());
        return Err(Refusal::new(at, Problem::Type("a valid dictionary")));
    }
    let cache = cache(&mut fields)?;
    fields.take("caller");
    fields.deny_rest()?;
    Ok(Part::ToolCall { id: Some(id), name, arguments, signature: None, cache })
}

fn tool_result(mut fields: Fields) -> Result<Part> {
    let id = fields.required_text("tool_use_id")?;
    let parts = if fields.has("content") { result_content(&mut fields)? } else { Vec::new() };
    let is_error = fields.boolean("is_error")?.unwrap_or(false);
    if is_error && parts.iter().any(|part| !matches!(part, Part::Text { .. })) {
        let sentence = "all content must be type `text` if `is_error` is true";
        return Err(Refusal::rule(fields.at("content"), sentence));
    }
    let cache = cache(&mut fields)?;
    fields.deny_rest()?;
    Ok(Part::ToolResult { id: Some(id), name: None, parts, is_error, cache })
}

/// What a tool may give back. Unlike a turn, it may be an empty text.
fn result_content(fields: &mut Fields) -> Result<Vec<Part>> {
    let at = fields.at("content");
    match fields.required("content")? {
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(values) => {
            let parts = values.into_iter().enumerate().map(|(index, value)| {
                let fields = Fields::of(value, format!("{at}.{index}"))?;
                let part = block(fields, Role::User)?;
                if matches!(part, Part::ToolResult { .. }) {
                    let sentence = "`tool_result` blocks cannot contain each other";
                    return Err(Refusal::rule(format!("{at}.{index}"), sentence));
                }
                Ok(part)
            });
            parts.collect()
        }
        _ => Err(Refusal::new(at, Problem::Type("a valid string or a valid list"))),
    }
}

/// A thought must be the one that was signed, to the byte.
fn thinking(mut fields: Fields) -> Result<Part> {
    let text = fields.required_text("thinking")?;
    let signature = fields.required_text("signature")?;
    let path = fields.path().to_owned();
    fields.deny_rest()?;
    if !seal::is_signed(Maker::Claude, &text, &signature) {
        return Err(Refusal::rule(path, "Invalid `signature` in `thinking` block"));
    }
    Ok(Part::Reasoning { text, signature: Some(signature) })
}
