//! What an assistant said, thought and called.

use serde::Serialize;
use serde_json::value::RawValue;

use super::parameters::check_cache_control;
use super::parts::{ANY_TEXT, Block, Parts, Url, image_address, kind};
use super::{LeftOut, raw};
use crate::chat::fold::join_detail;
use crate::chat::request::{Content, Message, PartKind, Role};
use crate::dialects::check::{Members, Rule, allow, invalid, list, members, require, text};
use crate::dialects::messages::{OWN_FORMAT, packed};
use crate::error::PublicError;

/// What is done with a block before Anthropic is sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    AsWritten,
    /// Another vendor's model wrote it.
    Dropped,
    /// Its citations are ours: Anthropic's are encrypted.
    Uncited,
}

/// Blocks of one message that are not sent as they were written, by their place.
pub(super) type Treated = Vec<(usize, Treatment)>;

impl Treatment {
    const fn dropped_if(is_foreign: bool) -> Self {
        if is_foreign { Self::Dropped } else { Self::AsWritten }
    }
}

/// One answer, read block by block.
#[derive(Default)]
struct Answer {
    calls: Vec<Box<RawValue>>,
    reasoning: String,
    details: Vec<serde_json::Value>,
    images: Vec<Box<RawValue>>,
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a str,
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Serialize)]
struct Image<'a> {
    r#type: &'static str,
    image_url: Url<'a>,
}

/// The message, unless nothing of it has a form, and which of its blocks must be treated.
pub(super) fn read(
    blocks: &[Block<'_>],
    left_out: &mut LeftOut,
) -> Result<(Option<Message>, Treated), PublicError> {
    let mut answer = Answer::default();
    let mut parts = Parts { list: Vec::new(), left_out };
    let mut treated = Treated::new();
    for (position, (field, block, written)) in blocks.iter().enumerate() {
        let treatment = match kind(field, block)?.as_ref() {
            "text" => {
                allow(block, field, "cache_control", &Rule::Custom(check_cache_control))?;
                parts.add_text(field, block, written)?;
                text_treatment(block)
            }
            "thinking" => Treatment::dropped_if(answer.add_thinking(field, block)?),
            "redacted_thinking" => Treatment::dropped_if(answer.add_redacted(field, block)?),
            "tool_use" => {
                answer.add_call(field, block)?;
                Treatment::AsWritten
            }
            "image" => {
                answer.add_image(field, block)?;
                Treatment::Dropped
            }
            other => {
                parts.left_out.add(&format!("messages.content.{other}"));
                Treatment::AsWritten
            }
        };
        if treatment != Treatment::AsWritten {
            treated.push((position, treatment));
        }
    }
    // A text that only carried citations says nothing.
    parts.list.retain(|part| !matches!(part.kind, PartKind::Text { bytes: 0 }));
    let content = if parts.list.is_empty() { Content::None } else { parts.into_content() };
    Ok((answer.into_message(content)?, treated))
}

fn text_treatment(block: &Members<'_>) -> Treatment {
    if block.find("text").and_then(text).is_some_and(|text| text.is_empty()) {
        return Treatment::Dropped;
    }
    let citations = block.find("citations").and_then(list).unwrap_or_default();
    let is_ours = citations.into_iter().filter_map(members).any(|citation| {
        citation.find("encrypted_index").and_then(text).is_some_and(|index| index.is_empty())
    });
    if is_ours { Treatment::Uncited } else { Treatment::AsWritten }
}

impl Answer {
    /// Reads a block of thinking; `true` where it is foreign. One that nobody signed was not
    /// Anthropic's either, who would refuse it.
    fn add_thinking(&mut self, field: &str, block: &Members<'_>) -> Result<bool, PublicError> {
        require(block, field, "thinking", &ANY_TEXT)?;
        allow(block, field, "signature", &ANY_TEXT)?;
        let thinking = block.find("thinking").and_then(text).unwrap_or_default();
        let signature = block.find("signature").and_then(text).unwrap_or_default();
        self.reasoning.push_str(&thinking);
        if signature.is_empty() {
            return Ok(true);
        }
        if packed::is_packed(&signature) {
            self.add_packed(&format!("{field}.signature"), &signature)?;
            return Ok(true);
        }
        self.details.push(serde_json::json!({
            "type": "reasoning.text",
            "text": thinking,
            "signature": signature,
            "format": OWN_FORMAT,
            "index": self.details.len(),
        }));
        Ok(false)
    }

    fn add_redacted(&mut self, field: &str, block: &Members<'_>) -> Result<bool, PublicError> {
        require(block, field, "data", &ANY_TEXT)?;
        let data = block.find("data").and_then(text).unwrap_or_default();
        if packed::is_packed(&data) {
            self.add_packed(&format!("{field}.data"), &data)?;
            return Ok(true);
        }
        self.details.push(serde_json::json!({
            "type": "reasoning.encrypted",
            "data": data,
            "format": OWN_FORMAT,
            "index": self.details.len(),
        }));
        Ok(false)
    }

    fn add_packed(&mut self, field: &str, packed: &str) -> Result<(), PublicError> {
        let Some(details) = packed::unpack(packed) else {
            return Err(invalid(field, "is damaged: give it back as it was in the answer"));
        };
        for detail in details {
            join_detail(&mut self.details, detail);
        }
        Ok(())
    }

    fn add_call(&mut self, field: &str, block: &Members<'_>) -> Result<(), PublicError> {
        require(block, field, "id", &Rule::Custom(check_id))?;
        require(block, field, "name", &Rule::Custom(check_id))?;
        allow(block, field, "cache_control", &Rule::Custom(check_cache_control))?;
        let input = block.find("input").map_or("{}", RawValue::get);
        let cut_off = block.find("input").and_then(text);
        if cut_off.is_none() && !input.starts_with('{') {
            return Err(invalid(&format!("{field}.input"), "must be an object"));
        }
        let (id, name) = (block.find("id").and_then(text), block.find("name").and_then(text));
        let call = Call {
            id: &id.unwrap_or_default(),
            r#type: "function",
            function: Function {
                name: &name.unwrap_or_default(),
                arguments: cut_off.as_deref().unwrap_or(input),
            },
        };
        self.calls.push(raw(&call)?);
        Ok(())
    }

    /// An image that another vendor's model drew.
    fn add_image(&mut self, field: &str, block: &Members<'_>) -> Result<(), PublicError> {
        let field = format!("{field}.source");
        let Some(source) = block.find("source").and_then(members) else {
            return Err(invalid(&field, "is missing and must be an object with a `type`"));
        };
        if let Some(url) = image_address(&field, &source)? {
            self.images.push(raw(&Image { r#type: "image_url", image_url: Url { url } })?);
        }
        Ok(())
    }

    fn into_message(self, content: Content) -> Result<Option<Message>, PublicError> {
        let mut other = Vec::new();
        if !self.reasoning.is_empty() {
            other.push(("reasoning".to_owned(), raw(&self.reasoning)?));
        }
        if !self.details.is_empty() {
            other.push(("reasoning_details".to_owned(), raw(&self.details)?));
        }
        if !self.images.is_empty() {
            other.push(("images".to_owned(), raw(&self.images)?));
        }
        if !self.calls.is_empty() {
            other.push(("tool_calls".to_owned(), raw(&self.calls)?));
        }
        let is_empty = other.is_empty() && matches!(content, Content::None);
        Ok((!is_empty).then_some(Message { role: Role::Assistant, content, other }))
    }
}

/// A text that names something.
pub(super) fn check_id(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let valid = text(raw).is_some_and(|id| (1..=512).contains(&id.len()));
    if valid { Ok(()) } else { Err(invalid(field, "must be text of 1 to 512 bytes")) }
}
