//! What was said where, to `annotations`.

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
pub(super) struct Citation {
    start: Option<u64>,
    end: Option<u64>,
    text: Option<String>,
    sources: Option<Vec<Source>>,
    r#type: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Source {
    id: Option<String>,
    document: Option<Value>,
    tool_output: Option<Value>,
}

impl Citation {
    /// One annotation for each place in the answer and each of its sources.
    pub(super) fn write(citations: &[Self]) -> Option<Box<RawValue>> {
        let mut annotations = Vec::new();
        for citation in citations {
            // Places in plans and thoughts are not places in the answer.
            if citation.r#type.as_deref().is_some_and(|kind| kind != "TEXT_CONTENT") {
                continue;
            }
            let sources = citation.sources.iter().flatten();
            annotations.extend(sources.map(|source| citation.annotation(source)));
        }
        if annotations.is_empty() { None } else { to_raw_value(&annotations).ok() }
    }

    fn annotation(&self, source: &Source) -> Value {
        let id = source.id.as_deref().unwrap_or_default();
        let shown = source.document.as_ref().or(source.tool_output.as_ref());
        let member = |name: &str| shown.and_then(|document| document[name].as_str());
        json!({
            "type": "url_citation",
            "url_citation": {
                // Sources are the caller's own documents; most have an id and no address.
                "url": member("url").unwrap_or(id),
                "title": member("title").unwrap_or(id),
                "content": self.text.as_deref().unwrap_or_default(),
                "start_index": self.start.unwrap_or(0),
                "end_index": self.end.unwrap_or(0),
            },
        })
    }
}
