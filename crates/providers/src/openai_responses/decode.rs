//! Response bytes to events.

use protocol::chat::event::ChatEvent;
use protocol::sse::{Event, Reader};

use super::state::State;
use crate::adapter::Decoder;
use crate::document::{malformed, unreadable};
use crate::error::DecodeError;

/// An event may carry a whole response with images; nothing that it may carry is larger.
const EVENT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Decodes typed events, or the one object of an upstream that does not stream.
pub(super) struct ResponseDecoder {
    form: Form,
    state: State,
}

enum Form {
    /// Nothing but white space has arrived.
    Unknown,
    Events(Reader),
    Document(Vec<u8>),
}

impl ResponseDecoder {
    /// `format` says who wrote the encrypted reasoning.
    pub(super) fn new(format: &str) -> Self {
        Self { form: Form::Unknown, state: State::new(format) }
    }
}

impl Decoder for ResponseDecoder {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let mut bytes = bytes;
        if matches!(self.form, Form::Unknown) {
            bytes = bytes.trim_ascii_start();
            self.form = match bytes.first() {
                None => Form::Unknown,
                Some(b'{' | b'[') => Form::Document(Vec::new()),
                Some(_) => Form::Events(Reader::new(EVENT_BYTES_MAX)),
            };
        }
        let state = &mut self.state;
        match &mut self.form {
            Form::Unknown => Ok(()),
            Form::Events(reader) => reader.push(bytes, |event| take(state, event, out)),
            Form::Document(document) => {
                if document.len().saturating_add(bytes.len()) > EVENT_BYTES_MAX {
                    return Err(DecodeError::Malformed("it is too large".to_owned()));
                }
                document.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let state = &mut self.state;
        match &mut self.form {
            Form::Unknown => return Err(DecodeError::Truncated),
            Form::Events(reader) => reader.finish(|event| take(state, event, out))?,
            Form::Document(document) => {
                let document = std::mem::take(document);
                let response = serde_json::from_slice(&document).map_err(|e| unreadable(&e))?;
                state.whole(&response, &document, out)?;
            }
        }
        if state.is_done() { Ok(()) } else { Err(DecodeError::Truncated) }
    }
}

fn take(state: &mut State, event: Event<'_>, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
    let data = event.data.trim_ascii();
    if state.is_done() || data.is_empty() || data == b"[DONE]" {
        return Ok(());
    }
    let wire = serde_json::from_slice(data).map_err(|error| malformed(&error))?;
    state.event(&wire, data, out)
}
