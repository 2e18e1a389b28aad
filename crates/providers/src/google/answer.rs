//! One chunk of an answer after another, into events.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::generation::FinishReason;
use protocol::chat::event::{ChatEvent, Delta, ToolCallDelta};
use protocol::error::ErrorType;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::finish::{self, Meaning};
use super::grounding::{Citations, Grounding};
use super::logprobs::Logprobs;
use super::usage::WireUsage;
use super::{FORMAT, classify};
use crate::document::malformed;
use crate::error::{DecodeError, Retry, UpstreamError};

/// More choices or calls than this are not an answer.
const INDEX_MAX: u32 = 127;

/// Words beyond this are not looked at again for the places that sources speak of.
const WORDS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What was asked, as far as it bears on the answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked {
    /// Tells answers in one conversation apart where the upstream does not.
    pub(super) salt: usize,
    /// Whether sources will speak of places in the words.
    pub(super) keeps_words: bool,
    /// Whether each search is paid for, rather than the request that led to them.
    pub(super) counts_queries: bool,
    /// Whether images are paid for each, rather than by their tokens.
    pub(super) counts_images: bool,
}

#[derive(Debug, Default)]
pub(super) struct Answer {
    asked: Asked,
    has_started: bool,
    response_id: String,
    choices: Vec<Choice>,
    /// The last count, where it was not passed on yet.
    usage: Option<WireUsage>,
    searches: u64,
}

#[derive(Debug, Default)]
struct Choice {
    index: u32,
    is_finished: bool,
    /// Ids of the calls so far.
    calls: Vec<String>,
    images: u32,
    /// Items of `reasoning_details` so far, and whether the last of them may go on.
    details: u32,
    is_thinking: bool,
    /// What is left of a piece of sound that does not fill three bytes.
    sound: Vec<u8>,
    words: String,
    grounding: Option<Grounding>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk<'a> {
    candidates: Option<Vec<Candidate>>,
    prompt_feedback: Option<PromptFeedback>,
    usage_metadata: Option<WireUsage>,
    model_version: Option<String>,
    response_id: Option<String>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PromptFeedback {
    block_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    index: Option<u32>,
    content: Option<Content>,
    finish_reason: Option<String>,
    grounding_metadata: Option<Grounding>,
    citation_metadata: Option<Citations>,
    logprobs_result: Option<Logprobs>,
}

#[derive(Deserialize)]
struct Content {
    parts: Option<Vec<Part>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    text: Option<String>,
    thought: Option<bool>,
    thought_signature: Option<String>,
    inline_data: Option<InlineData>,
    function_call: Option<FunctionCall>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InlineData {
    mime_type: Option<String>,
    data: Option<String>,
}

#[derive(Deserialize)]
struct FunctionCall {
    id: Option<String>,
    name: Option<String>,
    args: Option<Box<RawValue>>,
}

impl Answer {
    pub(super) fn new(asked: Asked) -> Self {
        Self { asked, ..Self::default() }
    }

    pub(super) fn take(
        &mut self,
        json: &[u8],
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let chunk: Chunk<'_> = serde_json::from_slice(json).map_err(|error| malformed(&error))?;
        if let Some(error) = chunk.error {
            return Err(DecodeError::Upstream(classify::in_band(error.get().as_bytes())));
        }
        self.start(chunk.response_id, chunk.model_version, out);
        if chunk.usage_metadata.is_some() {
            self.usage = chunk.usage_metadata;
        }
        for candidate in chunk.candidates.unwrap_or_default() {
            self.candidate(candidate, out)?;
        }
        let blocked = chunk.prompt_feedback.and_then(|feedback| feedback.block_reason);
        if let (Some(reason), true) = (blocked, self.choices.is_empty()) {
            return Err(DecodeError::Upstream(refused(reason)));
        }
        if self.is_complete() {
            self.count(out);
        }
        Ok(())
    }

    /// The body has ended: every choice must have ended too.
    pub(super) fn finish(&mut self, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
        self.count(out);
        if self.is_complete() { Ok(()) } else { Err(DecodeError::Truncated) }
    }

    fn is_complete(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|choice| choice.is_finished)
    }

    fn start(
        &mut self,
        response_id: Option<String>,
        model_version: Option<String>,
        out: &mut Vec<ChatEvent>,
    ) {
        if std::mem::replace(&mut self.has_started, true) {
            return;
        }
        let short = |text: &String| !text.is_empty() && text.len() <= 256;
        let upstream_id = response_id.filter(short);
        let letters = upstream_id.iter().flat_map(|id| id.chars());
        self.response_id = letters.filter(char::is_ascii_alphanumeric).take(32).collect();
        out.push(ChatEvent::Started {
            upstream_id,
            upstream_model: model_version.filter(short),
            system_fingerprint: None,
            service_tier: None,
        });
    }

    fn count(&mut self, out: &mut Vec<ChatEvent>) {
        let Some(usage) =
            self.usage.take().and_then(|usage| usage.disjoint(self.asked.counts_images))
        else {
            return;
        };
        let images = self.choices.iter().map(|choice| u64::from(choice.images)).sum();
        out.push(ChatEvent::Usage(domain::usage::Usage {
            image_output: images,
            web_searches: self.searches,
            ..usage
        }));
    }

    fn candidate(
        &mut self,
        candidate: Candidate,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let index = candidate.index.unwrap_or(0);
        if index > INDEX_MAX {
            return Err(DecodeError::Malformed("a candidate's index is out of range".to_owned()));
        }
        let known = self.choices.iter().position(|choice| choice.index == index);
        let position = known.unwrap_or_else(|| {
            self.choices.push(Choice { index, ..Choice::default() });
            self.choices.len() - 1
        });
        let Some(choice) = self.choices.get_mut(position).filter(|choice| !choice.is_finished)
        else {
            return Ok(());
        };
        let first = out.len();
        let name = || format!("{}_{}", self.response_id, self.asked.salt);
        for part in candidate.content.and_then(|content| content.parts).unwrap_or_default() {
            choice.part(part, &name, self.asked.keeps_words, out)?;
        }
        if let Some(logprobs) = candidate.logprobs_result.and_then(Logprobs::write) {
            choice.push(Delta::Logprobs(logprobs), out);
        }
        choice.grounding = candidate.grounding_metadata.or(choice.grounding.take());
        if let Some(annotations) = candidate.citation_metadata.and_then(Citations::write) {
            choice.push(Delta::Other { name: "annotations".to_owned(), value: annotations }, out);
        }
        let Some(native) = candidate.finish_reason.filter(|reason| !reason.is_empty()) else {
            return Ok(());
        };
        let has_output = known.is_some() || out.len() > first;
        if let (Meaning::Failure, false) = (finish::meaning(&native), has_output) {
            return Err(DecodeError::Upstream(failed(native)));
        }
        let queries = choice.grounding.as_ref().map_or(0, Grounding::queries);
        self.searches += if self.asked.counts_queries { queries } else { queries.min(1) };
        choice.finish(native, &name, out);
        Ok(())
    }
}

impl Choice {
    fn push(&self, delta: Delta, out: &mut Vec<ChatEvent>) {
        out.push(ChatEvent::Delta { choice: self.index, delta });
    }

    fn part(
        &mut self,
        part: Part,
        name: &impl Fn() -> String,
        keeps_words: bool,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let signature = part.thought_signature.filter(|signature| !signature.is_empty());
        let text = part.text.filter(|text| !text.is_empty());
        if part.thought == Some(true) {
            // Images that it thinks with are not the answer.
            self.thought(text, signature, out);
            return Ok(());
        }
        if let Some(call) = part.function_call {
            return self.call(call, signature, name, out);
        }
        if let Some(data) = part.inline_data {
            self.media(data, signature, name, out);
            return Ok(());
        }
        if let Some(text) = text {
            self.is_thinking = false;
            if keeps_words && self.words.len() + text.len() <= WORDS_BYTES_MAX {
                self.words.push_str(&text);
            }
            self.push(Delta::Content(text), out);
        }
        self.seal(None, signature, out);
        Ok(())
    }

    fn thought(
        &mut self,
        text: Option<String>,
        signature: Option<String>,
        out: &mut Vec<ChatEvent>,
    ) {
        if text.is_none() && signature.is_none() {
            return;
        }
        if !std::mem::replace(&mut self.is_thinking, true) {
            self.details += 1;
        }
        let mut detail = json!({
            "type": "reasoning.text", "text": text.as_deref().unwrap_or_default(),
            "format": FORMAT, "index": self.details - 1,
        });
        if let Some(text) = text {
            self.push(Delta::Reasoning(text), out);
        }
        if let (Some(signature), Some(detail)) = (signature, detail.as_object_mut()) {
            detail.insert("signature".to_owned(), signature.into());
            // What follows a signature has one of its own.
            self.is_thinking = false;
        }
        self.push_details(&detail, out);
    }

    /// The signature of a part that is shown otherwise: of a call or an image by its id, of words
    /// without one.
    fn seal(&mut self, id: Option<&str>, signature: Option<String>, out: &mut Vec<ChatEvent>) {
        let Some(signature) = signature else { return };
        self.is_thinking = false;
        let detail = json!({
            "type": "reasoning.encrypted", "data": signature, "id": id,
            "format": FORMAT, "index": self.details,
        });
        self.details += 1;
        self.push_details(&detail, out);
    }

    fn push_details(&self, detail: &serde_json::Value, out: &mut Vec<ChatEvent>) {
        if let Ok(details) = to_raw_value(&[detail]) {
            self.push(Delta::ReasoningDetails(details), out);
        }
    }

    fn call(
        &mut self,
        call: FunctionCall,
        signature: Option<String>,
        name: &impl Fn() -> String,
        out: &mut Vec<ChatEvent>,
    ) -> Result<(), DecodeError> {
        let index = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        if index > INDEX_MAX {
            return Err(DecodeError::Malformed("there are too many calls".to_owned()));
        }
        let given = call.id.filter(|id| !id.is_empty() && !self.calls.contains(id));
        let id = given.unwrap_or_else(|| format!("call_{}_{}_{index}", name(), self.index));
        self.calls.push(id.clone());
        self.is_thinking = false;
        self.seal(Some(&id), signature, out);
        let arguments = call.args.filter(|args| args.get() != "null");
        let call = ToolCallDelta {
            index,
            id: Some(id),
            name: Some(call.name.unwrap_or_default()),
            arguments: arguments.map_or_else(|| "{}".to_owned(), |args| args.get().to_owned()),
        };
        self.push(Delta::ToolCall(call), out);
        Ok(())
    }

    fn media(
        &mut self,
        media: InlineData,
        signature: Option<String>,
        name: &impl Fn() -> String,
        out: &mut Vec<ChatEvent>,
    ) {
        self.is_thinking = false;
        let (mime_type, data) =
            (media.mime_type.unwrap_or_default(), media.data.unwrap_or_default());
        if mime_type.starts_with("audio/") {
            self.sound(&data, name, out);
            self.seal(None, signature, out);
            return;
        }
        let url = format!("data:{mime_type};base64,{data}");
        let value = if mime_type.starts_with("image/") {
            let id = format!("image_{}", self.images);
            self.images = self.images.saturating_add(1);
            self.seal(Some(&id), signature, out);
            ("images", json!([{ "type": "image_url", "image_url": { "url": url } }]))
        } else {
            ("files", json!([{ "type": "file", "file": { "file_data": url } }]))
        };
        if let Ok(raw) = to_raw_value(&value.1) {
            self.push(Delta::Other { name: value.0.to_owned(), value: raw }, out);
        }
    }

    /// Sound is given on in whole groups of three bytes, so that pieces can be put together as
    /// text.
    fn sound(&mut self, data: &str, name: &impl Fn() -> String, out: &mut Vec<ChatEvent>) {
        let Ok(bytes) = STANDARD.decode(data) else { return };
        self.sound.extend_from_slice(&bytes);
        let whole = self.sound.len() - self.sound.len() % 3;
        let rest = self.sound.split_off(whole);
        let ready = std::mem::replace(&mut self.sound, rest);
        self.play(&ready, name, out);
    }

    fn play(&self, bytes: &[u8], name: &impl Fn() -> String, out: &mut Vec<ChatEvent>) {
        if bytes.is_empty() {
            return;
        }
        let id = format!("audio_{}_{}", name(), self.index);
        if let Ok(value) = to_raw_value(&json!({ "id": id, "data": STANDARD.encode(bytes) })) {
            self.push(Delta::Other { name: "audio".to_owned(), value }, out);
        }
    }

    fn finish(&mut self, native: String, name: &impl Fn() -> String, out: &mut Vec<ChatEvent>) {
        let rest = std::mem::take(&mut self.sound);
        self.play(&rest, name, out);
        let annotations = self.grounding.take().and_then(|grounding| grounding.write(&self.words));
        if let Some(value) = annotations {
            self.push(Delta::Other { name: "annotations".to_owned(), value }, out);
        }
        self.is_finished = true;
        let reason = match finish::meaning(&native) {
            Meaning::Reason(FinishReason::Stop) if !self.calls.is_empty() => {
                FinishReason::ToolCalls
            }
            Meaning::Reason(reason) => reason,
            Meaning::Failure => FinishReason::Error,
        };
        out.push(ChatEvent::Finished {
            choice: self.index,
            reason,
            native_reason: Some(native),
            stop_sequence: None,
        });
    }
}

/// The prompt was not let through.
fn refused(reason: String) -> UpstreamError {
    UpstreamError {
        kind: ErrorType::ContentPolicyViolation,
        retry: Retry::Other,
        status: Some(200),
        raw: None,
        message: format!("the provider refuses this prompt ({reason})"),
        provider_code: Some(reason),
    }
}

/// The model went wrong before it said anything: another try may do better.
fn failed(reason: String) -> UpstreamError {
    UpstreamError {
        kind: ErrorType::ProviderUnavailable,
        retry: Retry::Other,
        status: Some(200),
        raw: None,
        message: format!("the model ended its answer before it began ({reason})"),
        provider_code: Some(reason),
    }
}
