//! Generated content, whole and in parts.

use std::io::Write as _;

use serde_json::{Map, Value, json};

use super::content::signs_calls;
use crate::answer::{Choice, Finish, Piece, Usage};
use crate::dialects::chat::write::{alternative, log_likelihood};
use crate::dialects::{Framing, Reply};
use crate::script::Renderer;
use crate::seal::{Maker, seal};

/// Writes one response for each piece; calls come whole, so they wait for their last part.
pub(super) struct Parts<'a> {
    reply: &'a Reply<'a>,
    /// Of each choice, the call that is being put together.
    calls: Vec<Option<(String, String)>>,
    /// Of each choice, whether the next part that can carry a signature must.
    unsigned: Vec<bool>,
    /// Of each choice, whether it has begun to call.
    called: Vec<bool>,
    is_first: bool,
}

impl<'a> Parts<'a> {
    pub(super) fn new(reply: &'a Reply<'a>) -> Self {
        let count = reply.answer.choices.len();
        Self {
            reply,
            calls: vec![None; count],
            unsigned: vec![false; count],
            called: vec![false; count],
            is_first: true,
        }
    }

    fn chunk(&mut self, out: &mut Vec<u8>, response: &Value) {
        // Writing to a vector cannot fail.
        let _ = match (self.reply.framing, std::mem::take(&mut self.is_first)) {
            (Framing::Events, _) => write!(out, "data: {response}\r\n\r\n"),
            (Framing::Array, true) => write!(out, "[{response}"),
            (Framing::Array, false) => write!(out, ",\r\n{response}"),
        };
    }

    fn parts(&mut self, out: &mut Vec<u8>, choice: usize, part: &Value) {
        let candidate = json!({"content": {"role": "model", "parts": [part]}, "index": choice});
        let response = envelope(self.reply, &[candidate], Some(interim(self.reply)));
        self.chunk(out, &response);
    }

    /// Sends the call that was put together.
    fn flush(&mut self, out: &mut Vec<u8>, choice: usize) {
        let call = self.calls.get_mut(choice).and_then(Option::take);
        if let Some((name, arguments)) = call {
            let signature = self.take_signature(choice);
            let part = function_call(&name, &arguments, signature);
            self.parts(out, choice, &part);
        }
    }

    fn take_signature(&mut self, choice: usize) -> Option<String> {
        let unsigned = self.unsigned.get_mut(choice)?;
        std::mem::take(unsigned).then(|| signature(self.reply, choice))
    }
}

impl Renderer for Parts<'_> {
    fn opening(&mut self, _: &mut Vec<u8>) {}

    fn piece(&mut self, choice: usize, piece: &Piece, out: &mut Vec<u8>) {
        match piece {
            Piece::Arguments(part) => {
                if let Some(Some((_, arguments))) = self.calls.get_mut(choice) {
                    arguments.push_str(part);
                }
                return;
            }
            _ => self.flush(out, choice),
        }
        match piece {
            Piece::Content(text) | Piece::Refusal(text) => {
                let mut part = json!({"text": text});
                if let Some(signature) = self.take_signature(choice) {
                    part["thoughtSignature"] = signature.into();
                }
                self.parts(out, choice, &part);
            }
            Piece::Reasoning(text) if is_shown(self.reply) => {
                self.parts(out, choice, &json!({"text": text, "thought": true}));
            }
            Piece::Signature | Piece::Redacted(_) => {
                if let Some(unsigned) = self.unsigned.get_mut(choice) {
                    *unsigned = true;
                }
            }
            Piece::Call { name, .. } => {
                let must_sign = signs_calls(self.reply.model());
                if let (Some(unsigned), Some(called)) =
                    (self.unsigned.get_mut(choice), self.called.get_mut(choice))
                {
                    *unsigned |= must_sign && !std::mem::replace(called, true);
                }
                if let Some(call) = self.calls.get_mut(choice) {
                    *call = Some((name.clone(), String::new()));
                }
            }
            Piece::Image(_) | Piece::Audio(_) => self.parts(out, choice, &inline(piece)),
            Piece::Reasoning(_) | Piece::Citation(_) | Piece::Arguments(_) => {}
        }
    }

    fn ending(&mut self, out: &mut Vec<u8>) {
        let mut candidates = Vec::new();
        for (index, choice) in self.reply.answer.choices.iter().enumerate() {
            self.flush(out, index);
            let mut part = json!({"text": ""});
            if let Some(signature) = self.take_signature(index) {
                part["thoughtSignature"] = signature.into();
            }
            let content = json!({"role": "model", "parts": [part]});
            candidates.push(candidate(choice, index, Some(content)));
        }
        let usage = self.reply.with_usage.then(|| usage(&self.reply.answer.usage));
        let response = envelope(self.reply, &candidates, usage);
        self.chunk(out, &response);
        if self.reply.framing == Framing::Array {
            out.push(b']');
        }
    }
}

pub(super) fn document(reply: &Reply<'_>) -> Value {
    let candidates: Vec<Value> = reply
        .answer
        .choices
        .iter()
        .enumerate()
        .map(|(index, choice)| {
            let parts = parts(choice, reply, index);
            let content = json!({"role": "model", "parts": parts});
            candidate(choice, index, Some(content).filter(|_| !parts.is_empty()))
        })
        .collect();
    envelope(reply, &candidates, reply.with_usage.then(|| usage(&reply.answer.usage)))
}

fn parts(choice: &Choice, reply: &Reply<'_>, index: usize) -> Vec<Value> {
    let mut parts: Vec<Value> = Vec::new();
    let mut unsigned = false;
    let mut called = false;
    let mut calls = choice.calls().into_iter();
    for piece in &choice.pieces {
        let sign = |mut part: Value, unsigned: &mut bool| {
            if std::mem::take(unsigned) {
                part["thoughtSignature"] = signature(reply, index).into();
            }
            part
        };
        match piece {
            Piece::Content(text) | Piece::Refusal(text) => match parts.last_mut() {
                Some(last) if last["text"].is_string() && last.get("thought").is_none() => {
                    extend(last, text);
                }
                _ => parts.push(sign(json!({"text": text}), &mut unsigned)),
            },
            Piece::Reasoning(text) if is_shown(reply) => match parts.last_mut() {
                Some(last) if last["thought"] == true => extend(last, text),
                _ => parts.push(json!({"text": text, "thought": true})),
            },
            Piece::Signature | Piece::Redacted(_) => unsigned = true,
            Piece::Call { .. } => {
                if let Some((_, name, arguments)) = calls.next() {
                    unsigned |= !std::mem::replace(&mut called, true) && signs_calls(reply.model());
                    parts.push(sign(function_call(name, &arguments, None), &mut unsigned));
                }
            }
            Piece::Image(_) | Piece::Audio(_) => parts.push(inline(piece)),
            Piece::Reasoning(_) | Piece::Citation(_) | Piece::Arguments(_) => {}
        }
    }
    if unsigned {
        parts.push(json!({"text": "", "thoughtSignature": signature(reply, index)}));
    }
    parts
}

fn extend(part: &mut Value, text: &str) {
    let longer = format!("{}{text}", part["text"].as_str().unwrap_or_default());
    part["text"] = longer.into();
}

fn function_call(name: &str, arguments: &str, signature: Option<String>) -> Value {
    let arguments: Value = serde_json::from_str(arguments).unwrap_or(Value::Object(Map::new()));
    let mut part = json!({"functionCall": {"name": name, "args": arguments}});
    if let Some(signature) = signature {
        part["thoughtSignature"] = signature.into();
    }
    part
}

fn inline(piece: &Piece) -> Value {
    let (media_type, data) = match piece {
        Piece::Image(picture) => (picture.media_type, picture.base64),
        Piece::Audio(sound) => ("audio/L16;codec=pcm;rate=24000", sound.base64),
        _ => ("", ""),
    };
    json!({"inlineData": {"mimeType": media_type, "data": data}})
}

fn signature(reply: &Reply<'_>, index: usize) -> String {
    seal(Maker::Gemini, &format!("{}/{}", reply.id, index))
}

fn is_shown(reply: &Reply<'_>) -> bool {
    // Shown unless it was asked for otherwise; `show/…` is asked without a word about thinking.
    reply.asked.reasoning.as_ref().is_none_or(|reasoning| reasoning.shown == Some(true))
}

fn envelope(reply: &Reply<'_>, candidates: &[Value], usage: Option<Value>) -> Value {
    let mut response = json!({"candidates": candidates, "modelVersion": reply.model(),
        "responseId": reply.id});
    if let Some(usage) = usage {
        response["usageMetadata"] = usage;
    }
    response
}

fn candidate(choice: &Choice, index: usize, content: Option<Value>) -> Value {
    let mut candidate = json!({"finishReason": finish(&choice.finish), "index": index});
    if let Some(content) = content {
        candidate["content"] = content;
    }
    if choice.finish == Finish::Filtered {
        candidate["safetyRatings"] = json!([{"category": "HARM_CATEGORY_DANGEROUS_CONTENT",
            "probability": "HIGH", "blocked": true}]);
    }
    if let Some(grounding) = grounding(choice) {
        candidate["groundingMetadata"] = grounding;
    }
    if let Some(top) = choice.logprobs {
        candidate["logprobsResult"] = logprobs(choice, top);
        candidate["avgLogprobs"] = (-0.5).into();
    }
    candidate
}

/// The sources, and which part of the text (in bytes) rests on which.
fn grounding(choice: &Choice) -> Option<Value> {
    let chunks: Vec<Value> = choice
        .citations()
        .map(|citation| json!({"web": {"uri": citation.url, "title": citation.title}}))
        .collect();
    let supports: Vec<Value> = choice
        .citations()
        .enumerate()
        .map(|(index, citation)| {
            json!({"segment": {"startIndex": citation.start, "endIndex": citation.end,
                "text": citation.quote}, "groundingChunkIndices": [index]})
        })
        .collect();
    (!chunks.is_empty()).then(|| {
        json!({"webSearchQueries": ["harbour"], "groundingChunks": chunks,
            "groundingSupports": supports})
    })
}

fn logprobs(choice: &Choice, top: usize) -> Value {
    let (mut chosen, mut all) = (Vec::new(), Vec::new());
    for piece in &choice.pieces {
        let Piece::Content(token) = piece else { continue };
        let likely = log_likelihood(token);
        let one = |token: &str, logprob: f64| json!({"token": token, "logProbability": logprob});
        chosen.push(one(token, likely));
        let others = (0..top).map(|rank| match rank {
            0 => one(token, likely),
            _ => one(&alternative(rank), likely - f64::from(u8::try_from(rank).unwrap_or(u8::MAX))),
        });
        all.push(json!({"candidates": others.collect::<Vec<_>>()}));
    }
    json!({"chosenCandidates": chosen, "topCandidates": all})
}

const fn finish(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::StopSequence(_) | Finish::Calls | Finish::Refused => "STOP",
        Finish::Length => "MAX_TOKENS",
        Finish::Filtered => "SAFETY",
    }
}

/// What is known while an answer is under way.
fn interim(reply: &Reply<'_>) -> Value {
    let prompt = reply.answer.usage.prompt;
    json!({"promptTokenCount": prompt, "totalTokenCount": prompt})
}

fn usage(usage: &Usage) -> Value {
    let mut value = json!({"promptTokenCount": usage.prompt,
        "candidatesTokenCount": usage.completion - usage.reasoning,
        "totalTokenCount": usage.prompt + usage.completion,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.prompt}]});
    if usage.cache_read > 0 {
        value["cachedContentTokenCount"] = usage.cache_read.into();
        value["cacheTokensDetails"] = json!([{"modality": "TEXT", "tokenCount": usage.cache_read}]);
    }
    if usage.reasoning > 0 {
        value["thoughtsTokenCount"] = usage.reasoning.into();
    }
    let text = usage.completion - usage.reasoning - usage.image - usage.audio;
    let details = [("TEXT", text), ("IMAGE", usage.image), ("AUDIO", usage.audio)];
    let details: Vec<Value> = details
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(modality, count)| json!({"modality": modality, "tokenCount": count}))
        .collect();
    value["candidatesTokensDetails"] = details.into();
    value
}
