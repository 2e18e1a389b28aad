//! What a provider understood of a request, in words that belong to no dialect.
//!
//! Two requests that mean the same are understood alike whatever dialect they were written in,
//! as far as the dialects can say the same. What a dialect cannot say is simply absent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer;
use crate::canonical::canonical;

/// A request as understood. Members that were not given are left out of its JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Understood {
    pub model: String,
    #[serde(skip_serializing_if = "is_false")]
    pub stream: bool,
    /// What stands before the conversation: system and developer messages, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub system: Vec<Part>,
    /// The conversation. Neighbours of the same role are one turn, because some dialects cannot
    /// keep them apart, and results of tools are parts of the person's turn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Turn>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<ResponseFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// How many answers (`n`, `candidateCount`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choices: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// `temperature`, `top_p`, `top_k`, `seed`, `logprobs`, …, by the names of chat completions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sampling: BTreeMap<String, Value>,
    /// What the answer may consist of besides text, in lower case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modalities: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Anthropic's mark on the request itself: cache as much as is useful.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automatic_cache: Option<CacheMark>,
    /// Members that have no place above, by their path. Strict dialects refuse those that they do
    /// not know instead.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown: BTreeMap<String, Value>,
}

/// Everything that one side said before the other spoke again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    pub role: Role,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A system message in the middle of a conversation.
    System,
    User,
    Assistant,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    Text {
        text: String,
        /// Who speaks, where the dialect has names.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache: Option<CacheMark>,
        /// Gemini's `thoughtSignature` on a text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
    Image {
        #[serde(flatten)]
        media: Media,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache: Option<CacheMark>,
    },
    File {
        #[serde(flatten)]
        media: Media,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filename: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache: Option<CacheMark>,
    },
    Audio {
        #[serde(flatten)]
        media: Media,
    },
    Video {
        #[serde(flatten)]
        media: Media,
    },
    Reasoning {
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
    /// Reasoning that only the provider can read.
    EncryptedReasoning {
        data: String,
    },
    ToolCall {
        /// Absent where the dialect has no ids.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        name: String,
        /// A text when they are not JSON.
        arguments: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache: Option<CacheMark>,
    },
    ToolResult {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// Of the tool, looked up from the call where the dialect gives only an id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        parts: Vec<Part>,
        #[serde(default, skip_serializing_if = "is_false")]
        is_error: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache: Option<CacheMark>,
    },
    Refusal {
        text: String,
    },
    /// A block that only its own dialect has.
    Other {
        kind: String,
        value: Value,
    },
}

impl Part {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), name: None, cache: None, signature: None }
    }

    /// The mark on this part.
    pub fn cache(&self) -> Option<&CacheMark> {
        match self {
            Self::Text { cache, .. }
            | Self::Image { cache, .. }
            | Self::File { cache, .. }
            | Self::ToolCall { cache, .. }
            | Self::ToolResult { cache, .. } => cache.as_ref(),
            Self::Audio { .. }
            | Self::Video { .. }
            | Self::Reasoning { .. }
            | Self::EncryptedReasoning { .. }
            | Self::Refusal { .. }
            | Self::Other { .. } => None,
        }
    }

    /// Puts a mark on this part, where it can carry one.
    pub(crate) fn mark(&mut self, mark: CacheMark) {
        match self {
            Self::Text { cache, .. }
            | Self::Image { cache, .. }
            | Self::File { cache, .. }
            | Self::ToolCall { cache, .. }
            | Self::ToolResult { cache, .. } => *cache = Some(mark),
            Self::Audio { .. }
            | Self::Video { .. }
            | Self::Reasoning { .. }
            | Self::EncryptedReasoning { .. }
            | Self::Refusal { .. }
            | Self::Other { .. } => {}
        }
    }
}

/// Where a picture, file or sound is, or what it was if it came along.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Media {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// How long it is, decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Of the decoded bytes, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
}

/// "Remember everything up to here."
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheMark {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON schema; type names are in lower case whatever the dialect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheMark>,
    /// The type of a tool that the provider runs itself; absent for functions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosted: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    Auto,
    None,
    /// Some tool, whichever.
    Required,
    Named(String),
    /// Only these, and whether one of them must be called.
    Among {
        names: Vec<String>,
        required: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseFormat {
    Text,
    JsonObject,
    JsonSchema {
        schema: Value,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
    /// A form that the sandbox does not know.
    Other {
        value: Value,
    },
}

/// What was said about thinking.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reasoning {
    /// False when thinking is switched off in so many words.
    pub enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<u64>,
    /// Whether thoughts are to be shown, where the dialect asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<bool>,
    /// Whether thoughts are wanted in encrypted form (OpenAI's `include`).
    #[serde(skip_serializing_if = "is_false")]
    pub encrypted: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Understood {
    /// The one JSON text of this value: keys in the order of the alphabet, without spaces.
    pub fn to_canonical_json(&self) -> String {
        serde_json::to_value(self).map(|value| canonical(&value)).unwrap_or_default()
    }

    /// Adds parts to the last turn, or begins one when somebody else speaks.
    pub(crate) fn say(&mut self, role: Role, parts: Vec<Part>) {
        match self.turns.last_mut() {
            Some(turn) if turn.role == role => turn.parts.extend(parts),
            _ => self.turns.push(Turn { role, parts }),
        }
    }

    /// The name of the tool that was called under this id.
    pub(crate) fn tool_of_call(&self, wanted: &str) -> Option<String> {
        self.turns.iter().rev().flat_map(|turn| turn.parts.iter().rev()).find_map(|part| match part
        {
            Part::ToolCall { id: Some(id), name, .. } if id == wanted => Some(name.clone()),
            _ => None,
        })
    }

    /// The last thing that a person said.
    pub(crate) fn question(&self) -> String {
        let is_text = |part: &&Part| matches!(part, Part::Text { .. });
        self.turns
            .iter()
            .rev()
            .filter(|turn| turn.role == Role::User)
            .find(|turn| turn.parts.iter().any(|part| is_text(&part)))
            .map(|turn| texts(&turn.parts))
            .unwrap_or_default()
    }

    /// The result of a tool, when the conversation ends with one.
    pub(crate) fn tool_result(&self) -> Option<String> {
        match self.turns.last()?.parts.last()? {
            Part::ToolResult { parts, .. } => Some(texts(parts)),
            _ => None,
        }
    }

    /// Everything that stands in the prompt, how long it is and the mark on it, in the order in
    /// which providers read: tools, system, conversation.
    pub(crate) fn walk(&self) -> impl Iterator<Item = (Value, usize, Option<&CacheMark>)> {
        let tools = self
            .tools
            .iter()
            .map(|tool| (unmarked(tool), answer::tokens_of_json(tool) + 8, tool.cache.as_ref()));
        let of_part = |part| (unmarked(part), answer::tokens_of(part), Part::cache(part));
        let system = self.system.iter().map(of_part);
        let turns = self.turns.iter().flat_map(move |turn| {
            let parts = turn.parts.iter().map(of_part);
            std::iter::once((unmarked(&turn.role), 4, None)).chain(parts)
        });
        tools.chain(system).chain(turns)
    }
}

/// As JSON without the mark, which is about the part and not of it.
fn unmarked(value: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    if let Value::Object(members) = &mut value {
        members.remove("cache");
    }
    value
}

/// The texts among these parts.
pub(crate) fn texts(parts: &[Part]) -> String {
    let texts: Vec<&str> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Text { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    texts.join(" ")
}
