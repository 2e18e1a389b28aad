//! The canonical stream: what an upstream said, one step at a time.

use domain::generation::FinishReason;
use domain::usage::Usage;
use serde_json::value::RawValue;

use crate::dialects::Dialect;
use crate::embeddings::Embedding;
use crate::rerank::Ranked;

/// One step of a response.
#[derive(Debug, Clone)]
pub enum ChatEvent {
    /// The upstream has accepted the request and names itself. At most once, and first.
    Started {
        upstream_id: Option<String>,
        upstream_model: Option<String>,
        system_fingerprint: Option<String>,
        service_tier: Option<String>,
    },
    Delta {
        choice: u32,
        delta: Delta,
    },
    Finished {
        choice: u32,
        reason: FinishReason,
        native_reason: Option<String>,
        /// The stop sequence that was met, where the upstream says so.
        stop_sequence: Option<String>,
    },
    /// Cumulative; the last one wins.
    Usage(Usage),
    /// Something that only one dialect has a form for (an Anthropic block that we do not know, an
    /// output item of OpenAI's Responses). Encoders of that dialect pass it on, others skip it.
    Native(Native),
    /// The whole answer to a request for vectors, in the order of the inputs.
    Embeddings(Vec<Embedding>),
    /// The whole answer to a request for an order, best first.
    Ranking(Vec<Ranked>),
}

impl ChatEvent {
    /// Whether this step carries something of the answer. The first that does is the commit
    /// point: before it a failure is ours to hide.
    pub const fn is_output(&self) -> bool {
        match self {
            Self::Delta { .. }
            | Self::Finished { .. }
            | Self::Native(_)
            | Self::Embeddings(_)
            | Self::Ranking(_) => true,
            Self::Started { .. } | Self::Usage(_) => false,
        }
    }
}

/// A step of a stream in the words of its dialect.
#[derive(Debug, Clone)]
pub struct Native {
    pub dialect: Dialect,
    /// The dialect's own name for it: `content_block_start`, `response.output_item.done`, …
    pub name: String,
    pub data: Box<RawValue>,
}

/// An addition to one choice.
#[derive(Debug, Clone)]
pub enum Delta {
    Content(String),
    /// Reasoning that may be shown. What of it must be replayed comes in `ReasoningDetails` too,
    /// right after: encoders that show this take only signatures and encrypted data from there.
    Reasoning(String),
    /// Items of `reasoning_details` (`reasoning.text`, `reasoning.summary`,
    /// `reasoning.encrypted`, each with its `format` and `index`), verbatim JSON array.
    ReasoningDetails(Box<RawValue>),
    Refusal(String),
    ToolCall(ToolCallDelta),
    /// `logprobs` of the choice, verbatim.
    Logprobs(Box<RawValue>),
    /// Another member of `delta` in the form of chat completions, verbatim: `annotations` and
    /// `images` (lists), `audio` (an object), and whatever an upstream adds.
    Other {
        name: String,
        value: Box<RawValue>,
    },
}

/// A part of one tool call. `id` and `name` come with the first part only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCallDelta {
    pub index: u32,
    pub id: Option<String>,
    pub name: Option<String>,
    pub arguments: String,
}
