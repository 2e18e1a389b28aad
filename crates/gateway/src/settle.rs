//! *Settle*: what a generation used, what it costs, and the queue to the ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::generation::{FinishReason, Generation, Outcome};
use domain::money::Usd;
use domain::time::Clock;
use domain::usage::{Usage, UsageSource};
use ledger::quote;
use protocol::dialects::Summary;
use tokio::sync::{mpsc, oneshot};

use crate::admit::Call;
use crate::admit::funds::Funds;
use crate::error::GatewayError;
use crate::metadata;
use crate::pipeline::Gateway;
use crate::ports::{Ledger, Settlement};
use crate::settings::Settings;
use crate::stream::drive::Ending;

/// Settles an answer that had begun, and says what the caller is to be told about it.
pub(crate) async fn settle(gateway: &Gateway, mut call: Call, ending: &mut Ending) -> Summary {
    let endpoint = ending.candidate.endpoint.clone();
    let (usage, source) = ending.line.usage();
    let upstream_cost = quote::cost(&usage, &endpoint.prices);
    let finish = ending.line.finish().clone();
    let insured = is_insured(&call, ending, &usage);
    let due =
        if insured { Usd::ZERO } else { upstream_cost.min(call.estimate.charge_max(&endpoint)) };
    let is_held = due <= call.held.amount() || call.held.grow_to(due).await.is_ok();
    if !insured && (!is_held || due < upstream_cost) {
        // The provider counts more than may be charged: the difference is ours to bear.
        tracing::warn!(generation.id = %call.id, "a generation cost more than may be charged");
        metrics::counter!("entrepot_overruns_total").increment(1);
    }
    let cost = if call.held.is_metered() { due.min(call.held.amount()) } else { due };
    let finished_at = gateway.clock.now();
    ending.candidate.stats.produced(finished_at, usage.completion_total(), call.elapsed_ms());
    let mut generation = record(&call, ending.outcome, finished_at);
    generation.model = endpoint.model.clone();
    generation.endpoint_id = Some(endpoint.id.clone());
    generation.provider = Some(endpoint.provider.slug.clone());
    generation.provider_name = Some(endpoint.provider.name.clone());
    generation.upstream_id = ending.line.upstream_id().map(str::to_owned);
    generation.finish_reason = match ending.outcome {
        Outcome::Failed => Some(FinishReason::Error),
        Outcome::Finished | Outcome::Cut | Outcome::Cancelled => finish.reason,
    };
    generation.native_finish_reason = finish.native_reason;
    generation.error_code = ending.error.as_ref().map(|e| e.error_type.as_str().to_owned());
    generation.usage = usage;
    generation.usage_source = source;
    generation.cost = cost;
    generation.upstream_cost = upstream_cost;
    generation.ttft_ms = Some(ending.ttft_ms);
    let metadata = metadata::of(&call, &ending.candidate);
    hand_over(gateway, call, generation).await;
    Summary {
        usage,
        cost,
        upstream_prompt_cost: quote::cost(&prompt_side(&usage), &endpoint.prices),
        upstream_completion_cost: quote::cost(&completion_side(&usage), &endpoint.prices),
        metadata,
    }
}

/// Records a generation that never began to answer. It costs nothing.
pub(crate) async fn settle_failure(gateway: &Gateway, call: Call, error: &GatewayError) {
    let outcome = match error {
        GatewayError::CallerGone => Outcome::Cancelled,
        _ => Outcome::Failed,
    };
    let mut generation = record(&call, outcome, gateway.clock.now());
    generation.error_code = Some(error.code().to_owned());
    generation.finish_reason = Some(FinishReason::Error);
    hand_over(gateway, call, generation).await;
}

/// Whether the customer pays nothing: the answer broke off, or nothing came of it.
fn is_insured(call: &Call, ending: &Ending, usage: &Usage) -> bool {
    match ending.outcome {
        Outcome::Failed => true,
        // Vectors and orders cost no output tokens: they are there or not.
        Outcome::Finished if !call.request.kind.is_chat() => !ending.line.has_result(),
        Outcome::Finished => {
            let nothing_came = usage.completion_total() == 0 && usage.image_output == 0;
            let reason = ending.line.finish().reason;
            nothing_came && matches!(reason, None | Some(FinishReason::Error))
        }
        Outcome::Cut | Outcome::Cancelled => false,
    }
}

const fn prompt_side(usage: &Usage) -> Usage {
    Usage { completion: 0, reasoning: 0, audio_output: 0, image_output: 0, ..*usage }
}

const fn completion_side(usage: &Usage) -> Usage {
    Usage {
        prompt: 0,
        cache_read: 0,
        cache_write_5m: 0,
        cache_write_1h: 0,
        audio_input: 0,
        image_input: 0,
        requests: 0,
        web_searches: 0,
        ..*usage
    }
}

fn record(call: &Call, outcome: Outcome, finished_at: domain::time::Timestamp) -> Generation {
    Generation {
        id: call.id.clone(),
        workspace_id: call.caller.workspace_id,
        api_key_id: call.caller.key_id,
        user_id: call.caller.user_id,
        requested_model: call.resolved.requested.clone(),
        model: call.resolved.primary.slug.clone(),
        endpoint_id: None,
        provider: None,
        provider_name: None,
        upstream_id: None,
        streamed: call.request.stream,
        outcome,
        finish_reason: None,
        native_finish_reason: None,
        error_code: None,
        usage: Usage::default(),
        usage_source: UsageSource::None,
        cost: Usd::ZERO,
        upstream_cost: Usd::ZERO,
        ttft_ms: None,
        generation_ms: call.elapsed_ms(),
        attempts: call.attempts.clone(),
        http_referer: call.attribution.http_referer.clone(),
        app_title: call.attribution.app_title.clone(),
        user_agent: call.attribution.user_agent.clone(),
        external_user: call.request.user.clone(),
        session_id: call.request.session_id.clone(),
        created_at: call.admitted_at,
        finished_at,
    }
}

/// Spends the hold and queues the settlement. Waits only while the queue is full.
async fn hand_over(gateway: &Gateway, call: Call, generation: Generation) {
    tracing::debug!(
        generation.outcome = generation.outcome.as_str(),
        generation.provider = generation.provider.as_deref(),
        cost_nanos = generation.cost.nanos(),
        ttft_ms = generation.ttft_ms,
        generation_ms = generation.generation_ms,
        "a generation ended"
    );
    metrics::counter!("entrepot_generations_total", "outcome" => generation.outcome.as_str())
        .increment(1);
    let draws = call.held.settle(generation.cost);
    gateway.settler.queue(Settlement { generation, draws }).await;
}

/// The way from ended generations to the ledger.
pub(crate) struct Settler {
    sender: mpsc::Sender<Item>,
    queued: Arc<AtomicUsize>,
}

enum Item {
    Settle(Box<Settlement>),
    /// Answered when everything before it is in the ledger.
    Flush(oneshot::Sender<()>),
    Stop,
}

/// Takes what has ended and writes it to the ledger in batches.
pub(crate) struct Worker {
    receiver: mpsc::Receiver<Item>,
    queued: Arc<AtomicUsize>,
    ledger: Arc<dyn Ledger>,
    funds: Arc<Funds>,
    batch_max: usize,
    delay: Duration,
}

impl Settler {
    pub(crate) fn new(
        ledger: Arc<dyn Ledger>,
        funds: Arc<Funds>,
        settings: &Settings,
    ) -> (Self, Worker) {
        let (sender, receiver) = mpsc::channel(settings.settle_queue_max);
        let queued = Arc::new(AtomicUsize::new(0));
        let worker = Worker {
            receiver,
            queued: queued.clone(),
            ledger,
            funds,
            batch_max: settings.settle_batch_max,
            delay: settings.settle_delay,
        };
        (Self { sender, queued }, worker)
    }

    async fn queue(&self, settlement: Settlement) {
        self.queued.fetch_add(1, Ordering::Relaxed);
        if self.sender.send(Item::Settle(Box::new(settlement))).await.is_err() {
            // Only after `stop`, which the server calls when no generation is left.
            self.queued.fetch_sub(1, Ordering::Relaxed);
            tracing::error!("a generation ended after settlement had stopped; it is not charged");
        }
    }

    /// Completes when everything queued so far is in the ledger, or at once when the worker has
    /// stopped, which it does only when nothing is left.
    pub(crate) async fn flush(&self) {
        let (done, waiting) = oneshot::channel();
        if self.sender.send(Item::Flush(done)).await.is_ok() {
            // An error means that the worker has stopped.
            let _ = waiting.await;
        }
    }

    pub(crate) async fn stop(&self) {
        self.flush().await;
        // An error means that it has stopped already.
        let _ = self.sender.send(Item::Stop).await;
    }

    pub(crate) fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }
}

impl Worker {
    pub(crate) async fn run(mut self, clock: Arc<dyn Clock>) {
        let mut items = Vec::with_capacity(self.batch_max);
        while self.receiver.recv_many(&mut items, self.batch_max).await > 0 {
            self.gather(&mut items).await;
            let (mut batch, mut flushes, mut stop) = (Vec::new(), Vec::new(), false);
            for item in items.drain(..) {
                match item {
                    Item::Settle(settlement) => batch.push(*settlement),
                    Item::Flush(done) => flushes.push(done),
                    Item::Stop => stop = true,
                }
            }
            if !batch.is_empty() {
                let began = clock.now();
                self.settle(&batch).await;
                metrics::histogram!("entrepot_settle_batch_seconds")
                    .record(clock.now().since(began).as_secs_f64());
            }
            for done in flushes {
                // Whoever asked may have left.
                let _ = done.send(());
            }
            if stop {
                return;
            }
        }
    }

    /// Waits a moment for others to end too, so that a busy node commits many at once.
    async fn gather(&mut self, items: &mut Vec<Item>) {
        let hurried = |items: &[Item]| items.iter().any(|item| !matches!(item, Item::Settle(_)));
        if items.len() >= self.batch_max || hurried(items) {
            return;
        }
        tokio::time::sleep(self.delay).await;
        while items.len() < self.batch_max {
            match self.receiver.try_recv() {
                Ok(item) => items.push(item),
                Err(_) => break,
            }
        }
    }

    /// Writes one batch, trying until the ledger takes it. Nothing is given up: the leases keep
    /// the money reserved, and the queue's bound makes streams wait rather than be lost.
    async fn settle(&self, batch: &[Settlement]) {
        let mut wait = Duration::from_millis(50);
        while let Err(error) = self.ledger.settle(batch).await {
            tracing::warn!(batch = batch.len(), %error, "a batch was not settled; trying again");
            metrics::counter!("entrepot_settle_retries_total").increment(1);
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(2));
        }
        for settlement in batch {
            self.funds.settled(&settlement.draws);
        }
        self.queued.fetch_sub(batch.len(), Ordering::Relaxed);
    }
}
