//! Response bytes to events: a stream of chunks, one document, or a list of them.

use domain::catalog::Endpoint;
use domain::pricing::Unit;
use protocol::chat::event::ChatEvent;
use protocol::sse::Reader;
use serde_json::value::RawValue;

use super::answer::{Answer, Asked};
use super::thinking;
use crate::adapter::Decoder;
use crate::document::unreadable;
use crate::error::DecodeError;

/// An event may carry a large image, inline; nothing that it may carry is larger.
const BYTES_MAX: usize = 32 * 1024 * 1024;

#[derive(Default)]
pub(super) struct AnswerDecoder {
    form: Form,
    answer: Answer,
}

#[derive(Default)]
enum Form {
    /// Nothing but white space has arrived.
    #[default]
    Unknown,
    Events(Reader),
    Document(Vec<u8>),
}

impl AnswerDecoder {
    pub(super) fn new(endpoint: &Endpoint, has_search: bool, salt: usize) -> Self {
        let asked = Asked {
            salt,
            keeps_words: has_search,
            counts_queries: thinking::takes_levels(endpoint),
            counts_images: endpoint.prices.stated(Unit::ImageOutput).is_some(),
        };
        Self { form: Form::Unknown, answer: Answer::new(asked) }
    }
}

impl Decoder for AnswerDecoder {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let mut bytes = bytes;
        if matches!(self.form, Form::Unknown) {
            bytes = bytes.trim_ascii_start();
            self.form = match bytes.first() {
                None => Form::Unknown,
                Some(b'{' | b'[') => Form::Document(Vec::new()),
                Some(_) => Form::Events(Reader::new(BYTES_MAX)),
            };
        }
        let answer = &mut self.answer;
        match &mut self.form {
            Form::Unknown => Ok(()),
            Form::Events(reader) => reader.push(bytes, |event| take(answer, event.data, out)),
            Form::Document(document) => {
                if document.len().saturating_add(bytes.len()) > BYTES_MAX {
                    return Err(DecodeError::Malformed("it is too large".to_owned()));
                }
                document.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let answer = &mut self.answer;
        match &mut self.form {
            Form::Unknown => return Err(DecodeError::Truncated),
            Form::Events(reader) => reader.finish(|event| take(answer, event.data, out))?,
            Form::Document(document) => {
                let document = std::mem::take(document);
                let is_list = document.first() == Some(&b'[');
                let chunks: Vec<&RawValue> = if is_list {
                    serde_json::from_slice(&document).map_err(|error| unreadable(&error))?
                } else {
                    vec![serde_json::from_slice(&document).map_err(|error| unreadable(&error))?]
                };
                for chunk in chunks {
                    answer.take(chunk.get().as_bytes(), out)?;
                }
            }
        }
        answer.close(out)
    }
}

fn take(answer: &mut Answer, data: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
    let data = data.trim_ascii();
    // Some that pass Google's streams on end them as OpenAI does.
    if data.is_empty() || data == b"[DONE]" {
        return Ok(());
    }
    answer.take(data, out)
}
