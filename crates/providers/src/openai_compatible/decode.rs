//! Response bytes to events.

use protocol::chat::event::ChatEvent;
use protocol::sse::Event;
use serde::Deserialize;
use serde::de::DeserializeSeed;
use serde_json::value::RawValue;

use super::delta::{Chunk, Progress};
use super::{citations, classify};
use crate::error::DecodeError;
use crate::framed::{Framed, Reading};

pub(crate) type StreamDecoder = Framed<State>;

#[derive(Default)]
pub(crate) struct State {
    has_started: bool,
    /// Whether the pages that the answer rests on were passed on: they come with every chunk.
    has_cited: bool,
    /// Whether the upstream said that the answer is complete.
    is_done: bool,
    progress: Progress,
}

impl StreamDecoder {
    pub(crate) fn new() -> Self {
        Self::of(State::default())
    }
}

impl Reading for State {
    /// A chunk may carry an inline image; nothing that it may carry is larger.
    const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;
    const DOCUMENT_BYTES_MAX: usize = 32 * 1024 * 1024;

    fn event(&mut self, event: Event<'_>, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
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

    fn document(&mut self, document: &[u8], out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        self.chunk(document, out).map_err(|error| match error {
            // A document that breaks off is not a document.
            DecodeError::Malformed(_) if is_cut_off(document) => DecodeError::Truncated,
            error => error,
        })?;
        self.is_done = true;
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        // Every choice must have ended too.
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

impl State {
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
