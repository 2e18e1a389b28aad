//! What does not survive, and why: the other half of the grid. A cell that is listed here and
//! works is a mistake just as one that isn't and doesn't.

use super::cell::Inbound::{self, Chat, Completions, Messages, Responses};
use super::cell::Upstream::{
    self, Anthropic, AzureOpenAi, Bedrock, Cohere, Google, OpenAiCompatible, OpenAiResponses,
    Vertex,
};

/// Cells that have a limit in common.
pub(super) struct Limit {
    pub(super) rows: &'static [&'static str],
    /// Any, where empty.
    pub(super) inbound: &'static [Inbound],
    pub(super) upstream: &'static [Upstream],
    pub(super) how: How,
    /// Ends a sentence that begins with the two dialects.
    pub(super) reason: &'static str,
}

/// What happens instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// The request is served without it, `openrouter_metadata` says so, and
    /// `require_parameters` refuses it.
    Dropped,
    /// The request is refused with a status that blames it, and costs nothing.
    Refused,
    /// It survives in a form that is not its own.
    Mapped,
    /// A hint: the request is served without it, and `openrouter_metadata` says so.
    Noted,
    /// There is nothing to carry: the provider never says it, or the caller cannot be told.
    Absent,
}

impl Limit {
    pub(super) fn covers(&self, row: &str, inbound: Inbound, upstream: Upstream) -> bool {
        self.rows.contains(&row)
            && (self.inbound.is_empty() || self.inbound.contains(&inbound))
            && (self.upstream.is_empty() || self.upstream.contains(&upstream))
    }
}

/// Anywhere.
const ALL: &[Inbound] = &[];

/// What no provider of a dialect takes is the same whatever the caller speaks.
const fn upstream(
    rows: &'static [&'static str],
    upstream: &'static [Upstream],
    how: How,
    reason: &'static str,
) -> Limit {
    Limit { rows, inbound: ALL, upstream, how, reason }
}

pub(super) const LIMITS: &[Limit] = &[
    upstream(
        &["several_choices"],
        &[OpenAiResponses, Anthropic, Bedrock, Cohere],
        How::Dropped,
        "gives one answer",
    ),
    upstream(
        &["strict_tool"],
        &[Google, Vertex],
        How::Mapped,
        "holds every call to its schema: `VALIDATED`",
    ),
    upstream(
        &["one_call_at_a_time"],
        &[Google, Vertex, Bedrock, Cohere],
        How::Dropped,
        "cannot be kept from calling several tools at once",
    ),
    upstream(
        &["tool_errors"],
        &[OpenAiCompatible, OpenAiResponses, AzureOpenAi, Cohere],
        How::Mapped,
        "has no mark for a result that is an error: its words say so",
    ),
    upstream(
        &["reasoning_counted"],
        &[Bedrock, Cohere],
        How::Absent,
        "counts reasoning as part of the answer",
    ),
    upstream(
        &["reasoning_replayed"],
        &[OpenAiCompatible, AzureOpenAi, Cohere],
        How::Absent,
        "shows reasoning as plain text, without anything that must come back",
    ),
    upstream(&["image_answer"], &[Anthropic, Cohere], How::Dropped, "answers in text"),
    upstream(&["audio_answer"], &[Anthropic, Bedrock, Cohere], How::Dropped, "does not speak"),
    upstream(&["audio_answer"], &[OpenAiResponses], How::Dropped, "answers in text and images"),
    upstream(
        &["audio"],
        &[Anthropic, Bedrock, Cohere],
        How::Refused,
        "takes no sound: another endpoint is asked, or the request is refused",
    ),
    upstream(
        &["video"],
        &[OpenAiResponses, Anthropic, Bedrock, Cohere],
        How::Refused,
        "takes no film: another endpoint is asked, or the request is refused",
    ),
    upstream(
        &["pdf_inline", "pdf_url"],
        &[Cohere],
        How::Refused,
        "takes no files: another endpoint is asked, or the request is refused",
    ),
    upstream(
        &["mark_system", "mark_message", "mark_tool", "mark_request"],
        &[OpenAiCompatible, OpenAiResponses, AzureOpenAi, Google, Vertex, Cohere],
        How::Noted,
        "caches by itself; a mark is a hint, and is not sent",
    ),
    upstream(
        &["automatic_mark"],
        &[OpenAiCompatible, OpenAiResponses, AzureOpenAi, Google, Vertex, Cohere],
        How::Absent,
        "caches by itself, without a mark",
    ),
    upstream(&["top_k"], &[OpenAiResponses], How::Dropped, "has no such parameter"),
    upstream(
        &["frequency_penalty", "presence_penalty", "seed"],
        &[OpenAiResponses, Anthropic, Bedrock],
        How::Dropped,
        "has no such parameter",
    ),
    upstream(
        &["min_p", "top_a", "repetition_penalty", "logit_bias"],
        &[OpenAiResponses, Anthropic, Google, Vertex, Bedrock, Cohere],
        How::Dropped,
        "has no such parameter",
    ),
    upstream(&["stop"], &[OpenAiResponses], How::Dropped, "has no such parameter"),
    upstream(
        &["logprobs", "logprobs_alone"],
        &[Anthropic, Bedrock],
        How::Dropped,
        "does not tell how likely its words were",
    ),
    upstream(&["service_tier"], &[Anthropic], How::Dropped, "knows `auto` and `standard_only`"),
    upstream(&["service_tier"], &[Google, Vertex, Cohere], How::Dropped, "has no tiers"),
    Limit {
        rows: &["refusal"],
        inbound: &[Completions],
        upstream: &[OpenAiCompatible, OpenAiResponses, AzureOpenAi],
        how: How::Absent,
        reason: "an answer is text, and so is a refusal",
    },
    upstream(
        &["refusal"],
        &[Google, Vertex, Cohere],
        How::Absent,
        "a refusal is an ordinary answer",
    ),
    upstream(
        &["content_filter"],
        &[Cohere],
        How::Absent,
        "says `ERROR` of an answer that it stopped, whatever the cause",
    ),
    Limit {
        rows: &["citations"],
        inbound: &[Completions],
        upstream: &[],
        how: How::Absent,
        reason: "an answer is text, without a place for citations",
    },
    Limit {
        rows: &["unknown_member"],
        inbound: &[Responses],
        upstream: &[OpenAiResponses],
        how: How::Refused,
        reason: "it is passed on untouched, and OpenAI refuses what it does not know",
    },
    Limit {
        rows: &["unknown_member"],
        inbound: &[Messages],
        upstream: &[Anthropic],
        how: How::Refused,
        reason: "it is passed on untouched, and Anthropic refuses what it does not know",
    },
    Limit {
        rows: &["unknown_member"],
        inbound: &[Chat, Completions],
        upstream: &[OpenAiResponses, Anthropic, Google, Vertex, Bedrock, Cohere],
        how: How::Dropped,
        reason: "is another dialect, which has no place for it",
    },
    Limit {
        rows: &["unknown_member"],
        inbound: &[Responses, Messages],
        upstream: &[],
        how: How::Dropped,
        reason: "is another dialect, which has no place for it",
    },
];
