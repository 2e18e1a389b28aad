//! What a caller wants to say, before any dialect: the left side of the grid.
//!
//! Written from the published forms, not with the code under test.

use serde_json::{Value, json};

/// A request without a form. `write` gives it the form of a dialect.
#[derive(Debug, Clone, Default)]
pub(super) struct Ask {
    pub(super) system: Vec<Text>,
    pub(super) developer: Option<&'static str>,
    pub(super) turns: Vec<Turn>,
    pub(super) tools: Vec<Tool>,
    pub(super) choice: Option<Choice>,
    /// Whether several tools may be called at once.
    pub(super) parallel: Option<bool>,
    pub(super) format: Option<Format>,
    pub(super) thinking: Option<Thinking>,
    /// By their names in chat completions.
    pub(super) sampling: Vec<(&'static str, Value)>,
    pub(super) choices: Option<u32>,
    pub(super) max_tokens: u32,
    pub(super) stop: Vec<&'static str>,
    pub(super) service_tier: Option<&'static str>,
    /// A mark on the request as a whole: cache what can be.
    pub(super) cache_all: bool,
    /// What is produced besides text.
    pub(super) modalities: Vec<&'static str>,
    /// Members that are sent as they are, in any dialect.
    pub(super) extra: Vec<(&'static str, Value)>,
    /// What goes under `provider`.
    pub(super) provider: Option<Value>,
}

#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) mark: Option<Mark>,
}

/// Where a cached prefix ends, and how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    FiveMinutes,
    OneHour,
}

#[derive(Debug, Clone)]
pub(super) enum Turn {
    User {
        parts: Vec<Part>,
        name: Option<&'static str>,
    },
    Assistant {
        text: Option<&'static str>,
        calls: Vec<Call>,
    },
    /// What a tool returned.
    Result {
        id: &'static str,
        text: &'static str,
        is_error: bool,
    },
    /// An answer that was given before, in the form in which the dialect gave it.
    Replay(Value),
    /// What a tool returned to the first call of the answer that was given before.
    ReplayResult {
        id: String,
        text: &'static str,
    },
}

#[derive(Debug, Clone)]
pub(super) enum Part {
    Text(Text),
    Image(Source),
    Pdf(Source),
    Audio { base64: String },
    Video { base64: String },
}

#[derive(Debug, Clone)]
pub(super) enum Source {
    Url(String),
    Inline { media_type: &'static str, base64: String },
}

#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) arguments: Value,
}

#[derive(Debug, Clone)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    /// None for a function without arguments.
    pub(super) schema: Option<Value>,
    pub(super) strict: bool,
    pub(super) mark: Option<Mark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    Auto,
    None,
    Required,
    Function(&'static str),
}

#[derive(Debug, Clone)]
pub(super) enum Format {
    JsonObject,
    Schema { name: &'static str, schema: Value, strict: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    Effort(&'static str),
    Budget(u32),
    Off,
    /// As much as an effort says, without showing it.
    Hidden(&'static str),
}

impl Ask {
    /// One question, bounded as every dialect can say it.
    pub(super) fn question(text: &str) -> Self {
        Self { turns: vec![Turn::user(text)], max_tokens: 4_096, ..Self::default() }
    }

    pub(super) fn after(self, turn: Turn) -> Self {
        let mut ask = self;
        ask.turns.push(turn);
        ask
    }

    pub(super) fn with_tools(self, tools: Vec<Tool>) -> Self {
        Self { tools, ..self }
    }

    pub(super) fn choosing(self, choice: Choice) -> Self {
        Self { choice: Some(choice), ..self }
    }

    pub(super) fn thinking(self, thinking: Thinking) -> Self {
        Self { thinking: Some(thinking), ..self }
    }

    pub(super) fn sampling(self, name: &'static str, value: Value) -> Self {
        let mut ask = self;
        ask.sampling.push((name, value));
        ask
    }

    pub(super) fn requiring_parameters(self) -> Self {
        Self { provider: Some(json!({ "require_parameters": true })), ..self }
    }
}

impl Turn {
    pub(super) fn user(text: &str) -> Self {
        Self::User { parts: vec![Part::text(text)], name: None }
    }

    pub(super) fn assistant(text: &'static str) -> Self {
        Self::Assistant { text: Some(text), calls: Vec::new() }
    }
}

impl Part {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(Text::plain(text))
    }
}

impl Text {
    pub(super) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), mark: None }
    }

    pub(super) fn marked(text: &str, mark: Mark) -> Self {
        Self { text: text.to_owned(), mark: Some(mark) }
    }
}

impl Mark {
    pub(super) fn to_json(self) -> Value {
        match self {
            Self::FiveMinutes => json!({ "type": "ephemeral" }),
            Self::OneHour => json!({ "type": "ephemeral", "ttl": "1h" }),
        }
    }
}

impl Source {
    /// An address in any case: `data:` for what is inline.
    pub(super) fn url(&self) -> String {
        match self {
            Self::Url(url) => url.clone(),
            Self::Inline { media_type, base64 } => format!("data:{media_type};base64,{base64}"),
        }
    }
}
