//! Vectors.

use domain::catalog::Endpoint;
use domain::generation::FinishReason;
use protocol::chat::event::ChatEvent;
use protocol::chat::request::{ChatRequest, Content};
use protocol::chat::view::{PartView, Source};
use protocol::embeddings::{Embedding, EmbeddingsRequest, Input};
use protocol::json::{write_string, write_u64};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::classify;
use super::usage::WireUsage;
use crate::adapter::Encoded;
use crate::body::{Body, post};
use crate::document::{Document, unreadable};
use crate::dropped::Dropped;
use crate::error::{DecodeError, EncodeError};

/// What vectors are for, unless the caller says: Cohere insists on a word.
const INPUT_TYPE: &str = "search_document";

pub(super) fn encode(
    request: &ChatRequest,
    wanted: &EmbeddingsRequest,
    endpoint: &Endpoint,
    address: String,
) -> Result<Encoded, EncodeError> {
    let mut dropped = Dropped::translated(request)?;
    let mut body = Body::new(256, request, endpoint);
    let quirks = body.quirks;
    body.begin("model");
    write_string(&mut body.out, &endpoint.upstream_model);
    body.text("input_type", wanted.input_type.as_deref().unwrap_or(INPUT_TYPE));
    let texts: Option<Vec<&str>> = wanted.inputs.iter().map(text).collect();
    match texts {
        Some(texts) => body.json("texts", &texts)?,
        None => body.json("inputs", &inputs(wanted)?)?,
    }
    body.raw("embedding_types", "[\"float\"]");
    if let Some(dimensions) = wanted.dimensions
        && !body.is_set("output_dimension")
    {
        body.begin("output_dimension");
        write_u64(&mut body.out, u64::from(dimensions));
    }
    for (name, value) in &wanted.parameters {
        match name.as_str() {
            "truncate" | "max_tokens" | "priority" => body.raw(name, value.get()),
            _ => dropped.add(name)?,
        }
    }
    let request = post(address, body.finish()?, "application/json", quirks)?;
    let count = wanted.inputs.len();
    let decoder =
        Document::new(move |json: &[u8], out: &mut Vec<ChatEvent>| read(json, count, out));
    Ok(Encoded { request, decoder: Box::new(decoder), dropped: dropped.into_names() })
}

fn text(input: &Input) -> Option<&str> {
    match input {
        Input::Text(text) | Input::Parts(Content::Text(text)) => Some(text),
        Input::Tokens(_) | Input::Parts(Content::Parts(_) | Content::None) => None,
    }
}

/// Texts and images together.
fn inputs(wanted: &EmbeddingsRequest) -> Result<Vec<Value>, EncodeError> {
    let refused = |index: usize| EncodeError::Unsupported { parameter: format!("input[{index}]") };
    let one = |(index, input): (usize, &Input)| {
        if let Some(text) = text(input) {
            return Ok(json!({ "content": [{ "type": "text", "text": text }] }));
        }
        // Tokens are of a tokenizer that Cohere does not take.
        let Input::Parts(Content::Parts(parts)) = input else { return Err(refused(index)) };
        let written = parts.iter().map(|part| match part.view() {
            PartView::Text(text) => Some(json!({ "type": "text", "text": text })),
            PartView::Image { source, .. } => {
                let url = match source {
                    Source::Url(url) => url.into_owned(),
                    Source::Inline { media_type, base64 } => {
                        format!("data:{media_type};base64,{base64}")
                    }
                    Source::Id(_) => return None,
                };
                Some(json!({ "type": "image_url", "image_url": { "url": url } }))
            }
            _ => None,
        });
        let content: Option<Vec<Value>> = written.collect();
        Ok(json!({ "content": content.ok_or_else(|| refused(index))? }))
    };
    wanted.inputs.iter().enumerate().map(one).collect()
}

#[derive(Deserialize)]
struct Answer<'a> {
    id: Option<String>,
    embeddings: Option<ByType>,
    meta: Option<WireUsage>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ByType {
    float: Option<Vec<Vec<f32>>>,
}

fn read(json: &[u8], count: usize, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
    let answer: Answer<'_> = serde_json::from_slice(json).map_err(|error| unreadable(&error))?;
    if answer.message.is_some() && answer.embeddings.is_none() {
        return Err(DecodeError::Upstream(classify::in_band(json)));
    }
    let vectors = answer.embeddings.and_then(|embeddings| embeddings.float).unwrap_or_default();
    if vectors.len() != count {
        return Err(DecodeError::Malformed("there are fewer or more vectors than inputs".into()));
    }
    let embeddings = (0_u32..).zip(vectors).map(|(index, values)| Embedding { index, values });
    say(answer.id, ChatEvent::Embeddings(embeddings.collect()), answer.meta, out);
    Ok(())
}

/// What every answer in one piece says.
pub(super) fn say(
    id: Option<String>,
    output: ChatEvent,
    usage: Option<WireUsage>,
    out: &mut Vec<ChatEvent>,
) {
    out.push(ChatEvent::Started {
        upstream_id: id.filter(|id| !id.is_empty() && id.len() <= 256),
        upstream_model: None,
        system_fingerprint: None,
        service_tier: None,
    });
    out.push(output);
    out.extend(usage.and_then(|usage| usage.disjoint()).map(ChatEvent::Usage));
    out.push(ChatEvent::Finished {
        choice: 0,
        reason: FinishReason::Stop,
        native_reason: None,
        stop_sequence: None,
    });
}
