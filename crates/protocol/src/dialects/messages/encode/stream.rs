//! A message as a stream of named events.

use bytes::BytesMut;

use super::Thoughts;
use super::blocks::{Blocks, Piece, Sink, Start};
use super::message::{Facts, write_envelope, write_json_line, write_metadata};
use crate::chat::event::ChatEvent;
use crate::dialects::{Encoder, Envelope, Summary};
use crate::error::PublicError;
use crate::json::{write_escaped, write_string, write_u64};

/// Writes blocks as they come.
pub(super) struct Stream {
    envelope: Envelope,
    facts: Facts,
    blocks: Blocks<Events>,
    has_begun: bool,
}

impl Stream {
    pub(super) fn new(envelope: Envelope, thoughts: Thoughts) -> Self {
        let blocks = Blocks::new(Events::default(), envelope.id.clone(), thoughts);
        Self { envelope, facts: Facts::default(), blocks, has_begun: false }
    }

    /// Written with the first output, because some providers say before it what the input was.
    /// Where they don't, the count here is 0 and the one at the end holds.
    fn begin(&mut self, out: &mut BytesMut) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        out.extend_from_slice(
            b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{",
        );
        write_envelope(&self.envelope, out);
        out.extend_from_slice(
            b"\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"stop_details\":null,\
              \"container\":null,\"usage\":",
        );
        self.facts.write_usage(None, out);
        out.extend_from_slice(b"}}\n\n");
    }
}

impl Encoder for Stream {
    fn push(&mut self, event: &ChatEvent, out: &mut BytesMut) {
        self.facts.note(event);
        match event {
            // There is one choice: this dialect has no way to ask for more.
            ChatEvent::Delta { choice: 0, delta } => {
                self.begin(out);
                self.blocks.push(delta, out);
            }
            ChatEvent::Native(native) => {
                self.begin(out);
                self.blocks.push_native(native, out);
            }
            ChatEvent::Finished { choice: 0, .. } => {
                self.begin(out);
                self.blocks.release_all(out);
            }
            ChatEvent::Started { .. }
            | ChatEvent::Usage(_)
            | ChatEvent::Delta { .. }
            | ChatEvent::Finished { .. }
            | ChatEvent::Embeddings(_)
            | ChatEvent::Ranking(_) => {}
        }
    }

    fn finish(&mut self, summary: &Summary, out: &mut BytesMut) {
        self.begin(out);
        self.blocks.finish(out);
        out.extend_from_slice(
            b"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{",
        );
        self.facts.write_end(self.blocks.has_calls(), self.blocks.has_refused, out);
        out.extend_from_slice(b"},\"usage\":");
        self.facts.write_usage(Some(summary), out);
        out.extend_from_slice(b"}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"");
        write_metadata(summary, out);
        out.extend_from_slice(b"}\n\n");
    }

    /// An error event ends a stream: nothing follows it. Anthropic's clients raise it.
    fn fail(&mut self, error: &PublicError, summary: &Summary, out: &mut BytesMut) {
        out.extend_from_slice(b"event: error\ndata: ");
        self.facts.write_error(error, &self.envelope, summary, out);
        out.extend_from_slice(b"\n\n");
    }

    fn keep_alive(&mut self, out: &mut BytesMut) {
        out.extend_from_slice(b"event: ping\ndata: {\"type\":\"ping\"}\n\n");
    }
}

/// Writes blocks as events with indices of our own.
#[derive(Default)]
struct Events {
    next: u64,
    /// Everything of a delta up to its object: the same for every delta of a block.
    prefix: BytesMut,
}

impl Sink for Events {
    fn start(&mut self, block: &Start<'_>, out: &mut BytesMut) {
        self.prefix.clear();
        self.prefix.extend_from_slice(
            b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":",
        );
        write_u64(&mut self.prefix, self.next);
        self.prefix.extend_from_slice(b",\"delta\":");
        out.extend_from_slice(
            b"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":",
        );
        write_u64(out, self.next);
        out.extend_from_slice(b",\"content_block\":");
        match block {
            Start::Text => out.extend_from_slice(b"{\"type\":\"text\",\"text\":\"\"}"),
            Start::Thinking => out
                .extend_from_slice(b"{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}"),
            Start::Redacted { data } => {
                out.extend_from_slice(b"{\"type\":\"redacted_thinking\",\"data\":");
                write_string(out, data);
                out.extend_from_slice(b"}");
            }
            Start::Call { id, name } => {
                out.extend_from_slice(b"{\"type\":\"tool_use\",\"id\":");
                write_string(out, id);
                out.extend_from_slice(b",\"name\":");
                write_string(out, name);
                out.extend_from_slice(b",\"input\":{}}");
            }
            Start::Json(json) => write_json_line(out, json),
        }
        out.extend_from_slice(b"}\n\n");
    }

    fn add(&mut self, piece: &Piece<'_>, out: &mut BytesMut) {
        out.extend_from_slice(&self.prefix);
        let (head, text): (&[u8], &str) = match piece {
            Piece::Text(text) => (b"{\"type\":\"text_delta\",\"text\":\"", text),
            Piece::Thinking(text) => (b"{\"type\":\"thinking_delta\",\"thinking\":\"", text),
            Piece::Signature(text) => (b"{\"type\":\"signature_delta\",\"signature\":\"", text),
            Piece::Arguments(text) => (b"{\"type\":\"input_json_delta\",\"partial_json\":\"", text),
            Piece::Json(json) => {
                write_json_line(out, json);
                out.extend_from_slice(b"}\n\n");
                return;
            }
        };
        out.extend_from_slice(head);
        write_escaped(out, text);
        out.extend_from_slice(b"\"}}\n\n");
    }

    fn stop(&mut self, out: &mut BytesMut) {
        out.extend_from_slice(
            b"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":",
        );
        write_u64(out, self.next);
        out.extend_from_slice(b"}\n\n");
        self.next = self.next.saturating_add(1);
    }
}
