//! An order to the one answer that holds it.

use bytes::BytesMut;

use super::decode::Documents;
use crate::chat::event::ChatEvent;
use crate::dialects::chat_completions::write::{write_error, write_metadata};
use crate::dialects::{Encoder, Envelope, MakeEncoder, Summary};
use crate::error::PublicError;
use crate::json::{write_string, write_u64, write_usd};
use crate::rerank::Ranked;

/// Makes the encoder of one answer, which repeats the documents where they are given.
pub fn encoder(documents: Option<Documents>) -> MakeEncoder {
    Box::new(move |envelope, _| Box::new(Whole { envelope, documents, ranking: Vec::new() }))
}

struct Whole {
    envelope: Envelope,
    documents: Option<Documents>,
    ranking: Vec<Ranked>,
}

impl Whole {
    fn write(&self, error: Option<&PublicError>, summary: &Summary, out: &mut BytesMut) {
        out.extend_from_slice(b"{\"id\":");
        write_string(out, &self.envelope.id);
        out.extend_from_slice(b",\"model\":");
        write_string(out, &self.envelope.model);
        out.extend_from_slice(b",\"provider\":");
        write_string(out, &self.envelope.provider);
        if let Some(error) = error {
            out.extend_from_slice(b",\"error\":");
            write_error(out, error);
        }
        out.extend_from_slice(b",\"results\":[");
        for (position, ranked) in self.ranking.iter().enumerate() {
            if position > 0 {
                out.extend_from_slice(b",");
            }
            self.write_ranked(ranked, out);
        }
        out.extend_from_slice(b"],\"usage\":{\"search_units\":");
        write_u64(out, summary.usage.requests);
        out.extend_from_slice(b",\"total_tokens\":");
        write_u64(out, summary.usage.total());
        out.extend_from_slice(b",\"cost\":");
        write_usd(out, summary.cost);
        out.extend_from_slice(b"}");
        write_metadata(out, summary);
        out.extend_from_slice(b"}");
    }

    fn write_ranked(&self, ranked: &Ranked, out: &mut BytesMut) {
        use std::fmt::Write as _;
        out.extend_from_slice(b"{\"index\":");
        write_u64(out, u64::from(ranked.index));
        // What is no number has no JSON.
        let score = if ranked.relevance_score.is_finite() { ranked.relevance_score } else { 0.0 };
        // A buffer that grows refuses nothing.
        let _ = write!(out, ",\"relevance_score\":{score}");
        if let Some(documents) = &self.documents {
            let document = usize::try_from(ranked.index).ok().and_then(|i| documents.get(i));
            match document.map(|document| document.get()) {
                Some(text) if text.starts_with('"') => {
                    out.extend_from_slice(b",\"document\":{\"text\":");
                    out.extend_from_slice(text.as_bytes());
                    out.extend_from_slice(b"}");
                }
                Some(object) => {
                    out.extend_from_slice(b",\"document\":");
                    out.extend_from_slice(object.as_bytes());
                }
                None => out.extend_from_slice(b",\"document\":{}"),
            }
        }
        out.extend_from_slice(b"}");
    }
}

impl Encoder for Whole {
    fn push(&mut self, event: &ChatEvent, _: &mut BytesMut) {
        if let ChatEvent::Ranking(ranking) = event {
            self.ranking.clone_from(ranking);
        }
    }

    fn finish(&mut self, summary: &Summary, out: &mut BytesMut) {
        self.write(None, summary, out);
    }

    fn fail(&mut self, error: &PublicError, summary: &Summary, out: &mut BytesMut) {
        self.write(Some(error), summary, out);
    }

    fn keep_alive(&mut self, _: &mut BytesMut) {}
}
