//! What the sandbox reads of a chat request.

use serde::Deserialize;
use serde_json::Value;

/// Enough to know what is asked for, read before anything else.
#[derive(Debug, Deserialize)]
pub(crate) struct Head {
    #[serde(default)]
    pub(crate) model: String,
    #[serde(default)]
    pub(crate) stream: bool,
}

/// The rest. Members that the sandbox does not act on are ignored, as providers do.
#[derive(Debug, Deserialize)]
pub(crate) struct ChatRequest {
    pub(crate) model: String,
    pub(crate) messages: Vec<Message>,
    pub(crate) max_tokens: Option<usize>,
    pub(crate) max_completion_tokens: Option<usize>,
    pub(crate) n: Option<u32>,
    pub(crate) stop: Option<Stop>,
    #[serde(default)]
    pub(crate) tools: Vec<Value>,
    pub(crate) tool_choice: Option<Value>,
    pub(crate) response_format: Option<Value>,
    pub(crate) reasoning_effort: Option<String>,
    #[serde(default)]
    pub(crate) stream_options: StreamOptions,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    pub(crate) role: String,
    #[serde(default)]
    pub(crate) content: Value,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Stop {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct StreamOptions {
    #[serde(default)]
    pub(crate) include_usage: bool,
}

impl ChatRequest {
    /// The last thing that a person said.
    pub(crate) fn question(&self) -> String {
        self.messages
            .iter()
            .rev()
            .find(|message| message.role == "user")
            .map(Message::text)
            .unwrap_or_default()
    }

    /// The result of a tool, when that is what the last message is.
    pub(crate) fn tool_result(&self) -> Option<String> {
        self.messages.last().filter(|message| message.role == "tool").map(Message::text)
    }

    pub(crate) fn output_tokens_max(&self) -> usize {
        self.max_completion_tokens.or(self.max_tokens).unwrap_or(usize::MAX)
    }

    pub(crate) fn choices(&self) -> u32 {
        self.n.unwrap_or(1).clamp(1, 16)
    }

    pub(crate) fn stops(&self) -> &[String] {
        match &self.stop {
            None => &[],
            Some(Stop::One(text)) => std::slice::from_ref(text),
            Some(Stop::Many(texts)) => texts,
        }
    }

    /// About four bytes a token, four tokens a message, and a flat rate for what is not text.
    pub(crate) fn prompt_tokens(&self) -> usize {
        let messages: usize = self.messages.iter().map(|message| 4 + message.tokens()).sum();
        let tools: usize = self.tools.iter().map(|tool| tool.to_string().len() / 4 + 8).sum();
        messages + tools + 3
    }
}

impl Message {
    pub(crate) fn text(&self) -> String {
        match &self.content {
            Value::String(text) => text.clone(),
            Value::Array(parts) => {
                let texts: Vec<&str> =
                    parts.iter().filter_map(|part| part["text"].as_str()).collect();
                texts.join(" ")
            }
            _ => String::new(),
        }
    }

    fn tokens(&self) -> usize {
        const OTHER_PART: usize = 256;
        match &self.content {
            Value::String(text) => text.len().div_ceil(4),
            Value::Array(parts) => parts
                .iter()
                .map(|part| part["text"].as_str().map_or(OTHER_PART, |text| text.len().div_ceil(4)))
                .sum(),
            _ => 0,
        }
    }
}
