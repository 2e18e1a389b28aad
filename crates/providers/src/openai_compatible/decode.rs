//! Response bytes to events.

use protocol::chat::event::ChatEvent;
use protocol::sse::{Event, Reader, SseError};
use serde::Deserialize;
use serde::de::DeserializeSeed;
use serde_json::value::RawValue;

use super::delta::{Chunk, Progress};
use super::{citations, classify};
use crate::adapter::Decoder;
use crate::error::DecodeError;

/// A chunk may carry an inline image; nothing that it may carry is larger.
const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The same for an answer that comes in one piece.
const DOCUMENT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Decodes a stream of chunks, or the JSON document of an upstream that does not stream.
pub(crate) struct StreamDecoder {
    form: Form,
    state: State,
}

enum Form {
    /// Nothing but white space has arrived.
    Unknown,
    Events(Reader),
    Document(Vec<u8>),
}

#[derive(Default)]
struct State {
    has_started: bool,
    /// Whether the pages that the answer rests on were passed on: they come with every chunk.
    has_cited: bool,
    /// Whether the upstream said that the answer is complete.
    is_done: bool,
    progress: Progress,
}

impl StreamDecoder {
    pub(crate) fn new() -> Self {
        Self { form: Form::Unknown, state: State::default() }
    }
}

impl Decoder for StreamDecoder {
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
            Form::Events(reader) => reader.push(bytes, |event| state.take(event, out)),
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
        let state = &mut self.state;
        match &mut self.form {
            Form::Unknown => return Err(DecodeError::Truncated),
            Form::Events(reader) => reader.finish(|event| state.take(event, out))?,
            Form::Document(document) => {
                let document = std::mem::take(document);
                state.chunk(&document, out).map_err(|error| match error {
                    // A document that breaks off is not a document.
                    DecodeError::Malformed(_) if is_cut_off(&document) => DecodeError::Truncated,
                    error => error,
                })?;
                state.is_done = true;
            }
        }
        state.close(out)
    }
}

impl State {
    fn take(&mut self, event: Event<'_>, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let data = event.data.trim_ascii();
        if self.is_done || data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" {
            self.is_done = true;
            return Ok(());
        }
        if event.name == b"error" {
            return Err(DecodeError::Upstream(classify::in_band(data)));
        }
        self.chunk(data, out)
    }

    fn chunk(&mut self, json: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        let is_first = !self.has_started;
        if is_first {
            let started = started(json)?;
            self.has_started = true;
            if let ChatEvent::Started { upstream_id: Some(id), .. } = &started {
                self.progress.response_id =
                    id.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
            }
            out.push(started);
        }
        let first = out.len();
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let rest = Chunk { progress: &mut self.progress, out: &mut *out }
            .deserialize(&mut deserializer)
            .and_then(|rest| deserializer.end().map(|()| rest))
            .map_err(|error| malformed(&error))?;
        if let Some(sources) = rest.sources.filter(|_| !self.has_cited)
            && let Some(cited) = citations::event(sources)
        {
            // Before what may be the end of the answer.
            self.has_cited = true;
            out.insert(first, cited);
        }
        if let Some(usage) = rest.usage.and_then(|usage| usage.disjoint()) {
            out.push(ChatEvent::Usage(usage));
        }
        if is_first && out.len() == first && self.progress.response_id.is_empty() {
            // Azure speaks of the prompt first, before there is an answer to name.
            self.has_started = false;
            out.truncate(first.saturating_sub(1));
        }
        match rest.error {
            Some(error) => Err(DecodeError::Upstream(classify::in_band(error.get().as_bytes()))),
            None => Ok(()),
        }
    }

    /// The body has ended: every choice must have ended too.
    fn close(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        if self.progress.choices.is_empty() {
            return Err(DecodeError::Truncated);
        }
        for choice in &mut self.progress.choices {
            if choice.is_finished {
                continue;
            }
            if !self.is_done {
                return Err(DecodeError::Truncated);
            }
            choice.is_finished = true;
            out.push(ChatEvent::Finished {
                choice: choice.index,
                reason: choice.unstated_reason(),
                native_reason: None,
                stop_sequence: None,
            });
        }
        Ok(())
    }
}

/// What the first chunk says about the whole response.
fn started(json: &[u8]) -> Result<ChatEvent, DecodeError> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        model: Option<&'a RawValue>,
        system_fingerprint: Option<&'a RawValue>,
        service_tier: Option<&'a RawValue>,
        object: Option<&'a RawValue>,
        error: Option<&'a RawValue>,
    }
    let head: Head<'_> = serde_json::from_slice(json).map_err(|error| malformed(&error))?;
    // An older form of in-band errors: the whole document is the error.
    if head.error.is_none() && head.object.is_some_and(|object| object.get() == "\"error\"") {
        return Err(DecodeError::Upstream(classify::in_band(json)));
    }
    let text = |raw: Option<&RawValue>| {
        raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
            .filter(|text| !text.is_empty() && text.len() <= 256)
    };
    Ok(ChatEvent::Started {
        upstream_id: text(head.id),
        upstream_model: text(head.model),
        system_fingerprint: text(head.system_fingerprint),
        service_tier: text(head.service_tier),
    })
}

fn is_cut_off(document: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(document).is_err_and(|error| error.is_eof())
}

/// Says where, but not what: the text itself may be anything.
fn malformed(error: &serde_json::Error) -> DecodeError {
    let problem = if error.is_data() { "unexpected type" } else { "invalid JSON" };
    DecodeError::Malformed(format!("{problem} at line {} column {}", error.line(), error.column()))
}

impl From<SseError> for DecodeError {
    fn from(error: SseError) -> Self {
        Self::Malformed(error.to_string())
    }
}
