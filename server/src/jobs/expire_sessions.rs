//! Forgets sessions that have ended.

use std::time::Duration;

use async_trait::async_trait;

use super::{Job, Scope};
use crate::state::AppState;

pub(super) struct ExpireSessions;

#[async_trait]
impl Job for ExpireSessions {
    fn name(&self) -> &'static str {
        "expire_sessions"
    }

    fn every(&self) -> Duration {
        Duration::from_mins(10)
    }

    fn scope(&self) -> Scope {
        Scope::OneNode
    }

    async fn run(&self, state: &AppState) -> anyhow::Result<()> {
        let expired = store::sessions::delete_expired(&state.db, state.clock.now()).await?;
        tracing::debug!(sessions.expired = expired, "Forgot sessions that had ended");
        Ok(())
    }
}
