//! The loop that moves one answer from upstream to downstream.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use domain::catalog::Cancellation;
use domain::generation::Outcome;
use futures_util::FutureExt as _;
use ledger::quote;
use protocol::dialects::{Envelope, MakeEncoder};
use protocol::error::{ErrorType, PublicError};
use providers::error::UpstreamError;

use crate::admit::Call;
use crate::admit::funds::HoldError;
use crate::inbound::Reply;
use crate::meter::Meter;
use crate::pipeline::Gateway;
use crate::routing::Candidate;
use crate::stream::line::Line;
use crate::upstream::{Opened, not_decoded, transport};

/// Chunks that are handed on together at most.
const GATHER_MAX: usize = 64;

/// How an answer ended. What the caller is still owed is written after it is settled.
pub(crate) struct Ending {
    pub(crate) outcome: Outcome,
    pub(crate) candidate: Candidate,
    pub(crate) line: Line,
    pub(crate) ttft_ms: u32,
    /// Encoded and not sent yet.
    pub(crate) out: BytesMut,
    /// Why it broke off.
    pub(crate) error: Option<PublicError>,
}

/// Why the loop stops before the upstream has finished.
enum Stop {
    CallerGone,
    CreditUsedUp,
    Broken(PublicError),
}

/// Moves one answer. Ends, whatever happens, with an [`Ending`].
pub(crate) async fn drive(
    gateway: &Gateway,
    call: &mut Call,
    opened: Opened,
    encoder: MakeEncoder,
    reply: &mut Reply,
) -> Ending {
    let streaming = call.request.stream;
    let envelope = Envelope {
        id: call.id.to_string(),
        created: call.admitted_at.as_seconds(),
        model: opened.candidate.endpoint.model.to_string(),
        provider: opened.candidate.endpoint.provider.name.clone(),
    };
    let encoder = encoder(envelope, streaming);
    let stages = std::mem::take(&mut call.stages);
    let line = Line::new(opened.decoder, stages, Meter::new(&call.estimate), encoder);
    if streaming {
        reply.begin(&call.id, gateway.settings.downstream_chunks);
    }
    let now = Instant::now();
    let mut drive = Drive {
        gateway,
        call,
        reply,
        candidate: opened.candidate,
        line,
        out: BytesMut::with_capacity(4 * 1024),
        covered: 0,
        last_chunk: now,
        last_sent: now,
        downstream_gone: false,
    };
    drive.covered = drive.covered_at_first();
    drive.line.prime(opened.events, &mut drive.out);
    let stop = if opened.complete { None } else { drive.run(opened.response).await };
    drive.end(stop, opened.ttft_ms)
}

struct Drive<'a> {
    gateway: &'a Gateway,
    call: &'a mut Call,
    reply: &'a mut Reply,
    candidate: Candidate,
    line: Line,
    out: BytesMut,
    /// Output tokens that the hold pays for.
    covered: u64,
    last_chunk: Instant,
    last_sent: Instant,
    /// The caller has left, and the upstream bills the whole answer anyway.
    downstream_gone: bool,
}

impl Drive<'_> {
    /// Reads until the upstream has finished; otherwise says why it was stopped.
    async fn run(&mut self, mut response: reqwest::Response) -> Option<Stop> {
        let tick = self.gateway.settings.keep_alive_interval.min(Duration::from_secs(1));
        let timer = tokio::time::sleep(tick);
        tokio::pin!(timer);
        loop {
            if let Err(stop) = self.flush().await {
                return Some(stop);
            }
            let downstream_gone = self.downstream_gone;
            // Cancelled branches lose nothing: `chunk` consumes only when it is ready.
            tokio::select! {
                biased;
                () = self.reply.gone(), if !downstream_gone => {
                    if let Some(stop) = self.caller_left() {
                        return Some(stop);
                    }
                }
                // Before chunks: an upstream that is never out of them must not outrun time.
                () = &mut timer => {
                    timer.as_mut().reset(tokio::time::Instant::now() + tick);
                    if let Err(stop) = self.tick() {
                        return Some(stop);
                    }
                }
                chunk = response.chunk() => match self.gather(chunk, &mut response).await {
                    Ok(true) => return None,
                    Ok(false) => {}
                    Err(stop) => return Some(stop),
                },
            }
        }
    }

    /// Takes one chunk and those that have arrived with it, so that what came together leaves
    /// together: a write to the caller's connection costs more than all else about a chunk.
    async fn gather(
        &mut self,
        first: reqwest::Result<Option<Bytes>>,
        response: &mut reqwest::Response,
    ) -> Result<bool, Stop> {
        let mut complete = self.take(first)?;
        let mut has_yielded = false;
        for _ in 1..GATHER_MAX {
            if complete {
                break;
            }
            // A chunk is consumed only when it is there.
            match response.chunk().now_or_never() {
                Some(chunk) => {
                    complete = self.take(chunk)?;
                    has_yielded = false;
                }
                None if has_yielded => break,
                None => {
                    // Lets the connection's own task hand over what it has read already.
                    tokio::task::yield_now().await;
                    has_yielded = true;
                }
            }
        }
        Ok(complete)
    }

    /// Takes one chunk. `true` when the answer is complete.
    fn take(&mut self, chunk: reqwest::Result<Option<Bytes>>) -> Result<bool, Stop> {
        self.last_chunk = Instant::now();
        let (result, complete) = match chunk {
            Ok(Some(bytes)) => (self.line.push(&bytes, &mut self.out), false),
            Ok(None) => (self.line.close(&mut self.out), true),
            Err(_) => {
                let error = transport::unreachable(&self.candidate.endpoint, "it broke off");
                return Err(self.upstream_failed(error));
            }
        };
        match result {
            Ok(()) => Ok(complete),
            Err(error) => {
                let error = not_decoded(&self.candidate, error);
                Err(self.upstream_failed(error))
            }
        }
    }

    fn upstream_failed(&self, error: UpstreamError) -> Stop {
        let error = self.gateway.transport.redact(error, &self.candidate.endpoint);
        self.candidate.stats.broke_off(self.gateway.clock.now());
        let name = self.candidate.endpoint.provider.name.clone();
        let mut public =
            PublicError::new(error.kind, error.message).with_metadata("provider_name", name);
        if let Some(raw) = error.raw {
            public = public.with_metadata("raw", raw);
        }
        Stop::Broken(public)
    }

    /// The caller has left: stop, unless the upstream bills the whole answer anyway, when its
    /// own count of it is worth waiting for.
    fn caller_left(&mut self) -> Option<Stop> {
        self.downstream_gone = true;
        match self.candidate.endpoint.provider.cancellation {
            Cancellation::Stops => Some(Stop::CallerGone),
            Cancellation::BillsWhole => None,
        }
    }

    /// Makes room in the hold, then hands on what has been encoded.
    async fn flush(&mut self) -> Result<(), Stop> {
        if self.line.output_tokens() >= self.covered {
            self.extend().await?;
        }
        // Some dialects repeat a whole streamed answer in its last event, so none may be endless.
        let max = self.gateway.settings.unary_body_bytes_max;
        if self.line.output_bytes() > max as u64 {
            return Err(broken(ErrorType::ProviderUnavailable, "The answer is too long."));
        }
        if self.out.is_empty() || !self.call.request.stream {
            return Ok(());
        }
        let bytes = self.out.split().freeze();
        if self.downstream_gone {
            return Ok(());
        }
        let stall = self.gateway.settings.downstream_stall_timeout;
        let sent = tokio::select! {
            biased;
            sent = tokio::time::timeout(stall, self.reply.send(bytes)) => sent,
            // A caller that does not read must not be waited for; what it had is charged.
            () = self.gateway.stopping.cancelled() => return Err(Stop::CallerGone),
        };
        self.last_sent = Instant::now();
        if matches!(sent, Ok(Ok(()))) {
            return Ok(());
        }
        self.caller_left().map_or(Ok(()), Err)
    }

    /// Each second: is this server to stop, is the upstream silent, is the deadline over, is the
    /// caller waiting?
    fn tick(&mut self) -> Result<(), Stop> {
        if self.gateway.stopping.is_cancelled() {
            return Err(shutting_down());
        }
        let settings = &self.gateway.settings;
        if self.last_chunk.elapsed() >= settings.idle_timeout
            || self.call.started.elapsed() >= settings.deadline
        {
            let error = transport::timed_out(&self.candidate.endpoint);
            return Err(self.upstream_failed(error));
        }
        if self.call.request.stream && self.last_sent.elapsed() >= settings.keep_alive_interval {
            self.last_sent = Instant::now();
            let mut comment = BytesMut::new();
            self.line.keep_alive(&mut comment);
            self.reply.offer(comment.freeze());
        }
        Ok(())
    }

    /// A caller's own bound was held in full before dialling; without one, or where nothing is
    /// held at all, the first hold covers so many tokens.
    fn covered_at_first(&self) -> u64 {
        let estimate = &self.call.estimate;
        if estimate.output_bound.is_some() || !self.call.held.is_metered() {
            return u64::MAX;
        }
        u64::from(estimate.open_output.min(self.candidate.endpoint.output_tokens_max()))
            * u64::from(estimate.choices)
    }

    /// Doubles what the hold covers, or adds a quarter, or stops the answer.
    async fn extend(&mut self) -> Result<(), Stop> {
        for target in [self.covered.saturating_mul(2), self.covered + self.covered / 4 + 16] {
            let quote = quote::upper_bound(
                self.call.estimate.prompt_tokens_bound(),
                target,
                self.call.estimate.images,
                &self.candidate.endpoint.prices,
            );
            match self.call.held.grow_to(quote).await {
                Ok(()) => {
                    self.covered = target;
                    return Ok(());
                }
                Err(HoldError::Short { .. }) => {}
                Err(HoldError::Unavailable(_)) => {
                    let text = "This server cannot reserve more credit at the moment. The \
                                answer so far was not charged; ask again.";
                    return Err(broken(ErrorType::Server, text));
                }
            }
        }
        Err(Stop::CreditUsedUp)
    }

    fn end(mut self, stop: Option<Stop>, ttft_ms: u32) -> Ending {
        let (outcome, error) = match stop {
            None if self.downstream_gone => (Outcome::Cancelled, None),
            None => (Outcome::Finished, None),
            Some(Stop::CallerGone) => (Outcome::Cancelled, None),
            Some(Stop::CreditUsedUp) => {
                self.line.cut(self.call.estimate.choices, &mut self.out);
                (Outcome::Cut, None)
            }
            Some(Stop::Broken(error)) => (Outcome::Failed, Some(error)),
        };
        let (candidate, line, out) = (self.candidate, self.line, self.out);
        Ending { outcome, candidate, line, ttft_ms, out, error }
    }
}

fn shutting_down() -> Stop {
    broken(ErrorType::ProviderUnavailable, "This server is shutting down. Ask again.")
}

fn broken(kind: ErrorType, text: &str) -> Stop {
    Stop::Broken(PublicError::new(kind, text))
}
