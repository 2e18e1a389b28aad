//! Blocks of content as parts of a message.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::parameters::check_cache_control;
use super::{LeftOut, raw};
use crate::chat::media;
use crate::chat::request::{Content, Part, PartKind};
use crate::dialects::check::{
    Members, Rule, allow, boolean, invalid, list, members, require, text,
};
use crate::error::PublicError;

pub(super) const ANY_TEXT: Rule = Rule::Text { characters_max: usize::MAX };
const SOURCES: &str = "must be `base64`, `url`, `file`, `text` or `content`";

/// A part in the form of chat completions.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ChatPart<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<&'a RawValue>,
    },
    ImageUrl {
        image_url: Url<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<&'a RawValue>,
    },
    File {
        file: File<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<&'a RawValue>,
    },
}

#[derive(Serialize)]
pub(super) struct Url<'a> {
    pub(super) url: Address<'a>,
}

#[derive(Serialize)]
struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<Cow<'a, str>>,
    #[serde(rename = "file_data", skip_serializing_if = "Option::is_none")]
    data: Option<Address<'a>>,
    #[serde(rename = "file_id", skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
}

/// An address, or data as a `data:` address, which is long and copied no more than once.
pub(super) enum Address<'a> {
    Url(Cow<'a, str>),
    Data { media_type: Cow<'a, str>, base64: Cow<'a, str> },
}

impl Serialize for Address<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Url(url) => serializer.serialize_str(url),
            Self::Data { media_type, base64 } => {
                serializer.collect_str(&format_args!("data:{media_type};base64,{base64}"))
            }
        }
    }
}

/// Collects the parts of one message.
pub(super) struct Parts<'l> {
    pub(super) list: Vec<Part>,
    pub(super) left_out: &'l mut LeftOut,
}

impl Parts<'_> {
    /// Adds a block of a user, a tool or a document.
    pub(super) fn add(
        &mut self,
        field: &str,
        block: &Members<'_>,
        written: &RawValue,
    ) -> Result<(), PublicError> {
        allow(block, field, "cache_control", &Rule::Custom(check_cache_control))?;
        match kind(field, block)?.as_ref() {
            "text" => self.add_text(field, block, written),
            "image" => self.add_image(field, block),
            "document" => self.add_document(field, block),
            "search_result" => self.add_search_result(field, block),
            other => {
                self.left_out.add(&format!("messages.content.{other}"));
                Ok(())
            }
        }
    }

    pub(super) fn add_text(
        &mut self,
        field: &str,
        block: &Members<'_>,
        written: &RawValue,
    ) -> Result<(), PublicError> {
        require(block, field, "text", &ANY_TEXT)?;
        let Some(value) = block.find("text") else { return Ok(()) };
        // In chat completions it looks the same.
        let is_plain =
            block.iter().all(|(name, _)| matches!(name, "type" | "text" | "cache_control"));
        let raw = if is_plain {
            written.to_owned()
        } else {
            let cache_control = block.find("cache_control");
            raw(&ChatPart::Text { text: text(value).unwrap_or_default(), cache_control })?
        };
        self.push(text_kind(value.get().len().saturating_sub(2)), raw);
        Ok(())
    }

    pub(super) fn add_own_text(
        &mut self,
        text: String,
        cache_control: Option<&RawValue>,
    ) -> Result<(), PublicError> {
        let kind = text_kind(text.len());
        let raw = raw(&ChatPart::Text { text: text.into(), cache_control })?;
        self.push(kind, raw);
        Ok(())
    }

    fn add_image(&mut self, field: &str, block: &Members<'_>) -> Result<(), PublicError> {
        let cache_control = block.find("cache_control");
        self.left_out.media.push(field.to_owned());
        let (field, source) = source(field, block)?;
        if let Some(url) = image_address(&field, &source)? {
            let image = ChatPart::ImageUrl { image_url: Url { url }, cache_control };
            self.push(PartKind::Image, raw(&image)?);
        } else {
            let id = Some(file_id(&field, &source)?);
            let file = File { filename: None, data: None, id };
            self.push(PartKind::File, raw(&ChatPart::File { file, cache_control })?);
        }
        Ok(())
    }

    fn add_document(&mut self, field: &str, block: &Members<'_>) -> Result<(), PublicError> {
        for name in ["title", "context"] {
            allow(block, field, name, &ANY_TEXT)?;
        }
        let citations = block.find("citations").and_then(members);
        if citations.and_then(|citations| boolean(citations.find("enabled")?)) == Some(true) {
            self.left_out.add("messages.content.document.citations");
        }
        let title = block.find("title").and_then(text);
        let context = block.find("context").and_then(text);
        let cache_control = block.find("cache_control");
        let path = field;
        let (field, source) = source(field, block)?;
        let (data, id) = match kind(&field, &source)?.as_ref() {
            "text" => {
                require(&source, &field, "data", &ANY_TEXT)?;
                let data = source.find("data").and_then(text);
                let texts = [title, context, data].into_iter().flatten().collect::<Vec<_>>();
                return self.add_own_text(texts.join("\n\n"), cache_control);
            }
            "content" => {
                let texts = [title, context].into_iter().flatten().collect::<Vec<_>>();
                if !texts.is_empty() {
                    self.add_own_text(texts.join("\n\n"), None)?;
                }
                return self.add_content(&field, &source, cache_control);
            }
            "base64" => (Some(pdf(&field, &source)?), None),
            "url" => (Some(address(&field, &source, media::check_file)?), None),
            "file" => (None, Some(file_id(&field, &source)?)),
            _ => return Err(invalid(&format!("{field}.type"), SOURCES)),
        };
        if let Some(context) = context {
            self.add_own_text(context.into_owned(), None)?;
        }
        let file = File { filename: title, data, id };
        let raw = raw(&ChatPart::File { file, cache_control })?;
        self.left_out.media.push(path.to_owned());
        self.push(PartKind::File, raw);
        Ok(())
    }

    /// A document that is made of blocks of its own.
    fn add_content(
        &mut self,
        field: &str,
        source: &Members<'_>,
        cache_control: Option<&RawValue>,
    ) -> Result<(), PublicError> {
        let field = format!("{field}.content");
        let Some(content) = source.find("content") else {
            return Err(invalid(&field, "is missing and must be text or a list of blocks"));
        };
        if let Some(text) = text(content) {
            return self.add_own_text(text.into_owned(), cache_control);
        }
        for (field, block, written) in blocks(&field, content)? {
            match kind(&field, &block)?.as_ref() {
                "text" => self.add_text(&field, &block, written)?,
                "image" => self.add_image(&field, &block)?,
                _ => return Err(invalid(&format!("{field}.type"), "must be `text` or `image`")),
            }
        }
        self.mark_last(cache_control)
    }

    fn add_search_result(&mut self, field: &str, block: &Members<'_>) -> Result<(), PublicError> {
        let mut texts = Vec::new();
        for name in ["title", "source"] {
            require(block, field, name, &ANY_TEXT)?;
            texts.extend(block.find(name).and_then(text));
        }
        let content = format!("{field}.content");
        let Some(list) = block.find("content") else {
            return Err(invalid(&content, "is missing and must be a list of text blocks"));
        };
        for (field, block, _) in &blocks(&content, list)? {
            require(block, field, "text", &ANY_TEXT)?;
            texts.extend(block.find("text").and_then(text));
        }
        self.add_own_text(texts.join("\n\n"), block.find("cache_control"))
    }

    /// Puts the mark of a whole on its last part, unless that has one of its own.
    pub(super) fn mark_last(&mut self, mark: Option<&RawValue>) -> Result<(), PublicError> {
        let (Some(mark), Some(part)) = (mark, self.list.last_mut()) else { return Ok(()) };
        let Some(written) = members(&part.raw) else { return Ok(()) };
        if written.find("cache_control").is_some() {
            return Ok(());
        }
        let others = written.iter().filter(|(name, _)| *name != "cache_control");
        let marked = Object(others.chain([("cache_control", mark)]).collect());
        part.raw = raw(&marked)?;
        Ok(())
    }

    /// The content: a lone unmarked text needs no list.
    pub(super) fn into_content(mut self) -> Content {
        if let [part] = &self.list[..]
            && matches!(part.kind, PartKind::Text { .. })
            && let Some(written) = members(&part.raw)
            && written.find("cache_control").is_none()
            && let Some(text) = written.find("text").and_then(text)
        {
            return Content::Text(text.into_owned());
        }
        Content::Parts(std::mem::take(&mut self.list))
    }

    fn push(&mut self, kind: PartKind, raw: Box<RawValue>) {
        self.list.push(Part { kind, raw });
    }
}

/// An object whose members are written as they are.
pub(super) struct Object<'a>(pub(super) Vec<(&'a str, &'a RawValue)>);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// A block with its path and its JSON.
pub(super) type Block<'a> = (String, Members<'a>, &'a RawValue);

/// The blocks of a list.
pub(super) fn blocks<'a>(
    field: &str,
    content: &'a RawValue,
) -> Result<Vec<Block<'a>>, PublicError> {
    let Some(blocks) = list(content) else {
        return Err(invalid(field, "must be text or a list of blocks"));
    };
    let block = |(index, written): (usize, &'a RawValue)| {
        let field = format!("{field}[{index}]");
        match members(written) {
            Some(block) => Ok((field, block, written)),
            None => Err(invalid(&field, "must be an object with a `type`")),
        }
    };
    blocks.into_iter().enumerate().map(block).collect()
}

/// The `type` of a block or of a source.
pub(super) fn kind<'a>(field: &str, block: &Members<'a>) -> Result<Cow<'a, str>, PublicError> {
    require(block, field, "type", &Rule::Text { characters_max: 128 })?;
    Ok(block.find("type").and_then(text).unwrap_or_default())
}

fn text_kind(bytes: usize) -> PartKind {
    PartKind::Text { bytes: u32::try_from(bytes).unwrap_or(u32::MAX) }
}

fn source<'a>(field: &str, block: &Members<'a>) -> Result<(String, Members<'a>), PublicError> {
    let field = format!("{field}.source");
    match block.find("source").and_then(members) {
        Some(source) => Ok((field, source)),
        None => Err(invalid(&field, "is missing and must be an object with a `type`")),
    }
}

/// Where an image is; none where Anthropic keeps it.
pub(super) fn image_address<'a>(
    field: &str,
    source: &Members<'a>,
) -> Result<Option<Address<'a>>, PublicError> {
    const TYPES: Rule = Rule::OneOf(&["image/jpeg", "image/png", "image/gif", "image/webp"]);
    match kind(field, source)?.as_ref() {
        "base64" => {
            require(source, field, "media_type", &TYPES)?;
            require(source, field, "data", &ANY_TEXT)?;
            let media_type = source.find("media_type").and_then(text).unwrap_or_default();
            let base64 = source.find("data").and_then(text).unwrap_or_default();
            media::check_image_data(&format!("{field}.data"), &media_type, &base64)?;
            // Clients often guess by the name of a file, and providers look at the data.
            let media_type = media::image_type(&base64).map_or(media_type, Cow::Borrowed);
            Ok(Some(Address::Data { media_type, base64 }))
        }
        "url" => address(field, source, media::check_image).map(Some),
        "file" => Ok(None),
        _ => Err(invalid(&format!("{field}.type"), "must be `base64`, `url` or `file`")),
    }
}

fn address<'a>(
    field: &str,
    source: &Members<'a>,
    check: fn(&str, &str) -> Result<(), PublicError>,
) -> Result<Address<'a>, PublicError> {
    require(source, field, "url", &ANY_TEXT)?;
    let url = source.find("url").and_then(text).unwrap_or_default();
    check(&format!("{field}.url"), &url)?;
    Ok(Address::Url(url))
}

fn pdf<'a>(field: &str, source: &Members<'a>) -> Result<Address<'a>, PublicError> {
    require(source, field, "media_type", &Rule::OneOf(&["application/pdf"]))?;
    require(source, field, "data", &ANY_TEXT)?;
    let media_type = source.find("media_type").and_then(text).unwrap_or_default();
    let base64 = source.find("data").and_then(text).unwrap_or_default();
    media::check_base64(&format!("{field}.data"), &base64)?;
    Ok(Address::Data { media_type, base64 })
}

fn file_id<'a>(field: &str, source: &Members<'a>) -> Result<Cow<'a, str>, PublicError> {
    require(source, field, "file_id", &Rule::Text { characters_max: 512 })?;
    Ok(source.find("file_id").and_then(text).unwrap_or_default())
}
