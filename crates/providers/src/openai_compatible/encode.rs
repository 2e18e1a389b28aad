//! A canonical request to an upstream request.

use bytes::Bytes;
use domain::catalog::{Endpoint, PARAMETERS, Prefill};
use protocol::chat::request::{ChatRequest, Content, Kind, PartKind};
use protocol::json::{write_string, write_u64};
use serde_json::value::RawValue;

use super::decode::StreamDecoder;
use super::forced::ForcedDecoder;
use super::structured::Structured;
use super::tools::Choice;
use super::{messages, thinking, tools, vectors};
use crate::adapter::{Decoder, Encoded, Target};
use crate::body::{Body, elements, post, text};
use crate::dropped::{Dropped, has_inner_marks};
use crate::error::EncodeError;
use crate::quirks::Effective;
use crate::turns::identity::end_user;

/// Writes a request of any kind. `address` completes a path of this dialect.
pub(crate) fn encode(
    request: &ChatRequest,
    target: &Target<'_>,
    address: &dyn Fn(&str) -> String,
) -> Result<Encoded, EncodeError> {
    let endpoint = target.endpoint;
    match &request.kind {
        Kind::Chat => {
            let quirks = Effective::of(endpoint);
            let address = address(quirks.chat_path().unwrap_or("/chat/completions"));
            let (body, decoder, dropped) = write_chat(request, endpoint)?;
            let request = post(address, body, "text/event-stream", quirks)?;
            Ok(Encoded { request, decoder, dropped })
        }
        Kind::Embeddings(wanted) => {
            vectors::encode(request, wanted, endpoint, address("/embeddings"))
        }
        Kind::Rerank(wanted) => {
            super::rerank::encode(request, wanted, endpoint, address("/rerank"))
        }
    }
}

/// Whether a part may name an address. A file may only where it has a form for one.
pub(crate) fn fetches(kind: &PartKind, target: &Target<'_>) -> bool {
    let quirks = Effective::of(target.endpoint);
    let has_form = !matches!(kind, PartKind::File) || quirks.file_part().is_some();
    has_form && !quirks.wants_inline(kind)
}

type Written = (Bytes, Box<dyn Decoder>, Vec<String>);

fn write_chat(request: &ChatRequest, endpoint: &Endpoint) -> Result<Written, EncodeError> {
    let mut dropped = Dropped::translated(request)?;
    let mut body = Body::new(estimate(request), request, endpoint);
    let quirks = body.quirks;
    note_marks(request, quirks, &mut dropped);
    let structured = Structured::of(request, endpoint, quirks, &mut dropped)?;
    body.begin("model");
    write_string(&mut body.out, &endpoint.upstream_model);
    body.begin("messages");
    messages::write(&mut body.out, request, structured.instruction(), quirks);
    body.raw("stream", "true");
    if quirks.takes_stream_options() {
        body.raw("stream_options", "{\"include_usage\":true}");
    }
    write_max_tokens(&mut body, request, endpoint, &mut dropped)?;
    write_prefill(&mut body, request)?;
    match request.n {
        Some(1) if quirks.refuses("n") => {}
        Some(_) if quirks.refuses("n") => dropped.add("n")?,
        Some(choices) if !body.is_set("n") => {
            body.begin("n");
            write_u64(&mut body.out, u64::from(choices));
        }
        _ => {}
    }
    thinking::write(&mut body, request, endpoint, &mut dropped)?;
    let choice = Choice::of(request, quirks, &mut dropped)?;
    let mut parameters = Parameters {
        endpoint,
        choice: &choice,
        structured: &structured,
        body: &mut body,
        dropped: &mut dropped,
    };
    for (name, value) in &request.parameters {
        parameters.write(name, value)?;
    }
    let decoder: Box<dyn Decoder> = match &structured {
        Structured::Tool { name, description, schema } => {
            tools::write_forced(&mut body, name, description, schema.get());
            Box::new(ForcedDecoder::new())
        }
        Structured::Verbatim
        | Structured::Unsaid
        | Structured::JsonObject { .. }
        | Structured::Words { .. } => Box::new(StreamDecoder::new()),
    };
    write_defaults(&mut body, request);
    Ok((body.finish()?, decoder, dropped.into_names()))
}

/// Reports marks for caching that this upstream has no form for: most cache by themselves.
fn note_marks(request: &ChatRequest, quirks: Effective<'_>, dropped: &mut Dropped) {
    let is_whole_lost = request.cache_mark().is_some() && !quirks.accepts("cache_control");
    if is_whole_lost || (quirks.cache_marks().is_none() && has_inner_marks(request)) {
        dropped.note("cache_control");
    }
}

struct Parameters<'w, 'a> {
    endpoint: &'w Endpoint,
    choice: &'w Choice<'w>,
    structured: &'w Structured<'w>,
    body: &'w mut Body<'a>,
    dropped: &'w mut Dropped,
}

impl<'a> Parameters<'_, 'a> {
    fn write(&mut self, name: &'a str, value: &RawValue) -> Result<(), EncodeError> {
        let quirks = self.body.quirks;
        match name {
            // Written elsewhere, in the form that this upstream knows.
            "reasoning" | "reasoning_effort" | "include_reasoning" | "structured_outputs" => Ok(()),
            // Hints and the caller's own records: nothing is lost where they aren't known.
            "metadata" | "cache_control" | "prompt_cache_key" | "prompt_cache_options" => {
                if quirks.accepts(name) {
                    self.body.raw(quirks.renamed(name), value.get());
                }
                Ok(())
            }
            "modalities" | "audio" | "image_config" => {
                if quirks.accepts(name) {
                    self.body.raw(quirks.renamed(name), value.get());
                    return Ok(());
                }
                // An answer in text is what there is anyway.
                let is_text = |raw: &RawValue| {
                    elements(raw).into_iter().all(|kind| text(kind).as_deref() == Some("text"))
                };
                if name == "modalities" && is_text(value) {
                    return Ok(());
                }
                self.dropped.add(name)
            }
            "service_tier" => self.service_tier(value),
            "response_format" => {
                match self.structured {
                    Structured::Verbatim => self.body.raw(quirks.renamed(name), value.get()),
                    Structured::JsonObject { .. } => {
                        self.body.raw(quirks.renamed(name), "{\"type\":\"json_object\"}");
                    }
                    Structured::Unsaid | Structured::Tool { .. } | Structured::Words { .. } => {}
                }
                Ok(())
            }
            _ if !is_taken(name, self.endpoint, quirks) => self.dropped.add(name),
            "tools" => {
                tools::write(self.body, value, self.choice);
                Ok(())
            }
            "tool_choice" => {
                self.choice.write(self.body, value);
                Ok(())
            }
            "parallel_tool_calls" if matches!(self.choice, Choice::NoTools) => Ok(()),
            // Who an end user is stays with us.
            "safety_identifier" => {
                if let Some(user) = text(value) {
                    self.body.text(quirks.renamed(name), &end_user(&user));
                }
                Ok(())
            }
            _ => self.plain(name, value),
        }
    }

    /// As it is, or moved to the bound that the upstream sets.
    fn plain(&mut self, name: &'a str, value: &RawValue) -> Result<(), EncodeError> {
        let quirks = self.body.quirks;
        let mut json = value.get();
        if let Some(bounds) = quirks.bounds(name)
            && let Ok(number) = json.parse::<f64>()
        {
            let bound = |text: &str| text.parse::<f64>().ok();
            if bound(&bounds.min).is_some_and(|min| number < min) {
                json = &bounds.min;
            } else if bound(&bounds.max).is_some_and(|max| number > max) {
                json = &bounds.max;
            }
            if json != value.get() {
                self.dropped.add(name)?;
            }
        }
        self.body.raw(quirks.renamed(name), json);
        Ok(())
    }

    /// What an upstream does anyway need not be said; what it doesn't know is not sent.
    fn service_tier(&mut self, value: &RawValue) -> Result<(), EncodeError> {
        let quirks = self.body.quirks;
        let tier = text(value).unwrap_or_default();
        let tier = if tier == "fast" { "priority" } else { &*tier };
        if quirks.knows_service_tier(tier) {
            self.body.text(quirks.renamed("service_tier"), tier);
            return Ok(());
        }
        match tier {
            "auto" | "default" => Ok(()),
            _ => self.dropped.add("service_tier"),
        }
    }
}

/// Whether an endpoint takes a parameter. What is in nobody's list is passed on.
pub(crate) fn is_taken(name: &str, endpoint: &Endpoint, quirks: Effective<'_>) -> bool {
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
    let Some(name) = max_tokens_name(endpoint, body.quirks) else {
        return dropped.add("max_tokens");
    };
    if !body.is_set(name) {
        body.begin(name);
        write_u64(&mut body.out, u64::from(limit));
    }
    Ok(())
}

fn max_tokens_name<'a>(endpoint: &Endpoint, quirks: Effective<'a>) -> Option<&'a str> {
    quirks.max_tokens_name().or_else(|| {
        ["max_tokens", "max_completion_tokens"]
            .into_iter()
            .find(|name| endpoint.supports(name) && !quirks.refuses(name))
    })
}

/// An answer that is to begin with the words of the last message.
fn write_prefill(body: &mut Body<'_>, request: &ChatRequest) -> Result<(), EncodeError> {
    let Some(prefill) = body.quirks.prefill() else { return Ok(()) };
    if !request.messages.last().is_some_and(messages::is_prefill) {
        return Ok(());
    }
    match prefill {
        Prefill::Refused => {
            let parameter = "an assistant's message at the end of messages".to_owned();
            return Err(EncodeError::Unsupported { parameter });
        }
        Prefill::ContinueFinalMessage => {
            body.raw("continue_final_message", "true");
            body.raw("add_generation_prompt", "false");
        }
        // Said in the message.
        Prefill::Prefix | Prefill::Partial => {}
    }
    Ok(())
}

/// What must be there, where the caller did not give it.
fn write_defaults(body: &mut Body<'_>, request: &ChatRequest) {
    let quirks = body.quirks;
    for (name, json) in quirks.defaults() {
        let is_given = match name {
            "max_tokens" | "max_completion_tokens" => request.max_tokens.is_some(),
            "n" => request.n.is_some(),
            name => request.parameter(name).is_some(),
        };
        if !is_given {
            let name = match (name, quirks.max_tokens_name()) {
                ("max_tokens" | "max_completion_tokens", Some(name)) => name,
                _ => quirks.renamed(name),
            };
            body.raw(name, json);
        }
    }
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
