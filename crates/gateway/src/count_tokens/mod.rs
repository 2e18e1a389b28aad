//! How long a prompt is, without an answer to it.
//!
//! A provider of the model that counts is asked, because only the model's own tokenizer knows;
//! that costs nothing. Where none does, or none answers in time, the count is estimated here.

mod estimate;

use std::sync::Arc;
use std::time::Duration;

use domain::id::GenerationId;
use protocol::chat::request::ChatRequest;
use providers::adapter::{Adapter, CountTokens, Target};
use providers::error::{Retry, UpstreamError};

use crate::admit::Call;
use crate::error::{GatewayError, UpstreamFailure};
use crate::inbound::{Asked, Attribution};
use crate::middleware;
use crate::pipeline::Gateway;
use crate::ports::Caller;
use crate::routing::{self, Candidate};
use crate::upstream::{not_decoded, read_error, transport};

/// How long a provider may take to count: callers ask between keystrokes.
const PATIENCE: Duration = Duration::from_secs(5);

impl Gateway {
    /// The tokens of a prompt. Nothing is held, charged or recorded.
    pub async fn count_tokens(
        &self,
        caller: Arc<Caller>,
        request: ChatRequest,
    ) -> Result<u64, GatewayError> {
        let resolved = self.resolve(&request)?;
        let id = GenerationId::new(self.clock.now(), &*self.random);
        let asked = Asked { request, attribution: Attribution::default(), wants_metadata: false };
        let mut call = self.admit_free(id, caller, asked, resolved)?;
        middleware::prepare(&mut call)?;
        let plan = routing::plan(call.ask(), &self.stats, self.clock.now())?;
        let counter = plan.candidates.iter().find_map(|candidate| {
            let adapter = providers::find(candidate.endpoint.dialect())?;
            Some((candidate, adapter, adapter.count_tokens()?))
        });
        let Some((candidate, adapter, counter)) = counter else {
            return Ok(estimate::tokens(&call.request));
        };
        let asking = ask(self, &call.request, candidate, adapter, counter);
        let counted = tokio::time::timeout(PATIENCE, asking).await;
        match counted.unwrap_or_else(|_| Err(transport::timed_out(&candidate.endpoint))) {
            Ok(tokens) => Ok(tokens),
            // A prompt that would be refused has no length worth telling.
            Err(error) if error.retry == Retry::No => Err(refused(self, &call, candidate, error)),
            Err(error) => {
                tracing::info!(
                    endpoint.id = %candidate.endpoint.id,
                    error.kind = error.kind.as_str(),
                    "A provider did not count; the count is estimated"
                );
                Ok(estimate::tokens(&call.request))
            }
        }
    }
}

/// Asks one provider.
async fn ask(
    gateway: &Gateway,
    request: &ChatRequest,
    candidate: &Candidate,
    adapter: &dyn Adapter,
    counter: &dyn CountTokens,
) -> Result<u64, UpstreamError> {
    let endpoint = &candidate.endpoint;
    let target = Target { endpoint, base_url: endpoint.provider.dialled_url() };
    let request = counter
        .encode(request, &target)
        .map_err(|_| transport::unreachable(endpoint, "it cannot be sent the request"))?;
    let mut response = gateway.transport.send(request, endpoint, gateway.clock.now()).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = read_error(&mut response).await;
    if !status.is_success() {
        return Err(adapter.classify(status, &headers, &body));
    }
    counter.decode(&body).map_err(|error| not_decoded(candidate, error))
}

fn refused(
    gateway: &Gateway,
    call: &Call,
    candidate: &Candidate,
    error: UpstreamError,
) -> GatewayError {
    GatewayError::Upstream(Box::new(UpstreamFailure {
        model: candidate.endpoint.model.to_string(),
        provider_name: candidate.endpoint.provider.name.clone(),
        error: gateway.transport.redact(error, &candidate.endpoint),
        attempts: call.attempts.clone(),
    }))
}
