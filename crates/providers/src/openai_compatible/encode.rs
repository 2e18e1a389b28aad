//! A canonical request to an upstream request.

use bytes::{Bytes, BytesMut};
use domain::catalog::{Endpoint, PARAMETERS};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use protocol::chat::request::{ChatRequest, Content, Message, Role};
use protocol::json::{write_string, write_u64};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::decode::StreamDecoder;
use super::quirks::Effective;
use crate::adapter::{Encoded, Target};
use crate::dropped::Dropped;
use crate::error::EncodeError;

/// Parameters that are meant for us, whatever the upstream would make of them: they name the
/// caller's own records, or have another form on the wire.
const OURS: [&str; 5] =
    ["metadata", "cache_control", "image_config", "structured_outputs", "include_reasoning"];

pub(super) fn encode(request: &ChatRequest, target: &Target<'_>) -> Result<Encoded, EncodeError> {
    let quirks = Effective::of(target.endpoint);
    let address = format!("{}{}", target.base_url.trim_end_matches('/'), quirks.chat_path());
    let (body, dropped) = write_body(request, target.endpoint, quirks)?;
    let mut upstream = http::Request::new(body);
    *upstream.method_mut() = http::Method::POST;
    *upstream.uri_mut() = address.parse().map_err(|_| EncodeError::Address(address))?;
    let headers = upstream.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    for (name, value) in quirks.headers() {
        let header = || EncodeError::Header(name.to_owned());
        let value = HeaderValue::from_str(value).map_err(|_| header())?;
        headers.insert(HeaderName::try_from(name).map_err(|_| header())?, value);
    }
    Ok(Encoded { request: upstream, decoder: Box::new(StreamDecoder::new()), dropped })
}

fn write_body(
    request: &ChatRequest,
    endpoint: &Endpoint,
    quirks: Effective<'_>,
) -> Result<(Bytes, Vec<String>), EncodeError> {
    let mut dropped = Dropped::translated(request)?;
    let mut body = Body::new(estimate(request), quirks);
    body.begin("model");
    write_string(&mut body.out, &endpoint.upstream_model);
    body.begin("messages");
    write_messages(&mut body.out, &request.messages, quirks);
    body.raw("stream", "true");
    if quirks.takes_stream_options() {
        body.raw("stream_options", "{\"include_usage\":true}");
    }
    write_max_tokens(&mut body, request, endpoint, &mut dropped)?;
    if let Some(choices) = request.n {
        if quirks.refuses("n") {
            dropped.add("n")?;
        } else if !quirks.sets_body("n") {
            body.begin("n");
            write_u64(&mut body.out, u64::from(choices));
        }
    }
    write_reasoning(&mut body, request, endpoint, &mut dropped)?;
    for (name, value) in &request.parameters {
        if OURS.contains(&name.as_str())
            || matches!(name.as_str(), "reasoning" | "reasoning_effort")
        {
            continue;
        }
        if is_taken(name, endpoint, quirks) {
            body.raw(quirks.renamed(name), value.get());
        } else {
            dropped.add(name)?;
        }
    }
    Ok((body.finish()?, dropped.into_names()))
}

/// Whether an endpoint takes a parameter. What is in nobody's list is passed on.
fn is_taken(name: &str, endpoint: &Endpoint, quirks: Effective<'_>) -> bool {
    if quirks.refuses(name) {
        return false;
    }
    if !PARAMETERS.contains(&name) || endpoint.supports(name) {
        return true;
    }
    // Parameters that come with another one: catalogs list only the other.
    match name {
        "parallel_tool_calls" | "tool_choice" => endpoint.supports("tools"),
        "top_logprobs" => endpoint.supports("logprobs"),
        "response_format" => endpoint.supports("structured_outputs"),
        _ => false,
    }
}

/// The output bound under the name that this endpoint knows.
fn write_max_tokens(
    body: &mut Body<'_>,
    request: &ChatRequest,
    endpoint: &Endpoint,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    let Some(limit) = request.max_tokens else { return Ok(()) };
    let name = body.quirks.max_tokens_name().or_else(|| {
        ["max_tokens", "max_completion_tokens"]
            .into_iter()
            .find(|name| endpoint.supports(name) && !body.quirks.refuses(name))
    });
    let Some(name) = name else {
        return dropped.add("max_tokens");
    };
    if !body.quirks.sets_body(name) {
        body.begin(name);
        write_u64(&mut body.out, u64::from(limit));
    }
    Ok(())
}

/// `reasoning` is our spelling; upstreams of this dialect know `reasoning_effort`.
fn write_reasoning(
    body: &mut Body<'_>,
    request: &ChatRequest,
    endpoint: &Endpoint,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    #[derive(Deserialize)]
    struct Reasoning<'a> {
        #[serde(borrow)]
        effort: Option<&'a RawValue>,
        enabled: Option<bool>,
    }
    let reasoning = request
        .parameter("reasoning")
        .and_then(|raw| serde_json::from_str::<Reasoning<'_>>(raw.get()).ok());
    let effort = request
        .parameter("reasoning_effort")
        .or_else(|| reasoning.as_ref().and_then(|reasoning| reasoning.effort))
        .map(RawValue::get)
        .or_else(|| {
            let enabled = reasoning.as_ref()?.enabled?;
            Some(if enabled { "\"medium\"" } else { "\"none\"" })
        });
    let Some(effort) = effort else { return Ok(()) };
    let name = "reasoning_effort";
    let known = endpoint.supports(name) || endpoint.supports("reasoning");
    if known && !body.quirks.refuses(name) {
        body.raw(body.quirks.renamed(name), effort);
        Ok(())
    } else {
        dropped.add(if request.parameter(name).is_some() { name } else { "reasoning" })
    }
}

fn write_messages(out: &mut BytesMut, messages: &[Message], quirks: Effective<'_>) {
    out.extend_from_slice(b"[");
    for (index, message) in messages.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b",");
        }
        let role = match message.role {
            Role::Developer if quirks.takes_developer_role() => "developer",
            Role::System | Role::Developer => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        };
        out.extend_from_slice(b"{\"role\":\"");
        out.extend_from_slice(role.as_bytes());
        out.extend_from_slice(b"\",\"content\":");
        match &message.content {
            Content::None => out.extend_from_slice(b"null"),
            Content::Text(text) => write_string(out, text),
            Content::Parts(parts) => {
                out.extend_from_slice(b"[");
                for (index, part) in parts.iter().enumerate() {
                    if index > 0 {
                        out.extend_from_slice(b",");
                    }
                    out.extend_from_slice(part.raw.get().as_bytes());
                }
                out.extend_from_slice(b"]");
            }
        }
        for (name, value) in &message.other {
            out.extend_from_slice(b",");
            write_string(out, name);
            out.extend_from_slice(b":");
            out.extend_from_slice(value.get().as_bytes());
        }
        out.extend_from_slice(b"}");
    }
    out.extend_from_slice(b"]");
}

/// How long the body will be, so that its buffer grows once.
fn estimate(request: &ChatRequest) -> usize {
    let members = |list: &[(String, Box<RawValue>)]| {
        list.iter().map(|(name, value)| name.len() + value.get().len() + 4).sum::<usize>()
    };
    let messages: usize = request
        .messages
        .iter()
        .map(|message| {
            let content = match &message.content {
                Content::None => 4,
                Content::Text(text) => text.len() + text.len() / 16 + 2,
                Content::Parts(parts) => {
                    parts.iter().map(|part| part.raw.get().len() + 1).sum::<usize>()
                }
            };
            content + members(&message.other) + 40
        })
        .sum();
    messages + members(&request.parameters) + 256
}

/// A JSON object in the making. Members that a quirk sets are left to the quirk.
struct Body<'a> {
    out: BytesMut,
    quirks: Effective<'a>,
}

impl<'a> Body<'a> {
    fn new(capacity: usize, quirks: Effective<'a>) -> Self {
        Self { out: BytesMut::with_capacity(capacity), quirks }
    }

    /// Writes up to where the value goes.
    fn begin(&mut self, name: &str) {
        self.out.extend_from_slice(if self.out.is_empty() { b"{" } else { b"," });
        write_string(&mut self.out, name);
        self.out.extend_from_slice(b":");
    }

    fn raw(&mut self, name: &str, json: &str) {
        if !self.quirks.sets_body(name) {
            self.begin(name);
            self.out.extend_from_slice(json.as_bytes());
        }
    }

    fn finish(mut self) -> Result<Bytes, EncodeError> {
        for (name, json) in self.quirks.body() {
            if serde_json::from_str::<&RawValue>(json).is_err() {
                return Err(EncodeError::Quirk(name.to_owned()));
            }
            self.begin(name);
            self.out.extend_from_slice(json.as_bytes());
        }
        self.out.extend_from_slice(b"}");
        Ok(self.out.freeze())
    }
}
