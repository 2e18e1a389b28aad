//! Where a prompt may be cached: the caller's marks, as many as are allowed, or one of our own
//! where it pays.

use protocol::chat::request::{ChatRequest, Role};
use protocol::chat::view::CacheMark;

use super::ability::Ability;
use super::tools::ToolSpec;
use super::{Block, BlockKind, Conversation};

/// More marks than this are refused.
const MARKS_MAX: usize = 4;
/// Bytes of text to a token, roughly, for English and code.
const BYTES_PER_TOKEN: usize = 4;

/// Settles the marks of a prompt, which is read in this order: tools, instructions, turns.
pub(crate) fn settle(
    request: &ChatRequest,
    ability: Ability<'_>,
    tools: &mut [ToolSpec<'_>],
    conversation: &mut Conversation<'_>,
) {
    if ability.quirks.refuses("cache_control") {
        marks(tools, conversation).for_each(|mark| *mark = None);
        return;
    }
    if let Some(mark) = request.cache_mark() {
        mark_end(conversation, mark);
    } else if !marks(tools, conversation).any(|mark| mark.is_some()) {
        mark_beginning(request, ability, tools, conversation);
    }
    let mut set: Vec<&mut Option<CacheMark>> =
        marks(tools, conversation).filter(|mark| mark.is_some()).collect();
    // The first covers what changes least; the last ones cover most.
    while set.len() > MARKS_MAX {
        *set.remove(1) = None;
    }
    let mut is_short = false;
    for mark in set {
        // What lasts longer may not come after what lasts less.
        if is_short {
            *mark = Some(CacheMark::FiveMinutes);
        }
        is_short |= *mark == Some(CacheMark::FiveMinutes);
    }
}

fn marks<'m>(
    tools: &'m mut [ToolSpec<'_>],
    conversation: &'m mut Conversation<'_>,
) -> impl Iterator<Item = &'m mut Option<CacheMark>> {
    let turns = conversation.turns.iter_mut().flat_map(|turn| &mut turn.blocks);
    let blocks = conversation.system.iter_mut().chain(turns);
    let blocks = blocks.filter(|block| may_be_marked(block)).map(|block| &mut block.mark);
    tools.iter_mut().map(|tool| &mut tool.mark).chain(blocks)
}

fn may_be_marked(block: &Block<'_>) -> bool {
    !matches!(block.kind, BlockKind::Thinking { .. } | BlockKind::Redacted(_))
}

fn mark_end(conversation: &mut Conversation<'_>, mark: CacheMark) {
    let blocks = conversation.turns.iter_mut().rev().flat_map(|turn| turn.blocks.iter_mut().rev());
    let last = blocks.into_iter().find(|block| may_be_marked(block));
    if let Some(block) = last {
        block.mark.get_or_insert(mark);
    }
}

/// Whether the beginning of this prompt is likely to be sent again soon: writing to a cache costs
/// more than not to.
fn comes_back(request: &ChatRequest) -> bool {
    request.messages.iter().any(|message| message.role == Role::Assistant)
        || request.session_id.is_some()
        || request.parameter("prompt_cache_key").is_some()
}

/// Whether a beginning of this many bytes is worth a mark that nobody asked for.
pub(crate) fn pays(request: &ChatRequest, ability: Ability<'_>, bytes: usize) -> bool {
    let tokens = u32::try_from(bytes / BYTES_PER_TOKEN).unwrap_or(u32::MAX);
    comes_back(request) && ability.cache_tokens_min().is_some_and(|tokens_min| tokens >= tokens_min)
}

fn mark_beginning(
    request: &ChatRequest,
    ability: Ability<'_>,
    tools: &mut [ToolSpec<'_>],
    conversation: &mut Conversation<'_>,
) {
    let tool_bytes: usize = tools.iter().map(ToolSpec::bytes).sum();
    let text_bytes: usize = conversation.system.iter().map(text_bytes).sum();
    if !pays(request, ability, tool_bytes + text_bytes) {
        return;
    }
    let last = conversation.system.last_mut().map(|block| &mut block.mark);
    if let Some(mark) = last.or_else(|| tools.last_mut().map(|tool| &mut tool.mark)) {
        *mark = Some(CacheMark::FiveMinutes);
    }
}

fn text_bytes(block: &Block<'_>) -> usize {
    match &block.kind {
        BlockKind::Text(text) => text.len(),
        _ => 0,
    }
}
