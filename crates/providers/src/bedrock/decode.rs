//! Response bytes to events.

use protocol::chat::event::ChatEvent;

use super::events::State;
use super::frames::Frames;
use crate::adapter::Decoder;
use crate::error::DecodeError;
use crate::turns::emit::Undo;

/// Decodes an event stream, or the JSON document of `converse`, which does not stream.
pub(super) struct StreamDecoder {
    form: Form,
    state: State,
}

enum Form {
    /// Nothing has arrived.
    Unknown,
    Messages(Frames),
    Document(Vec<u8>),
}

/// The largest answer in one piece.
const DOCUMENT_BYTES_MAX: usize = 32 * 1024 * 1024;

impl StreamDecoder {
    pub(super) fn new(undo: Undo) -> Self {
        Self { form: Form::Unknown, state: State::new(undo) }
    }
}

impl Decoder for StreamDecoder {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        if matches!(self.form, Form::Unknown) {
            self.form = match bytes.first() {
                None => Form::Unknown,
                // No message is so long that its length begins with one of these.
                Some(b'{' | b'[' | b' ' | b'\t' | b'\r' | b'\n') => Form::Document(Vec::new()),
                Some(_) => Form::Messages(Frames::default()),
            };
        }
        let state = &mut self.state;
        match &mut self.form {
            Form::Unknown => Ok(()),
            Form::Messages(frames) => frames.push(bytes, |message| state.take(message, out)),
            Form::Document(document) => {
                if document.len().saturating_add(bytes.len()) > DOCUMENT_BYTES_MAX {
                    return Err(DecodeError::Malformed("it is too large".to_owned()));
                }
                document.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        match &mut self.form {
            Form::Unknown => return Err(DecodeError::Truncated),
            Form::Messages(frames) if !frames.is_empty() => return Err(DecodeError::Truncated),
            Form::Messages(_) => {}
            Form::Document(document) => self.state.whole(&std::mem::take(document), out)?,
        }
        if self.state.has_finished() { Ok(()) } else { Err(DecodeError::Truncated) }
    }
}
