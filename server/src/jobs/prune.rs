//! Forgets what is kept only for a while: closed leases, the replies of repeated requests, and
//! responses that callers asked to keep.

use std::time::Duration;

use async_trait::async_trait;

use super::{Job, Scope};
use crate::state::AppState;

/// A closed lease has said all it has to say; it is kept for whoever looks into a finding.
const CLOSED_LEASES_KEPT: Duration = Duration::from_hours(24 * 7);

pub(super) struct Prune;

#[async_trait]
impl Job for Prune {
    fn name(&self) -> &'static str {
        "prune"
    }

    fn every(&self) -> Duration {
        Duration::from_mins(30)
    }

    fn scope(&self) -> Scope {
        Scope::OneNode
    }

    async fn run(&self, state: &AppState) -> anyhow::Result<()> {
        let now = state.clock.now();
        let before = now.minus(CLOSED_LEASES_KEPT);
        let leases = store::ledger::leases::delete_closed(&state.db, before).await?;
        let replies = store::idempotency::delete_expired(&state.db, now).await?;
        let responses = store::responses::delete_expired(&state.db, now).await?;
        tracing::debug!(
            leases.pruned = leases,
            replies.pruned = replies,
            responses.pruned = responses,
            "Pruned"
        );
        Ok(())
    }
}
