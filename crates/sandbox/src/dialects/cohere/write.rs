//! What a chat answers, whole and as events.

use serde_json::{Value, json};

use crate::answer::{Choice, Citation, Finish, Piece, Usage};
use crate::dialects::chat::write::log_likelihood;
use crate::dialects::{Reply, sse};
use crate::script::Renderer;

/// The block that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    Call,
}

/// Writes events.
pub(super) struct Events<'a> {
    reply: &'a Reply<'a>,
    open: Option<Open>,
    contents: usize,
    calls: usize,
    citations: usize,
}

impl<'a> Events<'a> {
    pub(super) fn new(reply: &'a Reply<'a>) -> Self {
        Self { reply, open: None, contents: 0, calls: 0, citations: 0 }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        match self.open.take() {
            None => {}
            Some(Open::Call) => {
                let event = json!({"type": "tool-call-end", "index": before(self.calls)});
                sse::named(out, "tool-call-end", &event);
            }
            Some(Open::Text | Open::Thinking) => {
                let event = json!({"type": "content-end", "index": before(self.contents)});
                sse::named(out, "content-end", &event);
            }
        }
    }

    fn need(&mut self, out: &mut Vec<u8>, open: Open, kind: &str) {
        if self.open == Some(open) {
            return;
        }
        self.close(out);
        self.open = Some(open);
        let content = json!({"type": kind, kind: ""});
        let event = json!({"type": "content-start", "index": self.contents,
            "delta": {"message": {"content": content}}});
        self.contents += 1;
        sse::named(out, "content-start", &event);
    }

    fn content(&mut self, out: &mut Vec<u8>, open: Open, kind: &str, text: &str) {
        self.need(out, open, kind);
        let mut event = json!({"type": "content-delta", "index": before(self.contents),
            "delta": {"message": {"content": {kind: text}}}});
        let has_logprobs =
            self.reply.answer.choices.first().is_some_and(|choice| choice.logprobs.is_some());
        if has_logprobs && open == Open::Text {
            event["logprobs"] = logprob(text);
        }
        sse::named(out, "content-delta", &event);
    }
}

/// The position of the last of so many.
const fn before(count: usize) -> usize {
    count.saturating_sub(1)
}

impl Renderer for Events<'_> {
    fn opening(&mut self, out: &mut Vec<u8>) {
        let message = json!({"role": "assistant", "content": [], "tool_plan": "",
            "tool_calls": [], "citations": []});
        let event = json!({"type": "message-start", "id": self.reply.id,
            "delta": {"message": message}});
        sse::named(out, "message-start", &event);
    }

    fn piece(&mut self, _: usize, piece: &Piece, out: &mut Vec<u8>) {
        match piece {
            Piece::Content(text) | Piece::Refusal(text) => {
                self.content(out, Open::Text, "text", text);
            }
            Piece::Reasoning(text) => self.content(out, Open::Thinking, "thinking", text),
            Piece::Call { id, name } => {
                self.close(out);
                self.open = Some(Open::Call);
                let call = json!({"id": call_id(name, id), "type": "function",
                    "function": {"name": name, "arguments": ""}});
                let event = json!({"type": "tool-call-start", "index": self.calls,
                    "delta": {"message": {"tool_calls": call}}});
                self.calls += 1;
                sse::named(out, "tool-call-start", &event);
            }
            Piece::Arguments(part) => {
                let call = json!({"function": {"arguments": part}});
                let event = json!({"type": "tool-call-delta", "index": before(self.calls),
                    "delta": {"message": {"tool_calls": call}}});
                sse::named(out, "tool-call-delta", &event);
            }
            Piece::Citation(citation) => {
                let index = self.citations;
                self.citations += 1;
                let event = json!({"type": "citation-start", "index": index,
                    "delta": {"message": {"citations": source(citation)}}});
                sse::named(out, "citation-start", &event);
                let event = json!({"type": "citation-end", "index": index});
                sse::named(out, "citation-end", &event);
            }
            // Thoughts are neither signed nor hidden, and there are no pictures or sounds.
            Piece::Signature | Piece::Redacted(_) | Piece::Image(_) | Piece::Audio(_) => {}
        }
    }

    fn ending(&mut self, out: &mut Vec<u8>) {
        self.close(out);
        let reason = self.reply.answer.choices.first().map_or("COMPLETE", finish);
        let mut delta = json!({"finish_reason": reason});
        if self.reply.with_usage {
            delta["usage"] = usage(&self.reply.answer.usage);
        }
        let event = json!({"type": "message-end", "id": self.reply.id, "delta": delta});
        sse::named(out, "message-end", &event);
    }
}

pub(super) fn document(reply: &Reply<'_>) -> Value {
    let Some(choice) = reply.answer.choices.first() else { return json!({}) };
    let mut message = json!({"role": "assistant"});
    let text = choice.joined(|piece| match piece {
        Piece::Content(text) | Piece::Refusal(text) => Some(text),
        _ => None,
    });
    let mut content = Vec::new();
    let thinking = choice.reasoning();
    if !thinking.is_empty() {
        content.push(json!({"type": "thinking", "thinking": thinking}));
    }
    if !text.is_empty() {
        content.push(json!({"type": "text", "text": text}));
    }
    if !content.is_empty() {
        message["content"] = content.into();
    }
    let calls: Vec<Value> = choice
        .calls()
        .into_iter()
        .map(|(id, name, arguments)| {
            json!({"id": call_id(name, id), "type": "function",
                "function": {"name": name, "arguments": arguments}})
        })
        .collect();
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    let citations: Vec<Value> = choice.citations().map(source).collect();
    if !citations.is_empty() {
        message["citations"] = citations.into();
    }
    let mut document = json!({"id": reply.id, "message": message, "finish_reason": finish(choice)});
    if reply.with_usage {
        document["usage"] = usage(&reply.answer.usage);
    }
    if choice.logprobs.is_some() {
        let tokens = choice.pieces.iter().filter_map(|piece| match piece {
            Piece::Content(token) => Some(logprob(token)),
            _ => None,
        });
        document["logprobs"] = tokens.collect();
    }
    document
}

fn call_id(name: &str, id: &str) -> String {
    format!("{name}_{id}")
}

fn logprob(token: &str) -> Value {
    json!({"text": token, "token_ids": [token.len()], "logprobs": [log_likelihood(token)]})
}

fn source(citation: &Citation) -> Value {
    json!({"start": citation.start, "end": citation.end, "text": citation.quote,
        "content_index": 0, "type": "TEXT_CONTENT",
        "sources": [{"type": "document", "id": citation.url, "document": {"id": citation.url,
            "title": citation.title, "url": citation.url, "snippet": citation.quote}}]})
}

const fn finish(choice: &Choice) -> &'static str {
    match &choice.finish {
        Finish::Stop | Finish::Refused => "COMPLETE",
        Finish::StopSequence(_) => "STOP_SEQUENCE",
        Finish::Length => "MAX_TOKENS",
        Finish::Calls => "TOOL_CALL",
        Finish::Filtered => "ERROR",
    }
}

fn usage(usage: &Usage) -> Value {
    // Preambles of their own are counted, but not billed.
    json!({"billed_units": {"input_tokens": usage.fresh(), "output_tokens": usage.completion},
        "tokens": {"input_tokens": usage.prompt, "output_tokens": usage.completion},
        "cached_tokens": usage.cache_read})
}
