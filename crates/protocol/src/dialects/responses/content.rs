//! Parts of content, from the words of this dialect to those of chat completions.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::chat::request::{Content, Part, PartKind};
use crate::dialects::check::{ANY_TEXT, Members, invalid, list, members, part_kind, require, text};
use crate::error::PublicError;

/// Whose content it is: decides what it may be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    User,
    Assistant,
    /// System and developer.
    Instruction,
    /// What a tool gave.
    Tool,
}

/// A part in the form of chat completions.
#[derive(Serialize)]
#[serde(tag = "type")]
enum Wire<'a> {
    #[serde(rename = "text")]
    Text { text: &'a RawValue },
    #[serde(rename = "refusal")]
    Refusal { refusal: &'a RawValue },
    #[serde(rename = "image_url")]
    Image { image_url: Url<'a> },
    #[serde(rename = "input_audio")]
    Audio { input_audio: &'a RawValue },
    #[serde(rename = "video_url")]
    Video { video_url: Url<'a> },
    #[serde(rename = "file")]
    File { file: Attachment<'a> },
}

#[derive(Serialize)]
struct Url<'a> {
    url: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a RawValue>,
}

#[derive(Serialize, Default)]
struct Attachment<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'a RawValue>,
}

/// A part with the marks of caches that stand beside it.
#[derive(Serialize)]
struct Marked<'a> {
    #[serde(flatten)]
    part: Wire<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_breakpoint: Option<&'a RawValue>,
}

/// Reads `content` or `output`: text, or a list of parts.
pub(super) fn read(field: &str, raw: &RawValue, side: Side) -> Result<Vec<Part>, PublicError> {
    if raw.get().starts_with('"') {
        ANY_TEXT.check(field, raw)?;
        return Ok(vec![text_part(field, raw)?]);
    }
    let Some(parts) = list(raw) else {
        return Err(invalid(field, "must be text or a list of parts"));
    };
    let read = |(index, part): (usize, &&RawValue)| {
        let field = format!("{field}[{index}]");
        let Some(members) = members(part) else {
            return Err(invalid(&field, "must be an object with a `type`"));
        };
        read_part(&field, &members, side)
    };
    parts.iter().enumerate().map(read).collect()
}

/// Text that stands alone is text; everything else stays in parts.
pub(super) fn settle(parts: Vec<Part>, side: Side) -> Content {
    let plain: Option<Vec<String>> = parts.iter().map(plain_text).collect();
    match plain {
        _ if parts.is_empty() => Content::None,
        Some(texts) if texts.len() == 1 || side == Side::Assistant => Content::Text(texts.concat()),
        _ => Content::Parts(parts),
    }
}

/// The text of a part that is nothing else.
fn plain_text(part: &Part) -> Option<String> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Plain<'a> {
        r#type: &'a str,
        text: String,
    }
    if !matches!(part.kind, PartKind::Text { .. }) {
        return None;
    }
    let plain: Plain<'_> = serde_json::from_str(part.raw.get()).ok()?;
    (plain.r#type == "text").then_some(plain.text)
}

fn text_part(field: &str, raw: &RawValue) -> Result<Part, PublicError> {
    finish(field, &Wire::Text { text: raw })
}

fn read_part(field: &str, part: &Members<'_>, side: Side) -> Result<Part, PublicError> {
    let kind = part.find("type").and_then(text).unwrap_or_default();
    let wire = match (&*kind, side) {
        ("input_text" | "output_text" | "text", _) => {
            require(part, field, "text", &ANY_TEXT)?;
            part.find("text").map(|text| Wire::Text { text })
        }
        ("refusal", Side::Assistant) => {
            require(part, field, "refusal", &ANY_TEXT)?;
            part.find("refusal").map(|refusal| Wire::Refusal { refusal })
        }
        ("input_image" | "image_url", Side::User | Side::Tool) => Some(image(field, part)?),
        ("input_file", Side::User | Side::Tool) => Some(Wire::File { file: file(field, part)? }),
        ("input_audio", Side::User) => {
            part.find("input_audio").map(|input_audio| Wire::Audio { input_audio })
        }
        ("input_video" | "video_url", Side::User) => Some(Wire::Video {
            video_url: Url { url: url(field, part, "video_url")?, detail: None },
        }),
        _ => return Err(invalid(&format!("{field}.type"), side.demand())),
    };
    let Some(part_wire) = wire else {
        return Err(invalid(&format!("{field}.input_audio"), "is missing and must be an object"));
    };
    let marked = Marked {
        part: part_wire,
        cache_control: part.find("cache_control"),
        prompt_cache_breakpoint: part.find("prompt_cache_breakpoint"),
    };
    finish(field, &marked)
}

impl Side {
    const fn demand(self) -> &'static str {
        match self {
            Self::User => {
                "must be `input_text`, `input_image`, `input_file`, `input_audio` or `input_video`"
            }
            Self::Assistant => "must be `output_text` or `refusal` in an assistant's message",
            Self::Instruction => "must be `input_text` in a message of this role",
            Self::Tool => "must be `input_text`, `input_image` or `input_file`",
        }
    }
}

/// Checks the part in its new form; the path stays that of the caller's.
fn finish(field: &str, part: &impl Serialize) -> Result<Part, PublicError> {
    let raw = to_raw_value(part).map_err(|_| invalid(field, "cannot be read"))?;
    let kind = part_kind(field, &raw).map_err(|error| as_written(error, field))?;
    Ok(Part { kind, raw })
}

/// Names fields as this dialect does.
fn as_written(mut error: PublicError, field: &str) -> PublicError {
    const NAMES: [(&str, &str); 5] = [
        (".image_url.url", ".image_url"),
        (".image_url.detail", ".detail"),
        (".video_url.url", ".video_url"),
        (".file.file_data", ".file_data"),
        (".file", ""),
    ];
    for (chat, ours) in NAMES {
        let (from, to) = (format!("{field}{chat}"), format!("{field}{ours}"));
        let Some(path) = error.metadata.get("field").and_then(|path| path.as_str()) else { break };
        if path.starts_with(&from) {
            let renamed = path.replacen(&from, &to, 1);
            error.message = error.message.replacen(&from, &to, 1);
            return error.with_metadata("field", renamed);
        }
    }
    error
}

/// An address, bare or in an object as chat completions have it.
fn url<'a>(field: &str, part: &Members<'a>, name: &str) -> Result<Cow<'a, str>, PublicError> {
    let within = |raw: &'a RawValue| members(raw).and_then(|url| url.find("url").and_then(text));
    let found = part.find(name).and_then(|raw| text(raw).or_else(|| within(raw)));
    let demand = "is missing and must be an `https:` address or `data:<media type>;base64,…`";
    found.ok_or_else(|| invalid(&format!("{field}.{name}"), demand))
}

/// An image, or the provider's own file that holds one.
fn image<'a>(field: &str, part: &Members<'a>) -> Result<Wire<'a>, PublicError> {
    if let (None, Some(id)) = (part.find("image_url"), part.find("file_id")) {
        return Ok(Wire::File { file: Attachment { file_id: Some(id), ..Attachment::default() } });
    }
    let url = url(field, part, "image_url")?;
    Ok(Wire::Image { image_url: Url { url, detail: part.find("detail") } })
}

fn file<'a>(field: &str, part: &Members<'a>) -> Result<Attachment<'a>, PublicError> {
    let filename = part.find("filename");
    let said = |name: &str| {
        let raw = part.find(name)?;
        Some(text(raw).ok_or_else(|| invalid(&format!("{field}.{name}"), "must be text")))
    };
    let file_data = match said("file_data").or_else(|| said("file_url")) {
        Some(data) => Some(as_address(data?, filename)),
        None => None,
    };
    if file_data.is_none() && part.find("file_id").is_none() {
        return Err(invalid(field, "must have `file_data`, `file_url` or `file_id`"));
    }
    Ok(Attachment { filename, file_data, file_id: part.find("file_id") })
}

/// Some clients send a file's bare base64; its name says what it is.
fn as_address<'a>(data: Cow<'a, str>, filename: Option<&RawValue>) -> Cow<'a, str> {
    let is_address = data.starts_with("data:") || data.contains("://");
    if is_address {
        return data;
    }
    let name = filename.and_then(text).unwrap_or_default();
    let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("txt" | "md" | "csv") => "text/plain",
        _ => "application/pdf",
    };
    Cow::Owned(format!("data:{kind};base64,{data}"))
}
