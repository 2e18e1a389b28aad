//! The gateway itself. Read [`Gateway::generate`] first.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::BytesMut;
use domain::api_key::KeyHash;
use domain::catalog::Catalog;
use domain::generation::Outcome;
use domain::id::GenerationId;
use domain::money::Usd;
use domain::random::Random;
use domain::secret::Secret;
use domain::time::Clock;
use protocol::chat::request::ChatRequest;
use protocol::dialects::Summary;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::admit::Call;
use crate::admit::funds::Funds;
use crate::auth::Authenticator;
use crate::error::GatewayError;
use crate::inbound::{Asked, Inbound, Outbound, Reply};
use crate::metadata::RouteNote;
use crate::middleware;
use crate::ports::{Caller, Keys, Ledger};
use crate::resolve::{Resolved, Scene, resolve};
use crate::routing::{self, stats::Stats};
use crate::settings::Settings;
use crate::settle::{self, Settler};
use crate::stream::drive::{Ending, drive};
use crate::upstream::{
    self,
    credentials::Credentials,
    transport::{Transport, TransportError},
};

/// How long shutdown waits for a ledger that does not answer.
const SETTLE_PATIENCE: Duration = Duration::from_secs(10);

/// What a gateway is made of.
pub struct Parts {
    pub catalog: Arc<ArcSwap<Catalog>>,
    pub keys: Arc<dyn Keys>,
    pub ledger: Arc<dyn Ledger>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// Provider slug → our credential.
    pub credentials: HashMap<String, Secret<String>>,
    pub settings: Settings,
    /// Owns every task that the gateway starts.
    pub tasks: TaskTracker,
}

/// The data plane of one process. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

pub struct Inner {
    pub(crate) catalog: Arc<ArcSwap<Catalog>>,
    pub(crate) authenticator: Authenticator,
    pub(crate) funds: Arc<Funds>,
    pub(crate) settler: Settler,
    pub(crate) transport: Transport,
    pub(crate) stats: Stats,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) settings: Settings,
    pub(crate) tasks: TaskTracker,
    pub(crate) active: Arc<AtomicUsize>,
    pub(crate) stopping: CancellationToken,
}

impl Deref for Gateway {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauges {
    pub active_generations: usize,
    pub open_leases: usize,
    /// Held by calls under way.
    pub held: Usd,
    /// Ended, and not yet in the ledger.
    pub unsettled: usize,
}

impl Gateway {
    /// Serves one generation, from an authenticated caller to the end of its answer.
    ///
    /// Credit is held in `admit` and travels with the call: dropping the call anywhere below
    /// releases it. Once the answer has begun, it ends in `settle`, whatever happens.
    async fn generate(
        &self,
        id: GenerationId,
        caller: Arc<Caller>,
        inbound: Inbound,
        reply: &mut Reply,
    ) {
        let (asked, encoder) = inbound.split();
        let opened = self.open(id, caller, asked).instrument(tracing::debug_span!("admit"));
        let mut call = match opened.await {
            Ok(call) => call,
            Err(error) => return reply.refuse(error),
        };
        match self.begin(&mut call, reply).await {
            Ok(opened) => {
                let span = tracing::debug_span!("stream");
                let mut ending =
                    drive(self, &mut call, opened, encoder, reply).instrument(span).await;
                let id = call.id.clone();
                let streaming = call.request.stream;
                let span = tracing::debug_span!("settle");
                let summary = settle::settle(self, call, &mut ending).instrument(span).await;
                let patience = self.settings.downstream_stall_timeout;
                say_the_end(ending, &summary, &id, streaming, (reply, patience)).await;
            }
            Err(error) => {
                if !call.attempts.is_empty() || matches!(error, GatewayError::CallerGone) {
                    settle::settle_failure(self, call, &error).await;
                }
                reply.refuse(error);
            }
        }
    }

    /// Resolve and admit: from a request to a call that owns its credit.
    async fn open(
        &self,
        id: GenerationId,
        caller: Arc<Caller>,
        mut asked: Asked,
    ) -> Result<Call, GatewayError> {
        let resolved = self.resolve(&asked.request)?;
        if resolved.asks_to_think() {
            asked.request.think();
        }
        self.admit(id, caller, asked, resolved).await
    }

    /// The models that may answer, as things are now.
    pub(crate) fn resolve(&self, request: &ChatRequest) -> Result<Resolved, GatewayError> {
        let scene = Scene {
            stats: &self.stats,
            now: self.clock.now(),
            random: &*self.random,
            open_output: self.settings.open_output_tokens,
        };
        resolve(&self.catalog.load(), request, &scene)
    }

    /// Prepare, route and attempt: from a call to the first event of an answer.
    async fn begin(
        &self,
        call: &mut Call,
        reply: &mut Reply,
    ) -> Result<upstream::Opened, GatewayError> {
        middleware::prepare(call)?;
        let plan = routing::plan(call.ask(), &self.stats, self.clock.now())?;
        if call.wants_metadata {
            call.note = Some(RouteNote::of(&plan));
        }
        upstream::attempt(self, call, plan, reply).await
    }

    /// Starts the task that owns the call and waits for its answer to begin.
    ///
    /// Dropping this future, or later the answer's body, tells the task that the caller has
    /// left; the task still settles what it owes.
    pub async fn serve(
        &self,
        caller: Arc<Caller>,
        inbound: Inbound,
    ) -> Result<Outbound, GatewayError> {
        let (head, waiting) = oneshot::channel();
        let mut reply = Reply::new(head);
        let gateway = self.clone();
        let id = GenerationId::new(self.clock.now(), &*self.random);
        let span = tracing::info_span!(
            "generation",
            generation.id = %id,
            workspace.id = %caller.workspace_id,
            model.slug = inbound.request.model.as_deref(),
        );
        self.tasks.spawn(
            async move { gateway.generate(id, caller, inbound, &mut reply).await }.instrument(span),
        );
        waiting.await.unwrap_or(Err(GatewayError::Lost))
    }

    /// The caller that a key stands for. Call this before a request's body is read.
    pub async fn authenticate(&self, secret: Option<&str>) -> Result<Arc<Caller>, GatewayError> {
        self.authenticator.authenticate(secret).await
    }

    /// Takes effect at the key's next use: it was changed, disabled or deleted.
    pub fn forget_key(&self, hash: &KeyHash) {
        if let Some(key) = self.authenticator.forget(hash) {
            self.funds.retire_budgets(key);
        }
    }

    /// Completes when every generation that has ended is in the ledger.
    pub async fn flush(&self) {
        self.settler.flush().await;
    }

    /// Maintenance, each second: renews leases in use, gives back idle ones, brings up to date
    /// what routing reads.
    pub async fn tick(&self) {
        self.stats.refresh(self.clock.now());
        self.funds.maintain(false).await;
    }

    /// Ends what is still under way, settles it and gives every lease back. For shutdown, after
    /// generations had their time to finish by themselves.
    pub async fn drain(&self) {
        self.stopping.cancel();
        // Cancelled streams end within a few polls; a caller that doesn't read may take longer.
        for _ in 0..500 {
            if self.active.load(Ordering::Relaxed) == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if tokio::time::timeout(SETTLE_PATIENCE, self.settler.stop()).await.is_err() {
            let unsettled = self.settler.queued();
            tracing::error!(unsettled, "the ledger cannot be reached; what is unsettled is lost");
        }
        self.funds.maintain(true).await;
    }

    pub fn gauges(&self) -> Gauges {
        let (open_leases, held) = self.funds.gauges();
        Gauges {
            active_generations: self.active.load(Ordering::Relaxed),
            open_leases,
            held,
            unsettled: self.settler.queued(),
        }
    }

    /// Starts the gateway. Its settlement worker runs on `parts.tasks` until [`Self::drain`].
    pub fn new(parts: Parts) -> Result<Self, TransportError> {
        let Parts { catalog, keys, ledger, clock, random, credentials, settings, tasks } = parts;
        let transport = Transport::new(&settings, Credentials::new(credentials))?;
        let funds = Arc::new(Funds::new(ledger.clone(), clock.clone(), settings.clone()));
        let (settler, worker) = Settler::new(ledger, funds.clone(), &settings);
        tasks.spawn(worker.run(clock.clone()));
        Ok(Self(Arc::new(Inner {
            catalog,
            authenticator: Authenticator::new(keys, clock.clone(), &settings),
            funds,
            settler,
            transport,
            stats: Stats::new(settings.demotion),
            clock,
            random,
            settings,
            tasks,
            active: Arc::default(),
            stopping: CancellationToken::new(),
        })))
    }
}

/// Writes what the caller is still owed: usage with its cost, and the dialect's terminator.
async fn say_the_end(
    ending: Ending,
    summary: &Summary,
    id: &GenerationId,
    streaming: bool,
    (reply, patience): (&mut Reply, Duration),
) {
    let Ending { outcome, mut line, mut out, error, .. } = ending;
    let mut bytes = if streaming { std::mem::take(&mut out) } else { BytesMut::new() };
    match (outcome, error) {
        (Outcome::Cancelled, _) => return,
        (_, Some(error)) if !streaming && line.is_all_or_nothing() => {
            return reply.refuse(GatewayError::Broken(Box::new(error)));
        }
        (_, Some(error)) => line.fail(&error, summary, &mut bytes),
        (_, None) => line.end(summary, &mut bytes),
    }
    if streaming {
        // A caller that has left needs no end, and one that does not read is not waited for.
        let _ = tokio::time::timeout(patience, reply.send(bytes.freeze())).await;
    } else {
        reply.answer(id, bytes.freeze());
    }
}
