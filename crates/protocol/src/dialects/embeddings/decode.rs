//! Bytes to a canonical request for vectors.

use serde_json::json;
use serde_json::value::RawValue;

use crate::chat::request::{ChatRequest, Content, Kind, Part};
use crate::dialects::check::{
    ANY_TEXT, Members, Rule, allow, integer, invalid, list, members, part_kind, read_body,
    read_count, read_text, require, take_ours, text,
};
use crate::embeddings::{EmbeddingsRequest, Encoding, Input};
use crate::error::PublicError;

/// No provider takes more inputs at once.
const INPUTS_MAX: usize = 2048;
/// No model makes longer vectors.
const DIMENSIONS_MAX: i64 = 65_536;
/// No model reads more tokens, and no input has more parts.
const TOKENS_MAX: usize = 200_000;
const PARTS_MAX: usize = 256;

const FORMS: &str = "must be text, tokens, a list of either, or a list of objects with `content`";

/// Reads the body of a request for vectors.
pub fn decode(body: &[u8]) -> Result<ChatRequest, PublicError> {
    let mut request = ChatRequest::default();
    let mut asked = EmbeddingsRequest::default();
    let mut inputs = None;
    for (name, raw) in read_body(body, "{\"model\": …, \"input\": …}")? {
        let is_null = raw.get() == "null";
        match name.as_str() {
            "dimensions" | "encoding_format" | "input_type" if is_null => {}
            "input" => inputs = Some(read_inputs(&raw)?),
            "dimensions" => asked.dimensions = Some(read_count(&name, &raw, DIMENSIONS_MAX)?),
            "input_type" => asked.input_type = Some(read_text(&name, &raw, 128)?),
            "encoding_format" => {
                Rule::OneOf(&["float", "base64"]).check(&name, &raw)?;
                if text(&raw).as_deref() == Some("base64") {
                    asked.encoding = Encoding::Base64;
                }
            }
            "models" if !is_null && list(&raw).is_none_or(|models| !models.is_empty()) => {
                return Err(invalid(
                    "models",
                    "must be left out: vectors of different models cannot be compared",
                ));
            }
            "models" => {}
            _ if take_ours(&mut request, &name, &raw)? => {}
            _ => asked.parameters.push((name, raw)),
        }
    }
    asked.inputs = inputs.ok_or_else(|| invalid("input", &format!("is missing and {FORMS}")))?;
    request.kind = Kind::Embeddings(Box::new(asked));
    Ok(request)
}

fn read_inputs(raw: &RawValue) -> Result<Vec<Input>, PublicError> {
    if let Some(text) = text(raw) {
        return Ok(vec![Input::Text(said("input", text.into_owned())?)]);
    }
    let Some(items) = list(raw) else {
        return Err(invalid("input", FORMS));
    };
    match items.first() {
        None => return Err(invalid("input", "must hold at least one input")),
        // Numbers are the tokens of one input.
        Some(first) if integer(first).is_some() => {
            return Ok(vec![Input::Tokens(read_tokens("input", &items)?)]);
        }
        Some(_) => {}
    }
    if items.len() > INPUTS_MAX {
        let demand = format!("must hold at most {INPUTS_MAX} inputs: ask in several requests");
        return Err(invalid("input", &demand));
    }
    items.iter().enumerate().map(|(index, item)| read_input(index, item)).collect()
}

fn read_input(index: usize, raw: &RawValue) -> Result<Input, PublicError> {
    let field = format!("input[{index}]");
    if let Some(text) = text(raw) {
        return Ok(Input::Text(said(&field, text.into_owned())?));
    }
    if let Some(tokens) = list(raw) {
        return Ok(Input::Tokens(read_tokens(&field, &tokens)?));
    }
    match members(raw) {
        Some(object) => read_parts(&field, &object),
        None => Err(invalid(&field, "must be text, a list of tokens, or an object with `content`")),
    }
}

fn said(field: &str, text: String) -> Result<String, PublicError> {
    if text.is_empty() {
        return Err(invalid(field, "must not be empty: there is nothing to make a vector of"));
    }
    Ok(text)
}

fn read_tokens(field: &str, items: &[&RawValue]) -> Result<Vec<u32>, PublicError> {
    if items.is_empty() || items.len() > TOKENS_MAX {
        return Err(invalid(field, &format!("must hold from 1 to {TOKENS_MAX} tokens")));
    }
    let token = |(index, item): (usize, &&RawValue)| {
        integer(item)
            .and_then(|token| u32::try_from(token).ok())
            .ok_or_else(|| invalid(&format!("{field}[{index}]"), "must be a token: a whole number"))
    };
    items.iter().enumerate().map(token).collect()
}

fn read_parts(field: &str, object: &Members<'_>) -> Result<Input, PublicError> {
    let field = format!("{field}.content");
    let parts = object.find("content").and_then(list);
    let Some(parts) = parts.filter(|parts| (1..=PARTS_MAX).contains(&parts.len())) else {
        return Err(invalid(&field, &format!("must be a list of 1 to {PARTS_MAX} parts")));
    };
    let part = |(index, raw): (usize, &&RawValue)| read_part(&format!("{field}[{index}]"), raw);
    let parts = parts.iter().enumerate().map(part).collect::<Result<_, _>>()?;
    Ok(Input::Parts(Content::Parts(parts)))
}

/// A part; films and files become what chat completions call them.
fn read_part(field: &str, raw: &RawValue) -> Result<Part, PublicError> {
    let part = members(raw);
    let kind = part.as_ref().and_then(|part| part.find("type")).and_then(text);
    let raw = match (kind.as_deref(), &part) {
        (Some("input_video"), Some(part)) => inline(field, part, "input_video", "video/mp4")?
            .map_or_else(
                || Ok(raw.to_owned()),
                |url| wrap(&json!({"type": "video_url", "video_url": {"url": url}})),
            )?,
        (Some("input_file"), Some(part)) => {
            match inline(field, part, "input_file", "application/pdf")? {
                Some(url) => wrap(&json!({"type": "file", "file": {"file_data": url}}))?,
                None => {
                    return Err(invalid(&format!("{field}.input_file"), "must be an object"));
                }
            }
        }
        (Some("input_audio"), Some(part)) => audio(field, part)?.unwrap_or_else(|| raw.to_owned()),
        _ => raw.to_owned(),
    };
    let kind = part_kind(field, &raw)?;
    Ok(Part { kind, raw })
}

/// `{data, format?}` as an address: what is one stays one.
fn inline(
    field: &str,
    part: &Members<'_>,
    name: &str,
    unnamed: &str,
) -> Result<Option<String>, PublicError> {
    let Some(source) = part.find(name).and_then(members) else { return Ok(None) };
    let field = format!("{field}.{name}");
    require(&source, &field, "data", &ANY_TEXT)?;
    allow(&source, &field, "format", &Rule::Text { characters_max: 128 })?;
    let data = source.find("data").and_then(text).unwrap_or_default();
    if data.starts_with("data:") || data.starts_with("http") {
        return Ok(Some(data.into_owned()));
    }
    let family = unnamed.split('/').next().unwrap_or_default();
    let media_type = match source.find("format").and_then(text) {
        None => unnamed.to_owned(),
        Some(format) if format.contains('/') => format.into_owned(),
        Some(format) => format!("{family}/{format}"),
    };
    Ok(Some(format!("data:{media_type};base64,{data}")))
}

/// A sound that does not say its format is a WAV file.
fn audio(field: &str, part: &Members<'_>) -> Result<Option<Box<RawValue>>, PublicError> {
    let Some(source) = part.find("input_audio").and_then(members) else { return Ok(None) };
    if source.find("format").is_some() {
        return Ok(None);
    }
    let field = format!("{field}.input_audio");
    require(&source, &field, "data", &ANY_TEXT)?;
    let data = source.find("data").and_then(text).unwrap_or_default();
    wrap(&json!({"type": "input_audio", "input_audio": {"data": data, "format": "wav"}})).map(Some)
}

fn wrap(part: &serde_json::Value) -> Result<Box<RawValue>, PublicError> {
    serde_json::value::to_raw_value(part).map_err(|_| invalid("input", "cannot be read"))
}
