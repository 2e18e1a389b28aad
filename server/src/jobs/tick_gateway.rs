//! Lets the gateway renew the leases in use and return those that lie idle.

use std::time::Duration;

use async_trait::async_trait;

use super::{Job, Scope};
use crate::state::AppState;

pub(super) struct TickGateway;

#[async_trait]
impl Job for TickGateway {
    fn name(&self) -> &'static str {
        "tick_gateway"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn scope(&self) -> Scope {
        Scope::EachNode
    }

    async fn run(&self, state: &AppState) -> anyhow::Result<()> {
        state.gateway.tick().await;
        Ok(())
    }
}
