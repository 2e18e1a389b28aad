//! The canonical request.

use domain::routing::ProviderPreferences;
use serde_json::value::RawValue;

use crate::dialects::Dialect;
use crate::embeddings::{EmbeddingsRequest, Input};
use crate::rerank::RerankRequest;

/// A request, whatever dialect it was written in. Values are already in their valid ranges.
///
/// Everything that is kept verbatim has the form of chat completions, which every inbound
/// dialect converts to: parts of content, `tool_calls`, `reasoning_details`, `tools`,
/// `tool_choice`, `response_format`, `reasoning`. [`super::view`] reads them.
#[derive(Debug, Clone, Default)]
pub struct ChatRequest {
    pub kind: Kind,
    /// What the caller wrote, where an upstream of the same dialect may be sent it unchanged.
    pub native: Option<Native>,
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
    /// `provider.options`: a provider's slug or an endpoint's tag, and members for the body that
    /// only it is sent (an object, verbatim).
    pub provider_options: Vec<(String, Box<RawValue>)>,
    /// The caller's own name for its end user.
    pub user: Option<String>,
    pub session_id: Option<String>,
    /// Where each part of `messages` that is no text stands in what the caller wrote, in order;
    /// empty where it wrote the messages in this form.
    pub origins: Vec<String>,
    /// Every other parameter that is passed on, by its public name, verbatim JSON, in the order
    /// in which it was written: sampling, tools, `response_format`, reasoning and what this
    /// version does not know. Known ones were validated.
    pub parameters: Vec<(String, Box<RawValue>)>,
}

impl ChatRequest {
    pub fn parameter(&self, name: &str) -> Option<&RawValue> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// Everything that the model reads in parts or as running text: the name of the list that it
    /// stands in, its place there, and itself.
    pub fn contents(&self) -> impl Iterator<Item = (&'static str, usize, &Content)> {
        let messages = self.messages.iter().map(|message| &message.content).enumerate();
        let inputs = match &self.kind {
            Kind::Embeddings(asked) => asked.inputs.as_slice(),
            Kind::Chat | Kind::Rerank(_) => &[],
        };
        let inputs = inputs.iter().enumerate().filter_map(|(index, input)| match input {
            Input::Parts(content) => Some((index, content)),
            Input::Text(_) | Input::Tokens(_) => None,
        });
        let messages = messages.map(|(index, content)| ("messages", index, content));
        messages.chain(inputs.map(|(index, content)| ("input", index, content)))
    }

    /// The path by which the caller knows a part that is no text.
    pub fn place_of(&self, list: &str, at: usize, part: usize) -> String {
        let parts = self.contents().flat_map(|(list, at, content)| {
            let parts = if let Content::Parts(parts) = content { parts.as_slice() } else { &[] };
            let media = parts.iter().enumerate();
            let media = media.filter(|(_, part)| !matches!(part.kind, PartKind::Text { .. }));
            media.map(move |(part, _)| (list, at, part))
        });
        let found = parts.zip(&self.origins).find(|(place, _)| *place == (list, at, part));
        found.map_or_else(|| format!("{list}[{at}].content[{part}]"), |(_, path)| path.clone())
    }

    /// Has the model reason, unless the caller says something about that.
    pub fn think(&mut self) {
        const ON: &str = r#"{"enabled":true}"#;
        let is_said = |name| self.parameter(name).is_some();
        if is_said("reasoning") || is_said("reasoning_effort") {
            return;
        }
        // The text is valid JSON.
        if let Ok(raw) = RawValue::from_string(ON.to_owned()) {
            self.parameters.push(("reasoning".to_owned(), raw));
        }
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

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub enum Kind {
    /// An answer to a conversation.
    #[default]
    Chat,
    /// Vectors. `messages` is empty; the bound on output does not apply.
    Embeddings(Box<EmbeddingsRequest>),
    /// An order of documents. `messages` is empty.
    Rerank(Box<RerankRequest>),
}

impl Kind {
    pub const fn is_chat(&self) -> bool {
        matches!(self, Self::Chat)
    }
}

/// A body in the caller's own dialect, so that what we do not know survives the way to an
/// upstream that speaks the same one.
#[derive(Debug, Clone)]
pub struct Native {
    pub dialect: Dialect,
    /// Every member of the body, verbatim and in order, without those that are only ours
    /// (`models`, `provider`, `plugins`, `session_id`, …) and without `model` and `stream`.
    pub members: Vec<(String, Box<RawValue>)>,
    /// Names of members, or paths of what is in them, that have no form in the canonical request:
    /// upstreams of other dialects are not sent them, and report them as dropped.
    pub unconverted: Vec<String>,
}

impl Native {
    pub fn member(&self, name: &str) -> Option<&RawValue> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }
}

/// One message of the conversation.
#[derive(Debug, Clone)]
pub struct Message {
    pub role: Role,
    pub content: Content,
    /// Every other member (`name`, `tool_calls`, `tool_call_id`, `reasoning_details`, …),
    /// verbatim, in order. A tool's message that reports a failure has `"is_error": true`, which
    /// chat completions cannot say.
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
