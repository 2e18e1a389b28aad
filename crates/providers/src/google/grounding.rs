//! Sources of what was said, to `annotations`.

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

/// More sources than this are not shown.
const ANNOTATIONS_MAX: usize = 1_000;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Grounding {
    #[serde(rename = "groundingChunks")]
    sources: Vec<Source>,
    #[serde(rename = "groundingSupports")]
    supports: Vec<Support>,
    web_search_queries: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    web: Option<Page>,
    retrieved_context: Option<Page>,
}

#[derive(Debug, Deserialize)]
struct Page {
    uri: Option<String>,
    title: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Support {
    segment: Segment,
    #[serde(rename = "groundingChunkIndices")]
    sources: Vec<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Segment {
    start_index: usize,
    end_index: usize,
    text: String,
}

impl Grounding {
    /// How many searches were made.
    pub(super) fn queries(&self) -> u64 {
        u64::try_from(self.web_search_queries.len()).unwrap_or(0).min(1_000)
    }

    /// One annotation for each place and each of its sources; `words` is the answer's text.
    pub(super) fn write(self, words: &str) -> Option<Box<RawValue>> {
        let mut annotations = Vec::new();
        for support in &self.supports {
            for index in &support.sources {
                let source = self.sources.get(*index);
                let page = source
                    .and_then(|source| source.web.as_ref().or(source.retrieved_context.as_ref()));
                let Some(page) = page else { continue };
                let Segment { start_index, end_index, text } = &support.segment;
                let start = characters(words, *start_index);
                let end = characters(words, *end_index);
                annotations.extend(annotation(page, text, start, end));
            }
        }
        list(annotations)
    }
}

/// Google counts bytes; everybody else counts characters.
fn characters(words: &str, byte: usize) -> usize {
    words
        .as_bytes()
        .get(..byte)
        .map_or(byte, |head| head.iter().filter(|byte| (**byte & 0xC0) != 0x80).count())
}

fn annotation(page: &Page, content: &str, start: usize, end: usize) -> Option<Value> {
    let url = page.uri.as_deref()?;
    let title = page.title.as_deref().unwrap_or(url);
    Some(json!({
        "type": "url_citation",
        "url_citation": {
            "url": url, "title": title, "content": content,
            "start_index": start, "end_index": end,
        },
    }))
}

fn list(mut annotations: Vec<Value>) -> Option<Box<RawValue>> {
    annotations.truncate(ANNOTATIONS_MAX);
    if annotations.is_empty() { None } else { to_raw_value(&annotations).ok() }
}

/// Where the model quotes somebody at length.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Citations {
    #[serde(alias = "citationSources")]
    citations: Vec<Citation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Citation {
    start_index: usize,
    end_index: usize,
    uri: Option<String>,
    title: Option<String>,
}

impl Citations {
    pub(super) fn write(self) -> Option<Box<RawValue>> {
        let annotations = self.citations.into_iter().filter_map(|citation| {
            let page = Page { uri: citation.uri, title: citation.title };
            annotation(&page, "", citation.start_index, citation.end_index)
        });
        list(annotations.collect())
    }
}
