//! What is in the verbatim parts of events, in the words of Messages.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::chat::fold;
use crate::chat::view::Source;
use crate::dialects::messages::OWN_FORMAT;

/// What of one item of `reasoning_details` needs a place of its own. Its text does not: it was
/// shown already.
pub(super) enum Detail {
    Signature {
        index: Option<u64>,
        signature: String,
    },
    Redacted {
        data: String,
    },
    /// Another vendor's, to be given back as it is.
    Foreign(Value),
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    format: Option<Cow<'a, str>>,
    index: Option<u64>,
    signature: Option<String>,
    data: Option<String>,
}

pub(super) fn read(raw: &RawValue) -> Vec<Detail> {
    let items: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
    items.into_iter().filter_map(one).collect()
}

fn one(raw: &RawValue) -> Option<Detail> {
    let item: Wire<'_> = serde_json::from_str(raw.get()).ok()?;
    let signature = item.signature.filter(|signature| !signature.is_empty());
    let (format, index) = (item.format.as_deref(), item.index);
    match (&*item.kind, format) {
        ("reasoning.text", Some(OWN_FORMAT)) => {
            signature.map(|signature| Detail::Signature { index, signature })
        }
        ("reasoning.encrypted", Some(OWN_FORMAT)) => {
            item.data.map(|data| Detail::Redacted { data })
        }
        // Text of nobody in particular: nothing but what was shown.
        ("reasoning.text", None | Some("unknown")) if signature.is_none() => None,
        _ => serde_json::from_str(raw.get()).ok().map(Detail::Foreign),
    }
}

/// Adds an item, or the next part of one.
pub(super) fn collect(items: &mut Vec<Value>, item: Value) {
    fold::join_detail(items, item);
}

/// Text alone can be read from the block that shows it.
pub(super) fn must_be_replayed(item: &Value) -> bool {
    item["type"] != "reasoning.text" || item["signature"].is_string() || item["data"].is_string()
}

/// Images of an answer as blocks.
pub(super) fn images(raw: &RawValue) -> Vec<String> {
    #[derive(Deserialize)]
    struct Image {
        image_url: Url,
    }
    #[derive(Deserialize)]
    struct Url {
        url: String,
    }
    let images: Vec<Image> = serde_json::from_str(raw.get()).unwrap_or_default();
    let block = |image: Image| {
        let source = match Source::of_url(Cow::Owned(image.image_url.url)) {
            Source::Url(url) => json!({"type": "url", "url": url}),
            Source::Inline { media_type, base64 } => {
                json!({"type": "base64", "media_type": media_type, "data": base64})
            }
            Source::Id(id) => json!({"type": "file", "file_id": id}),
        };
        json!({"type": "image", "source": source}).to_string()
    };
    images.into_iter().map(block).collect()
}

/// Annotations as deltas of the block that they stand at. Where in the text they belong, Anthropic
/// does not say: its blocks end there.
pub(super) fn citations(raw: &RawValue) -> Vec<String> {
    #[derive(Deserialize)]
    struct Annotation {
        url_citation: Option<UrlCitation>,
    }
    #[derive(Deserialize)]
    struct UrlCitation {
        url: String,
        title: Option<String>,
        content: Option<String>,
    }
    let annotations: Vec<Annotation> = serde_json::from_str(raw.get()).unwrap_or_default();
    let citation = |citation: UrlCitation| {
        let citation = json!({
            "type": "web_search_result_location",
            "url": citation.url,
            "title": citation.title,
            "cited_text": citation.content.unwrap_or_default(),
            "encrypted_index": "",
        });
        json!({"type": "citations_delta", "citation": citation}).to_string()
    };
    annotations.into_iter().filter_map(|annotation| annotation.url_citation).map(citation).collect()
}
