//! What answers in one piece have in common: who gives them, and that they may be an error.

use domain::generation::FinishReason;
use protocol::chat::event::ChatEvent;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::classify;
use crate::document::unreadable;
use crate::error::DecodeError;

/// Reads an answer, and says that it began and ended.
pub(super) fn answer(
    json: &[u8],
    out: &mut Vec<ChatEvent>,
    read: impl FnOnce(&[u8], &mut Vec<ChatEvent>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let head: Head<'_> = serde_json::from_slice(json).map_err(|error| unreadable(&error))?;
    if let Some(error) = head.error.filter(|error| error.get() != "null") {
        return Err(DecodeError::Upstream(classify::in_band(error.get().as_bytes())));
    }
    let text = |raw: Option<&RawValue>| {
        raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
            .filter(|text| !text.is_empty() && text.len() <= 256)
    };
    let started = ChatEvent::Started {
        upstream_id: text(head.id),
        upstream_model: text(head.model),
        system_fingerprint: None,
        service_tier: None,
    };
    let mut events = vec![started];
    read(json, &mut events)?;
    events.push(ChatEvent::Finished {
        choice: 0,
        reason: FinishReason::Stop,
        native_reason: None,
        stop_sequence: None,
    });
    out.append(&mut events);
    Ok(())
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}
