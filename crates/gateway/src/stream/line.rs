//! Decoder → stages → meter → encoder: one answer's assembly line, synchronous throughout.

use bytes::BytesMut;
use domain::generation::FinishReason;
use domain::usage::{Usage, UsageSource};
use protocol::chat::event::ChatEvent;
use protocol::dialects::{Encoder, Summary};
use protocol::error::PublicError;
use providers::adapter::Decoder;
use providers::error::DecodeError;

use crate::meter::Meter;
use crate::stream::stage::Stage;

/// How far the end of the answer is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Finish {
    pub(crate) reason: Option<FinishReason>,
    pub(crate) native_reason: Option<String>,
}

pub(crate) struct Line {
    decoder: Box<dyn Decoder>,
    stages: Vec<Box<dyn Stage>>,
    meter: Meter,
    encoder: Box<dyn Encoder>,
    finish: Finish,
    upstream_id: Option<String>,
    /// Reused for every chunk.
    events: Vec<ChatEvent>,
    scratch: Vec<ChatEvent>,
}

impl Line {
    pub(crate) fn new(
        decoder: Box<dyn Decoder>,
        stages: Vec<Box<dyn Stage>>,
        meter: Meter,
        encoder: Box<dyn Encoder>,
    ) -> Self {
        Self {
            decoder,
            stages,
            meter,
            encoder,
            finish: Finish::default(),
            upstream_id: None,
            events: Vec::with_capacity(8),
            scratch: Vec::new(),
        }
    }

    /// Passes on events that were decoded before the line was assembled.
    pub(crate) fn prime(&mut self, mut events: Vec<ChatEvent>, out: &mut BytesMut) {
        self.pass(&mut events, out);
    }

    /// Takes bytes from upstream; appends what the caller is to be sent.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<(), DecodeError> {
        let mut events = std::mem::take(&mut self.events);
        let result = self.decoder.push(bytes, &mut events);
        self.pass(&mut events, out);
        self.events = events;
        result
    }

    /// The upstream has closed the body.
    pub(crate) fn close(&mut self, out: &mut BytesMut) -> Result<(), DecodeError> {
        let mut events = std::mem::take(&mut self.events);
        let result = self.decoder.finish(&mut events);
        self.pass(&mut events, out);
        let mut owed = Vec::new();
        for index in 0..self.stages.len() {
            let mut part = Vec::new();
            if let Some(stage) = self.stages.get_mut(index) {
                stage.finish(&mut part);
            }
            self.run_stages(index + 1, &mut part);
            owed.append(&mut part);
        }
        self.emit(&mut owed, out);
        result
    }

    /// What the provider produced is metered before any stage can hide it.
    fn pass(&mut self, events: &mut Vec<ChatEvent>, out: &mut BytesMut) {
        for event in events.iter() {
            self.meter.watch(event);
        }
        self.run_stages(0, events);
        self.emit(events, out);
    }

    /// Runs stages from `first` on over the events, in place.
    fn run_stages(&mut self, first: usize, events: &mut Vec<ChatEvent>) {
        for stage in self.stages.iter_mut().skip(first) {
            for event in events.drain(..) {
                stage.push(event, &mut self.scratch);
            }
            std::mem::swap(events, &mut self.scratch);
        }
    }

    fn emit(&mut self, events: &mut Vec<ChatEvent>, out: &mut BytesMut) {
        for event in events.drain(..) {
            match &event {
                ChatEvent::Started { upstream_id, .. } => self.upstream_id.clone_from(upstream_id),
                ChatEvent::Finished { reason, native_reason, .. } => {
                    self.finish.reason = Some(*reason);
                    self.finish.native_reason.clone_from(native_reason);
                }
                ChatEvent::Delta { .. }
                | ChatEvent::Usage(_)
                | ChatEvent::Native(_)
                | ChatEvent::Embeddings(_)
                | ChatEvent::Ranking(_) => {}
            }
            self.encoder.push(&event, out);
        }
    }

    pub(crate) fn usage(&self) -> (Usage, UsageSource) {
        self.meter.usage()
    }

    pub(crate) const fn has_result(&self) -> bool {
        self.meter.has_result()
    }

    pub(crate) fn output_tokens(&self) -> u64 {
        self.meter.output_tokens()
    }

    pub(crate) const fn output_bytes(&self) -> u64 {
        self.meter.output_bytes()
    }

    /// The provider's own name for this answer.
    pub(crate) fn upstream_id(&self) -> Option<&str> {
        self.upstream_id.as_deref()
    }

    pub(crate) const fn finish(&self) -> &Finish {
        &self.finish
    }

    /// Ends every open choice for lack of credit.
    pub(crate) fn cut(&mut self, choices: u32, out: &mut BytesMut) {
        let mut events: Vec<ChatEvent> = (0..choices)
            .map(|choice| ChatEvent::Finished {
                choice,
                reason: FinishReason::Length,
                native_reason: Some("credit_exhausted".to_owned()),
                stop_sequence: None,
            })
            .collect();
        self.emit(&mut events, out);
    }

    pub(crate) fn end(&mut self, summary: &Summary, out: &mut BytesMut) {
        self.encoder.finish(summary, out);
    }

    pub(crate) fn fail(&mut self, error: &PublicError, summary: &Summary, out: &mut BytesMut) {
        self.encoder.fail(error, summary, out);
    }

    pub(crate) fn is_all_or_nothing(&self) -> bool {
        self.encoder.is_all_or_nothing()
    }

    pub(crate) fn keep_alive(&mut self, out: &mut BytesMut) {
        self.encoder.keep_alive(out);
    }
}
