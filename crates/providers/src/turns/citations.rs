//! Where the words of a block come from: known while it is written, placed when it ends.

use protocol::chat::event::Delta;
use serde_json::json;

use super::emit::raw;
use crate::error::DecodeError;

/// More citations of one block than this are not kept.
const CITATIONS_MAX: usize = 1_024;

/// A source with an address.
#[derive(Debug)]
pub(crate) struct Citation {
    pub(crate) url: String,
    pub(crate) title: Option<String>,
    /// The words that were cited.
    pub(crate) quote: Option<String>,
}

/// Those of the block that is open.
#[derive(Debug, Default)]
pub(super) struct Citations(Vec<Citation>);

impl Citations {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn add(&mut self, citation: Citation) {
        if self.0.len() < CITATIONS_MAX {
            self.0.push(citation);
        }
    }

    /// Annotations of the content from one character to another.
    pub(super) fn take(&mut self, start: u64, end: u64) -> Result<Option<Delta>, DecodeError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let annotation = |citation: Citation| {
            json!({
                "type": "url_citation",
                "url_citation": {
                    "url": citation.url,
                    "title": citation.title.unwrap_or_default(),
                    "content": citation.quote.unwrap_or_default(),
                    "start_index": start,
                    "end_index": end,
                },
            })
        };
        let list: Vec<_> = self.0.drain(..).map(annotation).collect();
        Ok(Some(Delta::Other { name: "annotations".to_owned(), value: raw(&list)? }))
    }
}
