//! Gives back what nodes leased that are not heard of any more.

use std::time::Duration;

use async_trait::async_trait;

use super::{Job, Scope};
use crate::state::AppState;

pub(super) struct ExpireLeases;

#[async_trait]
impl Job for ExpireLeases {
    fn name(&self) -> &'static str {
        "expire_leases"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn scope(&self) -> Scope {
        Scope::OneNode
    }

    async fn run(&self, state: &AppState) -> anyhow::Result<()> {
        let expired = store::ledger::leases::expire(&state.db, state.clock.now()).await?;
        if expired > 0 {
            metrics::counter!("entrepot_leases_expired_total").increment(expired);
            tracing::warn!(
                leases.expired = expired,
                "Gave back credit that a node had leased and left"
            );
        }
        Ok(())
    }
}
