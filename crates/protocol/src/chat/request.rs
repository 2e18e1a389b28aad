//! The canonical request.

use domain::routing::ProviderPreferences;
use serde_json::value::RawValue;

/// A chat request, whatever dialect it was written in. Values are already in their valid ranges.
#[derive(Debug, Clone, Default)]
pub struct ChatRequest {
    /// What was asked for: `author/name[:variant…]`.
    pub model: Option<String>,
    /// Further models to fall back to, in order.
    pub models: Vec<String>,
    /// At least one.
    pub messages: Vec<Message>,
    pub stream: bool,
    /// `max_tokens` or `max_completion_tokens`, whichever was given.
    pub max_tokens: Option<u32>,
    /// How many choices; one unless asked.
    pub n: Option<u32>,
    pub provider: ProviderPreferences,
    /// The caller's own name for its end user.
    pub user: Option<String>,
    pub session_id: Option<String>,
    /// Every other parameter that is passed on, by its public name, verbatim JSON, in the order
    /// in which it was written: sampling, tools, `response_format`, reasoning and what this
    /// version does not know. Known ones were validated.
    pub parameters: Vec<(String, Box<RawValue>)>,
}

impl ChatRequest {
    pub fn parameter(&self, name: &str) -> Option<&RawValue> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// Whether the caller wants an answer without the reasoning that led to it.
    pub fn excludes_reasoning(&self) -> bool {
        #[derive(serde::Deserialize)]
        struct Reasoning {
            exclude: Option<bool>,
        }
        self.parameter("reasoning")
            .and_then(|raw| serde_json::from_str::<Reasoning>(raw.get()).ok())
            .and_then(|reasoning| reasoning.exclude)
            .unwrap_or(false)
    }
}

/// One message of the conversation.
#[derive(Debug, Clone)]
pub struct Message {
    pub role: Role,
    pub content: Content,
    /// Every other member (`name`, `tool_calls`, `tool_call_id`, `reasoning_details`, …),
    /// verbatim, in order.
    pub other: Vec<(String, Box<RawValue>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
}

#[derive(Debug, Clone)]
pub enum Content {
    /// Absent or null: an assistant message that only calls tools.
    None,
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Clone)]
pub struct Part {
    pub kind: PartKind,
    /// The whole part, verbatim.
    pub raw: Box<RawValue>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartKind {
    /// Bytes of text in it, for estimates.
    Text {
        bytes: u32,
    },
    Image,
    Audio,
    Video,
    File,
}
