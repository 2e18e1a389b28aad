//! Answers that come in one piece.

use protocol::chat::event::ChatEvent;

use crate::adapter::Decoder;
use crate::error::DecodeError;

/// The largest answer in one piece: a thousand vectors in JSON fit into it.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Collects a document, then has it read as a whole.
pub(crate) struct Document<R> {
    bytes: Vec<u8>,
    read: R,
}

impl<R> Document<R>
where
    R: FnMut(&[u8], &mut Vec<ChatEvent>) -> Result<(), DecodeError> + Send,
{
    pub(crate) const fn new(read: R) -> Self {
        Self { bytes: Vec::new(), read }
    }
}

impl<R> Decoder for Document<R>
where
    R: FnMut(&[u8], &mut Vec<ChatEvent>) -> Result<(), DecodeError> + Send,
{
    fn push(&mut self, bytes: &[u8], _out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        if self.bytes.len().saturating_add(bytes.len()) > BYTES_MAX {
            return Err(DecodeError::Malformed("it is too large".to_owned()));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let document = std::mem::take(&mut self.bytes);
        if document.trim_ascii().is_empty() {
            return Err(DecodeError::Truncated);
        }
        (self.read)(&document, out)
    }
}

/// Why JSON could not be read: because it broke off, or where it is wrong. Not what stands there:
/// the text itself may be anything.
pub(crate) fn unreadable(error: &serde_json::Error) -> DecodeError {
    if error.is_eof() {
        return DecodeError::Truncated;
    }
    let problem = if error.is_data() { "unexpected type" } else { "invalid JSON" };
    DecodeError::Malformed(format!("{problem} at line {} column {}", error.line(), error.column()))
}

/// The same for an event of a stream, which is whole: what breaks off in it is wrong.
pub(crate) fn malformed(error: &serde_json::Error) -> DecodeError {
    match unreadable(error) {
        DecodeError::Truncated => DecodeError::Malformed("an event breaks off".to_owned()),
        other => other,
    }
}
