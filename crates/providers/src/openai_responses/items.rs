//! Output items, as they come and as far as they have come.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::body::{members, text};

/// What kind of item it is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Message,
    Call,
    Reasoning,
    Image,
    /// A search by the upstream itself, which it bills.
    Search,
    /// Something that only this dialect has a form for.
    Other,
}

/// A part of reasoning, by its place in its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reasoned {
    Summary(u32),
    Text(u32),
}

/// An item of which something was seen.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) index: u32,
    pub(super) kind: Known,
    pub(super) id: Option<String>,
    /// Whether its text or its arguments arrived in pieces.
    pub(super) has_text: bool,
    pub(super) has_annotations: bool,
    pub(super) has_spoken: bool,
    pub(super) is_done: bool,
    /// The index of the call that it is.
    pub(super) call: Option<u32>,
    /// Its parts of reasoning, with their index among all details.
    pub(super) reasoned: Vec<(Reasoned, u32)>,
}

impl Open {
    pub(super) const fn new(index: u32, kind: Known) -> Self {
        Self {
            index,
            kind,
            id: None,
            has_text: false,
            has_annotations: false,
            has_spoken: false,
            is_done: false,
            call: None,
            reasoned: Vec::new(),
        }
    }
}

/// An item as it is written.
#[derive(Deserialize)]
pub(super) struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    call_id: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    summary: Option<&'a RawValue>,
    #[serde(borrow)]
    encrypted_content: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    output_format: Option<&'a RawValue>,
    #[serde(borrow)]
    action: Option<&'a RawValue>,
}

impl<'a> Item<'a> {
    pub(super) fn kind(&self) -> Known {
        match self.kind.and_then(text).as_deref() {
            Some("message") => Known::Message,
            Some("function_call") => Known::Call,
            Some("reasoning") => Known::Reasoning,
            Some("image_generation_call") => Known::Image,
            Some("web_search_call") => Known::Search,
            Some(_) | None => Known::Other,
        }
    }

    /// Whether a search is billed: opening a page that it found is not.
    pub(super) fn is_billed_search(&self) -> bool {
        let kind = self.action.map(members).unwrap_or_default();
        let kind = kind.into_iter().find(|(name, _)| name == "type");
        kind.and_then(|(_, kind)| text(kind)).is_none_or(|kind| kind == "search")
    }

    pub(super) fn id(&self) -> Option<String> {
        self.id.and_then(text).map(Cow::into_owned)
    }

    pub(super) fn call_id(&self) -> Option<String> {
        let given = |raw: Option<&RawValue>| {
            raw.and_then(text).filter(|id| !id.is_empty()).map(Cow::into_owned)
        };
        given(self.call_id).or_else(|| given(self.id))
    }

    pub(super) fn name(&self) -> String {
        self.name.and_then(text).unwrap_or_default().into_owned()
    }

    /// JSON text; some upstreams write the JSON itself.
    pub(super) fn arguments(&self) -> Cow<'a, str> {
        let Some(raw) = self.arguments else { return Cow::Borrowed("") };
        text(raw).unwrap_or_else(|| Cow::Borrowed(raw.get()))
    }

    pub(super) fn parts(&self) -> Vec<Part<'a>> {
        parts(self.content)
    }

    pub(super) fn summary(&self) -> Vec<Part<'a>> {
        parts(self.summary)
    }

    pub(super) fn encrypted_content(&self) -> Option<Cow<'a, str>> {
        self.encrypted_content.and_then(text).filter(|data| !data.is_empty())
    }

    /// The image that was made, as an address.
    pub(super) fn image_url(&self) -> Option<String> {
        let base64 = self.result.and_then(text).filter(|data| !data.is_empty())?;
        let format = self.output_format.and_then(text);
        let known = |format: &&str| matches!(*format, "png" | "jpeg" | "webp");
        let format = format.as_deref().filter(known).unwrap_or("png");
        Some(format!("data:image/{format};base64,{base64}"))
    }
}

/// A part of a message or of reasoning.
#[derive(Deserialize)]
pub(super) struct Part<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    annotations: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) logprobs: Option<&'a RawValue>,
}

impl<'a> Part<'a> {
    pub(super) fn text(&self) -> Option<Cow<'a, str>> {
        self.text.and_then(text)
    }

    pub(super) fn refusal(&self) -> Option<Cow<'a, str>> {
        self.refusal.and_then(text)
    }

    pub(super) fn annotations(&self) -> impl Iterator<Item = &'a RawValue> {
        self.annotations.iter().flatten().copied()
    }
}

fn parts(raw: Option<&RawValue>) -> Vec<Part<'_>> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

/// What a stretch of text rests on.
#[derive(Deserialize)]
pub(super) struct Annotation {
    #[serde(rename = "type")]
    kind: String,
    url: Option<String>,
    title: Option<String>,
    start_index: Option<u64>,
    end_index: Option<u64>,
}

impl Annotation {
    /// In the form of chat completions, where there is one.
    pub(super) fn into_chat(self) -> Option<Value> {
        let url = self.url.filter(|_| self.kind == "url_citation")?;
        let title = self.title.unwrap_or_else(|| url.clone());
        Some(json!({"type": "url_citation", "url_citation": {
            "url": url, "title": title, "content": "",
            "start_index": self.start_index.unwrap_or_default(),
            "end_index": self.end_index.unwrap_or_default(),
        }}))
    }
}
