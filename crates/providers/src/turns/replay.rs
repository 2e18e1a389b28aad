//! Thinking that is sent back as it was given.

use std::borrow::Cow;

use protocol::chat::request::Message;
use protocol::chat::view::ReasoningDetail;

use super::{Block, BlockKind};

/// The `format` of reasoning that Claude signed.
pub(crate) const FORMAT: &str = "anthropic-claude-v1";

/// Blocks of thinking from the `reasoning_details` of a message: those of Claude, with all their
/// signatures. What is not signed cannot be sent, and what others signed must not be.
pub(super) fn thoughts(message: &Message) -> Vec<Block<'_>> {
    let mut open = Open::default();
    let mut blocks = Vec::new();
    for detail in message.reasoning_details() {
        if detail.format.as_deref() != Some(FORMAT) {
            continue;
        }
        match &*detail.kind {
            "reasoning.text" => open.add(detail, &mut blocks),
            "reasoning.encrypted" => {
                open.close(&mut blocks);
                if let Some(data) = detail.data.filter(|data| !data.is_empty()) {
                    blocks.push(BlockKind::Redacted(data).into());
                }
            }
            _ => {}
        }
    }
    open.close(&mut blocks);
    blocks
}

/// One block in the making: callers who keep the parts of a stream give back its pieces.
#[derive(Default)]
struct Open<'a> {
    index: Option<u32>,
    text: Cow<'a, str>,
    signature: Option<Cow<'a, str>>,
}

impl<'a> Open<'a> {
    fn add(&mut self, detail: ReasoningDetail<'a>, blocks: &mut Vec<Block<'a>>) {
        let has_text = detail.text.as_deref().is_some_and(|text| !text.is_empty());
        let goes_on = detail.index.is_some()
            && self.index == detail.index
            && !(self.signature.is_some() && has_text);
        if !goes_on {
            self.close(blocks);
            self.index = detail.index;
        }
        if let Some(text) = detail.text {
            self.text = if self.text.is_empty() {
                text
            } else {
                Cow::Owned(std::mem::take(&mut self.text).into_owned() + &text)
            };
        }
        if let Some(signature) = detail.signature.filter(|signature| !signature.is_empty()) {
            self.signature = Some(signature);
        }
    }

    fn close(&mut self, blocks: &mut Vec<Block<'a>>) {
        let Self { text, signature, .. } = std::mem::take(self);
        if let Some(signature) = signature {
            blocks.push(BlockKind::Thinking { text, signature }.into());
        }
    }
}
