//! What an answer looks like on the wire.

use std::borrow::Cow;

use domain::usage::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::turns::citations::Citation;
use crate::turns::reading::Text;

/// No answer has more tokens than this: what claims to is a mistake.
const TOKENS_MAX: u64 = 1_000_000_000;

/// The payload of any event of a stream.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire<'a> {
    #[serde(default)]
    pub(super) content_block_index: u64,
    #[serde(borrow)]
    pub(super) start: Option<WireBlock<'a>>,
    #[serde(borrow)]
    pub(super) delta: Option<WireBlock<'a>>,
    #[serde(borrow)]
    pub(super) stop_reason: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) additional_model_response_fields: Option<&'a RawValue>,
    pub(super) usage: Option<WireUsage>,
}

/// A block, its beginning or an addition to it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireBlock<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) tool_use: Option<WireCall<'a>>,
    #[serde(borrow)]
    pub(super) reasoning_content: Option<WireReasoning<'a>>,
    #[serde(borrow)]
    pub(super) image: Option<WireImage<'a>>,
    /// In a stream.
    #[serde(borrow)]
    pub(super) citation: Option<WireCitation<'a>>,
    /// In an answer of one piece.
    #[serde(borrow)]
    pub(super) citations_content: Option<WireCited<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireCall<'a> {
    #[serde(borrow)]
    pub(super) tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    /// Text in a stream, a value in an answer of one piece.
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireReasoning<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) signature: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) redacted_content: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) reasoning_text: Option<WireReasoningText<'a>>,
}

#[derive(Deserialize)]
pub(super) struct WireReasoningText<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) signature: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireUsage {
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    pub(super) cache_read_input_tokens: Option<u64>,
    pub(super) cache_write_input_tokens: Option<u64>,
    #[serde(default)]
    pub(super) cache_details: Vec<WireCacheDetail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireCacheDetail {
    pub(super) ttl: Option<String>,
    pub(super) input_tokens: Option<u64>,
}

/// An answer in one piece.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireAnswer<'a> {
    #[serde(borrow)]
    pub(super) output: Option<WireOutput<'a>>,
    #[serde(borrow)]
    pub(super) message: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct WireOutput<'a> {
    #[serde(borrow)]
    pub(super) message: Option<WireMessage<'a>>,
}

#[derive(Deserialize)]
pub(super) struct WireMessage<'a> {
    #[serde(borrow, default)]
    pub(super) content: Vec<WireBlock<'a>>,
}

/// Format and bytes come together, or one after the other.
#[derive(Deserialize)]
pub(super) struct WireImage<'a> {
    #[serde(borrow)]
    pub(super) format: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) source: Option<WireBytes<'a>>,
}

#[derive(Deserialize)]
pub(super) struct WireBytes<'a> {
    #[serde(borrow)]
    pub(super) bytes: Option<Text<'a>>,
}

/// Text that says where it comes from.
#[derive(Deserialize)]
pub(super) struct WireCited<'a> {
    #[serde(borrow, default)]
    pub(super) content: Vec<WireWords<'a>>,
    #[serde(borrow, default)]
    pub(super) citations: Vec<WireCitation<'a>>,
}

#[derive(Deserialize)]
pub(super) struct WireWords<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireCitation<'a> {
    #[serde(borrow)]
    title: Option<Text<'a>>,
    #[serde(borrow, default)]
    source_content: Vec<WireWords<'a>>,
    #[serde(borrow)]
    location: Option<WireLocation<'a>>,
}

/// Other places are in the caller's own documents.
#[derive(Deserialize)]
struct WireLocation<'a> {
    #[serde(borrow)]
    web: Option<WireWeb<'a>>,
}

#[derive(Deserialize)]
struct WireWeb<'a> {
    #[serde(borrow)]
    url: Option<Text<'a>>,
}

impl WireCitation<'_> {
    /// The citation, where it points to an address.
    pub(super) fn read(self) -> Option<Citation> {
        let owned = |text: Option<Text<'_>>| text.map(|Text(text)| text.into_owned());
        let url = owned(self.location?.web?.url)?;
        let quote: String = self.source_content.into_iter().filter_map(|w| owned(w.text)).collect();
        Some(Citation { url, title: owned(self.title), quote: Some(quote) })
    }
}

pub(super) fn stop_sequence_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow)]
        stop_sequence: Option<Text<'a>>,
    }
    let fields: Fields<'_> = serde_json::from_str(raw.get()).ok()?;
    fields.stop_sequence.map(|Text(text)| text)
}

impl WireUsage {
    /// `inputTokens` is what neither came from a cache nor went into one.
    pub(super) fn disjoint(&self) -> Usage {
        let count = |count: Option<u64>| count.unwrap_or(0).min(TOKENS_MAX);
        let long = self
            .cache_details
            .iter()
            .filter(|detail| detail.ttl.as_deref() == Some("1h"))
            .fold(0_u64, |sum, detail| sum.saturating_add(count(detail.input_tokens)));
        let written = count(self.cache_write_input_tokens);
        let long = long.min(written);
        Usage {
            prompt: count(self.input_tokens),
            cache_read: count(self.cache_read_input_tokens),
            cache_write_5m: written - long,
            cache_write_1h: long,
            completion: count(self.output_tokens),
            requests: 1,
            ..Usage::default()
        }
    }
}
