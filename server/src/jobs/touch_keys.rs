//! Writes down when keys were last used.

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;

use super::{Job, Scope};
use crate::state::AppState;

pub(super) struct TouchKeys;

#[async_trait]
impl Job for TouchKeys {
    fn name(&self) -> &'static str {
        "touch_keys"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn scope(&self) -> Scope {
        Scope::EachNode
    }

    async fn run(&self, state: &AppState) -> anyhow::Result<()> {
        let touches = state.touches.take();
        if touches.is_empty() {
            return Ok(());
        }
        store::api_keys::touch(&state.db, &touches)
            .await
            .inspect_err(|_| state.touches.restore(&touches))
            .context("when keys were last used")
    }
}
