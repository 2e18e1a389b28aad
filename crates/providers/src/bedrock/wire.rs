//! What a request looks like on the wire.

use std::borrow::Cow;

use protocol::chat::view::{CacheMark, Source};
use serde::Serialize;
use serde_json::Value;

use crate::error::EncodeError;
use crate::turns::tools::{Choice, Format, ToolSpec};
use crate::turns::{Block, BlockKind, Side, Turn, raw_json};

#[derive(Serialize)]
pub(super) struct WireTurn<'a> {
    role: &'static str,
    content: Vec<WireBlock<'a>>,
}

/// A block is an object with one member, which is its kind.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum WireBlock<'a> {
    Text(&'a str),
    Image(WireMedia<'a>),
    Document(WireMedia<'a>),
    #[serde(rename_all = "camelCase")]
    ToolUse {
        tool_use_id: &'a str,
        name: &'a str,
        #[serde(serialize_with = "raw_json")]
        input: &'a str,
    },
    #[serde(rename_all = "camelCase")]
    ToolResult {
        tool_use_id: &'a str,
        content: Vec<WireBlock<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<&'static str>,
    },
    ReasoningContent(WireReasoning<'a>),
    CachePoint(WirePoint),
    /// In results only.
    Json(Value),
}

#[derive(Serialize)]
pub(super) struct WireMedia<'a> {
    format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    source: WireBytes<'a>,
}

#[derive(Serialize)]
struct WireBytes<'a> {
    /// In base64, as JSON has no bytes.
    bytes: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum WireReasoning<'a> {
    ReasoningText { text: &'a str, signature: &'a str },
    RedactedContent(&'a str),
}

#[derive(Serialize)]
pub(super) struct WirePoint {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

impl From<CacheMark> for WirePoint {
    fn from(mark: CacheMark) -> Self {
        let ttl = match mark {
            CacheMark::FiveMinutes => None,
            CacheMark::OneHour => Some("1h"),
        };
        Self { kind: "default", ttl }
    }
}

/// Counts documents, whose names must differ.
#[derive(Default)]
pub(super) struct Writer {
    documents: usize,
}

impl Writer {
    pub(super) fn turns<'a>(
        &mut self,
        turns: &'a [Turn<'a>],
    ) -> Result<Vec<WireTurn<'a>>, EncodeError> {
        let wire = |turn: &'a Turn<'a>| {
            let role = match turn.side {
                Side::User => "user",
                Side::Assistant => "assistant",
            };
            let mut content = self.blocks(&turn.blocks)?;
            let has = |of: fn(&WireBlock<'_>) -> bool| content.iter().any(of);
            // A document without a word about it is refused.
            if has(|block| matches!(block, WireBlock::Document(_)))
                && !has(|block| matches!(block, WireBlock::Text(_)))
            {
                content.push(WireBlock::Text("."));
            }
            Ok(WireTurn { role, content })
        };
        turns.iter().map(wire).collect()
    }

    pub(super) fn blocks<'a>(
        &mut self,
        blocks: &'a [Block<'a>],
    ) -> Result<Vec<WireBlock<'a>>, EncodeError> {
        let mut wire = Vec::with_capacity(blocks.len());
        for block in blocks {
            wire.push(self.block(block)?);
            wire.extend(block.mark.map(|mark| WireBlock::CachePoint(mark.into())));
        }
        Ok(wire)
    }

    fn block<'a>(&mut self, block: &'a Block<'a>) -> Result<WireBlock<'a>, EncodeError> {
        let unsupported = || block.unsupported();
        Ok(match &block.kind {
            BlockKind::Text(text) => WireBlock::Text(text),
            BlockKind::Image(source) => WireBlock::Image(image(source).ok_or_else(unsupported)?),
            BlockKind::Document { source, filename } => {
                self.documents += 1;
                let name = filename.as_deref().unwrap_or_default();
                let document = document(source, name, self.documents);
                WireBlock::Document(document.ok_or_else(unsupported)?)
            }
            BlockKind::ToolUse { id, name, input } => {
                WireBlock::ToolUse { tool_use_id: id, name, input }
            }
            BlockKind::ToolResult { id, content, is_error } => {
                let mut inner: Vec<WireBlock<'a>> =
                    content.iter().map(|block| self.block(block)).collect::<Result<_, _>>()?;
                if inner.is_empty() {
                    inner.push(WireBlock::Json(Value::Object(serde_json::Map::new())));
                }
                let status = is_error.then_some("error");
                WireBlock::ToolResult { tool_use_id: id, content: inner, status }
            }
            BlockKind::Thinking { text, signature } => {
                WireBlock::ReasoningContent(WireReasoning::ReasoningText { text, signature })
            }
            BlockKind::Redacted(data) => {
                WireBlock::ReasoningContent(WireReasoning::RedactedContent(data))
            }
        })
    }
}

fn image<'a>(source: &'a Source<'a>) -> Option<WireMedia<'a>> {
    let Source::Inline { media_type, base64 } = source else { return None };
    let format = match &**media_type {
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpeg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        _ => return None,
    };
    Some(WireMedia { format, name: None, source: WireBytes { bytes: base64 } })
}

/// Media types and endings of names, and what the format is called.
const DOCUMENTS: [(&str, &str, &str); 10] = [
    ("application/pdf", "pdf", "pdf"),
    ("text/csv", "csv", "csv"),
    ("application/msword", "doc", "doc"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", "docx"),
    ("application/vnd.ms-excel", "xls", "xls"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", "xlsx"),
    ("text/html", "html", "html"),
    ("text/markdown", "md", "md"),
    ("text/plain", "txt", "txt"),
    ("application/json", "json", "txt"),
];

fn document<'a>(source: &'a Source<'a>, filename: &str, number: usize) -> Option<WireMedia<'a>> {
    let Source::Inline { media_type, base64 } = source else { return None };
    let (stem, ending) = filename.rsplit_once('.').unwrap_or((filename, ""));
    let ending = ending.to_ascii_lowercase();
    let (.., format) = DOCUMENTS
        .iter()
        .find(|(kind, ..)| *kind == &**media_type)
        .or_else(|| DOCUMENTS.iter().find(|(_, end, _)| *end == ending))?;
    let name = Some(document_name(stem, number));
    Some(WireMedia { format, name, source: WireBytes { bytes: base64 } })
}

/// A name in the letters that are allowed, and like no other in the request.
fn document_name(stem: &str, number: usize) -> String {
    const CHARACTERS_MAX: usize = 150;
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-()[]".contains(c) { c } else { ' ' };
    let spaced: String = stem.chars().take(CHARACTERS_MAX).map(plain).collect();
    let mut name = spaced.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        "Document".clone_into(&mut name);
    }
    if number > 1 { format!("{name} {number}") } else { name }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireToolConfig<'a> {
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<WireChoice<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum WireTool<'a> {
    #[serde(rename_all = "camelCase")]
    ToolSpec {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        input_schema: WireSchema<'a>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        strict: bool,
    },
    CachePoint(WirePoint),
}

#[derive(Serialize)]
struct WireSchema<'a> {
    #[serde(serialize_with = "raw_json")]
    json: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum WireChoice<'a> {
    Auto {},
    Any {},
    Tool { name: &'a str },
}

pub(super) fn tool_config<'a>(
    tools: &'a [ToolSpec<'a>],
    choice: &'a Choice<'a>,
) -> WireToolConfig<'a> {
    let wire = |tool: &'a ToolSpec<'a>| {
        let spec = WireTool::ToolSpec {
            name: &tool.name,
            description: tool.description.as_deref(),
            input_schema: WireSchema { json: &tool.schema },
            strict: tool.is_strict,
        };
        let point = tool.mark.map(|mark| WireTool::CachePoint(mark.into()));
        std::iter::once(spec).chain(point)
    };
    let tool_choice = match choice {
        Choice::Unstated | Choice::None => None,
        Choice::Auto => Some(WireChoice::Auto {}),
        Choice::Any => Some(WireChoice::Any {}),
        Choice::Named(name) => Some(WireChoice::Tool { name }),
    };
    WireToolConfig { tools: tools.iter().flat_map(wire).collect(), tool_choice }
}

/// `inferenceConfig`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireInference<'a> {
    pub(super) max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) stop_sequences: Vec<Cow<'a, str>>,
}

/// `outputConfig`, where the answer has a schema that the model is held to.
pub(super) fn output_config(format: &Format<'_>) -> Option<Value> {
    let Format::Native { name, description, schema } = format else { return None };
    let mut definition = serde_json::Map::new();
    // The schema travels as text.
    definition.insert("schema".into(), schema.get().into());
    definition.insert("name".into(), Value::from(&**name));
    if let Some(description) = description {
        definition.insert("description".into(), Value::from(&**description));
    }
    Some(serde_json::json!({
        "textFormat": { "type": "json_schema", "structure": { "jsonSchema": definition } },
    }))
}
