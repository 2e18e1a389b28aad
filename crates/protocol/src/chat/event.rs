//! The canonical stream: what an upstream said, one step at a time.

use domain::generation::FinishReason;
use domain::usage::Usage;
use serde_json::value::RawValue;

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
    },
    /// Cumulative; the last one wins.
    Usage(Usage),
}

impl ChatEvent {
    /// Whether this step carries something of the answer. The first that does is the commit
    /// point: before it a failure is ours to hide.
    pub const fn is_output(&self) -> bool {
        matches!(self, Self::Delta { .. } | Self::Finished { .. })
    }
}

/// An addition to one choice.
#[derive(Debug, Clone)]
pub enum Delta {
    Content(String),
    Reasoning(String),
    /// Items of `reasoning_details`, verbatim JSON array.
    ReasoningDetails(Box<RawValue>),
    Refusal(String),
    ToolCall(ToolCallDelta),
    /// `logprobs` of the choice, verbatim.
    Logprobs(Box<RawValue>),
    /// A member of `delta` that this version does not interpret (`annotations`, `images`,
    /// `audio`, …), verbatim.
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
