//! What is known of a response while its events arrive.

use std::borrow::Cow;

use domain::generation::FinishReason;
use domain::usage::Usage;
use protocol::chat::event::{ChatEvent, Delta, Native, ToolCallDelta};
use protocol::dialects::Dialect;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::items::{Annotation, Item, Known, Open, Part, Reasoned};
use crate::body::text;
use crate::document::malformed;
use crate::error::DecodeError;
use crate::openai_compatible::classify;
use crate::openai_compatible::usage::WireUsage;

/// More items or calls than this are not an answer.
const ITEMS_MAX: usize = 1_024;
const CALLS_MAX: u32 = 128;

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
    format: String,
    has_started: bool,
    is_done: bool,
    items: Vec<Open>,
    /// How many functions were called.
    calls: u32,
    /// The index of the next item of `reasoning_details`.
    details: u32,
    has_reasoned: bool,
    has_spoken: bool,
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

    pub(super) fn event(
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
    fn open(&mut self, index: u32, kind: Known) -> Result<&mut Open, DecodeError> {
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
                if kind == Known::Search {
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

    fn part(
        &mut self,
        index: u32,
        part: &Part<'_>,
        (has_text, has_annotations): (bool, bool),
        out: &mut Vec<ChatEvent>,
    ) {
        if !has_text {
            if let Some(text) = part.text().filter(|text| !text.is_empty()) {
                self.say(index, text.into_owned(), out);
            }
            if let Some(refusal) = part.refusal().filter(|text| !text.is_empty()) {
                push(out, Delta::Refusal(refusal.into_owned()));
            }
            push_logprobs(part.logprobs, out);
        }
        if !has_annotations {
            for annotation in part.annotations() {
                push_annotations(Some(annotation), out);
            }
        }
    }

    /// Text of a message. Several messages of one answer are told apart by an empty line.
    fn say(&mut self, index: u32, text: String, out: &mut Vec<ChatEvent>) {
        let of_item = |item: &&mut Open| item.index == index;
        let is_new = self
            .items
            .iter_mut()
            .find(of_item)
            .is_some_and(|item| !std::mem::replace(&mut item.has_spoken, true));
        if is_new && std::mem::replace(&mut self.has_spoken, true) {
            push(out, Delta::Content("\n\n".to_owned()));
        }
        push(out, Delta::Content(text));
    }

    /// Begins a call, unless that was done.
    fn call(
        &mut self,
        index: u32,
        item: &Item<'_>,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let calls = self.calls;
        let open = self.open(index, Known::Call)?;
        if open.call.is_some() {
            return Ok(());
        }
        if calls >= CALLS_MAX {
            return Err(DecodeError::Malformed("it has too many calls".to_owned()));
        }
        open.call = Some(calls);
        self.calls = calls.saturating_add(1);
        let id = item.call_id().unwrap_or_else(|| format!("call_{calls}"));
        let name = Some(item.name());
        let arguments = String::new();
        push(out, Delta::ToolCall(ToolCallDelta { index: calls, id: Some(id), name, arguments }));
        Ok(())
    }

    fn arguments(
        &mut self,
        index: u32,
        arguments: &str,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let open = self.open(index, Known::Call)?;
        let Some(call) = open.call else {
            return Err(DecodeError::Malformed("a call has arguments before a name".to_owned()));
        };
        if !arguments.is_empty() {
            open.has_text = true;
            let arguments = arguments.to_owned();
            let part = ToolCallDelta { index: call, id: None, name: None, arguments };
            push(out, Delta::ToolCall(part));
        }
        Ok(())
    }

    /// Reasoning that is shown, and the same as a detail that can be sent again.
    fn reason(
        &mut self,
        index: u32,
        part: Reasoned,
        text: &str,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let next = self.details;
        let open = self.open(index, Known::Reasoning)?;
        let (place, is_new) = match open.reasoned.iter().find(|(known, _)| *known == part) {
            Some((_, place)) => (*place, false),
            None if open.reasoned.len() >= ITEMS_MAX => {
                return Err(DecodeError::Malformed("it reasons in too many parts".to_owned()));
            }
            None => {
                open.reasoned.push((part, next));
                (next, true)
            }
        };
        let id = open.id.clone();
        if is_new {
            self.details = next.saturating_add(1);
            if std::mem::replace(&mut self.has_reasoned, true) {
                push(out, Delta::Reasoning("\n\n".to_owned()));
            }
        }
        let (kind, member) = match part {
            Reasoned::Summary(_) => ("reasoning.summary", "summary"),
            Reasoned::Text(_) => ("reasoning.text", "text"),
        };
        push(out, Delta::Reasoning(text.to_owned()));
        push_detail(
            &json!({"type": kind, member: text, "id": id, "format": self.format, "index": place}),
            out,
        );
        Ok(())
    }

    fn reasoned(
        &mut self,
        index: u32,
        item: &Item<'_>,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        if self.open(index, Known::Reasoning)?.reasoned.is_empty() {
            for (place, part) in (0..).zip(item.summary()) {
                if let Some(text) = part.text().filter(|text| !text.is_empty()) {
                    self.reason(index, Reasoned::Summary(place), &text, out)?;
                }
            }
            for (place, part) in (0..).zip(item.parts()) {
                if let Some(text) = part.text().filter(|text| !text.is_empty()) {
                    self.reason(index, Reasoned::Text(place), &text, out)?;
                }
            }
        }
        let Some(data) = item.encrypted_content() else { return Ok(()) };
        let id = self.open(index, Known::Reasoning)?.id.clone();
        let place = self.details;
        self.details = place.saturating_add(1);
        push_detail(
            &json!({"type": "reasoning.encrypted", "data": data, "id": id, "format": self.format,
                "index": place}),
            out,
        );
        Ok(())
    }
}

fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Result<Option<T>, DecodeError> {
    raw.map(|raw| serde_json::from_str(raw.get()).map_err(|error| malformed(&error))).transpose()
}

fn push(out: &mut Vec<ChatEvent>, delta: Delta) {
    out.push(ChatEvent::Delta { choice: 0, delta });
}

fn push_detail(detail: &Value, out: &mut Vec<ChatEvent>) {
    if let Ok(value) = serde_json::value::to_raw_value(&[detail]) {
        push(out, Delta::ReasoningDetails(value));
    }
}

fn push_other(name: &str, value: &Value, out: &mut Vec<ChatEvent>) {
    if let Ok(value) = serde_json::value::to_raw_value(value) {
        push(out, Delta::Other { name: name.to_owned(), value });
    }
}

fn push_image(item: &Item<'_>, out: &mut Vec<ChatEvent>) {
    if let Some(url) = item.image_url() {
        push_other("images", &json!([{"type": "image_url", "image_url": {"url": url}}]), out);
    }
}

fn push_annotations(raw: Option<&RawValue>, out: &mut Vec<ChatEvent>) {
    // What cites a file of the upstream's means nothing to anybody else.
    let annotation = raw.and_then(|raw| serde_json::from_str::<Annotation>(raw.get()).ok());
    if let Some(annotation) = annotation.and_then(Annotation::into_chat) {
        push_other("annotations", &json!([annotation]), out);
    }
}

/// Probabilities, with the member that chat completions demand.
fn push_logprobs(raw: Option<&RawValue>, out: &mut Vec<ChatEvent>) {
    fn complete(entry: &mut Value) {
        if let Value::Object(entry) = entry {
            entry.entry("bytes").or_insert(Value::Null);
            if let Some(Value::Array(top)) = entry.get_mut("top_logprobs") {
                top.iter_mut().for_each(complete);
            }
        }
    }
    let Some(raw) = raw.filter(|raw| !matches!(raw.get(), "null" | "[]")) else { return };
    let Ok(mut entries) = serde_json::from_str::<Vec<Value>>(raw.get()) else { return };
    for entry in &mut entries {
        complete(entry);
        if let Value::Object(entry) = entry {
            entry.entry("top_logprobs").or_insert_with(|| json!([]));
        }
    }
    let logprobs = json!({"content": entries, "refusal": null});
    if let Ok(value) = serde_json::value::to_raw_value(&logprobs) {
        push(out, Delta::Logprobs(value));
    }
}

/// Something for callers who speak this dialect.
fn pass_on(name: &str, json: &[u8], out: &mut Vec<ChatEvent>) {
    if let Ok(data) = serde_json::from_slice::<Box<RawValue>>(json) {
        let name = name.to_owned();
        out.push(ChatEvent::Native(Native { dialect: Dialect::Responses, name, data }));
    }
}
