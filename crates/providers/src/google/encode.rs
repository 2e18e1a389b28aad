//! A request for an answer, as Google takes it.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::catalog::Endpoint;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use protocol::chat::request::ChatRequest;
use serde::Serialize;
use serde_json::value::RawValue;

use super::decode::AnswerDecoder;
use super::{Flavour, contents, generation, tools, wire};
use crate::adapter::{Encoded, Target};
use crate::dropped::Dropped;
use crate::error::EncodeError;

pub(super) fn encode(
    request: &ChatRequest,
    target: &Target<'_>,
    flavour: Flavour,
) -> Result<Encoded, EncodeError> {
    let mut dropped = Dropped::translated(request)?;
    dropped.note_marks(request);
    let tools = tools::write(request, target.endpoint, &mut dropped)?;
    let generation_config =
        generation::write(request, target.endpoint, tools.has_functions(), &mut dropped)?;
    let conversation = contents::write(request, target, flavour)?;
    let has_search = tools.has_search();
    let body = wire::Request {
        contents: conversation.contents,
        system_instruction: conversation.system,
        tools: tools.tools,
        tool_config: tools.config,
        generation_config,
    };
    let body = with_options(bytes(&body)?, request, target.endpoint, &mut dropped)?;
    let upstream = post(target, "streamGenerateContent?alt=sse", body)?;
    let decoder = AnswerDecoder::new(target.endpoint, has_search, request.messages.len());
    Ok(Encoded { request: upstream, decoder: Box::new(decoder), dropped: dropped.into_names() })
}

/// A request to a method of the endpoint's model.
pub(super) fn post(
    target: &Target<'_>,
    method: &str,
    body: Vec<u8>,
) -> Result<http::Request<Bytes>, EncodeError> {
    let model = &target.endpoint.upstream_model;
    let base = target.base_url.trim_end_matches('/');
    let address = format!("{base}/models/{model}:{method}");
    let mut request = http::Request::new(Bytes::from(body));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = address.parse().map_err(|_| EncodeError::Address(address))?;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if method.ends_with("alt=sse") {
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    }
    let provider = &target.endpoint.provider.quirks.headers;
    for (name, value) in provider.iter().chain(&target.endpoint.quirks.headers) {
        let header = || EncodeError::Header(name.clone());
        let value = HeaderValue::from_str(value).map_err(|_| header())?;
        headers.insert(HeaderName::try_from(name).map_err(|_| header())?, value);
    }
    Ok(request)
}

/// Everything in it is text or JSON that was read before: it can be written.
pub(super) fn bytes(body: &impl Serialize) -> Result<Vec<u8>, EncodeError> {
    serde_json::to_vec(body).map_err(|error| EncodeError::Quirk(error.to_string()))
}

/// Adds what the catalog or the caller wants this provider to be sent besides: settings of
/// safety, content that was cached. What the request says itself stands.
pub(super) fn with_options(
    mut body: Vec<u8>,
    request: &ChatRequest,
    endpoint: &Endpoint,
    dropped: &mut Dropped,
) -> Result<Vec<u8>, EncodeError> {
    const OURS: [&str; 8] = [
        "contents",
        "systemInstruction",
        "tools",
        "toolConfig",
        "generationConfig",
        "requests",
        "instances",
        "parameters",
    ];
    let mut added: BTreeMap<String, &RawValue> = BTreeMap::new();
    for quirks in [&endpoint.provider.quirks, &endpoint.quirks] {
        for (name, json) in &quirks.body {
            let value = serde_json::from_str(json);
            added.insert(name.clone(), value.map_err(|_| EncodeError::Quirk(name.clone()))?);
        }
    }
    for (who, members) in &request.provider_options {
        if *who != endpoint.provider.slug && *who != endpoint.tag {
            continue;
        }
        let members: BTreeMap<String, &RawValue> =
            serde_json::from_str(members.get()).unwrap_or_default();
        for (name, value) in members {
            if OURS.contains(&name.as_str()) {
                dropped.add(&format!("provider.options.{who}.{name}"))?;
            } else {
                added.insert(name, value);
            }
        }
    }
    for (name, value) in added {
        // The body is an object with members.
        body.pop();
        body.push(b',');
        body.append(&mut bytes(&name)?);
        body.push(b':');
        body.extend_from_slice(value.get().as_bytes());
        body.push(b'}');
    }
    Ok(body)
}

/// JSON text that is known to be an object, or nothing.
pub(super) fn object(json: &str) -> Option<Box<RawValue>> {
    if !json.trim_start().starts_with('{') {
        return None;
    }
    serde_json::from_str(json.trim()).ok()
}
