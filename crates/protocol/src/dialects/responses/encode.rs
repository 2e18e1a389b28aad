//! Events to a typed stream, or to one response.

use bytes::{Bytes, BytesMut};
use domain::generation::FinishReason;
use serde_json::Value;
use serde_json::value::RawValue;

use super::echo::Echo;
use super::item::Status;
use super::output::Output;
use super::usage::write_usage;
use super::wire::{put, write_list, write_raw};
use crate::chat::event::{ChatEvent, Delta};
use crate::dialects::check::{list, members};
use crate::dialects::{Encoder, Envelope, MakeEncoder, Summary};
use crate::error::{ErrorType, PublicError};
use crate::json::{write_i64, write_optional_string, write_string};
use crate::sse;

/// What stands between the caller and a long silence.
const KEEP_ALIVE: &str = "ENTREPOT PROCESSING";

/// The time in Unix seconds, which this crate cannot know.
pub type Now = Box<dyn Fn() -> i64 + Send>;
/// Takes the whole response as JSON, once it is known and before its last bytes are sent.
pub type Keep = Box<dyn FnOnce(Bytes) + Send>;

/// Makes the encoder of one response. `keep` is for responses that are kept.
pub fn encoder(echo: Echo, now: Now, keep: Option<Keep>) -> MakeEncoder {
    Box::new(move |envelope, stream| {
        let output = Output::new(&envelope.id, stream);
        let (service_tier, reason) = (echo.service_tier.clone(), None);
        let begun = false;
        Box::new(Responses { envelope, echo, output, service_tier, reason, begun, now, keep })
    })
}

struct Responses {
    envelope: Envelope,
    echo: Echo,
    output: Output,
    service_tier: Option<String>,
    reason: Option<FinishReason>,
    begun: bool,
    now: Now,
    keep: Option<Keep>,
}

/// How a response ends.
enum End<'a> {
    Completed,
    /// Why it is not whole.
    Incomplete(&'static str),
    Failed(&'a PublicError),
}

impl Encoder for Responses {
    fn push(&mut self, event: &ChatEvent, out: &mut BytesMut) {
        match event {
            ChatEvent::Started { service_tier, .. } => {
                if service_tier.is_some() {
                    self.service_tier.clone_from(service_tier);
                }
                self.begin(out);
            }
            // A response has one choice.
            ChatEvent::Delta { choice: 0, delta } => {
                self.begin(out);
                self.add(delta, out);
            }
            ChatEvent::Finished { choice: 0, reason, .. } => self.reason = Some(*reason),
            ChatEvent::Native(native) => {
                self.begin(out);
                self.output.native(native, out);
            }
            // Usage is told at the end, together with what it cost; the rest has no form here.
            ChatEvent::Delta { .. }
            | ChatEvent::Finished { .. }
            | ChatEvent::Usage(_)
            | ChatEvent::Embeddings(_)
            | ChatEvent::Ranking(_) => {}
        }
    }

    fn finish(&mut self, summary: &Summary, out: &mut BytesMut) {
        let broken;
        let end = match self.reason {
            None | Some(FinishReason::Stop | FinishReason::ToolCalls) => End::Completed,
            Some(FinishReason::Length) => End::Incomplete("max_output_tokens"),
            Some(FinishReason::ContentFilter) => End::Incomplete("content_filter"),
            Some(FinishReason::Error) => {
                let message = "The provider ended its answer with an error. Try again.";
                broken = PublicError::new(ErrorType::ProviderUnavailable, message);
                End::Failed(&broken)
            }
        };
        self.end(&end, summary, out);
    }

    fn fail(&mut self, error: &PublicError, summary: &Summary, out: &mut BytesMut) {
        let end = match error.error_type {
            // An answer that met a limit of the model's is short, not wrong.
            ErrorType::ContextLengthExceeded
            | ErrorType::MaxTokensExceeded
            | ErrorType::TokenLimitExceeded
            | ErrorType::StringTooLong => End::Incomplete("max_output_tokens"),
            _ => End::Failed(error),
        };
        self.end(&end, summary, out);
    }

    fn keep_alive(&mut self, out: &mut BytesMut) {
        if self.output.events.streams() {
            sse::write_comment(out, KEEP_ALIVE);
        }
    }
}

impl Responses {
    fn begin(&mut self, out: &mut BytesMut) {
        if self.begun {
            return;
        }
        self.begun = true;
        if !self.output.events.streams() {
            return;
        }
        let mut response = BytesMut::new();
        self.write_response(None, &mut response);
        for name in ["response.created", "response.in_progress"] {
            self.output.events.write(out, name, |out| {
                out.extend_from_slice(b",\"response\":");
                out.extend_from_slice(&response);
            });
        }
    }

    fn add(&mut self, delta: &Delta, out: &mut BytesMut) {
        match delta {
            // An empty piece would begin an item that may never come.
            Delta::Content(text) | Delta::Reasoning(text) | Delta::Refusal(text)
                if text.is_empty() => {}
            Delta::Content(text) => self.output.text(text, out),
            Delta::Reasoning(text) => self.output.reasoning(text, out),
            Delta::Refusal(text) => self.output.refusal(text, out),
            Delta::ToolCall(part) => self.output.call(part, out),
            Delta::ReasoningDetails(raw) => {
                // What nests too deeply for a tree is left out.
                let details: Vec<Value> = serde_json::from_str(raw.get()).unwrap_or_default();
                self.output.details(details, out);
            }
            Delta::Logprobs(raw) => {
                let content = members(raw).and_then(|logprobs| logprobs.find("content"));
                let items: Option<Vec<Box<RawValue>>> =
                    content.and_then(|raw| serde_json::from_str(raw.get()).ok());
                if let Some(items) = items.filter(|items| !items.is_empty()) {
                    self.output.logprobs(items, out);
                }
            }
            Delta::Other { name, value } => match name.as_str() {
                "annotations" => {
                    for annotation in list(value).into_iter().flatten().filter_map(annotation) {
                        self.output.annotate(annotation, out);
                    }
                }
                "images" => {
                    for (result, format) in list(value).into_iter().flatten().filter_map(image) {
                        self.output.image(result, format, out);
                    }
                }
                // Sound has no form here, and `modalities` cannot ask for it.
                _ => {}
            },
        }
    }

    fn end(&mut self, end: &End<'_>, summary: &Summary, out: &mut BytesMut) {
        self.begin(out);
        let status = match end {
            End::Completed => Status::Completed,
            End::Incomplete(_) | End::Failed(_) => Status::Incomplete,
        };
        self.output.end(status, out);
        let mut response = BytesMut::new();
        self.write_response(Some((end, summary)), &mut response);
        let response = response.freeze();
        if let Some(keep) = self.keep.take() {
            keep(response.clone());
        }
        if !self.output.events.streams() {
            out.extend_from_slice(&response);
            return;
        }
        let events = &mut self.output.events;
        if let End::Failed(error) = end {
            events.write(out, "error", |out| {
                put(out, &[",\"code\":\"", error.error_type.responses_code(), "\",\"message\":"]);
                write_string(out, &error.message);
                let param = error.metadata.get("field").and_then(Value::as_str);
                out.extend_from_slice(b",\"param\":");
                write_optional_string(out, param);
            });
        }
        events.write(out, end.event(), |out| {
            out.extend_from_slice(b",\"response\":");
            out.extend_from_slice(&response);
        });
        sse::write_data(out, "[DONE]");
    }

    /// The response as it is now, or as it ended.
    fn write_response(&self, end: Option<(&End<'_>, &Summary)>, out: &mut BytesMut) {
        let status = end.map_or("in_progress", |(end, _)| end.status());
        out.extend_from_slice(b"{\"id\":");
        write_string(out, &self.envelope.id);
        out.extend_from_slice(b",\"object\":\"response\",\"created_at\":");
        write_i64(out, self.envelope.created);
        put(out, &[",\"status\":\"", status, "\",\"completed_at\":"]);
        match end {
            Some((End::Completed, _)) => write_i64(out, (self.now)()),
            _ => put(out, &["null"]),
        }
        out.extend_from_slice(b",\"error\":");
        match end {
            Some((End::Failed(error), _)) => write_error(out, error),
            _ => put(out, &["null"]),
        }
        out.extend_from_slice(b",\"incomplete_details\":");
        match end {
            Some((End::Incomplete(why), _)) => put(out, &["{\"reason\":\"", why, "\"}"]),
            _ => put(out, &["null"]),
        }
        out.extend_from_slice(b",\"model\":");
        write_string(out, &self.envelope.model);
        out.extend_from_slice(b",\"provider\":");
        write_string(out, &self.envelope.provider);
        out.extend_from_slice(b",\"output\":");
        match end {
            Some(_) => write_list(out, &self.output.items, |out, item| item.write(out)),
            None => put(out, &["[]"]),
        }
        out.extend_from_slice(&self.echo.json);
        out.extend_from_slice(b",\"service_tier\":");
        write_optional_string(out, self.service_tier.as_deref());
        out.extend_from_slice(b",\"usage\":");
        match end {
            Some((_, summary)) => write_usage(out, summary),
            None => put(out, &["null"]),
        }
        if let Some((End::Failed(error), _)) = end {
            put(out, &[",\"error_type\":\"", error.error_type.as_str(), "\""]);
        }
        if let Some(metadata) = end.and_then(|(_, summary)| summary.metadata.as_deref()) {
            out.extend_from_slice(b",\"openrouter_metadata\":");
            write_raw(out, metadata);
        }
        out.extend_from_slice(b"}");
    }
}

impl End<'_> {
    const fn status(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed(_) => "failed",
        }
    }

    const fn event(&self) -> &'static str {
        match self {
            Self::Completed => "response.completed",
            Self::Incomplete(_) => "response.incomplete",
            Self::Failed(_) => "response.failed",
        }
    }
}

/// `{"code","message","metadata"}`: what else is known stands in `metadata`.
fn write_error(out: &mut BytesMut, error: &PublicError) {
    put(out, &["{\"code\":\"", error.error_type.responses_code(), "\",\"message\":"]);
    write_string(out, &error.message);
    if !error.metadata.is_empty() {
        put(out, &[",\"metadata\":", &Value::from(error.metadata.clone()).to_string()]);
    }
    out.extend_from_slice(b"}");
}

/// An annotation in the form of this dialect; none where it has none.
fn annotation(raw: &RawValue) -> Option<Box<RawValue>> {
    let annotation: Value = serde_json::from_str(raw.get()).ok()?;
    match (annotation["type"].as_str()?, annotation.get("url_citation")) {
        ("url_citation", Some(Value::Object(citation))) => {
            let mut flat = citation.clone();
            flat.insert("type".into(), "url_citation".into());
            for (name, otherwise) in
                [("title", Value::from("")), ("start_index", 0.into()), ("end_index", 0.into())]
            {
                let value = flat.entry(name).or_insert(Value::Null);
                if value.is_null() {
                    *value = otherwise;
                }
            }
            serde_json::value::to_raw_value(&flat).ok()
        }
        // What a parser of files kept for next time.
        ("file", _) => None,
        _ => Some(raw.to_owned()),
    }
}

/// The data of an image, and its format where that is known.
fn image(raw: &RawValue) -> Option<(String, Option<String>)> {
    let image: Value = serde_json::from_str(raw.get()).ok()?;
    let url = image["image_url"]["url"].as_str()?;
    let inline = url.strip_prefix("data:").and_then(|rest| rest.split_once(','));
    Some(match inline {
        Some((kind, data)) => {
            let kind = kind.split(';').next().and_then(|kind| kind.strip_prefix("image/"));
            (data.to_owned(), kind.map(str::to_owned))
        }
        None => (url.to_owned(), None),
    })
}
