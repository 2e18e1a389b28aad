//! What is known of a response while its events arrive.

use std::borrow::Cow;

use domain::generation::FinishReason;
use domain::usage::Usage;
use protocol::chat::event::{ChatEvent, Delta};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::emit::{pass_on, push, push_annotations, push_image, push_logprobs};
use super::items::{Item, Known, Open, Reasoned};
use crate::body::text;
use crate::document::malformed;
use crate::error::DecodeError;
use crate::openai_compatible::classify;
use crate::openai_compatible::usage::WireUsage;

/// More items, or parts of one, than this are not an answer.
pub(super) const ITEMS_MAX: usize = 1_024;

/// One event. What its members hold depends on its type.
#[derive(Deserialize)]
pub(super) struct WireEvent<'a> {
    #[serde(borrow, rename = "type")]
    kind: &'a RawValue,
    output_index: Option<u32>,
    content_index: Option<u32>,
    summary_index: Option<u32>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    logprobs: Option<&'a RawValue>,
    #[serde(borrow)]
    annotation: Option<&'a RawValue>,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// The response as a whole: as it begins, as it ends, or all that there is.
#[derive(Deserialize)]
pub(super) struct WireResponse<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    service_tier: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    incomplete_details: Option<Incomplete>,
    #[serde(borrow)]
    output: Option<Vec<&'a RawValue>>,
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
struct Incomplete {
    reason: Option<String>,
}

pub(super) struct State {
    pub(super) format: String,
    has_started: bool,
    is_done: bool,
    pub(super) items: Vec<Open>,
    /// How many functions were called.
    pub(super) calls: u32,
    /// The index of the next item of `reasoning_details`.
    pub(super) details: u32,
    pub(super) has_reasoned: bool,
    pub(super) has_spoken: bool,
    web_searches: u64,
}

impl State {
    pub(super) fn new(format: &str) -> Self {
        Self {
            format: format.to_owned(),
            has_started: false,
            is_done: false,
            items: Vec::new(),
            calls: 0,
            details: 0,
            has_reasoned: false,
            has_spoken: false,
            web_searches: 0,
        }
    }

    pub(super) const fn is_done(&self) -> bool {
        self.is_done
    }

    pub(super) fn take(
        &mut self,
        event: &WireEvent<'_>,
        json: &[u8],
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let kind = text(event.kind).unwrap_or_default();
        let index = event.output_index.unwrap_or_default();
        let delta = || event.delta.and_then(text).filter(|delta| !delta.is_empty());
        match &*kind {
            "response.output_text.delta" => {
                let item = self.open(index, Known::Message)?;
                item.has_text = true;
                if let Some(delta) = delta() {
                    self.say(index, delta.into_owned(), out);
                }
                push_logprobs(event.logprobs, out);
            }
            "response.refusal.delta" => {
                self.open(index, Known::Message)?.has_text = true;
                if let Some(delta) = delta() {
                    push(out, Delta::Refusal(delta.into_owned()));
                }
            }
            "response.function_call_arguments.delta" => {
                if let Some(delta) = delta() {
                    self.arguments(index, &delta, out)?;
                }
            }
            "response.function_call_arguments.done" => {
                let whole = event.arguments.and_then(text).unwrap_or_default();
                if !self.open(index, Known::Call)?.has_text {
                    self.arguments(index, &whole, out)?;
                }
            }
            "response.reasoning_summary_text.delta" => {
                let part = Reasoned::Summary(event.summary_index.unwrap_or_default());
                if let Some(delta) = delta() {
                    self.reason(index, part, &delta, out)?;
                }
            }
            "response.reasoning_text.delta" => {
                let part = Reasoned::Text(event.content_index.unwrap_or_default());
                if let Some(delta) = delta() {
                    self.reason(index, part, &delta, out)?;
                }
            }
            "response.output_text.annotation.added" => {
                self.open(index, Known::Message)?.has_annotations = true;
                push_annotations(event.annotation, out);
            }
            "response.output_item.added" => self.added(index, event.item, json, out)?,
            "response.output_item.done" => self.done(index, event.item, Some(json), out)?,
            "response.created" | "response.in_progress" | "response.queued" => {
                if let Some(response) = read::<WireResponse<'_>>(event.response)? {
                    self.start(&response, out);
                }
            }
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled" => match read::<WireResponse<'_>>(event.response)? {
                Some(response) => self.end(&response, json, out)?,
                None => return Err(DecodeError::Upstream(classify::in_band(json))),
            },
            "error" | "response.error" => {
                let error = event.error.map_or(json, |error| error.get().as_bytes());
                return Err(DecodeError::Upstream(classify::in_band(error)));
            }
            kind => self.within(index, kind, json, out),
        }
        Ok(())
    }

    /// A response in one piece.
    pub(super) fn whole(
        &mut self,
        response: &WireResponse<'_>,
        json: &[u8],
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let is_response = response.output.is_some() || response.status.is_some();
        if !is_response && response.error.is_none() {
            return Err(DecodeError::Truncated);
        }
        self.end(response, json, out)
    }

    fn start(&mut self, response: &WireResponse<'_>, out: &mut Vec<ChatEvent>) {
        if self.has_started {
            return;
        }
        self.has_started = true;
        let short = |raw: Option<&RawValue>| {
            raw.and_then(text)
                .filter(|text| !text.is_empty() && text.len() <= 256)
                .map(Cow::into_owned)
        };
        out.push(ChatEvent::Started {
            upstream_id: short(response.id),
            upstream_model: short(response.model),
            system_fingerprint: None,
            // What was asked for is not yet what is served.
            service_tier: short(response.service_tier).filter(|tier| tier != "auto"),
        });
    }

    /// The end of a response: what is still owed of its items, usage and the reason.
    fn end(
        &mut self,
        response: &WireResponse<'_>,
        json: &[u8],
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let status = response.status.and_then(text).unwrap_or(Cow::Borrowed("completed"));
        let error = response.error.filter(|error| error.get() != "null");
        let has_failed = matches!(&*status, "failed" | "cancelled") || error.is_some();
        if has_failed {
            self.count(response, out);
            let said = error.map_or(json, |error| error.get().as_bytes());
            return Err(DecodeError::Upstream(classify::in_band(said)));
        }
        self.start(response, out);
        for (index, item) in (0..).zip(response.output.iter().flatten()) {
            self.done(index, Some(item), None, out)?;
        }
        self.count(response, out);
        let incomplete = response.incomplete_details.as_ref();
        let cause = incomplete.and_then(|details| details.reason.clone());
        let reason = match (&*status, cause.as_deref()) {
            ("incomplete", Some("content_filter")) => FinishReason::ContentFilter,
            ("incomplete", _) => FinishReason::Length,
            _ if self.calls > 0 => FinishReason::ToolCalls,
            _ => FinishReason::Stop,
        };
        let native_reason = Some(cause.unwrap_or_else(|| status.into_owned()));
        out.push(ChatEvent::Finished { choice: 0, reason, native_reason, stop_sequence: None });
        self.is_done = true;
        Ok(())
    }

    fn count(&self, response: &WireResponse<'_>, out: &mut Vec<ChatEvent>) {
        let usage = response.usage.as_ref().and_then(WireUsage::disjoint);
        if let Some(usage) = usage {
            let web_searches = usage.web_searches.max(self.web_searches);
            out.push(ChatEvent::Usage(Usage { web_searches, ..usage }));
        }
    }

    /// The item at an index, which is of this kind if it is new.
    pub(super) fn open(&mut self, index: u32, kind: Known) -> Result<&mut Open, DecodeError> {
        let known = self.items.iter().position(|item| item.index == index);
        if known.is_none() {
            if self.items.len() >= ITEMS_MAX {
                return Err(DecodeError::Malformed("it has too many items".to_owned()));
            }
            self.items.push(Open::new(index, kind));
        }
        let place = known.unwrap_or_else(|| self.items.len().saturating_sub(1));
        let missing = || DecodeError::Malformed("an item is missing".to_owned());
        self.items.get_mut(place).ok_or_else(missing)
    }

    fn added(
        &mut self,
        index: u32,
        item: Option<&RawValue>,
        json: &[u8],
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let Some(item) = read::<Item<'_>>(item)? else { return Ok(()) };
        let kind = item.kind();
        let open = self.open(index, kind)?;
        open.kind = kind;
        open.id = item.id();
        match kind {
            Known::Call => self.call(index, &item, out)?,
            Known::Other | Known::Search => pass_on("response.output_item.added", json, out),
            Known::Message | Known::Reasoning | Known::Image => {}
        }
        Ok(())
    }

    /// An item is complete: emits what of it was not emitted before.
    fn done(
        &mut self,
        index: u32,
        raw: Option<&RawValue>,
        event: Option<&[u8]>,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let Some(item) = read::<Item<'_>>(raw)? else { return Ok(()) };
        let kind = item.kind();
        let open = self.open(index, kind)?;
        if std::mem::replace(&mut open.is_done, true) {
            return Ok(());
        }
        open.kind = kind;
        open.id = open.id.take().or_else(|| item.id());
        let (has_text, has_annotations) = (open.has_text, open.has_annotations);
        match kind {
            Known::Message => {
                for part in item.parts() {
                    self.part(index, &part, (has_text, has_annotations), out);
                }
            }
            Known::Call => {
                self.call(index, &item, out)?;
                if !self.open(index, kind)?.has_text {
                    self.arguments(index, &item.arguments(), out)?;
                }
            }
            Known::Reasoning => self.reasoned(index, &item, out)?,
            Known::Image => push_image(&item, out),
            Known::Search | Known::Other => {
                if kind == Known::Search && item.is_billed_search() {
                    self.web_searches = self.web_searches.saturating_add(1);
                }
                let name = "response.output_item.done";
                match (event, raw) {
                    (Some(json), _) => pass_on(name, json, out),
                    (None, Some(item)) => {
                        let json =
                            json!({"type": name, "output_index": index, "item": item}).to_string();
                        pass_on(name, json.as_bytes(), out);
                    }
                    (None, None) => {}
                }
            }
        }
        Ok(())
    }

    /// An event of an item that only this dialect knows.
    fn within(&self, index: u32, kind: &str, json: &[u8], out: &mut Vec<ChatEvent>) {
        let of_item = |item: &&Open| item.index == index;
        let known = self.items.iter().find(of_item).map(|item| item.kind);
        if matches!(known, Some(Known::Other | Known::Search)) {
            pass_on(kind, json, out);
        }
    }
}

fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Result<Option<T>, DecodeError> {
    raw.map(|raw| serde_json::from_str(raw.get()).map_err(|error| malformed(&error))).transpose()
}
