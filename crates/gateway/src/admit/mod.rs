//! *Admit*: from a request to a [`Call`] that owns the credit it may spend.

pub mod estimate;
pub mod funds;
pub mod hold;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::generation::Attempt;
use domain::id::GenerationId;
use domain::money::Usd;
use domain::time::Timestamp;
use domain::workspace::Billing;
use ledger::account::FundKey;
use protocol::chat::request::ChatRequest;

use crate::admit::estimate::Estimate;
use crate::admit::funds::HoldError;
use crate::admit::hold::HeldCredit;
use crate::error::{GatewayError, OutputShort, Short};
use crate::inbound::{Asked, Attribution};
use crate::metadata::RouteNote;
use crate::pipeline::Gateway;
use crate::ports::Caller;
use crate::resolve::Resolved;
use crate::routing::Ask;
use crate::stream::stage::Stage;
use crate::upstream::fetch::Fetched;

/// Everything about one generation under way. Made only here, dropped only when it is over.
pub struct Call {
    pub id: GenerationId,
    pub caller: Arc<Caller>,
    pub request: ChatRequest,
    pub attribution: Attribution,
    pub resolved: Resolved,
    pub estimate: Estimate,
    pub held: HeldCredit,
    pub attempts: Vec<Attempt>,
    /// Stages that joined this call, in order.
    pub stages: Vec<Box<dyn Stage>>,
    pub wants_metadata: bool,
    /// The plan, for callers who want to know it.
    pub(crate) note: Option<RouteNote>,
    /// What the request names by address, where an endpoint had to be sent it inline.
    pub(crate) fetched: Fetched,
    /// What was left out of the request that the answering endpoint was sent.
    pub dropped: Vec<String>,
    /// Chooses among equals, so that a plan can be repeated from its record.
    pub seed: u64,
    pub admitted_at: Timestamp,
    pub started: std::time::Instant,
    _slot: Slot,
}

impl Call {
    /// What its route follows from.
    pub(crate) const fn ask(&self) -> Ask<'_> {
        Ask {
            request: &self.request,
            resolved: &self.resolved,
            estimate: &self.estimate,
            seed: self.seed,
        }
    }

    /// Milliseconds since the request was admitted.
    pub fn elapsed_ms(&self) -> u32 {
        u32::try_from(self.started.elapsed().as_millis()).unwrap_or(u32::MAX)
    }
}

/// A place among the generations under way; given back on drop.
pub(crate) struct Slot(Arc<AtomicUsize>);

impl Slot {
    pub(crate) fn take(active: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        let taken = active.fetch_add(1, Ordering::Relaxed);
        let slot = Self(active.clone());
        (taken < max).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gateway {
    /// Checks the bounds of this process, then holds what the cheapest endpoint may cost.
    ///
    /// The hold grows to the price of the endpoint that is dialled before it is dialled, so a
    /// dear endpoint among the candidates refuses nobody who can pay for a cheap one.
    pub(crate) async fn admit(
        &self,
        id: GenerationId,
        caller: Arc<Caller>,
        asked: Asked,
        resolved: Resolved,
    ) -> Result<Call, GatewayError> {
        let funds = funds_of(&caller, self.clock.now());
        let mut call = self.call(id, caller, asked, resolved, &funds)?;
        let quote = call
            .resolved
            .models
            .iter()
            .flat_map(|resolved| &resolved.model.endpoints)
            .filter(|endpoint| !endpoint.hidden)
            .map(|endpoint| call.estimate.quote(endpoint))
            .min()
            .unwrap_or(Usd::ZERO);
        let grown = call.held.grow_to(quote).await;
        grown.map_err(|error| refusal(error, &call.estimate, &call.resolved))?;
        Ok(call)
    }

    /// A call that costs nothing, and for which nothing is held.
    pub(crate) fn admit_free(
        &self,
        id: GenerationId,
        caller: Arc<Caller>,
        asked: Asked,
        resolved: Resolved,
    ) -> Result<Call, GatewayError> {
        self.call(id, caller, asked, resolved, &[])
    }

    fn call(
        &self,
        id: GenerationId,
        caller: Arc<Caller>,
        asked: Asked,
        resolved: Resolved,
        funds: &[FundKey],
    ) -> Result<Call, GatewayError> {
        let slot =
            Slot::take(&self.active, self.settings.generations_max).ok_or(GatewayError::Busy)?;
        let estimate = Estimate::of(&asked.request, self.settings.open_output_tokens);
        Ok(Call {
            id,
            caller,
            request: asked.request,
            attribution: asked.attribution,
            resolved,
            estimate,
            held: HeldCredit::new(self.funds.clone(), funds),
            attempts: Vec::new(),
            stages: Vec::new(),
            wants_metadata: asked.wants_metadata,
            note: None,
            fetched: Fetched::default(),
            dropped: Vec::new(),
            seed: self.random.next_u64(),
            admitted_at: self.clock.now(),
            started: std::time::Instant::now(),
            _slot: slot,
        })
    }
}

/// What a call's cost is drawn from: the workspace's credits unless it is unmetered, and the
/// key's budget if it has a limit.
fn funds_of(caller: &Caller, now: Timestamp) -> Vec<FundKey> {
    let credits = match caller.billing {
        Billing::Prepaid => Some(FundKey::Credits(caller.workspace_id)),
        Billing::Unmetered => None,
    };
    let budget = caller.limit.map(|limit| FundKey::KeyBudget {
        key: caller.key_id,
        window: limit.reset.window_start(now),
    });
    credits.into_iter().chain(budget).collect()
}

/// Turns a hold that was refused into what the caller can do about it.
pub(crate) fn refusal(error: HoldError, estimate: &Estimate, resolved: &Resolved) -> GatewayError {
    let (fund, needed, available) = match error {
        HoldError::Unavailable(error) => return GatewayError::Unavailable(error),
        HoldError::Short { fund, needed, available } => (fund, needed, available),
    };
    let output = estimate.output_bound.filter(|bound| *bound > 0).map(|requested| OutputShort {
        requested,
        affordable: resolved
            .models
            .iter()
            .flat_map(|resolved| &resolved.model.endpoints)
            .filter(|endpoint| !endpoint.hidden)
            .map(|endpoint| estimate.affordable_output(available, endpoint))
            .max()
            .unwrap_or(0),
    });
    let short = Short { needed, available, output };
    match fund {
        FundKey::Credits(_) => GatewayError::CreditShort(short),
        FundKey::KeyBudget { .. } => GatewayError::LimitReached(short),
    }
}
