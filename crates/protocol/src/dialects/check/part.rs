//! One part of a message's content, in the form of chat completions.

use serde_json::value::RawValue;

use super::rule::{Rule, allow, invalid, require};
use super::value::{Members, members, text};
use crate::chat::media;
use crate::chat::request::PartKind;
use crate::error::PublicError;

pub(crate) const ANY_TEXT: Rule = Rule::Text { characters_max: usize::MAX };

const DETAILS: Rule = Rule::OneOf(&["auto", "low", "high", "original"]);

/// Checks one part and says what it is.
pub(crate) fn part_kind(field: &str, raw: &RawValue) -> Result<PartKind, PublicError> {
    let Some(part) = members(raw) else {
        return Err(invalid(field, "must be an object with a `type`"));
    };
    allow(&part, field, "cache_control", &Rule::Custom(check_cache_control))?;
    allow(&part, field, "prompt_cache_breakpoint", &Rule::Custom(check_breakpoint))?;
    match part.find("type").and_then(text).as_deref() {
        Some(name @ ("text" | "refusal")) => {
            require(&part, field, name, &ANY_TEXT)?;
            let bytes = part.find(name).map_or(0, |text| text.get().len().saturating_sub(2));
            Ok(PartKind::Text { bytes: u32::try_from(bytes).unwrap_or(u32::MAX) })
        }
        Some("image_url") => {
            let (field, image) = source(&part, field, "image_url")?;
            require(&image, &field, "url", &Rule::Custom(check_image))?;
            allow(&image, &field, "detail", &DETAILS)?;
            Ok(PartKind::Image)
        }
        Some("input_audio") => {
            let (field, audio) = source(&part, field, "input_audio")?;
            require(&audio, &field, "data", &Rule::Custom(check_audio))?;
            require(&audio, &field, "format", &media::AUDIO_FORMAT)?;
            Ok(PartKind::Audio)
        }
        Some("video_url" | "input_video") => {
            let (field, video) = source(&part, field, "video_url")?;
            require(&video, &field, "url", &Rule::Custom(check_video))?;
            allow(&video, &field, "processing", &Rule::OneOf(&["agentic", "static"]))?;
            Ok(PartKind::Video)
        }
        Some("file") => {
            let (field, file) = source(&part, field, "file")?;
            check_file(&field, &file)?;
            Ok(PartKind::File)
        }
        _ => Err(invalid(
            &format!("{field}.type"),
            "must be `text`, `image_url`, `input_audio`, `video_url` or `file`",
        )),
    }
}

/// The member that says what a part is made of, with its path.
fn source<'a>(
    part: &Members<'a>,
    field: &str,
    name: &str,
) -> Result<(String, Members<'a>), PublicError> {
    let field = format!("{field}.{name}");
    match part.find(name).and_then(members) {
        Some(source) => Ok((field, source)),
        None => Err(invalid(&field, "must be an object")),
    }
}

fn check_file(field: &str, file: &Members<'_>) -> Result<(), PublicError> {
    allow(file, field, "filename", &Rule::Text { characters_max: 1024 })?;
    allow(file, field, "file_id", &Rule::Text { characters_max: 1024 })?;
    allow(
        file,
        field,
        "file_data",
        &Rule::Custom(|field, raw| media::check_file(field, &said(field, raw)?)),
    )?;
    match (file.find("file_data"), file.find("file_id")) {
        (None, None) => Err(invalid(field, "must have `file_data` or `file_id`")),
        (Some(_), Some(_)) => {
            Err(invalid(&format!("{field}.file_id"), "must be left out when there is `file_data`"))
        }
        _ => Ok(()),
    }
}

fn check_image(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    media::check_image(field, &said(field, raw)?)
}

fn check_audio(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    media::check_audio(field, &said(field, raw)?)
}

fn check_video(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    media::check_video(field, &said(field, raw)?)
}

fn said<'a>(field: &str, raw: &'a RawValue) -> Result<std::borrow::Cow<'a, str>, PublicError> {
    text(raw).ok_or_else(|| invalid(field, "must be text"))
}

/// A mark after which a provider's cache may begin anew.
pub(crate) fn check_cache_control(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(control) = members(raw) else {
        return Err(invalid(field, "must be an object with the `type` `ephemeral`"));
    };
    require(&control, field, "type", &Rule::OneOf(&["ephemeral"]))?;
    allow(&control, field, "ttl", &Rule::OneOf(&["5m", "1h"]))
}

fn check_breakpoint(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(mark) = members(raw) else {
        return Err(invalid(field, "must be an object with the `mode` `explicit`"));
    };
    require(&mark, field, "mode", &Rule::OneOf(&["explicit"]))?;
    allow(&mark, field, "ttl", &ANY_TEXT)
}
