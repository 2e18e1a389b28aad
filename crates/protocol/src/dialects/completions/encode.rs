//! Events to chunks of text, or to one completion.

use bytes::BytesMut;
use domain::generation::FinishReason;

use super::logprobs;
use crate::chat::event::{ChatEvent, Delta};
use crate::chat::fold::{Choice, Fold};
use crate::dialects::chat_completions::write::{
    write_envelope, write_error, write_metadata, write_usage,
};
use crate::dialects::{Encoder, Envelope, MakeEncoder, Summary};
use crate::error::PublicError;
use crate::json::{write_escaped, write_optional_string, write_string, write_u64};
use crate::sse;

const KEEP_ALIVE: &str = "ENTREPOT PROCESSING";

/// Makes the encoder of one response. `echo` is the prompt, where the answer repeats it.
pub fn encoder(echo: Option<String>) -> MakeEncoder {
    Box::new(move |envelope, stream| {
        let echo = echo.unwrap_or_default();
        if stream {
            Box::new(Chunks { envelope, echo, begun: Vec::new() })
        } else {
            Box::new(Whole { envelope, echo, fold: Fold::new() })
        }
    })
}

struct Chunks {
    envelope: Envelope,
    echo: String,
    begun: Vec<Begun>,
}

/// A choice that has begun.
struct Begun {
    choice: u32,
    /// Characters before the next token.
    offset: usize,
    is_finished: bool,
}

impl Chunks {
    /// Notes that a choice has something to say; the prompt goes first where it is repeated.
    fn begin(&mut self, choice: u32, out: &mut BytesMut) {
        if self.begun.iter().any(|begun| begun.choice == choice) {
            return;
        }
        let offset = self.echo.chars().count();
        self.begun.push(Begun { choice, offset, is_finished: false });
        if !self.echo.is_empty() {
            self.write(choice, &self.echo, "", out);
        }
    }

    fn write_delta(&mut self, choice: u32, delta: &Delta, out: &mut BytesMut) {
        match delta {
            Delta::Content(text) | Delta::Refusal(text) => {
                self.begin(choice, out);
                self.write(choice, text, "", out);
            }
            Delta::Reasoning(text) => {
                self.begin(choice, out);
                self.write(choice, "", text, out);
            }
            Delta::Logprobs(raw) => {
                self.begin(choice, out);
                let Some(mut offset) = self.find(choice).map(|begun| begun.offset) else { return };
                self.open(choice, out);
                out.extend_from_slice(b"\"text\":\"\",\"logprobs\":");
                logprobs::write(out, raw.get(), &mut offset);
                out.extend_from_slice(
                    b",\"finish_reason\":null,\"native_finish_reason\":null}]}\n\n",
                );
                if let Some(begun) = self.find(choice) {
                    begun.offset = offset;
                }
            }
            // This dialect has no form for them.
            Delta::ReasoningDetails(_) | Delta::ToolCall(_) | Delta::Other { .. } => {}
        }
    }

    fn find(&mut self, choice: u32) -> Option<&mut Begun> {
        self.begun.iter_mut().find(|begun| begun.choice == choice)
    }

    /// Writes up to and including the index of the chunk's one choice.
    fn open(&self, choice: u32, out: &mut BytesMut) {
        out.extend_from_slice(b"data: {");
        write_envelope(out, &self.envelope, "text_completion");
        out.extend_from_slice(b"\"choices\":[{\"index\":");
        write_u64(out, u64::from(choice));
        out.extend_from_slice(b",");
    }

    fn write(&self, choice: u32, text: &str, reasoning: &str, out: &mut BytesMut) {
        self.open(choice, out);
        out.extend_from_slice(b"\"text\":");
        write_string(out, text);
        if !reasoning.is_empty() {
            out.extend_from_slice(b",\"reasoning\":");
            write_string(out, reasoning);
        }
        out.extend_from_slice(
            b",\"logprobs\":null,\"finish_reason\":null,\"native_finish_reason\":null}]}\n\n",
        );
    }

    fn write_finish(
        &mut self,
        choice: u32,
        reason: FinishReason,
        native_reason: Option<&str>,
        out: &mut BytesMut,
    ) {
        self.begin(choice, out);
        if let Some(begun) = self.find(choice) {
            begun.is_finished = true;
        }
        self.open(choice, out);
        out.extend_from_slice(b"\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"");
        out.extend_from_slice(reason.as_str().as_bytes());
        out.extend_from_slice(b"\",\"native_finish_reason\":");
        write_optional_string(out, native_reason);
        out.extend_from_slice(b"}]}\n\n");
    }

    fn write_end(&self, summary: &Summary, out: &mut BytesMut) {
        out.extend_from_slice(b"data: {");
        write_envelope(out, &self.envelope, "text_completion");
        out.extend_from_slice(b"\"choices\":[],\"usage\":");
        write_usage(out, summary);
        write_metadata(out, summary);
        out.extend_from_slice(b"}\n\n");
        sse::write_data(out, "[DONE]");
    }
}

impl Encoder for Chunks {
    fn push(&mut self, event: &ChatEvent, out: &mut BytesMut) {
        match event {
            ChatEvent::Delta { choice, delta } => self.write_delta(*choice, delta, out),
            ChatEvent::Finished { choice, reason, native_reason, .. } => {
                self.write_finish(*choice, *reason, native_reason.as_deref(), out);
            }
            // Usage is told once, at the end, together with what it cost; the rest has no form
            // in this dialect.
            ChatEvent::Started { .. }
            | ChatEvent::Usage(_)
            | ChatEvent::Native(_)
            | ChatEvent::Embeddings(_)
            | ChatEvent::Ranking(_) => {}
        }
    }

    fn finish(&mut self, summary: &Summary, out: &mut BytesMut) {
        self.write_end(summary, out);
    }

    fn fail(&mut self, error: &PublicError, summary: &Summary, out: &mut BytesMut) {
        out.extend_from_slice(b"data: {");
        write_envelope(out, &self.envelope, "text_completion");
        out.extend_from_slice(b"\"error\":");
        write_error(out, error);
        out.extend_from_slice(b",\"choices\":[");
        let mut open: Vec<u32> = self
            .begun
            .iter()
            .filter(|begun| !begun.is_finished)
            .map(|begun| begun.choice)
            .collect();
        if open.is_empty() {
            open.push(0);
        }
        for (position, choice) in open.into_iter().enumerate() {
            out.extend_from_slice(if position == 0 { b"{\"index\":" } else { b",{\"index\":" });
            write_u64(out, u64::from(choice));
            out.extend_from_slice(
                b",\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"error\",\
                  \"native_finish_reason\":null}",
            );
        }
        out.extend_from_slice(b"]}\n\n");
        self.write_end(summary, out);
    }

    fn keep_alive(&mut self, out: &mut BytesMut) {
        sse::write_comment(out, KEEP_ALIVE);
    }
}

/// Collects the events and writes one completion.
struct Whole {
    envelope: Envelope,
    echo: String,
    fold: Fold,
}

impl Whole {
    fn write(&self, error: Option<&PublicError>, summary: &Summary, out: &mut BytesMut) {
        let response = self.fold.response();
        out.extend_from_slice(b"{");
        write_envelope(out, &self.envelope, "text_completion");
        out.extend_from_slice(b"\"system_fingerprint\":");
        write_optional_string(out, response.system_fingerprint.as_deref());
        out.extend_from_slice(b",\"choices\":[");
        let nothing = [Choice::default()];
        // A failure is told within a choice, so there must be one.
        let choices = match error {
            Some(_) if response.choices.is_empty() => &nothing[..],
            _ => &response.choices[..],
        };
        for (position, choice) in choices.iter().enumerate() {
            if position > 0 {
                out.extend_from_slice(b",");
            }
            self.write_choice(choice, error, out);
        }
        out.extend_from_slice(b"],\"usage\":");
        write_usage(out, summary);
        write_metadata(out, summary);
        out.extend_from_slice(b"}");
    }

    fn write_choice(&self, choice: &Choice, error: Option<&PublicError>, out: &mut BytesMut) {
        // What had ended before the failure is whole.
        let error = error.filter(|_| choice.finish_reason.is_none());
        let reason = error.map_or(choice.finish_reason, |_| Some(FinishReason::Error));
        out.extend_from_slice(b"{\"index\":");
        write_u64(out, u64::from(choice.index));
        out.extend_from_slice(b",\"text\":\"");
        for text in [Some(&self.echo), choice.content.as_ref(), choice.refusal.as_ref()] {
            write_escaped(out, text.map_or("", String::as_str));
        }
        out.extend_from_slice(b"\"");
        if let Some(reasoning) = &choice.reasoning {
            out.extend_from_slice(b",\"reasoning\":");
            write_string(out, reasoning);
        }
        out.extend_from_slice(b",\"logprobs\":");
        match &choice.logprobs {
            Some(chat) => {
                let mut offset = self.echo.chars().count();
                logprobs::write(out, &chat.to_string(), &mut offset);
            }
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"finish_reason\":");
        write_optional_string(out, reason.map(FinishReason::as_str));
        out.extend_from_slice(b",\"native_finish_reason\":");
        write_optional_string(out, choice.native_finish_reason.as_deref());
        if let Some(error) = error {
            out.extend_from_slice(b",\"error\":");
            write_error(out, error);
        }
        out.extend_from_slice(b"}");
    }
}

impl Encoder for Whole {
    fn push(&mut self, event: &ChatEvent, _: &mut BytesMut) {
        self.fold.push(event);
    }

    fn finish(&mut self, summary: &Summary, out: &mut BytesMut) {
        self.write(None, summary, out);
    }

    fn fail(&mut self, error: &PublicError, summary: &Summary, out: &mut BytesMut) {
        self.write(Some(error), summary, out);
    }

    fn keep_alive(&mut self, _: &mut BytesMut) {}
}
