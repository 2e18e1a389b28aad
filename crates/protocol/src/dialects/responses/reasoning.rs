//! Reasoning items, and the `reasoning_details` that they stand for.
//!
//! An item of OpenAI's own keeps its `encrypted_content` as it is. What other models must be sent
//! again (signatures, encrypted blocks, several of them) has no form in this dialect, and clients
//! keep only the members that they know; so the details travel in `encrypted_content`, behind a
//! prefix of ours, and come back byte for byte.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::dialects::check::{Members, invalid, list, members, text};
use crate::error::PublicError;

/// Before details that are packed into `encrypted_content`. The number is the version.
const PACKED: &str = "ep1.";
/// Details that OpenAI's Responses wrote and can be sent again as they are.
pub(super) const OPENAI: &str = "openai-responses-v1";
const UNKNOWN: &str = "unknown";

/// What `encrypted_content` must say so that these details can be rebuilt from the item `id`;
/// none when what is visible says it all.
pub(super) fn encrypted_content(id: &str, details: &[Value]) -> Option<String> {
    if let Some(data) = plain(id, details) {
        return Some(data.to_owned());
    }
    let is_opaque = |detail: &Value| {
        !detail["data"].is_null()
            || !detail["signature"].is_null()
            || !matches!(detail["type"].as_str(), Some("reasoning.text" | "reasoning.summary"))
    };
    let packs = details.iter().any(is_opaque);
    packs.then(|| format!("{PACKED}{}", URL_SAFE_NO_PAD.encode(Value::from(details).to_string())))
}

/// The encrypted content of an item that is OpenAI's own, whole and under its own id.
fn plain<'a>(id: &str, details: &'a [Value]) -> Option<&'a str> {
    let is_own = |detail: &Value| {
        detail["format"] == OPENAI
            && (detail["id"].is_null() || detail["id"] == id)
            && detail["signature"].is_null()
    };
    if !details.iter().all(is_own) {
        return None;
    }
    let mut encrypted = details.iter().filter(|detail| !detail["data"].is_null());
    match (encrypted.next(), encrypted.next()) {
        (Some(one), None) if one["type"] == "reasoning.encrypted" => one["data"].as_str(),
        _ => None,
    }
}

/// The one format that all details share, and the signature where there is one: OpenRouter's own
/// clients look for them beside the text.
pub(super) fn shared<'a>(details: &'a [Value], name: &str) -> Option<&'a str> {
    let mut values = details.iter().filter_map(|detail| detail[name].as_str());
    let first = values.next()?;
    values.all(|other| other == first).then_some(first)
}

/// What an item that a caller sends stands for.
#[derive(Debug)]
pub(super) struct Reasoning {
    /// What was shown of it.
    pub(super) text: String,
    pub(super) details: Vec<Map<String, Value>>,
    /// How an upstream of this dialect may be sent the item; none where it could not read it.
    pub(super) native: Native,
}

#[derive(Debug)]
pub(super) enum Native {
    Verbatim,
    Rewritten(Box<RawValue>),
    Left,
}

/// Reads a reasoning item at `field`.
pub(super) fn read(field: &str, item: &Members<'_>) -> Result<Reasoning, PublicError> {
    let summary = texts(field, item, "summary")?;
    let content = texts(field, item, "content")?;
    let encrypted = read_text(field, item, "encrypted_content")?;
    let format = read_text(field, item, "format")?;
    let signature = read_text(field, item, "signature")?;
    let id = read_text(field, item, "id")?;
    let shown = if content.is_empty() { &summary } else { &content };
    let text = shown.concat();
    if let Some(packed) = encrypted.as_deref().and_then(|data| data.strip_prefix(PACKED)) {
        let Some(details) = unpack(packed) else {
            let demand = "is not as it was given: send reasoning items unchanged or leave them out";
            return Err(invalid(&format!("{field}.encrypted_content"), demand));
        };
        let native = native_of(&details);
        return Ok(Reasoning { text, details, native });
    }
    let is_foreign = format.as_deref().is_some_and(|format| format != OPENAI);
    let native = match &encrypted {
        Some(_) if is_foreign => Native::Left,
        Some(_) if format.is_none() && signature.is_none() => Native::Verbatim,
        Some(_) => Native::without(item, &["format", "signature"]),
        // Nobody but who wrote it could make anything of its id.
        None => Native::Left,
    };
    let format = match (format, &encrypted) {
        (Some(format), _) => format,
        (None, Some(_)) => OPENAI.to_owned(),
        (None, None) => UNKNOWN.to_owned(),
    };
    let mut details = Vec::new();
    let mut add = |kind: &str, name: &str, value: &str| {
        let index = details.len();
        let mut detail = Map::new();
        detail.insert("type".into(), kind.into());
        detail.insert(name.to_owned(), value.into());
        detail.insert("format".into(), format.as_str().into());
        detail.insert("id".into(), id.clone().into());
        detail.insert("index".into(), index.into());
        details.push(detail);
    };
    for text in &summary {
        add("reasoning.summary", "summary", text);
    }
    for text in &content {
        add("reasoning.text", "text", text);
    }
    if let Some(data) = &encrypted {
        add("reasoning.encrypted", "data", data);
    }
    if let Some(signature) = signature {
        sign(&mut details, signature, (&format, id.as_deref()));
    }
    Ok(Reasoning { text, details, native })
}

/// A signature belongs to the text; without one it stands for a text that was left out.
fn sign(
    details: &mut Vec<Map<String, Value>>,
    signature: String,
    (format, id): (&str, Option<&str>),
) {
    let last = details.iter_mut().rev().find(|detail| detail.contains_key("text"));
    if let Some(text) = last {
        text.insert("signature".into(), signature.into());
        return;
    }
    let summary: String =
        details.iter().filter_map(|detail| detail.get("summary")?.as_str()).collect();
    details.retain(|detail| !detail.contains_key("summary"));
    let index = details.len();
    let detail = json!({
        "type": "reasoning.text", "text": summary, "signature": signature, "format": format,
        "id": id, "index": index,
    });
    if let Value::Object(detail) = detail {
        details.push(detail);
    }
}

impl Native {
    fn without(item: &Members<'_>, left_out: &[&str]) -> Self {
        let kept: Map<String, Value> = item
            .iter()
            .filter(|(name, _)| !left_out.contains(name))
            .filter_map(|(name, raw)| {
                Some((name.to_owned(), serde_json::from_str(raw.get()).ok()?))
            })
            .collect();
        serde_json::value::to_raw_value(&kept).map_or(Self::Left, Self::Rewritten)
    }
}

/// The item that OpenAI wrote, where these details are of one such item.
fn native_of(details: &[Map<String, Value>]) -> Native {
    let get = |detail: &Map<String, Value>, name: &str| {
        detail.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    let is_own = |detail: &Map<String, Value>| get(detail, "format").as_deref() == Some(OPENAI);
    let ids: Vec<String> = details.iter().filter_map(|detail| get(detail, "id")).collect();
    let data: Vec<String> = details.iter().filter_map(|detail| get(detail, "data")).collect();
    let (Some(id), [data]) = (ids.first(), data.as_slice()) else { return Native::Left };
    if !details.iter().all(is_own) || ids.iter().any(|other| other != id) {
        return Native::Left;
    }
    let part = |kind: &str, text: String| json!({ "type": kind, "text": text });
    let summary: Vec<Value> = details
        .iter()
        .filter_map(|detail| get(detail, "summary"))
        .map(|text| part("summary_text", text))
        .collect();
    let content: Vec<Value> = details
        .iter()
        .filter_map(|detail| get(detail, "text"))
        .map(|text| part("reasoning_text", text))
        .collect();
    let mut item =
        json!({ "type": "reasoning", "id": id, "summary": summary, "encrypted_content": data });
    if let (false, Some(object)) = (content.is_empty(), item.as_object_mut()) {
        object.insert("content".into(), content.into());
    }
    serde_json::value::to_raw_value(&item).map_or(Native::Left, Native::Rewritten)
}

fn unpack(packed: &str) -> Option<Vec<Map<String, Value>>> {
    let json = URL_SAFE_NO_PAD.decode(packed).ok()?;
    serde_json::from_slice(&json).ok()
}

fn read_text(field: &str, item: &Members<'_>, name: &str) -> Result<Option<String>, PublicError> {
    item.find(name)
        .map(|raw| {
            let wrong = || invalid(&format!("{field}.{name}"), "must be text");
            text(raw).map(Into::into).ok_or_else(wrong)
        })
        .transpose()
}

/// The texts of `summary` or `content`.
fn texts(field: &str, item: &Members<'_>, name: &str) -> Result<Vec<String>, PublicError> {
    let Some(raw) = item.find(name) else { return Ok(Vec::new()) };
    let field = format!("{field}.{name}");
    let Some(parts) = list(raw) else {
        return Err(invalid(&field, "must be a list of parts with a `text`"));
    };
    let read = |(index, part): (usize, &&RawValue)| {
        // OpenRouter's examples have bare texts in `summary`.
        let within = || members(part).and_then(|part| part.find("text").and_then(text));
        let found = text(part).or_else(within).map(Into::into);
        found.ok_or_else(|| invalid(&format!("{field}[{index}].text"), "is missing or not text"))
    };
    parts.iter().enumerate().map(read).collect()
}
