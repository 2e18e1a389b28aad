//! Chat completions, whole and in chunks.

use std::io::Write as _;

use serde_json::{Map, Value, json};

use crate::answer::{Choice, Citation, Finish, Picture, Piece, Usage};
use crate::dialects::{CREATED, Reply};
use crate::script::Renderer;

const DONE: &[u8] = b"data: [DONE]\n\n";

/// Writes chunks.
pub(super) struct Chunks<'a> {
    reply: &'a Reply<'a>,
    /// How many calls each choice has begun.
    calls: Vec<usize>,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(reply: &'a Reply<'a>) -> Self {
        Self { reply, calls: vec![0; reply.answer.choices.len()] }
    }

    fn chunk(
        &self,
        out: &mut Vec<u8>,
        index: usize,
        delta: &[u8],
        logprobs: Option<&Value>,
        finish: Option<&str>,
    ) {
        self.head(out);
        let _ = write!(out, "\"choices\":[{{\"index\":{index},\"delta\":");
        out.extend_from_slice(delta);
        match logprobs {
            Some(logprobs) => drop(write!(out, ",\"logprobs\":{logprobs},")),
            None => out.extend_from_slice(b",\"logprobs\":null,"),
        }
        match finish {
            Some(reason) => drop(write!(out, "\"finish_reason\":\"{reason}\"}}]}}\n\n")),
            None => out.extend_from_slice(b"\"finish_reason\":null}]}\n\n"),
        }
    }

    fn head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: {\"id\":");
        string(out, &id(self.reply));
        let _ =
            write!(out, ",\"object\":\"chat.completion.chunk\",\"created\":{CREATED},\"model\":");
        string(out, self.reply.model());
        if let Some(tier) = service_tier(self.reply) {
            out.extend_from_slice(b",\"service_tier\":");
            string(out, tier);
        }
        out.extend_from_slice(b",\"system_fingerprint\":\"fp_sandbox\",");
    }

    fn delta(&mut self, choice: usize, piece: &Piece) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        let mut text = |member: &[u8], text: &str| {
            out.extend_from_slice(member);
            string(&mut out, text);
        };
        match piece {
            Piece::Content(content) => text(b"{\"content\":", content),
            Piece::Reasoning(thought) => text(b"{\"reasoning_content\":", thought),
            Piece::Refusal(refusal) => text(b"{\"refusal\":", refusal),
            Piece::Call { id, name } => {
                let calls = self.calls.get_mut(choice).map_or(0, |calls| {
                    *calls += 1;
                    *calls
                });
                let index = calls.saturating_sub(1);
                let _ = write!(out, "{{\"tool_calls\":[{{\"index\":{index},\"id\":\"call_{id}\",");
                out.extend_from_slice(b"\"type\":\"function\",\"function\":{\"name\":");
                string(&mut out, name);
                out.extend_from_slice(b",\"arguments\":\"\"}}]");
            }
            Piece::Arguments(part) => {
                let index = self.calls.get(choice).map_or(0, |calls| calls.saturating_sub(1));
                let _ = write!(
                    out,
                    "{{\"tool_calls\":[{{\"index\":{index},\"function\":{{\"arguments\":"
                );
                string(&mut out, part);
                out.extend_from_slice(b"}}]");
            }
            Piece::Citation(citation) => {
                let _ = write!(out, "{{\"annotations\":[{}]", annotation(citation));
            }
            Piece::Image(picture) => drop(write!(out, "{{\"images\":[{}]", image(picture))),
            Piece::Audio(sound) => {
                let audio = json!({"id": format!("audio_{}", self.reply.id), "data": sound.base64,
                    "transcript": sound.transcript});
                let _ = write!(out, "{{\"audio\":{audio}");
            }
            Piece::Signature | Piece::Redacted(_) => return Vec::new(),
        }
        out.push(b'}');
        out
    }
}

impl Renderer for Chunks<'_> {
    fn opening(&mut self, out: &mut Vec<u8>) {
        if self.reply.is_bare {
            return;
        }
        if self.reply.is_azure {
            // Before anything else, what the filters found in the prompt.
            let results = json!([{"prompt_index": 0, "content_filter_results": filtered(false)}]);
            let _ = write!(
                out,
                "data: {{\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\
                 \"prompt_filter_results\":{results}}}\n\n"
            );
        }
        for index in 0..self.reply.answer.choices.len() {
            self.chunk(out, index, b"{\"role\":\"assistant\",\"content\":\"\"}", None, None);
        }
    }

    fn piece(&mut self, choice: usize, piece: &Piece, out: &mut Vec<u8>) {
        let delta = self.delta(choice, piece);
        if delta.is_empty() {
            return;
        }
        let top = self.reply.answer.choices.get(choice).and_then(|choice| choice.logprobs);
        let logprobs = match (top, piece) {
            (Some(top), Piece::Content(token)) => {
                Some(json!({"content": [logprob(token, top)], "refusal": null}))
            }
            _ => None,
        };
        self.chunk(out, choice, &delta, logprobs.as_ref(), None);
    }

    fn ending(&mut self, out: &mut Vec<u8>) {
        for (index, choice) in self.reply.answer.choices.iter().enumerate() {
            self.chunk(out, index, b"{}", None, Some(finish(&choice.finish)));
        }
        if self.reply.with_usage {
            self.head(out);
            let usage = usage(&self.reply.answer.usage);
            let _ = write!(out, "\"choices\":[],\"usage\":{usage}}}\n\n");
        }
        out.extend_from_slice(DONE);
    }
}

pub(super) fn document(reply: &Reply<'_>) -> Value {
    let mut choices: Vec<Value> = reply
        .answer
        .choices
        .iter()
        .enumerate()
        .map(|(index, choice)| {
            json!({"index": index, "message": message(choice, reply), "logprobs": logprobs(choice),
                "finish_reason": finish(&choice.finish)})
        })
        .collect();
    if reply.is_azure {
        for (choice, said) in choices.iter_mut().zip(&reply.answer.choices) {
            choice["content_filter_results"] = filtered(said.finish == Finish::Filtered);
        }
    }
    let mut document = json!({"id": id(reply), "object": "chat.completion", "created": CREATED,
        "model": reply.model(), "choices": choices});
    if reply.with_usage {
        document["usage"] = usage(&reply.answer.usage);
    }
    if let Some(tier) = service_tier(reply) {
        document["service_tier"] = tier.into();
    }
    document
}

/// What Azure's filters found.
fn filtered(is_filtered: bool) -> Value {
    let severity = if is_filtered { "high" } else { "safe" };
    let one = |severity: &str| json!({"filtered": severity == "high", "severity": severity});
    json!({"hate": one("safe"), "self_harm": one("safe"), "sexual": one("safe"),
        "violence": one(severity)})
}

fn message(choice: &Choice, reply: &Reply<'_>) -> Value {
    let mut message = Map::new();
    message.insert("role".into(), "assistant".into());
    let (content, calls) = (choice.content(), choice.calls());
    let refusal = choice.refusal();
    let is_null = content.is_empty() && (!calls.is_empty() || refusal.is_some());
    message.insert("content".into(), if is_null { Value::Null } else { content.into() });
    let reasoning = choice.reasoning();
    if !reasoning.is_empty() {
        message.insert("reasoning_content".into(), reasoning.into());
    }
    if let Some(refusal) = refusal {
        message.insert("refusal".into(), refusal.into());
    }
    if !calls.is_empty() {
        let calls: Vec<Value> = calls
            .into_iter()
            .map(|(id, name, arguments)| {
                json!({"id": format!("call_{id}"), "type": "function",
                    "function": {"name": name, "arguments": arguments}})
            })
            .collect();
        message.insert("tool_calls".into(), calls.into());
    }
    let annotations: Vec<Value> = choice.citations().map(annotation).collect();
    if !annotations.is_empty() {
        message.insert("annotations".into(), annotations.into());
    }
    let images: Vec<Value> = choice
        .pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Image(picture) => Some(image(picture)),
            _ => None,
        })
        .collect();
    if !images.is_empty() {
        message.insert("images".into(), images.into());
    }
    if let Some(audio) = audio(choice, reply.id) {
        message.insert("audio".into(), audio);
    }
    Value::Object(message)
}

fn audio(choice: &Choice, id: &str) -> Option<Value> {
    let data = choice.joined(|piece| match piece {
        Piece::Audio(sound) => Some(sound.base64),
        _ => None,
    });
    let transcript = choice.joined(|piece| match piece {
        Piece::Audio(sound) => Some(sound.transcript),
        _ => None,
    });
    (!data.is_empty()).then(|| {
        json!({"id": format!("audio_{id}"), "data": data, "transcript": transcript,
            "expires_at": CREATED + 3_600})
    })
}

fn annotation(citation: &Citation) -> Value {
    json!({"type": "url_citation", "url_citation": {"url": citation.url, "title": citation.title,
        "content": citation.quote, "start_index": citation.start, "end_index": citation.end}})
}

fn image(picture: &Picture) -> Value {
    let url = format!("data:{};base64,{}", picture.media_type, picture.base64);
    json!({"type": "image_url", "image_url": {"url": url}})
}

fn logprobs(choice: &Choice) -> Value {
    let Some(top) = choice.logprobs else { return Value::Null };
    let tokens = choice.pieces.iter().filter_map(|piece| match piece {
        Piece::Content(token) => Some(logprob(token, top)),
        _ => None,
    });
    json!({"content": tokens.collect::<Vec<_>>(), "refusal": null})
}

/// How likely a token was, and some that were not chosen. Likelier, the shorter it is.
pub(crate) fn logprob(token: &str, top: usize) -> Value {
    let one = |token: &str, logprob: f64| json!({"token": token, "logprob": logprob, "bytes": token.as_bytes()});
    let chosen = log_likelihood(token);
    let mut entry = one(token, chosen);
    let others = (0..top).map(|rank| match rank {
        0 => one(token, chosen),
        _ => one(&alternative(rank), chosen - f64::from(u8::try_from(rank).unwrap_or(u8::MAX))),
    });
    entry["top_logprobs"] = others.collect::<Vec<_>>().into();
    entry
}

pub(crate) fn log_likelihood(token: &str) -> f64 {
    -0.125 * f64::from(u8::try_from(token.len()).unwrap_or(u8::MAX))
}

pub(crate) fn alternative(rank: usize) -> String {
    format!("other{rank}")
}

fn usage(usage: &Usage) -> Value {
    let mut prompt = json!({"cached_tokens": usage.cache_read, "audio_tokens": 0});
    if usage.cache_writes() > 0 {
        prompt["cache_write_tokens"] = usage.cache_writes().into();
    }
    let mut completion = json!({"reasoning_tokens": usage.reasoning, "audio_tokens": usage.audio});
    if usage.image > 0 {
        completion["image_tokens"] = usage.image.into();
    }
    json!({"prompt_tokens": usage.prompt, "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion, "prompt_tokens_details": prompt,
        "completion_tokens_details": completion})
}

const fn finish(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::StopSequence(_) | Finish::Refused => "stop",
        Finish::Length => "length",
        Finish::Calls => "tool_calls",
        Finish::Filtered => "content_filter",
    }
}

/// What served the request: `auto` is a wish, not a tier.
pub(crate) fn service_tier<'a>(reply: &'a Reply<'_>) -> Option<&'a str> {
    reply.asked.service_tier.as_deref().map(|tier| if tier == "auto" { "default" } else { tier })
}

fn id(reply: &Reply<'_>) -> String {
    format!("chatcmpl-{}", reply.id)
}

/// Writing to a vector cannot fail, and neither can writing text as JSON.
fn string(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(out, text);
}
