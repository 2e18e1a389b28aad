//! *Attempt*: dials candidates in order until one gives the first event of an answer.
//!
//! The first event is the commit point. Before it a failure is ours to hide, by going on to the
//! next candidate; after it nothing here is called any more.

pub mod credentials;
pub(crate) mod fetch;
mod google_token;
pub mod transport;
pub mod turns;
mod write;

use std::time::Duration;

use bytes::Bytes;
use domain::generation::Attempt;
use protocol::chat::event::ChatEvent;
use protocol::chat::request::Kind;
use protocol::error::ErrorType;
use providers::adapter::{Decoder, Encoded};
use providers::error::{DecodeError, Retry, UpstreamError};
use reqwest::Response;
use tracing::Instrument;

use crate::admit::{Call, refusal};
use crate::error::{GatewayError, UpstreamFailure};
use crate::inbound::Reply;
use crate::pipeline::Gateway;
use crate::routing::{Candidate, RoutePlan};
use crate::upstream::turns::Turns;

/// The most of an upstream's error body that is read.
const ERROR_BODY_BYTES_MAX: usize = 64 * 1024;

/// An answer that has begun.
pub(crate) struct Opened {
    pub(crate) candidate: Candidate,
    pub(crate) response: Response,
    pub(crate) decoder: Box<dyn Decoder>,
    /// What was decoded up to and including the first event.
    pub(crate) events: Vec<ChatEvent>,
    /// The body has already ended.
    pub(crate) complete: bool,
    pub(crate) ttft_ms: u32,
}

/// Tries the plan's candidates in order, within the bounds on attempts and time.
pub(crate) async fn attempt(
    gateway: &Gateway,
    call: &mut Call,
    plan: RoutePlan,
    reply: &mut Reply,
) -> Result<Opened, GatewayError> {
    let mut last: Option<GatewayError> = None;
    let mut unsendable = Vec::new();
    let mut turns = Turns::new(plan, gateway.settings.attempts_max);
    while let Some(turn) = turns.take() {
        let Some(left) = gateway.settings.deadline.checked_sub(call.started.elapsed()) else {
            return Err(last.unwrap_or(GatewayError::Deadline));
        };
        if let Err(error) = call.held.grow_to(turn.candidate.quote).await {
            last.get_or_insert_with(|| refusal(error, &call.estimate, &call.resolved));
            continue;
        }
        // Nothing that is cut short here is lost but time: a later candidate gets it again.
        let inlined = tokio::select! {
            biased;
            () = reply.gone() => return Err(GatewayError::CallerGone),
            () = gateway.stopping.cancelled() => return Err(GatewayError::Busy),
            inlined = tokio::time::timeout(left, fetch::inline(gateway, call, &turn.candidate)) => {
                inlined.map_err(|_| GatewayError::Deadline)?
            }
        };
        let inlined = match inlined {
            Ok(inlined) => inlined,
            Err(error) => {
                last.get_or_insert_with(|| GatewayError::Invalid(Box::new(error)));
                continue;
            }
        };
        let encoded = match write::write(call, &turn.candidate, inlined.as_ref()) {
            Ok(encoded) => encoded,
            Err(error) => {
                tracing::debug!(attempt.endpoint = %turn.candidate.endpoint.id, %error, "not sent");
                unsendable.push((turn.candidate, error));
                continue;
            }
        };
        let Some(turn) = turns.claim(turn, gateway.clock.now()) else { continue };
        let wait = left.min(gateway.settings.first_event_timeout);
        let tried = tokio::select! {
            biased;
            () = reply.gone() => return Err(GatewayError::CallerGone),
            () = gateway.stopping.cancelled() => return Err(GatewayError::Busy),
            tried = attempt_one(gateway, call, &turn.candidate, encoded, wait) => tried,
        };
        match tried {
            Ok(opened) => return Ok(opened),
            Err(error) => {
                let candidate = turn.candidate.clone();
                turns.failed(turn, &error, gateway.clock.now());
                last = Some(failure(call, &candidate, error));
            }
        }
    }
    Err(match last {
        Some(error) => error,
        None if !unsendable.is_empty() => write::unsendable(call, &unsendable),
        None => GatewayError::Deadline,
    })
}

fn failure(call: &Call, candidate: &Candidate, error: UpstreamError) -> GatewayError {
    GatewayError::Upstream(Box::new(UpstreamFailure {
        model: candidate.endpoint.model.to_string(),
        provider_name: candidate.endpoint.provider.name.clone(),
        error,
        attempts: call.attempts.clone(),
    }))
}

/// One attempt, recorded whatever comes of it.
async fn attempt_one(
    gateway: &Gateway,
    call: &mut Call,
    candidate: &Candidate,
    encoded: Encoded,
    wait: Duration,
) -> Result<Opened, UpstreamError> {
    let before = call.started.elapsed();
    let span = tracing::debug_span!("attempt", attempt.endpoint = %candidate.endpoint.id);
    let opening = open(gateway, &call.request.kind, candidate, encoded).instrument(span);
    let opened = match tokio::time::timeout(wait, opening).await {
        Ok(opened) => opened,
        Err(_) => Err(transport::timed_out(&candidate.endpoint)),
    }
    .map_err(|error| gateway.transport.redact(error, &candidate.endpoint));
    let latency = call.started.elapsed().saturating_sub(before);
    let latency_ms = u32::try_from(latency.as_millis()).unwrap_or(u32::MAX);
    let provider = &candidate.endpoint.provider;
    let error = opened.as_ref().err();
    if let Some(error) = error {
        tracing::info!(
            attempt.number = call.attempts.len() + 1,
            attempt.endpoint = %candidate.endpoint.id,
            attempt.status = error.status,
            attempt.error = error.kind.as_str(),
            "an attempt failed"
        );
        metrics::counter!(
            "entrepot_attempts_failed_total",
            "provider" => provider.slug.clone(),
            "error" => error.kind.as_str(),
        )
        .increment(1);
    }
    call.attempts.push(Attempt {
        endpoint_id: candidate.endpoint.id.clone(),
        provider: provider.slug.clone(),
        provider_name: provider.name.clone(),
        status: error.map_or(Some(200), |error| error.status),
        latency_ms,
        error: error.map(|error| error.kind.as_str().to_owned()),
    });
    opened.map(|opened| {
        candidate.stats.answered(gateway.clock.now(), latency_ms);
        Opened { ttft_ms: call.elapsed_ms(), ..opened }
    })
}

/// Signs, sends, and reads up to the first event.
async fn open(
    gateway: &Gateway,
    kind: &Kind,
    candidate: &Candidate,
    encoded: Encoded,
) -> Result<Opened, UpstreamError> {
    let endpoint = &candidate.endpoint;
    let adapter = providers::find(endpoint.dialect())
        .ok_or_else(|| transport::unreachable(endpoint, "nobody here speaks its dialect"))?;
    let now = gateway.clock.now();
    let mut response = gateway.transport.send(encoded.request, endpoint, now).await?;
    if !response.status().is_success() {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_error(&mut response).await;
        return Err(adapter.classify(status, &headers, &body));
    }
    let mut decoder = encoded.decoder;
    let mut events = Vec::with_capacity(8);
    let mut room = gateway.settings.unary_body_bytes_max;
    loop {
        let chunk =
            response.chunk().await.map_err(|_| transport::unreachable(endpoint, "it broke off"))?;
        let complete = chunk.is_none();
        room = room
            .checked_sub(chunk.as_ref().map_or(0, Bytes::len))
            .ok_or_else(|| transport::unreachable(endpoint, "it never came to the point"))?;
        match chunk {
            Some(bytes) => decoder.push(&bytes, &mut events),
            None => decoder.finish(&mut events),
        }
        .map_err(|error| not_decoded(candidate, error))?;
        if complete || events.iter().any(ChatEvent::is_output) {
            if !has_result(kind, &events) {
                return Err(transport::unreachable(endpoint, "it left out what was asked for"));
            }
            let candidate = candidate.clone();
            return Ok(Opened { candidate, response, decoder, events, complete, ttft_ms: 0 });
        }
    }
}

/// Whether an answer without text holds what was asked for: a vector for each input, or an order.
fn has_result(kind: &Kind, events: &[ChatEvent]) -> bool {
    match kind {
        Kind::Chat => true,
        Kind::Embeddings(asked) => events.iter().any(|event| match event {
            ChatEvent::Embeddings(embeddings) => embeddings.len() == asked.inputs.len(),
            _ => false,
        }),
        Kind::Rerank(_) => events.iter().any(|event| match event {
            ChatEvent::Ranking(ranking) => !ranking.is_empty(),
            _ => false,
        }),
    }
}

/// Reads what an upstream says about its failure, or another short body, as far as it is worth
/// reading.
pub(crate) async fn read_error(response: &mut Response) -> Vec<u8> {
    let mut body = Vec::new();
    // A body that breaks off is classified by what came of it.
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = ERROR_BODY_BYTES_MAX.saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
        if body.len() >= ERROR_BODY_BYTES_MAX {
            break;
        }
    }
    body
}

/// What a broken answer means.
pub(crate) fn not_decoded(candidate: &Candidate, error: DecodeError) -> UpstreamError {
    let name = &candidate.endpoint.provider.name;
    let message = match error {
        DecodeError::Upstream(error) => return error,
        DecodeError::Malformed(_) => format!("{name} sent an answer that cannot be read."),
        DecodeError::Truncated => format!("{name} broke off its answer."),
    };
    UpstreamError {
        kind: ErrorType::ProviderUnavailable,
        retry: Retry::Other,
        status: Some(200),
        provider_code: None,
        raw: None,
        message,
    }
}
