//! Messages to blocks.

use std::borrow::Cow;

use protocol::chat::request::{Message, Part};
use protocol::chat::view::{PartView, Source};
use serde::de::IgnoredAny;

use super::identity::tool_id;
use super::names::Names;
use super::{Block, BlockKind, Place, Thoughts, content_of, replay};
use crate::error::EncodeError;

/// Something in a message's content.
#[derive(Clone, Copy)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    Part(&'a Part),
}

/// A user's message.
pub(super) fn user(message: &Message, index: usize) -> Result<Vec<Block<'_>>, EncodeError> {
    let mut blocks = Vec::new();
    for (position, piece) in content_of(message) {
        match piece {
            Piece::Text(text) => push_text(&mut blocks, text.into()),
            Piece::Part(part) => {
                let place = Place { message: index, part: position };
                let kind = kind_of(part).ok_or_else(|| place.unsupported())?;
                push(&mut blocks, Block { kind, mark: part.cache_mark(), place: Some(place) });
            }
        }
    }
    Ok(blocks)
}

/// A message that may hold text only: instructions.
pub(super) fn texts(message: &Message, index: usize) -> Result<Vec<Block<'_>>, EncodeError> {
    let blocks = user(message, index)?;
    match blocks.iter().find(|block| !matches!(block.kind, BlockKind::Text(_))) {
        Some(block) => Err(block.unsupported()),
        None => Ok(blocks),
    }
}

/// What the assistant thought, said and called, in this order.
pub(super) fn assistant<'a>(
    message: &'a Message,
    index: usize,
    thoughts: Thoughts,
    names: &mut Names,
) -> Result<Vec<Block<'a>>, EncodeError> {
    let mut blocks = match thoughts {
        Thoughts::Replayed => replay::thoughts(message),
        Thoughts::LeftOut => Vec::new(),
    };
    blocks.append(&mut texts(message, index)?);
    if let Some(refusal) = message.refusal() {
        push_text(&mut blocks, refusal);
    }
    for call in message.tool_calls() {
        let kind = BlockKind::ToolUse {
            id: tool_id(call.id),
            name: names.upstream(call.name),
            input: object(call.arguments),
        };
        blocks.push(kind.into());
    }
    Ok(blocks)
}

/// A tool's message: the result of one call.
pub(super) fn result(message: &Message, index: usize) -> Result<Vec<Block<'_>>, EncodeError> {
    let inner = user(message, index)?;
    let mark = inner.iter().rev().find_map(|block| block.mark);
    let kind = BlockKind::ToolResult {
        id: tool_id(message.tool_call_id().unwrap_or_default()),
        content: inner,
        is_error: message.is_error(),
    };
    Ok(vec![Block { kind, mark, place: None }])
}

fn kind_of(part: &Part) -> Option<BlockKind<'_>> {
    Some(match part.view() {
        PartView::Text(text) | PartView::Refusal(text) => BlockKind::Text(text),
        PartView::Image { source, .. } => BlockKind::Image(source),
        PartView::File { filename, source } => match &source {
            Source::Inline { media_type, .. } if media_type.starts_with("image/") => {
                BlockKind::Image(source)
            }
            Source::Inline { .. } | Source::Url(_) | Source::Id(_) => {
                BlockKind::Document { source, filename }
            }
        },
        PartView::Audio { .. } | PartView::Video(_) | PartView::Unknown => return None,
    })
}

/// Blank texts are refused by both dialects, and say nothing.
fn push<'a>(blocks: &mut Vec<Block<'a>>, block: Block<'a>) {
    match &block.kind {
        BlockKind::Text(text) if text.trim().is_empty() => {
            // Its mark speaks of all that stands before it.
            if let (Some(mark), Some(last)) = (block.mark, blocks.last_mut()) {
                last.mark.get_or_insert(mark);
            }
        }
        _ => blocks.push(block),
    }
}

fn push_text<'a>(blocks: &mut Vec<Block<'a>>, text: Cow<'a, str>) {
    push(blocks, BlockKind::Text(text).into());
}

/// Arguments as the JSON object that both dialects insist on.
fn object(arguments: Cow<'_, str>) -> Cow<'_, str> {
    let is_json = serde_json::from_str::<IgnoredAny>(&arguments).is_ok();
    if is_json && arguments.trim_start().starts_with('{') {
        return arguments;
    }
    // What a model wrote wrongly is shown to it as it was.
    let key = if is_json { "value" } else { "invalid_arguments" };
    let value = match serde_json::from_str::<serde_json::Value>(&arguments) {
        Ok(value) => value,
        Err(_) => arguments.into_owned().into(),
    };
    Cow::Owned(serde_json::json!({ key: value }).to_string())
}
