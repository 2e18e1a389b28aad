//! Content blocks: unions with one member each.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::read::{cache_mark, json_text};
use crate::fields::Fields;
use crate::media;
use crate::refusal::{Problem, Refusal};
use crate::seal::{self, Maker};
use crate::understood::{CacheMark, Media, Part, Role};

type Result<T> = std::result::Result<T, Refusal>;

/// A mark on what came before, or something that was said.
pub(super) enum Block {
    Part(Part),
    Mark(CacheMark),
}

pub(super) fn cache_point(fields: &mut Fields) -> Result<Option<CacheMark>> {
    fields.object("cachePoint")?.map(cache_mark).transpose()
}

pub(super) fn block(mut fields: Fields, role: Role) -> Result<Block> {
    const MEMBERS: [&str; 12] = [
        "text",
        "image",
        "document",
        "video",
        "audio",
        "toolUse",
        "toolResult",
        "guardContent",
        "cachePoint",
        "reasoningContent",
        "citationsContent",
        "searchResult",
    ];
    let mut members = MEMBERS.into_iter().filter(|member| fields.has(member));
    let (Some(member), None) = (members.next(), members.next()) else {
        let sentence = "exactly one member of the union must be set";
        return Err(Refusal::rule(fields.path(), sentence));
    };
    if member == "cachePoint" {
        let mark = cache_point(&mut fields)?.unwrap_or_default();
        fields.deny_rest()?;
        return Ok(Block::Mark(mark));
    }
    let path = fields.path().to_owned();
    let part = match (member, role) {
        ("text", _) => text(&mut fields)?,
        ("image" | "document" | "video" | "audio", Role::User) => {
            of_media(member, inner(&mut fields, member)?)?
        }
        ("toolUse", Role::Assistant) => tool_use(inner(&mut fields, member)?)?,
        ("toolResult", Role::User) => tool_result(inner(&mut fields, member)?)?,
        ("reasoningContent", Role::Assistant) => reasoning(inner(&mut fields, member)?)?,
        ("guardContent" | "citationsContent" | "searchResult", _) => {
            let value = fields.take(member).unwrap_or_default();
            Part::Other { kind: member.to_owned(), value }
        }
        _ => {
            let role = if role == Role::User { "user" } else { "assistant" };
            let sentence = format!("{member} is not allowed in messages of role {role}");
            return Err(Refusal::rule(path, sentence));
        }
    };
    fields.deny_rest()?;
    Ok(Block::Part(part))
}

fn inner(fields: &mut Fields, member: &str) -> Result<Fields> {
    let at = fields.at(member);
    fields.object(member)?.ok_or_else(|| Refusal::new(at, Problem::Type("an object")))
}

fn text(fields: &mut Fields) -> Result<Part> {
    let text = fields.required_text("text")?;
    if text.trim().is_empty() {
        let sentence = format!(
            "The text field in the ContentBlock object at {} is blank. Add text to the text \
             field, and try again.",
            fields.path()
        );
        return Err(Refusal::rule("", sentence));
    }
    Ok(Part::text(text))
}

fn of_media(member: &str, mut fields: Fields) -> Result<Part> {
    let formats: &[(&str, &str)] = match member {
        "image" => &[
            ("png", "image/png"),
            ("jpeg", "image/jpeg"),
            ("gif", "image/gif"),
            ("webp", "image/webp"),
        ],
        "document" => &[
            ("pdf", "application/pdf"),
            ("csv", "text/csv"),
            ("doc", "application/msword"),
            ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("xls", "application/vnd.ms-excel"),
            ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            ("html", "text/html"),
            ("txt", "text/plain"),
            ("md", "text/markdown"),
        ],
        "video" => &[
            ("mkv", "video/x-matroska"),
            ("mov", "video/quicktime"),
            ("mp4", "video/mp4"),
            ("webm", "video/webm"),
            ("flv", "video/x-flv"),
            ("mpeg", "video/mpeg"),
            ("mpg", "video/mpeg"),
            ("wmv", "video/x-ms-wmv"),
            ("three_gp", "video/3gpp"),
        ],
        _ => &[
            ("mp3", "audio/mp3"),
            ("wav", "audio/wav"),
            ("aac", "audio/aac"),
            ("flac", "audio/flac"),
            ("ogg", "audio/ogg"),
            ("m4a", "audio/m4a"),
            ("opus", "audio/opus"),
            ("webm", "audio/webm"),
            ("mp4", "audio/mp4"),
            ("pcm", "audio/pcm"),
        ],
    };
    let format = fields.required_text("format")?;
    let known = formats.iter().find(|(name, _)| *name == format);
    let Some((_, media_type)) = known else {
        let names: Vec<&str> = formats.iter().map(|(name, _)| *name).collect();
        let sentence = format!("Member must satisfy enum value set: [{}]", names.join(", "));
        return Err(Refusal::rule(fields.at("format"), sentence));
    };
    let filename = fields.text("name")?;
    if member == "document" {
        check_name(&fields.at("name"), filename.as_deref())?;
        fields.take("context");
        fields.take("citations");
    } else if filename.is_some() {
        return Err(Refusal::new(fields.at("name"), Problem::Unknown));
    }
    let media = source(&mut fields, media_type)?;
    fields.deny_rest()?;
    Ok(match member {
        "image" => Part::Image { media, detail: None, cache: None },
        "document" => Part::File { media, filename, cache: None },
        "video" => Part::Video { media },
        _ => Part::Audio { media },
    })
}

fn source(fields: &mut Fields, media_type: &str) -> Result<Media> {
    let at = fields.at("source");
    let mut source = fields.object("source")?.ok_or_else(|| Refusal::new(at, Problem::Missing))?;
    let media_type = Some(media_type.to_owned());
    let media = if let Some(mut place) = source.object("s3Location")? {
        let url = place.required_text("uri")?;
        place.text("bucketOwner")?;
        place.deny_rest()?;
        Media { media_type, ..media::address(&source.at("s3Location.uri"), &url)? }
    } else if let Some(text) = source.text("text")? {
        media::known(media_type, text.as_bytes())
    } else {
        let data = source.required_text("bytes")?;
        media::inline(&source.at("bytes"), media_type, &data)?
    };
    source.deny_rest()?;
    Ok(media)
}

/// Names of documents could be instructions, so they may be little more than words.
fn check_name(path: &str, name: Option<&str>) -> Result<()> {
    let name = name.ok_or_else(|| Refusal::new(path, Problem::Missing))?;
    let is_good =
        |character: char| character.is_ascii_alphanumeric() || " -()[]".contains(character);
    if name.is_empty() || name.len() > 200 || !name.chars().all(is_good) || name.contains("  ") {
        let sentence = "The document file name can only contain alphanumeric characters, \
                        whitespace characters, hyphens, parentheses, and square brackets. The name \
                        can't contain more than one consecutive whitespace character.";
        return Err(Refusal::rule("", sentence));
    }
    Ok(())
}

fn check_id(path: &str, id: &str) -> Result<()> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    if id.is_empty() || id.len() > 64 || !id.bytes().all(is_good) {
        let sentence = "Member must satisfy regular expression pattern: [a-zA-Z0-9_.:-]+, at most \
                        64 long";
        return Err(Refusal::rule(path, sentence));
    }
    Ok(())
}

fn tool_use(mut fields: Fields) -> Result<Part> {
    let id = fields.required_text("toolUseId")?;
    check_id(&fields.at("toolUseId"), &id)?;
    let name = fields.required_text("name")?;
    let arguments = fields.required("input")?;
    if !arguments.is_object() {
        let sentence = format!(
            "The format of the value at {} is invalid. Provide a json object for the field and try again.",
            fields.at("input")
        );
        return Err(Refusal::rule("", sentence));
    }
    fields.take("type");
    fields.deny_rest()?;
    Ok(Part::ToolCall { id: Some(id), name, arguments, signature: None, cache: None })
}

fn tool_result(mut fields: Fields) -> Result<Part> {
    let id = fields.required_text("toolUseId")?;
    check_id(&fields.at("toolUseId"), &id)?;
    let is_error = fields.one_of("status", &["success", "error"])?.as_deref() == Some("error");
    let at = fields.at("content");
    let content = fields.objects("content")?.ok_or_else(|| Refusal::new(at, Problem::Missing))?;
    let parts = content.into_iter().map(|mut fields| {
        let part = if let Some(value) = fields.take("json") {
            json_text(&value)
        } else if fields.has("text") {
            // Unlike in a turn, it may be blank.
            Part::text(fields.required_text("text")?)
        } else {
            let members = ["image", "document", "video"];
            let member = members.into_iter().find(|member| fields.has(member));
            let Some(member) = member else {
                let sentence = "exactly one member of the union must be set";
                return Err(Refusal::rule(fields.path(), sentence));
            };
            of_media(member, inner(&mut fields, member)?)?
        };
        fields.deny_rest()?;
        Ok(part)
    });
    let parts = parts.collect::<Result<_>>()?;
    fields.take("type");
    fields.deny_rest()?;
    Ok(Part::ToolResult { id: Some(id), name: None, parts, is_error, cache: None })
}

fn reasoning(mut fields: Fields) -> Result<Part> {
    if let Some(data) = fields.text("redactedContent")? {
        fields.deny_rest()?;
        let sealed = STANDARD.decode(&data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        if sealed.and_then(|sealed| seal::open(Maker::Claude, &sealed)).is_none() {
            return Err(Refusal::rule("", "Invalid `data` in `redacted_thinking` block"));
        }
        return Ok(Part::EncryptedReasoning { data });
    }
    let mut inner = inner(&mut fields, "reasoningText")?;
    fields.deny_rest()?;
    let text = inner.required_text("text")?;
    let signature = inner.text("signature")?;
    let path = inner.path().to_owned();
    inner.deny_rest()?;
    let is_ours = signature
        .as_ref()
        .is_some_and(|signature| seal::is_signed(Maker::Claude, &text, signature));
    if !is_ours {
        let sentence = format!("{path}: Invalid `signature` in `thinking` block");
        return Err(Refusal::rule("", sentence));
    }
    Ok(Part::Reasoning { text, signature })
}
