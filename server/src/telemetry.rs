//! Logs on standard error, metrics on request.

use std::io::IsTerminal as _;
use std::sync::OnceLock;

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::telemetry::{Format, Telemetry};

/// Starts logging. Does nothing when this process logs already, as in tests.
pub fn start_logs(telemetry: &Telemetry) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&telemetry.filter).context("`telemetry.filter`")?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match telemetry.format {
        Format::Text => subscriber.try_init(),
        Format::Json => subscriber.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("Logs were started before");
    }
    Ok(())
}

/// The registry that metrics of this process go to. There is one, however many servers a test
/// starts.
pub fn metrics() -> anyhow::Result<PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| install().inspect_err(|error| tracing::error!("{error:#}")).ok())
        .clone()
        .context("metrics cannot be recorded")
}

/// Upper bounds of latency histograms, from a cache hit to a slow model, in milliseconds.
const MILLIS: [f64; 14] = [
    1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 10_000.0, 30_000.0,
    120_000.0,
];

fn install() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_ms".to_owned()), &MILLIS)?
        .set_buckets_for_metric(
            Matcher::Suffix("_seconds".to_owned()),
            &MILLIS.map(|millis| millis / 1_000.0),
        )?
        .install_recorder()
        .context("the metrics recorder")?;
    Ok(handle)
}
