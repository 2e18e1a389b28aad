//! What a request looks like on the wire.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol::chat::view::{CacheMark, Source};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::EncodeError;
use crate::turns::thinking::Thinking;
use crate::turns::tools::{Choice, ToolSpec};
use crate::turns::{Block, BlockKind, Side, Turn, raw_json};

#[derive(Serialize)]
pub(super) struct WireTurn<'a> {
    role: &'static str,
    content: Vec<WireBlock<'a>>,
}

#[derive(Serialize)]
pub(super) struct WireBlock<'a> {
    #[serde(flatten)]
    kind: WireKind<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<WireMark>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireKind<'a> {
    Text {
        text: &'a str,
    },
    Image {
        source: WireSource<'a>,
    },
    Document {
        source: WireSource<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    ToolUse {
        id: &'a str,
        name: &'a str,
        #[serde(serialize_with = "raw_json")]
        input: &'a str,
    },
    ToolResult {
        tool_use_id: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<WireBlock<'a>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireSource<'a> {
    Base64 { media_type: Cow<'a, str>, data: &'a str },
    Text { media_type: &'static str, data: String },
    Url { url: &'a str },
    File { file_id: &'a str },
}

#[derive(Serialize, Clone, Copy)]
pub(super) struct WireMark {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

impl From<CacheMark> for WireMark {
    fn from(mark: CacheMark) -> Self {
        let ttl = match mark {
            CacheMark::FiveMinutes => None,
            CacheMark::OneHour => Some("1h"),
        };
        Self { kind: "ephemeral", ttl }
    }
}

pub(super) fn turns<'a>(turns: &'a [Turn<'a>]) -> Result<Vec<WireTurn<'a>>, EncodeError> {
    let wire = |turn: &'a Turn<'a>| {
        let role = match turn.side {
            Side::User => "user",
            Side::Assistant => "assistant",
        };
        Ok(WireTurn { role, content: blocks(&turn.blocks)? })
    };
    turns.iter().map(wire).collect()
}

pub(super) fn blocks<'a>(blocks: &'a [Block<'a>]) -> Result<Vec<WireBlock<'a>>, EncodeError> {
    let wire = |block: &'a Block<'a>| {
        Ok(WireBlock { kind: kind(block)?, cache_control: block.mark.map(WireMark::from) })
    };
    blocks.iter().map(wire).collect()
}

fn kind<'a>(block: &'a Block<'a>) -> Result<WireKind<'a>, EncodeError> {
    Ok(match &block.kind {
        BlockKind::Text(text) => WireKind::Text { text },
        BlockKind::Image(source) => WireKind::Image { source: image(source) },
        BlockKind::Document { source, filename } => {
            let title = filename.as_deref().filter(|name| !name.trim().is_empty());
            let source = document(source, title).ok_or_else(|| block.unsupported())?;
            WireKind::Document { source, title }
        }
        BlockKind::ToolUse { id, name, input } => WireKind::ToolUse { id, name, input },
        BlockKind::ToolResult { id, content, is_error } => {
            // The mark is on the result as a whole.
            let unmarked =
                |inner: &'a Block<'a>| Ok(WireBlock { kind: kind(inner)?, cache_control: None });
            let content = content.iter().map(unmarked).collect::<Result<_, EncodeError>>()?;
            WireKind::ToolResult { tool_use_id: id, content, is_error: *is_error }
        }
        BlockKind::Thinking { text, signature } => WireKind::Thinking { thinking: text, signature },
        BlockKind::Redacted(data) => WireKind::RedactedThinking { data },
    })
}

fn image<'a>(source: &'a Source<'a>) -> WireSource<'a> {
    match source {
        Source::Url(url) => WireSource::Url { url },
        Source::Id(file_id) => WireSource::File { file_id },
        Source::Inline { media_type, base64 } => {
            // The first is a common mistake for the second.
            let media_type = match &**media_type {
                "image/jpg" => Cow::Borrowed("image/jpeg"),
                other => Cow::Borrowed(other),
            };
            WireSource::Base64 { media_type, data: base64 }
        }
    }
}

/// Nothing for a file that is neither a PDF nor text.
fn document<'a>(source: &'a Source<'a>, filename: Option<&str>) -> Option<WireSource<'a>> {
    let (media_type, base64) = match source {
        Source::Url(url) => return Some(WireSource::Url { url }),
        Source::Id(file_id) => return Some(WireSource::File { file_id }),
        Source::Inline { media_type, base64 } => (&**media_type, &**base64),
    };
    let is_pdf = media_type == "application/pdf"
        || (matches!(media_type, "" | "application/octet-stream")
            && filename.is_some_and(|name| name.to_ascii_lowercase().ends_with(".pdf")));
    if is_pdf {
        return Some(WireSource::Base64 { media_type: "application/pdf".into(), data: base64 });
    }
    let is_text = media_type.starts_with("text/") || media_type == "application/json";
    let bytes = is_text.then(|| STANDARD.decode(base64.trim())).and_then(Result::ok)?;
    let data = String::from_utf8(bytes).ok()?;
    Some(WireSource::Text { media_type: "text/plain", data })
}

#[derive(Serialize)]
pub(super) struct WireTool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(serialize_with = "raw_json")]
    input_schema: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<WireMark>,
}

pub(super) fn tools<'a>(tools: &'a [ToolSpec<'a>]) -> Vec<WireTool<'a>> {
    let wire = |tool: &'a ToolSpec<'a>| WireTool {
        name: &tool.name,
        description: tool.description.as_deref(),
        input_schema: &tool.schema,
        strict: tool.is_strict,
        cache_control: tool.mark.map(WireMark::from),
    };
    tools.iter().map(wire).collect()
}

#[derive(Serialize)]
pub(super) struct WireChoice<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_parallel_tool_use: bool,
}

/// `tool_choice`, where there is anything to say.
pub(super) fn choice<'a>(choice: &'a Choice<'a>, one_at_a_time: bool) -> Option<WireChoice<'a>> {
    let (kind, name) = match choice {
        Choice::Unstated if !one_at_a_time => return None,
        Choice::Unstated | Choice::Auto => ("auto", None),
        Choice::Any => ("any", None),
        Choice::None => ("none", None),
        Choice::Named(name) => ("tool", Some(&**name)),
    };
    let disable_parallel_tool_use = one_at_a_time && kind != "none";
    Some(WireChoice { kind, name, disable_parallel_tool_use })
}

/// `output_config`.
#[derive(Serialize, Default)]
pub(super) struct WireOutput<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<WireFormat<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum WireFormat<'a> {
    JsonSchema { schema: &'a RawValue },
}

/// `thinking`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum WireThinking {
    Enabled {
        budget_tokens: u32,
    },
    /// Without a word on it, newer models keep their thinking to themselves.
    Adaptive {
        display: &'static str,
    },
    Disabled,
}

pub(super) const fn thinking(thinking: Thinking) -> Option<WireThinking> {
    match thinking {
        Thinking::Unstated => None,
        Thinking::Off => Some(WireThinking::Disabled),
        Thinking::Budget(budget_tokens) => Some(WireThinking::Enabled { budget_tokens }),
        Thinking::Adaptive(_) => Some(WireThinking::Adaptive { display: "summarized" }),
    }
}
