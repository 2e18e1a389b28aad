//! Responses, whole and as events.

use serde_json::{Value, json};

use crate::answer::{Choice, Finish, Piece, Usage};
use crate::dialects::chat::write::{logprob, service_tier};
use crate::dialects::{CREATED, Reply, sse};
use crate::script::Renderer;
use crate::seal::{Maker, seal};
use crate::understood::ResponseFormat;

/// The item that is open, as it is so far.
struct Item {
    kind: Kind,
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Refusal,
    Reasoning,
    Call,
}

/// Writes events, and puts the items together on the way.
pub(super) struct Events<'a> {
    reply: &'a Reply<'a>,
    sequence: u64,
    open: Option<Item>,
    output: Vec<Value>,
}

impl<'a> Events<'a> {
    pub(super) fn new(reply: &'a Reply<'a>) -> Self {
        Self { reply, sequence: 0, open: None, output: Vec::new() }
    }

    fn event(&mut self, out: &mut Vec<u8>, name: &str, mut event: Value) {
        event["type"] = name.into();
        event["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        sse::named(out, name, &event);
    }

    /// An event about the open item.
    fn about(&mut self, out: &mut Vec<u8>, name: &str, mut event: Value) {
        event["output_index"] = self.output.len().into();
        if let Some(item) = &self.open {
            event["item_id"] = item.value["id"].clone();
        }
        self.event(out, name, event);
    }

    /// An id that no other item has.
    fn id(&self, prefix: &str) -> String {
        format!("{prefix}_{}{:02x}", self.reply.id, self.output.len())
    }

    fn begin(&mut self, out: &mut Vec<u8>, kind: Kind, value: Value) {
        self.close(out);
        let event = json!({"output_index": self.output.len(), "item": value});
        self.event(out, "response.output_item.added", event);
        self.open = Some(Item { kind, value });
    }

    /// Begins an item unless one of the kind is open.
    fn need(&mut self, out: &mut Vec<u8>, kind: Kind) {
        if self.open.as_ref().is_some_and(|item| item.kind == kind) {
            return;
        }
        match kind {
            Kind::Text | Kind::Refusal => {
                let value = json!({"id": self.id("msg"), "type": "message",
                    "status": "in_progress", "role": "assistant", "content": []});
                self.begin(out, kind, value);
                let part = part(kind, "");
                self.about(
                    out,
                    "response.content_part.added",
                    json!({"content_index": 0, "part": part}),
                );
                self.set("content", json!([part]));
            }
            Kind::Reasoning => {
                let value = json!({"id": self.id("rs"), "type": "reasoning", "summary": []});
                self.begin(out, kind, value);
                if is_summarised(self.reply) {
                    let part = json!({"type": "summary_text", "text": ""});
                    let event = json!({"summary_index": 0, "part": part});
                    self.about(out, "response.reasoning_summary_part.added", event);
                    self.set("summary", json!([part]));
                }
            }
            Kind::Call => {}
        }
    }

    fn set(&mut self, member: &str, value: Value) {
        if let Some(item) = &mut self.open {
            item.value[member] = value;
        }
    }

    /// Adds to a text in the open item.
    fn append(&mut self, pointer: &str, text: &str) {
        let Some(item) = &mut self.open else { return };
        if let Some(value) = item.value.pointer_mut(pointer) {
            let longer = format!("{}{text}", value.as_str().unwrap_or_default());
            *value = longer.into();
        }
    }

    fn text_of(&self, pointer: &str) -> String {
        let value = self.open.as_ref().and_then(|item| item.value.pointer(pointer));
        value.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Ends the open item.
    fn close(&mut self, out: &mut Vec<u8>) {
        let Some(kind) = self.open.as_ref().map(|item| item.kind) else { return };
        match kind {
            Kind::Text => {
                let text = self.text_of("/content/0/text");
                let logprobs = self.at("/content/0/logprobs").unwrap_or_else(|| json!([]));
                let event = json!({"content_index": 0, "text": text, "logprobs": logprobs});
                self.about(out, "response.output_text.done", event);
                self.part_done(out);
            }
            Kind::Refusal => {
                let refusal = self.text_of("/content/0/refusal");
                let event = json!({"content_index": 0, "refusal": refusal});
                self.about(out, "response.refusal.done", event);
                self.part_done(out);
            }
            Kind::Reasoning => self.thought_done(out),
            Kind::Call => {
                let event = json!({"arguments": self.text_of("/arguments"),
                    "name": self.text_of("/name")});
                self.about(out, "response.function_call_arguments.done", event);
            }
        }
        let is_cut = self.finish() == Some(&Finish::Length);
        if kind != Kind::Reasoning {
            let status = if is_cut { "incomplete" } else { "completed" };
            self.set("status", status.into());
        }
        if let Some(item) = self.open.take() {
            self.done(out, item.value);
        }
    }

    fn at(&self, pointer: &str) -> Option<Value> {
        self.open.as_ref()?.value.pointer(pointer).cloned()
    }

    fn part_done(&mut self, out: &mut Vec<u8>) {
        let part = self.at("/content/0").unwrap_or_default();
        let event = json!({"content_index": 0, "part": part});
        self.about(out, "response.content_part.done", event);
    }

    fn thought_done(&mut self, out: &mut Vec<u8>) {
        let text = self.text_of("/summary/0/text");
        if is_summarised(self.reply) {
            let event = json!({"summary_index": 0, "text": text});
            self.about(out, "response.reasoning_summary_text.done", event);
            let part = json!({"type": "summary_text", "text": text});
            let event = json!({"summary_index": 0, "part": part});
            self.about(out, "response.reasoning_summary_part.done", event);
        }
        if is_encrypted(self.reply) {
            let sealed = seal(Maker::OpenAi, &format!("{}:{text}", self.text_of("/id")));
            self.set("encrypted_content", sealed.into());
        }
    }

    fn done(&mut self, out: &mut Vec<u8>, value: Value) {
        let event = json!({"output_index": self.output.len(), "item": value});
        self.event(out, "response.output_item.done", event);
        self.output.push(value);
    }

    fn text(&mut self, out: &mut Vec<u8>, token: &str) {
        self.need(out, Kind::Text);
        let top = self.reply.answer.choices.first().and_then(|choice| choice.logprobs);
        let logprobs: Vec<Value> = top.map(|top| logprob(token, top)).into_iter().collect();
        if let Some(all) = self.open.as_mut().and_then(|item| {
            item.value.pointer_mut("/content/0/logprobs").and_then(Value::as_array_mut)
        }) {
            all.extend(logprobs.iter().cloned());
        }
        self.append("/content/0/text", token);
        let event = json!({"content_index": 0, "delta": token, "logprobs": logprobs});
        self.about(out, "response.output_text.delta", event);
    }

    fn picture(&mut self, out: &mut Vec<u8>, base64: &str) {
        self.close(out);
        let id = self.id("ig");
        let mut value = json!({"id": id, "type": "image_generation_call",
            "status": "in_progress", "result": null});
        let index = self.output.len();
        let event = json!({"output_index": index, "item": value});
        self.event(out, "response.output_item.added", event);
        for step in ["in_progress", "generating", "completed"] {
            let name = format!("response.image_generation_call.{step}");
            self.event(out, &name, json!({"output_index": index, "item_id": id}));
        }
        value["status"] = "completed".into();
        value["result"] = base64.into();
        value["output_format"] = "png".into();
        self.done(out, value);
    }

    fn finish(&self) -> Option<&Finish> {
        self.reply.answer.choices.first().map(|choice: &Choice| &choice.finish)
    }

    /// The response as it stands: under way, or at its end.
    fn response(&self, is_over: bool) -> Value {
        let asked = self.reply.asked;
        let reason = match self.finish().filter(|_| is_over) {
            Some(Finish::Length) => Some("max_output_tokens"),
            Some(Finish::Filtered) => Some("content_filter"),
            _ => None,
        };
        let status = match (is_over, reason) {
            (false, _) => "in_progress",
            (true, None) => "completed",
            (true, Some(_)) => "incomplete",
        };
        let effort = asked.reasoning.as_ref().and_then(|reasoning| reasoning.effort.as_deref());
        let format = match &asked.response_format {
            Some(ResponseFormat::JsonObject) => json!({"type": "json_object"}),
            Some(ResponseFormat::JsonSchema { schema, name, strict }) => {
                json!({"type": "json_schema", "schema": schema, "name": name, "strict": strict})
            }
            _ => json!({"type": "text"}),
        };
        let usage = (is_over && self.reply.with_usage).then(|| usage(&self.reply.answer.usage));
        json!({"id": format!("resp_{}", self.reply.id), "object": "response",
            "created_at": CREATED, "status": status, "background": false, "error": null,
            "incomplete_details": reason.map(|reason| json!({"reason": reason})),
            "instructions": null, "max_output_tokens": asked.max_tokens,
            "model": self.reply.model(), "output": self.output,
            "parallel_tool_calls": asked.parallel_tool_calls.unwrap_or(true),
            "previous_response_id": null, "reasoning": {"effort": effort, "summary": null},
            "service_tier": service_tier(self.reply).unwrap_or("default"), "store": false,
            "temperature": asked.sampling.get("temperature").cloned().unwrap_or_else(|| json!(1.0)),
            "text": {"format": format}, "tool_choice": "auto", "tools": [],
            "top_p": asked.sampling.get("top_p").cloned().unwrap_or_else(|| json!(1.0)),
            "truncation": "disabled", "usage": usage, "user": null, "metadata": {}})
    }
}

impl Renderer for Events<'_> {
    fn opening(&mut self, out: &mut Vec<u8>) {
        for name in ["response.created", "response.in_progress"] {
            let response = self.response(false);
            self.event(out, name, json!({"response": response}));
        }
    }

    fn piece(&mut self, _: usize, piece: &Piece, out: &mut Vec<u8>) {
        match piece {
            Piece::Content(token) => self.text(out, token),
            Piece::Refusal(token) => {
                self.need(out, Kind::Refusal);
                self.append("/content/0/refusal", token);
                let event = json!({"content_index": 0, "delta": token});
                self.about(out, "response.refusal.delta", event);
            }
            Piece::Reasoning(thought) => {
                self.need(out, Kind::Reasoning);
                if is_summarised(self.reply) {
                    self.append("/summary/0/text", thought);
                    let event = json!({"summary_index": 0, "delta": thought});
                    self.about(out, "response.reasoning_summary_text.delta", event);
                }
            }
            Piece::Signature => self.close(out),
            Piece::Redacted(thought) => {
                self.close(out);
                let id = self.id("rs");
                let mut item = json!({"id": id, "type": "reasoning", "summary": []});
                let event = json!({"output_index": self.output.len(), "item": item});
                self.event(out, "response.output_item.added", event);
                item["encrypted_content"] = seal(Maker::OpenAi, &format!("{id}:{thought}")).into();
                self.done(out, item);
            }
            Piece::Call { id, name } => {
                let value = json!({"id": self.id("fc"), "type": "function_call",
                    "status": "in_progress", "call_id": format!("call_{id}"), "name": name,
                    "arguments": ""});
                self.begin(out, Kind::Call, value);
            }
            Piece::Arguments(part) => {
                self.append("/arguments", part);
                let event = json!({"delta": part});
                self.about(out, "response.function_call_arguments.delta", event);
            }
            Piece::Citation(citation) => {
                self.need(out, Kind::Text);
                let annotation = json!({"type": "url_citation", "url": citation.url,
                    "title": citation.title, "start_index": citation.start,
                    "end_index": citation.end});
                let all = self.open.as_mut().and_then(|item| {
                    item.value.pointer_mut("/content/0/annotations").and_then(Value::as_array_mut)
                });
                let index = all.map_or(0, |all| {
                    all.push(annotation.clone());
                    all.len() - 1
                });
                let event = json!({"content_index": 0, "annotation_index": index,
                    "annotation": annotation});
                self.about(out, "response.output_text.annotation.added", event);
            }
            Piece::Image(picture) => self.picture(out, picture.base64),
            // This API has no sound.
            Piece::Audio(_) => {}
        }
    }

    fn ending(&mut self, out: &mut Vec<u8>) {
        self.close(out);
        let response = self.response(true);
        let name = match response["status"].as_str() {
            Some("incomplete") => "response.incomplete",
            _ => "response.completed",
        };
        self.event(out, name, json!({"response": response}));
    }
}

/// What the events amount to.
pub(super) fn document(reply: &Reply<'_>) -> Value {
    let mut events = Events::new(reply);
    let mut out = Vec::new();
    for piece in reply.answer.choices.first().into_iter().flat_map(|choice| &choice.pieces) {
        events.piece(0, piece, &mut out);
        out.clear();
    }
    events.close(&mut out);
    events.response(true)
}

fn part(kind: Kind, text: &str) -> Value {
    match kind {
        Kind::Refusal => json!({"type": "refusal", "refusal": text}),
        Kind::Text | Kind::Reasoning | Kind::Call => {
            json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
        }
    }
}

/// Thoughts are summed up when that was asked for; and when nobody spoke of thinking, because
/// then it is the model's name that asks.
fn is_summarised(reply: &Reply<'_>) -> bool {
    let reasoning = reply.asked.reasoning.as_ref();
    reasoning.is_none_or(|reasoning| reasoning.shown == Some(true) || !reasoning.enabled)
}

fn is_encrypted(reply: &Reply<'_>) -> bool {
    reply.asked.reasoning.as_ref().is_some_and(|reasoning| reasoning.encrypted)
}

fn usage(usage: &Usage) -> Value {
    let mut input = json!({"cached_tokens": usage.cache_read});
    if usage.cache_writes() > 0 {
        input["cache_write_tokens"] = usage.cache_writes().into();
    }
    json!({"input_tokens": usage.prompt, "input_tokens_details": input,
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion})
}
