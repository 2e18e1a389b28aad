//! A conversation as turns that alternate, each a list of blocks: the form in which Anthropic's
//! Messages and Amazon's Converse want it, each in words of its own.

pub(crate) mod ability;
pub(crate) mod cache;
pub(crate) mod citations;
pub(crate) mod emit;
pub(crate) mod failure;
pub(crate) mod identity;
pub(crate) mod names;
mod parts;
pub(crate) mod reading;
pub(crate) mod replay;
pub(crate) mod thinking;
pub(crate) mod tools;

use std::borrow::Cow;

use protocol::chat::request::{ChatRequest, Content, Message, Role};
use protocol::chat::view::{CacheMark, Source};
use serde_json::value::RawValue;

use crate::error::EncodeError;
use names::Names;

/// What stands where a conversation would begin with the assistant: both dialects insist that the
/// user speaks first, and refuse what is empty.
const OPENING: &str = ".";

pub(crate) struct Conversation<'a> {
    /// From every system and developer message, in order.
    pub(crate) system: Vec<Block<'a>>,
    /// The first is the user's, and sides alternate.
    pub(crate) turns: Vec<Turn<'a>>,
}

pub(crate) struct Turn<'a> {
    pub(crate) side: Side,
    /// At least one.
    pub(crate) blocks: Vec<Block<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    User,
    Assistant,
}

/// What becomes of thinking that Claude signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thoughts {
    /// Claude gets it back.
    Replayed,
    /// Another model could make nothing of it.
    LeftOut,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    pub(crate) kind: BlockKind<'a>,
    pub(crate) mark: Option<CacheMark>,
    /// The part of the request that it was.
    place: Option<Place>,
}

/// A part of a message, by the positions of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    message: usize,
    part: usize,
}

impl Place {
    /// The endpoint has no form for it.
    fn unsupported(self) -> EncodeError {
        let Self { message, part } = self;
        EncodeError::Unsupported { parameter: format!("messages[{message}].content[{part}]") }
    }
}

impl Block<'_> {
    /// The endpoint has no form for this.
    pub(crate) fn unsupported(&self) -> EncodeError {
        let nowhere = || EncodeError::Unsupported { parameter: "messages".to_owned() };
        self.place.map_or_else(nowhere, Place::unsupported)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BlockKind<'a> {
    /// Not blank.
    Text(Cow<'a, str>),
    Image(Source<'a>),
    /// A PDF, a text or a file that the provider keeps.
    Document {
        source: Source<'a>,
        filename: Option<Cow<'a, str>>,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
        /// Text of a JSON object.
        input: Cow<'a, str>,
    },
    ToolResult {
        id: Cow<'a, str>,
        content: Vec<Block<'a>>,
        is_error: bool,
    },
    Thinking {
        text: Cow<'a, str>,
        signature: Cow<'a, str>,
    },
    Redacted(Cow<'a, str>),
}

impl<'a> From<BlockKind<'a>> for Block<'a> {
    fn from(kind: BlockKind<'a>) -> Self {
        Self { kind, mark: None, place: None }
    }
}

impl<'a> Conversation<'a> {
    /// Reads the messages of a request.
    pub(crate) fn of(
        request: &'a ChatRequest,
        thoughts: Thoughts,
        names: &mut Names,
    ) -> Result<Self, EncodeError> {
        let mut conversation = Self { system: Vec::new(), turns: Vec::new() };
        for (index, message) in request.messages.iter().enumerate() {
            let mut blocks = match message.role {
                Role::Tool => parts::result(message, index)?,
                Role::Assistant => parts::assistant(message, index, thoughts, names)?,
                Role::System | Role::Developer => parts::texts(message, index)?,
                Role::User => parts::user(message, index)?,
            };
            if let (Some(mark), Some(last)) = (own_mark(message), blocks.last_mut()) {
                last.mark.get_or_insert(mark);
            }
            // The last word of the assistant is to be continued as it stands.
            let is_prefill = index + 1 == request.messages.len() && message.role == Role::Assistant;
            if message.role != Role::Tool && !is_prefill {
                fold_name(message, &mut blocks);
            }
            match message.role {
                Role::System | Role::Developer => conversation.system.append(&mut blocks),
                Role::User | Role::Tool => conversation.add(Side::User, blocks),
                Role::Assistant => conversation.add(Side::Assistant, blocks),
            }
        }
        conversation.settle()
    }

    fn add(&mut self, side: Side, mut blocks: Vec<Block<'a>>) {
        match self.turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some(turn) if turn.side == side => turn.blocks.append(&mut blocks),
            _ => self.turns.push(Turn { side, blocks }),
        }
    }

    fn settle(mut self) -> Result<Self, EncodeError> {
        if self.turns.is_empty() {
            // Instructions alone are a question.
            self.turns.push(Turn { side: Side::User, blocks: std::mem::take(&mut self.system) });
        }
        let first = self.turns.first().ok_or_else(nothing_to_say)?;
        if first.blocks.is_empty() {
            return Err(nothing_to_say());
        }
        if first.side == Side::Assistant {
            let blocks = vec![BlockKind::Text(OPENING.into()).into()];
            self.turns.insert(0, Turn { side: Side::User, blocks });
        }
        for turn in &mut self.turns {
            // Results must come before anything else that the user says.
            turn.blocks.sort_by_key(|block| !matches!(block.kind, BlockKind::ToolResult { .. }));
        }
        if let Some(Block { kind: BlockKind::Text(text), .. }) = self.prefill_mut() {
            let length = text.trim_end().len();
            match text {
                Cow::Borrowed(text) => *text = text.get(..length).unwrap_or(text),
                Cow::Owned(text) => text.truncate(length),
            }
        }
        Ok(self)
    }

    /// The block that the answer is to go on from, where the last word is the assistant's.
    fn prefill_mut(&mut self) -> Option<&mut Block<'a>> {
        let turn = self.turns.last_mut().filter(|turn| turn.side == Side::Assistant)?;
        turn.blocks.last_mut()
    }

    pub(crate) fn is_prefilled(&self) -> bool {
        self.turns.last().is_some_and(|turn| turn.side == Side::Assistant)
    }

    /// Whether results wait for an answer that follow a call without the thinking that led to it.
    pub(crate) fn continues_without_thinking(&self) -> bool {
        let [.., assistant, user] = self.turns.as_slice() else { return false };
        let answers = |block: &Block<'_>| matches!(block.kind, BlockKind::ToolResult { .. });
        let thinks = |block: &Block<'_>| {
            matches!(block.kind, BlockKind::Thinking { .. } | BlockKind::Redacted(_))
        };
        user.blocks.iter().any(answers) && !assistant.blocks.first().is_some_and(thinks)
    }

    /// Names of tools that were called, each once.
    pub(crate) fn called(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for block in self.turns.iter().flat_map(|turn| &turn.blocks) {
            if let BlockKind::ToolUse { name, .. } = &block.kind
                && !names.contains(&name.as_ref())
            {
                names.push(name);
            }
        }
        names
    }
}

fn nothing_to_say() -> EncodeError {
    EncodeError::Unsupported { parameter: "messages without any content".to_owned() }
}

/// A mark on the message itself, as results of tools have it.
fn own_mark(message: &Message) -> Option<CacheMark> {
    message.member("cache_control").map(reading::mark)
}

/// Neither dialect has names: they stand before what was said.
fn fold_name<'a>(message: &'a Message, blocks: &mut Vec<Block<'a>>) {
    let Some(name) = message.name().filter(|name| !name.trim().is_empty()) else { return };
    let text = blocks.iter_mut().find_map(|block| match &mut block.kind {
        BlockKind::Text(text) => Some(text),
        _ => None,
    });
    match text {
        Some(text) => *text = Cow::Owned(format!("{name}: {text}")),
        None if message.role == Role::User => {
            blocks.insert(0, BlockKind::Text(Cow::Owned(format!("{name}:"))).into());
        }
        None => {}
    }
}

/// Text of a JSON object that was checked when it was read.
pub(crate) fn raw_json<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let raw: &RawValue = serde_json::from_str(text).map_err(serde::ser::Error::custom)?;
    serde::Serialize::serialize(raw, serializer)
}

/// The parts of a message's content, and where they stand.
fn content_of(message: &Message) -> impl Iterator<Item = (usize, parts::Piece<'_>)> {
    let (text, list) = match &message.content {
        Content::None => (None, &[][..]),
        Content::Text(text) => (Some(text.as_str()), &[][..]),
        Content::Parts(parts) => (None, parts.as_slice()),
    };
    let text = text.map(parts::Piece::Text);
    text.into_iter().chain(list.iter().map(parts::Piece::Part)).enumerate()
}
