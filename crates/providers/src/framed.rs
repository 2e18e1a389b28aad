//! Answers that are a stream of server-sent events or, where the upstream does not stream, one
//! document. What is in them is a dialect's business; how they arrive is the same for all.

use protocol::chat::event::ChatEvent;
use protocol::sse::{Event, Reader, SseError};

use crate::adapter::Decoder;
use crate::error::DecodeError;

/// What a dialect makes of an answer.
pub(crate) trait Reading: Send {
    /// The longest event that a stream may have.
    const EVENT_BYTES_MAX: usize;
    /// The longest answer in one piece.
    const DOCUMENT_BYTES_MAX: usize;

    fn event(&mut self, event: Event<'_>, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError>;

    fn document(&mut self, document: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError>;

    /// The body has ended. Emits what is owed, or says that the answer is not complete.
    fn close(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError>;
}

/// Cuts a body into events, or collects it.
#[derive(Default)]
pub(crate) struct Framed<R> {
    form: Form,
    reading: R,
}

#[derive(Default)]
enum Form {
    /// Nothing but white space has arrived.
    #[default]
    Unknown,
    Events(Reader),
    Document(Vec<u8>),
}

impl<R: Reading> Framed<R> {
    pub(crate) fn of(reading: R) -> Self {
        Self { form: Form::Unknown, reading }
    }
}

impl<R: Reading> Decoder for Framed<R> {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let mut bytes = bytes;
        if matches!(self.form, Form::Unknown) {
            bytes = bytes.trim_ascii_start();
            self.form = match bytes.first() {
                None => Form::Unknown,
                Some(b'{' | b'[') => Form::Document(Vec::new()),
                Some(_) => Form::Events(Reader::new(R::EVENT_BYTES_MAX)),
            };
        }
        let reading = &mut self.reading;
        match &mut self.form {
            Form::Unknown => Ok(()),
            Form::Events(reader) => reader.push(bytes, |event| reading.event(event, out)),
            Form::Document(document) => {
                if document.len().saturating_add(bytes.len()) > R::DOCUMENT_BYTES_MAX {
                    return Err(DecodeError::Malformed("it is too large".to_owned()));
                }
                document.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let reading = &mut self.reading;
        match &mut self.form {
            Form::Unknown => return Err(DecodeError::Truncated),
            Form::Events(reader) => reader.finish(|event| reading.event(event, out))?,
            Form::Document(document) => reading.document(&std::mem::take(document), out)?,
        }
        reading.close(out)
    }
}

impl From<SseError> for DecodeError {
    fn from(error: SseError) -> Self {
        Self::Malformed(error.to_string())
    }
}
