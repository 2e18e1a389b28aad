//! The permanent record of one admitted request.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

use crate::id::{ApiKeyId, GenerationId, UserId, WorkspaceId};
use crate::model::ModelSlug;
use crate::money::Usd;
use crate::time::Timestamp;
use crate::usage::{Usage, UsageSource};

/// Why a choice ended, in the public vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
    Error,
}

impl FinishReason {
    pub const ALL: [Self; 5] =
        [Self::Stop, Self::Length, Self::ToolCalls, Self::ContentFilter, Self::Error];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Error => "error",
        }
    }
}

impl FromStr for FinishReason {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or(())
    }
}

/// How a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The answer was complete.
    Finished,
    /// The credit held for it was used up and the stream was cut.
    Cut,
    /// The caller left first.
    Cancelled,
    /// No endpoint gave an answer, or the answer broke off.
    Failed,
}

impl Outcome {
    pub const ALL: [Self; 4] = [Self::Finished, Self::Cut, Self::Cancelled, Self::Failed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Cut => "cut",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for Outcome {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text).ok_or(())
    }
}

/// One admitted request and what became of it. Holds no prompt and no completion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    pub id: GenerationId,
    pub workspace_id: WorkspaceId,
    pub api_key_id: ApiKeyId,
    pub user_id: UserId,
    /// What was asked for, variants included.
    pub requested_model: String,
    /// The model that answered; the one asked for when none did.
    pub model: ModelSlug,
    /// The endpoint that answered, as `<model slug>@<tag>`.
    pub endpoint_id: Option<String>,
    /// Slug and display name of the provider that answered.
    pub provider: Option<String>,
    pub provider_name: Option<String>,
    pub upstream_id: Option<String>,
    pub streamed: bool,
    pub outcome: Outcome,
    pub finish_reason: Option<FinishReason>,
    pub native_finish_reason: Option<String>,
    /// Public error code when it failed.
    pub error_code: Option<String>,
    pub usage: Usage,
    pub usage_source: UsageSource,
    /// What the customer was charged.
    pub cost: Usd,
    /// What the provider charges us, at list price.
    pub upstream_cost: Usd,
    /// Request received → first event, milliseconds.
    pub ttft_ms: Option<u32>,
    /// Request received → last event, milliseconds.
    pub generation_ms: u32,
    pub attempts: Vec<Attempt>,
    pub http_referer: Option<String>,
    pub app_title: Option<String>,
    pub user_agent: Option<String>,
    /// The caller's own name for its end user.
    pub external_user: Option<String>,
    pub session_id: Option<String>,
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
}

impl Generation {
    /// Output tokens per second of the whole generation, the wait included.
    pub fn throughput(&self) -> Option<f64> {
        let tokens = self.usage.completion_total();
        if tokens == 0 || self.generation_ms == 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
        let tokens = tokens as f64;
        Some(tokens * 1_000.0 / f64::from(self.generation_ms))
    }
}

/// One try at one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub endpoint_id: String,
    pub provider: String,
    pub provider_name: String,
    /// HTTP status; none when no answer came.
    pub status: Option<u16>,
    /// To the first event or to the failure, milliseconds.
    pub latency_ms: u32,
    /// What went wrong, in the public error vocabulary; none for the attempt that answered.
    pub error: Option<String>,
}
