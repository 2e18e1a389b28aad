//! Vectors to the one answer that holds them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;

use crate::chat::event::ChatEvent;
use crate::dialects::chat_completions::write::{
    write_cost, write_error, write_input_details, write_metadata,
};
use crate::dialects::{Encoder, Envelope, MakeEncoder, Summary};
use crate::embeddings::{Embedding, Encoding};
use crate::error::PublicError;
use crate::json::{write_string, write_u64};

/// Makes the encoder of one answer.
pub fn encoder(encoding: Encoding) -> MakeEncoder {
    Box::new(move |envelope, _| Box::new(Whole { envelope, encoding, embeddings: Vec::new() }))
}

struct Whole {
    envelope: Envelope,
    encoding: Encoding,
    embeddings: Vec<Embedding>,
}

impl Whole {
    fn write(&self, error: Option<&PublicError>, summary: &Summary, out: &mut BytesMut) {
        out.extend_from_slice(b"{\"id\":");
        write_string(out, &self.envelope.id);
        out.extend_from_slice(b",\"object\":\"list\",\"model\":");
        write_string(out, &self.envelope.model);
        out.extend_from_slice(b",\"provider\":");
        write_string(out, &self.envelope.provider);
        if let Some(error) = error {
            out.extend_from_slice(b",\"error\":");
            write_error(out, error);
        }
        out.extend_from_slice(b",\"data\":[");
        for (position, embedding) in self.embeddings.iter().enumerate() {
            if position > 0 {
                out.extend_from_slice(b",");
            }
            self.write_embedding(embedding, out);
        }
        out.extend_from_slice(b"],\"usage\":{\"prompt_tokens\":");
        write_u64(out, summary.usage.prompt_total());
        out.extend_from_slice(b",\"total_tokens\":");
        write_u64(out, summary.usage.total());
        write_cost(out, summary);
        write_input_details(out, &summary.usage);
        out.extend_from_slice(b"}");
        write_metadata(out, summary);
        out.extend_from_slice(b"}");
    }

    fn write_embedding(&self, embedding: &Embedding, out: &mut BytesMut) {
        use std::fmt::Write as _;
        out.extend_from_slice(b"{\"object\":\"embedding\",\"index\":");
        write_u64(out, u64::from(embedding.index));
        out.extend_from_slice(b",\"embedding\":");
        match self.encoding {
            Encoding::Float => {
                for (position, value) in embedding.values.iter().enumerate() {
                    out.extend_from_slice(if position == 0 { b"[" } else { b"," });
                    // What is no number has no JSON; nothing near it would be right either.
                    let value = if value.is_finite() { *value } else { 0.0 };
                    // A buffer that grows refuses nothing.
                    let _ = write!(out, "{value}");
                }
                out.extend_from_slice(if embedding.values.is_empty() { b"[]" } else { b"]" });
            }
            Encoding::Base64 => {
                out.extend_from_slice(b"\"");
                out.extend_from_slice(base64_of(&embedding.values).as_bytes());
                out.extend_from_slice(b"\"");
            }
        }
        out.extend_from_slice(b"}");
    }
}

/// Little-endian 32-bit floats.
fn base64_of(values: &[f32]) -> String {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

impl Encoder for Whole {
    fn push(&mut self, event: &ChatEvent, _: &mut BytesMut) {
        if let ChatEvent::Embeddings(embeddings) = event {
            self.embeddings.clone_from(embeddings);
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
