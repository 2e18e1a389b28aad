//! What is in the verbatim parts of a canonical request, for those who write other dialects.
//!
//! Everything here was checked when the request was read; what still does not fit its type is
//! taken for absent. Nothing is copied that can be borrowed.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::request::{ChatRequest, Content, Message, Part};

/// Text that borrows where it can: a bare `Cow` always copies.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    read::<Text<'_>>(raw).map(|Text(text)| text)
}

/// `{"type": "ephemeral", "ttl": "5m" | "1h"}` on a part, a tool or the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheMark {
    FiveMinutes,
    OneHour,
}

#[derive(Deserialize)]
struct WireMark<'a> {
    #[serde(borrow)]
    ttl: Option<Text<'a>>,
}

impl CacheMark {
    fn read(raw: &RawValue) -> Option<Self> {
        let mark: WireMark<'_> = read(raw)?;
        let is_long = mark.ttl.is_some_and(|Text(ttl)| ttl == "1h");
        Some(if is_long { Self::OneHour } else { Self::FiveMinutes })
    }
}

/// Where the bytes of an image, a file, a sound or a film are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source<'a> {
    /// `http:` or `https:`.
    Url(Cow<'a, str>),
    Inline {
        media_type: Cow<'a, str>,
        base64: Cow<'a, str>,
    },
    /// A file that the provider keeps.
    Id(Cow<'a, str>),
}

impl<'a> Source<'a> {
    /// An address, or the data that a `data:` address carries.
    pub fn of_url(url: Cow<'a, str>) -> Self {
        let Some((head, _)) = url.strip_prefix("data:").and_then(|rest| rest.split_once(','))
        else {
            return Self::Url(url);
        };
        let (head, start) = (head.len(), "data:".len());
        let comma = start + head;
        let slice = |from: usize, to: usize| match &url {
            Cow::Borrowed(url) => Cow::Borrowed(url.get(from..to).unwrap_or_default()),
            Cow::Owned(url) => Cow::Owned(url.get(from..to).unwrap_or_default().to_owned()),
        };
        let media_type = match slice(start, comma).split(';').next() {
            Some(kind) if !kind.is_empty() => kind.len(),
            _ => 0,
        };
        Self::Inline {
            media_type: slice(start, start + media_type),
            base64: slice(comma + 1, url.len()),
        }
    }
}

/// One part of a message's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartView<'a> {
    Text(Cow<'a, str>),
    /// Words with which the model refused, in an earlier answer.
    Refusal(Cow<'a, str>),
    Image {
        source: Source<'a>,
        /// `auto`, `low`, `high` or `original`.
        detail: Option<Cow<'a, str>>,
    },
    Audio {
        base64: Cow<'a, str>,
        /// `wav`, `mp3`, …
        format: Cow<'a, str>,
    },
    Video(Source<'a>),
    File {
        filename: Option<Cow<'a, str>>,
        source: Source<'a>,
    },
    /// Nothing that this version knows.
    Unknown,
}

#[derive(Deserialize)]
struct WirePart<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    refusal: Option<Text<'a>>,
    #[serde(borrow)]
    image_url: Option<WireUrl<'a>>,
    #[serde(borrow, alias = "input_video")]
    video_url: Option<WireUrl<'a>>,
    #[serde(borrow)]
    input_audio: Option<WireAudio<'a>>,
    #[serde(borrow)]
    file: Option<WireFile<'a>>,
}

#[derive(Deserialize)]
struct WireUrl<'a> {
    #[serde(borrow)]
    url: Option<Text<'a>>,
    #[serde(borrow)]
    detail: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireAudio<'a> {
    #[serde(borrow)]
    data: Text<'a>,
    #[serde(borrow)]
    format: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireFile<'a> {
    #[serde(borrow)]
    filename: Option<Text<'a>>,
    #[serde(borrow)]
    file_data: Option<Text<'a>>,
    #[serde(borrow)]
    file_id: Option<Text<'a>>,
}

impl Part {
    pub fn view(&self) -> PartView<'_> {
        let Some(part) = read::<WirePart<'_>>(&self.raw) else { return PartView::Unknown };
        view(part).unwrap_or(PartView::Unknown)
    }

    pub fn cache_mark(&self) -> Option<CacheMark> {
        #[derive(Deserialize)]
        struct Marked<'a> {
            #[serde(borrow)]
            cache_control: Option<&'a RawValue>,
            #[serde(borrow)]
            prompt_cache_breakpoint: Option<&'a RawValue>,
        }
        // Most parts are long and unmarked: looking for the word is cheaper than reading them.
        if !self.raw.get().contains("cache_") {
            return None;
        }
        let marked: Marked<'_> = read(&self.raw)?;
        let explicit = || marked.prompt_cache_breakpoint.map(|_| CacheMark::FiveMinutes);
        marked.cache_control.and_then(CacheMark::read).or_else(explicit)
    }
}

fn view(part: WirePart<'_>) -> Option<PartView<'_>> {
    Some(match &*part.kind.0 {
        "text" => PartView::Text(part.text?.0),
        "refusal" => PartView::Refusal(part.refusal?.0),
        "image_url" => {
            let image = part.image_url?;
            let source = Source::of_url(image.url?.0);
            PartView::Image { source, detail: image.detail.map(|Text(detail)| detail) }
        }
        "video_url" | "input_video" => PartView::Video(Source::of_url(part.video_url?.url?.0)),
        "input_audio" => {
            let audio = part.input_audio?;
            let format = audio.format.map_or(Cow::Borrowed("wav"), |Text(format)| format);
            PartView::Audio { base64: audio.data.0, format }
        }
        "file" => {
            let file = part.file?;
            let data = file.file_data.map(|Text(data)| Source::of_url(data));
            let source = data.or(file.file_id.map(|Text(id)| Source::Id(id)))?;
            PartView::File { filename: file.filename.map(|Text(name)| name), source }
        }
        _ => return None,
    })
}

/// A call that the model made in an earlier answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall<'a> {
    pub id: Cow<'a, str>,
    pub name: Cow<'a, str>,
    /// JSON text; `{}` where the model wrote nothing.
    pub arguments: Cow<'a, str>,
}

#[derive(Deserialize)]
struct WireToolCall<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    function: Option<WireFunctionCall<'a>>,
}

#[derive(Deserialize)]
struct WireFunctionCall<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    arguments: Option<Text<'a>>,
}

/// One item of `reasoning_details`.
#[derive(Debug, Clone)]
pub struct ReasoningDetail<'a> {
    /// `reasoning.text`, `reasoning.summary`, `reasoning.encrypted`, …
    pub kind: Cow<'a, str>,
    pub id: Option<Cow<'a, str>>,
    /// Who wrote it and may be sent it again: `anthropic-claude-v1`, `google-gemini-v1`,
    /// `openai-responses-v1`, …
    pub format: Option<Cow<'a, str>>,
    pub index: Option<u32>,
    pub text: Option<Cow<'a, str>>,
    pub summary: Option<Cow<'a, str>>,
    /// Opaque; must be replayed byte for byte.
    pub data: Option<Cow<'a, str>>,
    /// Opaque; must be replayed byte for byte.
    pub signature: Option<Cow<'a, str>>,
    /// The whole item.
    pub raw: &'a RawValue,
}

#[derive(Deserialize)]
struct WireDetail<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    format: Option<Text<'a>>,
    index: Option<u32>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    summary: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<Text<'a>>,
    #[serde(borrow)]
    signature: Option<Text<'a>>,
}

impl Message {
    /// A member besides role and content that is there and not null.
    pub fn member(&self, name: &str) -> Option<&RawValue> {
        self.other
            .iter()
            .find(|(known, raw)| known == name && raw.get() != "null")
            .map(|(_, raw)| &**raw)
    }

    fn text_member(&self, name: &str) -> Option<Cow<'_, str>> {
        self.member(name).and_then(text)
    }

    pub fn name(&self) -> Option<Cow<'_, str>> {
        self.text_member("name")
    }

    /// In a tool's message: the call that it answers.
    pub fn tool_call_id(&self) -> Option<Cow<'_, str>> {
        self.text_member("tool_call_id")
    }

    /// In a tool's message: whether it reports a failure.
    pub fn is_error(&self) -> bool {
        self.member("is_error").is_some_and(|raw| raw.get() == "true")
    }

    /// Reasoning as text, under either of its names.
    pub fn reasoning(&self) -> Option<Cow<'_, str>> {
        self.text_member("reasoning").or_else(|| self.text_member("reasoning_content"))
    }

    pub fn refusal(&self) -> Option<Cow<'_, str>> {
        self.text_member("refusal")
    }

    pub fn tool_calls(&self) -> Vec<ToolCall<'_>> {
        let calls: Vec<WireToolCall<'_>> =
            self.member("tool_calls").and_then(read).unwrap_or_default();
        let calls = calls.into_iter().filter_map(|call| {
            let function = call.function?;
            let arguments = function.arguments.map(|Text(arguments)| arguments);
            Some(ToolCall {
                id: call.id.map_or(Cow::Borrowed(""), |Text(id)| id),
                name: function.name.0,
                arguments: arguments
                    .filter(|json| !json.trim().is_empty())
                    .unwrap_or(Cow::Borrowed("{}")),
            })
        });
        calls.collect()
    }

    pub fn reasoning_details(&self) -> Vec<ReasoningDetail<'_>> {
        let items: Vec<&RawValue> =
            self.member("reasoning_details").and_then(read).unwrap_or_default();
        let details = items.into_iter().filter_map(|raw| {
            let detail: WireDetail<'_> = read(raw)?;
            let plain = |text: Option<Text<'_>>| text.map(|Text(text)| text.into_owned().into());
            Some(ReasoningDetail {
                kind: detail.kind.0,
                id: detail.id.map(|Text(id)| id),
                format: detail.format.map(|Text(format)| format),
                index: detail.index,
                text: detail.text.map(|Text(text)| text),
                summary: plain(detail.summary),
                data: detail.data.map(|Text(data)| data),
                signature: detail.signature.map(|Text(signature)| signature),
                raw,
            })
        });
        details.collect()
    }

    /// All the text of the content, parts joined by nothing.
    pub fn plain_text(&self) -> Cow<'_, str> {
        match &self.content {
            Content::None => Cow::Borrowed(""),
            Content::Text(text) => Cow::Borrowed(text),
            Content::Parts(parts) => {
                let mut texts = parts.iter().filter_map(|part| match part.view() {
                    PartView::Text(text) | PartView::Refusal(text) => Some(text),
                    _ => None,
                });
                let first = texts.next().unwrap_or_default();
                texts.fold(first, |joined, text| joined + text)
            }
        }
    }
}

/// A function that the model may call.
#[derive(Debug, Clone)]
pub struct FunctionTool<'a> {
    pub name: Cow<'a, str>,
    pub description: Option<Cow<'a, str>>,
    /// A JSON Schema; none for a function without arguments.
    pub parameters: Option<&'a RawValue>,
    pub strict: Option<bool>,
    pub cache_mark: Option<CacheMark>,
}

/// An entry of `tools`.
#[derive(Debug, Clone)]
pub enum Tool<'a> {
    Function(FunctionTool<'a>),
    /// A tool of another type, which only an upstream of a matching dialect can take.
    Other {
        kind: Cow<'a, str>,
        raw: &'a RawValue,
    },
}

#[derive(Deserialize)]
struct WireTool<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    function: Option<WireFunctionTool<'a>>,
    #[serde(borrow)]
    cache_control: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireFunctionTool<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    description: Option<Text<'a>>,
    #[serde(borrow)]
    parameters: Option<&'a RawValue>,
    strict: Option<bool>,
}

/// `tool_choice`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice<'a> {
    Auto,
    None,
    Required,
    /// This function and no other.
    Function(Cow<'a, str>),
    /// A tool that is no function.
    Other,
}

/// `response_format`.
#[derive(Debug, Clone)]
pub enum ResponseFormat<'a> {
    Text,
    JsonObject,
    JsonSchema {
        name: Cow<'a, str>,
        description: Option<Cow<'a, str>>,
        schema: Option<&'a RawValue>,
        strict: Option<bool>,
    },
    /// `grammar`, `python`, …
    Other(Cow<'a, str>),
}

impl ChatRequest {
    pub fn text_parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        self.parameter(name).and_then(text)
    }

    pub fn bool_parameter(&self, name: &str) -> Option<bool> {
        self.parameter(name).and_then(read)
    }

    pub fn integer_parameter(&self, name: &str) -> Option<i64> {
        self.parameter(name).and_then(read)
    }

    pub fn tools(&self) -> Vec<Tool<'_>> {
        let tools: Vec<&RawValue> = self.parameter("tools").and_then(read).unwrap_or_default();
        let tools = tools.into_iter().filter_map(|raw| {
            let tool: WireTool<'_> = read(raw)?;
            Some(match tool.function {
                Some(function) if tool.kind.0 == "function" => Tool::Function(FunctionTool {
                    name: function.name.0,
                    description: function.description.map(|Text(text)| text),
                    parameters: function.parameters.filter(|raw| raw.get() != "null"),
                    strict: function.strict,
                    cache_mark: tool.cache_control.and_then(CacheMark::read),
                }),
                _ => Tool::Other { kind: tool.kind.0, raw },
            })
        });
        tools.collect()
    }

    pub fn tool_choice(&self) -> Option<ToolChoice<'_>> {
        #[derive(Deserialize)]
        struct Wire<'a> {
            #[serde(borrow)]
            function: Option<WireFunctionTool<'a>>,
        }
        let raw = self.parameter("tool_choice")?;
        if let Some(word) = text(raw) {
            return Some(match &*word {
                "none" => ToolChoice::None,
                "required" => ToolChoice::Required,
                _ => ToolChoice::Auto,
            });
        }
        let choice: Wire<'_> = read(raw)?;
        let function = choice.function.map(|function| ToolChoice::Function(function.name.0));
        Some(function.unwrap_or(ToolChoice::Other))
    }

    pub fn response_format(&self) -> Option<ResponseFormat<'_>> {
        #[derive(Deserialize)]
        struct Wire<'a> {
            #[serde(borrow, rename = "type")]
            kind: Text<'a>,
            #[serde(borrow)]
            json_schema: Option<WireSchema<'a>>,
        }
        #[derive(Deserialize)]
        struct WireSchema<'a> {
            #[serde(borrow)]
            name: Option<Text<'a>>,
            #[serde(borrow)]
            description: Option<Text<'a>>,
            #[serde(borrow)]
            schema: Option<&'a RawValue>,
            strict: Option<bool>,
        }
        let format: Wire<'_> = self.parameter("response_format").and_then(read)?;
        Some(match (&*format.kind.0, format.json_schema) {
            ("text", _) => ResponseFormat::Text,
            ("json_object", _) => ResponseFormat::JsonObject,
            ("json_schema", Some(schema)) => ResponseFormat::JsonSchema {
                name: schema.name.map_or(Cow::Borrowed("answer"), |Text(name)| name),
                description: schema.description.map(|Text(text)| text),
                schema: schema.schema,
                strict: schema.strict,
            },
            _ => ResponseFormat::Other(format.kind.0),
        })
    }

    /// `stop`: one sequence or several.
    pub fn stop_sequences(&self) -> Vec<Cow<'_, str>> {
        let Some(raw) = self.parameter("stop") else { return Vec::new() };
        if let Some(one) = text(raw) {
            return vec![one];
        }
        let list: Vec<Text<'_>> = read(raw).unwrap_or_default();
        list.into_iter().map(|Text(text)| text).collect()
    }

    /// The mark on the request itself: cache as much of the prompt as there is.
    pub fn cache_mark(&self) -> Option<CacheMark> {
        self.parameter("cache_control").and_then(CacheMark::read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::chat_completions::decode;

    fn request() -> ChatRequest {
        decode(
            br#"{"model": "a/b", "messages": [
                {"role": "system", "content": [
                    {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
                    {"type": "text", "text": "b"}]},
                {"role": "user", "content": [
                    {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                    {"type": "file", "file": {"filename": "f.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}]},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}],
                    "reasoning_details": [{"type": "reasoning.text", "text": "t", "signature": "s",
                        "format": "anthropic-claude-v1", "index": 0}]},
                {"role": "tool", "tool_call_id": "c1", "content": "r", "is_error": true}],
               "tools": [{"type": "function", "function": {"name": "f"}}],
               "tool_choice": {"type": "function", "function": {"name": "f"}},
               "stop": ["x"], "response_format": {"type": "json_object"}}"#,
        )
        .unwrap()
    }

    #[test]
    fn parts_are_read_where_they_are() {
        let request = request();
        let Content::Parts(system) = &request.messages[0].content else { panic!() };
        assert_eq!(system[0].cache_mark(), Some(CacheMark::OneHour));
        assert_eq!(system[1].cache_mark(), None);
        assert_eq!(request.messages[0].plain_text(), "ab");
        let Content::Parts(user) = &request.messages[1].content else { panic!() };
        let PartView::Image { source: Source::Url(url), detail } = user[0].view() else { panic!() };
        assert_eq!((&*url, detail.as_deref()), ("https://x/y.png", Some("low")));
        let inline =
            Source::Inline { media_type: "image/png".into(), base64: "iVBORw0KGgo=".into() };
        assert_eq!(user[1].view(), PartView::Image { source: inline, detail: None });
        let PartView::File { filename, source: Source::Inline { media_type, .. } } = user[2].view()
        else {
            panic!()
        };
        assert_eq!((filename.as_deref(), &*media_type), (Some("f.pdf"), "application/pdf"));
    }

    #[test]
    fn calls_results_and_tools_are_read() {
        let request = request();
        let calls = request.messages[2].tool_calls();
        assert_eq!((&*calls[0].id, &*calls[0].arguments), ("c1", "{}"));
        let details = request.messages[2].reasoning_details();
        assert_eq!(details[0].signature.as_deref(), Some("s"));
        assert!(request.messages[3].is_error());
        assert!(matches!(&request.tools()[..], [Tool::Function(tool)] if tool.name == "f"));
        assert_eq!(request.tool_choice(), Some(ToolChoice::Function("f".into())));
        assert!(matches!(request.response_format(), Some(ResponseFormat::JsonObject)));
        assert_eq!(request.stop_sequences(), ["x"]);
    }
}
