//! `system` and `messages`, as messages of a chat.

use serde_json::value::RawValue;

use super::assistant::{self, Treated, Treatment, check_id};
use super::parameters::check_cache_control;
use super::parts::{Block, Parts, blocks, kind};
use super::{Body, LeftOut, raw};
use crate::chat::request::{Content, Message, Role};
use crate::dialects::check::{
    Members, Rule, allow, boolean, invalid, list, members, require, text,
};
use crate::error::PublicError;

/// Blocks that Anthropic must not be sent as they are, because others wrote them: `(message,
/// block, treatment)`, in order.
pub(super) type Foreign = Vec<(usize, usize, Treatment)>;

pub(super) fn read(
    body: &Body,
    conversation: &mut Vec<Message>,
    left_out: &mut LeftOut,
) -> Result<Foreign, PublicError> {
    if let Some(system) = body.find("system") {
        let content = text_content("system", system, left_out)?;
        if !matches!(&content, Content::Text(text) if text.is_empty()) {
            conversation.push(Message { role: Role::System, content, other: Vec::new() });
        }
    }
    let Some(messages) = body.find("messages") else {
        return Err(invalid("messages", "is missing and must be a list of at least one message"));
    };
    let Some(messages) = list(messages).filter(|messages| !messages.is_empty()) else {
        return Err(invalid("messages", "must be a list of at least one message"));
    };
    let mut foreign = Foreign::new();
    let last = messages.len().saturating_sub(1);
    for (index, written) in messages.into_iter().enumerate() {
        let blocks = read_message((index, index == last), written, conversation, left_out)?;
        foreign.extend(blocks.into_iter().map(|(block, treatment)| (index, block, treatment)));
    }
    Ok(foreign)
}

/// Reads one message, which may become several or none; gives the blocks that are foreign.
fn read_message(
    (index, is_last): (usize, bool),
    written: &RawValue,
    conversation: &mut Vec<Message>,
    left_out: &mut LeftOut,
) -> Result<Treated, PublicError> {
    const ROLES: Rule = Rule::OneOf(&["user", "assistant", "system"]);
    let field = format!("messages[{index}]");
    let Some(message) = members(written) else {
        return Err(invalid(&field, "must be an object with `role` and `content`"));
    };
    require(&message, &field, "role", &ROLES)?;
    for (name, value) in message.iter() {
        if !matches!(name, "role" | "content") && value.get() != "null" {
            left_out.add(&format!("messages.{name}"));
        }
    }
    let role = message.find("role").and_then(text).unwrap_or_default();
    let field = format!("{field}.content");
    let Some(content) = message.find("content") else {
        return Err(invalid(&field, "is missing and must be text or a list of blocks"));
    };
    if role == "system" {
        let content = text_content(&field, content, left_out)?;
        conversation.push(Message { role: Role::System, content, other: Vec::new() });
        return Ok(Vec::new());
    }
    let is_assistant = role == "assistant";
    if let Some(text) = text(content) {
        let role = if is_assistant { Role::Assistant } else { Role::User };
        let content = Content::Text(text.into_owned());
        conversation.push(Message { role, content, other: Vec::new() });
        return Ok(Vec::new());
    }
    let blocks = blocks(&field, content)?;
    // An assistant's last message may have yet to begin.
    if blocks.is_empty() && !(is_assistant && is_last) {
        return Err(invalid(&field, "must hold at least one block"));
    }
    if is_assistant {
        let (message, foreign) = assistant::read(&blocks, left_out)?;
        conversation.extend(message);
        return Ok(foreign);
    }
    read_user(&blocks, conversation, left_out)?;
    Ok(Vec::new())
}

/// Results of tools become messages of their own, before whatever else the user says.
fn read_user(
    blocks: &[Block<'_>],
    conversation: &mut Vec<Message>,
    left_out: &mut LeftOut,
) -> Result<(), PublicError> {
    for (field, block, _) in blocks {
        if kind(field, block)? == "tool_result" {
            conversation.push(tool_result(field, block, left_out)?);
        }
    }
    let mut parts = Parts { list: Vec::new(), left_out };
    for (field, block, written) in blocks {
        match kind(field, block)?.as_ref() {
            "tool_result" => {}
            "tool_use" | "thinking" | "redacted_thinking" => {
                let demand = "must not be in a message of the user";
                return Err(invalid(&format!("{field}.type"), demand));
            }
            _ => parts.add(field, block, written)?,
        }
    }
    if !parts.list.is_empty() {
        let content = parts.into_content();
        conversation.push(Message { role: Role::User, content, other: Vec::new() });
    }
    Ok(())
}

fn tool_result(
    field: &str,
    block: &Members<'_>,
    left_out: &mut LeftOut,
) -> Result<Message, PublicError> {
    require(block, field, "tool_use_id", &Rule::Custom(check_id))?;
    allow(block, field, "is_error", &Rule::Boolean)?;
    allow(block, field, "cache_control", &Rule::Custom(check_cache_control))?;
    let mut other = Vec::new();
    if let Some(id) = block.find("tool_use_id") {
        other.push(("tool_call_id".to_owned(), id.to_owned()));
    }
    if block.find("is_error").and_then(boolean) == Some(true) {
        other.push(("is_error".to_owned(), raw(&true)?));
    }
    let content = result_content(field, block, left_out)?;
    Ok(Message { role: Role::Tool, content, other })
}

/// What a tool answered; a mark on the whole stands on its last part.
fn result_content(
    field: &str,
    block: &Members<'_>,
    left_out: &mut LeftOut,
) -> Result<Content, PublicError> {
    let nothing = || Content::Text(String::new());
    let mark = block.find("cache_control");
    let Some(content) = block.find("content") else { return Ok(nothing()) };
    let mut parts = Parts { list: Vec::new(), left_out };
    match text(content) {
        Some(text) if mark.is_none() => return Ok(Content::Text(text.into_owned())),
        Some(text) => parts.add_own_text(text.into_owned(), mark)?,
        None => {
            for (field, block, written) in blocks(&format!("{field}.content"), content)? {
                parts.add(&field, &block, written)?;
            }
            parts.mark_last(mark)?;
        }
    }
    Ok(if parts.list.is_empty() { nothing() } else { parts.into_content() })
}

/// Text, or a list of text blocks.
fn text_content(
    field: &str,
    content: &RawValue,
    left_out: &mut LeftOut,
) -> Result<Content, PublicError> {
    if let Some(text) = text(content) {
        return Ok(Content::Text(text.into_owned()));
    }
    let mut parts = Parts { list: Vec::new(), left_out };
    for (field, block, written) in blocks(field, content)? {
        if kind(&field, &block)? != "text" {
            return Err(invalid(&format!("{field}.type"), "must be `text` here"));
        }
        allow(&block, &field, "cache_control", &Rule::Custom(check_cache_control))?;
        parts.add_text(&field, &block, written)?;
    }
    if parts.list.is_empty() {
        return Err(invalid(field, "must hold at least one block"));
    }
    Ok(parts.into_content())
}
