//! Checks the books, and says loudly when they are wrong.

use std::time::Duration;

use async_trait::async_trait;

use super::{Job, Scope};
use crate::state::AppState;

pub(super) struct AuditLedger;

#[async_trait]
impl Job for AuditLedger {
    fn name(&self) -> &'static str {
        "audit_ledger"
    }

    fn every(&self) -> Duration {
        Duration::from_hours(1)
    }

    fn scope(&self) -> Scope {
        Scope::OneNode
    }

    async fn run(&self, state: &AppState) -> anyhow::Result<()> {
        let report = store::ledger::audit::audit(&state.db).await?;
        let findings = u32::try_from(report.findings.len()).unwrap_or(u32::MAX);
        metrics::gauge!("entrepot_audit_findings").set(f64::from(findings));
        match report.findings.first() {
            None => tracing::info!(
                ledger.accounts = report.accounts,
                ledger.transfers = report.transfers,
                "The books balance"
            ),
            Some(first) => tracing::error!(
                ledger.findings = findings,
                ledger.first_finding = %first,
                "The books do not balance; run `entrepot audit-ledger`"
            ),
        }
        Ok(())
    }
}
