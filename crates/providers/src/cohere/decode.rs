//! Response bytes to events: a stream, or one document.

use protocol::chat::event::ChatEvent;
use protocol::sse::Reader;

use super::answer::Answer;
use crate::adapter::Decoder;
use crate::document::unreadable;
use crate::error::DecodeError;

/// Nothing that an event or an answer of text may carry is larger.
const BYTES_MAX: usize = 16 * 1024 * 1024;

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
    /// `salt` tells answers in one conversation apart where the upstream does not.
    pub(super) fn new(salt: usize) -> Self {
        Self { form: Form::Unknown, answer: Answer::new(salt) }
    }
}

impl Decoder for AnswerDecoder {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let mut bytes = bytes;
        if matches!(self.form, Form::Unknown) {
            bytes = bytes.trim_ascii_start();
            self.form = match bytes.first() {
                None => Form::Unknown,
                Some(b'{') => Form::Document(Vec::new()),
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
                let whole =
                    serde_json::from_slice(&document).map_err(|error| unreadable(&error))?;
                answer.take_whole(whole, &document, out)?;
            }
        }
        if answer.is_finished() { Ok(()) } else { Err(DecodeError::Truncated) }
    }
}

fn take(answer: &mut Answer, data: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
    let data = data.trim_ascii();
    if data.is_empty() || data == b"[DONE]" {
        return Ok(());
    }
    answer.take(data, out)
}
