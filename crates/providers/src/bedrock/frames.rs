//! Amazon's event stream without I/O: bytes in, messages out, however the bytes are cut.

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::event_stream::{HeaderValue, Message};

use crate::error::DecodeError;

/// A chunk may carry a whole image; nothing is larger.
const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Lengths and checksums around an empty message.
const FRAME_BYTES_MIN: usize = 16;

/// What has arrived of a message that is not complete.
#[derive(Debug, Default)]
pub(super) struct Frames(Vec<u8>);

impl Frames {
    /// Takes a piece of the stream and passes on the messages that it completes.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        mut on_message: impl FnMut(&Message) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.0.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(rest) = self.0.get(start..)
            && let Some(length) = length_of(rest)?
            && let Some(frame) = rest.get(..length)
        {
            // The length was checked, so the checksums and headers are what can be wrong.
            let message = read_message_from(frame).map_err(|error| damaged(&error))?;
            start += length;
            on_message(&message)?;
        }
        self.0.drain(..start);
        Ok(())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How long the first message is, once that has arrived.
fn length_of(bytes: &[u8]) -> Result<Option<usize>, DecodeError> {
    let Some(prefix) = bytes.first_chunk::<4>() else { return Ok(None) };
    match usize::try_from(u32::from_be_bytes(*prefix)) {
        Ok(length @ FRAME_BYTES_MIN..=FRAME_BYTES_MAX) => Ok(Some(length)),
        _ => Err(DecodeError::Malformed("a message has an impossible length".to_owned())),
    }
}

fn damaged(error: &aws_smithy_eventstream::error::Error) -> DecodeError {
    DecodeError::Malformed(format!("a message of the event stream is damaged: {error}"))
}

/// A header of a message that holds text.
pub(super) fn header<'m>(message: &'m Message, name: &str) -> Option<&'m str> {
    let header = message.headers().iter().find(|header| header.name().as_str() == name)?;
    match header.value() {
        HeaderValue::String(text) => Some(text.as_str()),
        _ => None,
    }
}
