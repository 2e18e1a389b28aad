//! Messages in Cohere's form.

use std::borrow::Cow;

use protocol::chat::request::{ChatRequest, Content, Message, Role};
use protocol::chat::view::{PartView, Source};
use serde::Serialize;
use serde_json::json;

use crate::error::EncodeError;

#[derive(Debug, Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub(super) enum Wire<'a> {
    System {
        content: Cow<'a, str>,
    },
    User {
        content: Said<'a>,
    },
    Assistant {
        #[serde(skip_serializing_if = "Option::is_none")]
        content: Option<Said<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tool_plan: Option<Cow<'a, str>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Call<'a>>,
    },
    Tool {
        tool_call_id: Cow<'a, str>,
        content: Cow<'a, str>,
    },
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Said<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<Part<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    Text { text: Cow<'a, str> },
    Thinking { thinking: Cow<'a, str> },
    ImageUrl { image_url: Image<'a> },
}

#[derive(Debug, Serialize)]
pub(super) struct Image<'a> {
    url: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Cow<'a, str>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Call<'a> {
    id: Cow<'a, str>,
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: Cow<'a, str>,
    arguments: Cow<'a, str>,
}

/// `thinks` says whether the model takes earlier thoughts back; others take a plan.
pub(super) fn write(request: &ChatRequest, thinks: bool) -> Result<Vec<Wire<'_>>, EncodeError> {
    let messages = request.messages.iter().enumerate();
    messages.map(|(index, message)| one(index, message, thinks)).collect()
}

fn one(index: usize, message: &Message, thinks: bool) -> Result<Wire<'_>, EncodeError> {
    Ok(match message.role {
        Role::System | Role::Developer => {
            let Said::Text(content) = text_only(said(index, message)?) else {
                let parameter = format!("messages[{index}].content");
                return Err(EncodeError::Unsupported { parameter });
            };
            Wire::System { content }
        }
        Role::User => Wire::User { content: said(index, message)? },
        Role::Assistant => answer(index, message, thinks)?,
        Role::Tool => Wire::Tool {
            tool_call_id: message.tool_call_id().unwrap_or_default(),
            content: result(index, message)?,
        },
    })
}

/// Results are text; of a failure Cohere has no word but what the text says.
fn result(index: usize, message: &Message) -> Result<Cow<'_, str>, EncodeError> {
    if let Content::Parts(parts) = &message.content {
        let other = parts.iter().position(|part| !matches!(part.view(), PartView::Text(_)));
        if let Some(position) = other {
            let parameter = format!("messages[{index}].content[{position}]");
            return Err(EncodeError::Unsupported { parameter });
        }
    }
    let text = message.plain_text();
    Ok(if message.is_error() { json!({ "error": text }).to_string().into() } else { text })
}

fn answer(index: usize, message: &Message, thinks: bool) -> Result<Wire<'_>, EncodeError> {
    let calls = message.tool_calls().into_iter().map(|call| Call {
        id: call.id,
        r#type: "function",
        function: Function { name: call.name, arguments: call.arguments },
    });
    let tool_calls: Vec<Call<'_>> = calls.collect();
    let thoughts = message.reasoning().filter(|text| !text.is_empty());
    let content = match said(index, message)? {
        Said::Text(text) if text.is_empty() => message.refusal().map(Said::Text),
        said => Some(said),
    };
    let (content, tool_plan) = match thoughts {
        Some(thinking) if thinks => {
            let mut parts = vec![Part::Thinking { thinking }];
            match content {
                None => {}
                Some(Said::Text(text)) => parts.push(Part::Text { text }),
                Some(Said::Parts(mut more)) => parts.append(&mut more),
            }
            (Some(Said::Parts(parts)), None)
        }
        Some(plan) if !tool_calls.is_empty() => (content, Some(plan)),
        _ => (content, None),
    };
    // A message without anything is refused.
    let is_empty = content.is_none() && tool_calls.is_empty();
    let content = if is_empty { Some(Said::Text(Cow::Borrowed(""))) } else { content };
    Ok(Wire::Assistant { content, tool_plan, tool_calls })
}

/// What a message says, with the name of who says it.
fn said(index: usize, message: &Message) -> Result<Said<'_>, EncodeError> {
    let name = message.name();
    let named = |text: Cow<'_, str>| match &name {
        Some(name) => Cow::Owned(format!("{name}: {text}")),
        None => Cow::Owned(text.into_owned()),
    };
    match &message.content {
        Content::None => Ok(Said::Text(Cow::Borrowed(""))),
        Content::Text(text) if name.is_none() => Ok(Said::Text(text.into())),
        Content::Text(text) => Ok(Said::Text(named(text.into()))),
        Content::Parts(list) => {
            let mut parts = Vec::with_capacity(list.len());
            for (position, part) in list.iter().enumerate() {
                let path = || format!("messages[{index}].content[{position}]");
                parts.push(
                    written(part.view())
                        .ok_or_else(|| EncodeError::Unsupported { parameter: path() })?,
                );
            }
            if name.is_some() {
                match parts.first_mut() {
                    Some(Part::Text { text }) => *text = named(std::mem::take(text)),
                    _ => parts.insert(0, Part::Text { text: named(Cow::Borrowed("")) }),
                }
            }
            Ok(Said::Parts(parts))
        }
    }
}

fn written(view: PartView<'_>) -> Option<Part<'_>> {
    Some(match view {
        PartView::Text(text) | PartView::Refusal(text) => Part::Text { text },
        PartView::Image { source, detail } => {
            let url = match source {
                Source::Url(url) => url,
                Source::Inline { media_type, base64 } => {
                    format!("data:{media_type};base64,{base64}").into()
                }
                Source::Id(_) => return None,
            };
            let detail = detail.filter(|detail| matches!(&**detail, "auto" | "low" | "high"));
            Part::ImageUrl { image_url: Image { url, detail } }
        }
        PartView::Audio { .. } | PartView::Video(_) | PartView::File { .. } | PartView::Unknown => {
            return None;
        }
    })
}

/// Parts that are only text, as one.
fn text_only(said: Said<'_>) -> Said<'_> {
    let Said::Parts(parts) = said else { return said };
    if parts.iter().any(|part| !matches!(part, Part::Text { .. })) {
        return Said::Parts(parts);
    }
    let texts = parts.into_iter().map(|part| match part {
        Part::Text { text } => text,
        Part::Thinking { .. } | Part::ImageUrl { .. } => Cow::Borrowed(""),
    });
    Said::Text(texts.reduce(|joined, text| joined + text).unwrap_or_default())
}
