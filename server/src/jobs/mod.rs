//! What happens by itself, again and again. To add a job: one file here, one line in [`JOBS`].

use std::time::Duration;

use async_trait::async_trait;

use crate::state::AppState;

mod audit_ledger;
mod expire_leases;
mod expire_sessions;
mod keep_metrics;
mod prune;
mod tick_gateway;
mod touch_keys;

/// Something that is done every so often.
#[async_trait]
pub trait Job: Send + Sync {
    /// Names the job in logs and in its lock.
    fn name(&self) -> &'static str;

    fn every(&self) -> Duration;

    /// Whether each node does it or one does it for all.
    fn scope(&self) -> Scope;

    /// Does it once. Must bear being cut off anywhere and being done again.
    async fn run(&self, state: &AppState) -> anyhow::Result<()>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    EachNode,
    OneNode,
}

/// Every job, in alphabetical order of their files.
pub static JOBS: &[&dyn Job] = &[
    &audit_ledger::AuditLedger,
    &expire_leases::ExpireLeases,
    &expire_sessions::ExpireSessions,
    &keep_metrics::KeepMetrics,
    &prune::Prune,
    &tick_gateway::TickGateway,
    &touch_keys::TouchKeys,
];

/// Starts every job as a task of its own.
pub fn start(state: &AppState) {
    for job in JOBS {
        state.tasks.spawn(repeat(*job, state.clone()));
    }
}

/// Writes down what would otherwise be lost at shutdown.
pub async fn finish(state: &AppState) {
    run(&touch_keys::TouchKeys, state).await;
}

/// Cancelled at shutdown between runs only: a run that has begun is finished.
async fn repeat(job: &'static dyn Job, state: AppState) {
    let mut ticks = tokio::time::interval(job.every());
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = state.tasks.stopping() => return,
            _ = ticks.tick() => {}
        }
        if is_ours(job, &state).await {
            run(job, &state).await;
        }
    }
}

/// Takes the lock of a job that only one node does, for almost as long as its period, so that it
/// falls free before the next run of whoever comes first.
async fn is_ours(job: &dyn Job, state: &AppState) -> bool {
    match job.scope() {
        Scope::EachNode => true,
        Scope::OneNode => {
            let now = state.clock.now();
            let until = now.plus(job.every().mul_f64(0.9));
            match store::job_locks::try_lock(&state.db, job.name(), state.node, until, now).await {
                Ok(taken) => taken,
                Err(error) => {
                    tracing::warn!(job.name = job.name(), error = %error, "A job lock cannot be taken");
                    false
                }
            }
        }
    }
}

async fn run(job: &dyn Job, state: &AppState) {
    if let Err(error) = job.run(state).await {
        metrics::counter!("entrepot_job_failures_total", "job" => job.name()).increment(1);
        tracing::error!(
            job.name = job.name(),
            error = format!("{error:#}"),
            "A job failed; it is tried again"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_in_order_and_have_names_of_their_own() {
        let names: Vec<_> = JOBS.iter().map(|job| job.name()).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
    }
}
