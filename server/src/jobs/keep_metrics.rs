//! Folds what histograms have collected, so that they stay small though nobody reads them.

use std::time::Duration;

use async_trait::async_trait;

use super::{Job, Scope};
use crate::state::AppState;

pub(super) struct KeepMetrics;

#[async_trait]
impl Job for KeepMetrics {
    fn name(&self) -> &'static str {
        "keep_metrics"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn scope(&self) -> Scope {
        Scope::EachNode
    }

    async fn run(&self, state: &AppState) -> anyhow::Result<()> {
        state.metrics.run_upkeep();
        Ok(())
    }
}
