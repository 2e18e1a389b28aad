//! `make bench`: what the gateway costs, beside a bare reverse proxy, in the same run.
//!
//! Three targets answer the same questions on loopback: the simulated provider itself (*direct*),
//! nginx in front of it, and the release server in front of it with everything on (key check,
//! hold, routing, metering, settlement). Figures are medians of interleaved rounds, so that a
//! machine that slows down for a moment slows all three.
//!
//! `bench target/release/entrepot stream` measures only the kinds of request whose names have that word in them.
//!
//! Linux only: CPU time and memory are read from `/proc`.

mod load;
mod process;
mod report;
mod stage;

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use load::{Kind, Load, Outcome};
use stage::Stage;

/// How often everything is measured; the median counts.
const ROUNDS: usize = 3;
/// Concurrent connections while throughput and CPU time are measured.
const BUSY_CONNECTIONS: usize = 32;
const BUSY_FOR: Duration = Duration::from_secs(4);
/// One connection while latency is measured, so that requests do not queue behind each other.
const CALM_FOR: Duration = Duration::from_secs(2);
const WARM_UP_FOR: Duration = Duration::from_secs(1);

/// One target's figures for one kind of request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) cpu_us: f64,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) memory_mib: f64,
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run())
}

async fn run() -> Result<()> {
    let stage = Stage::set_up().await?;
    let mut rows = Vec::new();
    let wanted = std::env::args().nth(2).unwrap_or_default();
    for kind in Kind::ALL.into_iter().filter(|kind| kind.name().contains(&wanted)) {
        let mut rounds = vec![Vec::new(); stage.targets.len()];
        for round in 1..=ROUNDS {
            for (target, figures) in stage.targets.iter().zip(&mut rounds) {
                say(&format!("{} {}: round {round} of {ROUNDS}", kind.name(), target.name))?;
                figures.push(measure(target, kind).await?);
            }
        }
        rows.extend(stage.targets.iter().zip(&rounds).map(|(target, figures)| report::Row {
            kind,
            target: target.name,
            figures: median(figures),
        }));
    }
    let verdict = stage.tear_down()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", report::table(&rows))?;
    writeln!(out, "{verdict}")?;
    Ok(())
}

async fn measure(target: &stage::Target, kind: Kind) -> Result<Figures> {
    let load = |connections, duration| Load {
        address: target.address,
        request: target.request(kind),
        kind,
        connections,
        duration,
    };
    load(BUSY_CONNECTIONS, WARM_UP_FOR).run().await.with_context(|| target.name)?;
    let calm: Outcome = load(1, CALM_FOR).run().await.with_context(|| target.name)?;
    let cpu_before = process::cpu_time(target.process)?;
    let busy = load(BUSY_CONNECTIONS, BUSY_FOR).run().await.with_context(|| target.name)?;
    let cpu = process::cpu_time(target.process)?.saturating_sub(cpu_before);
    ensure!(busy.requests > 0 && calm.requests > 0, "{} answered nothing", target.name);
    let requests = as_float(busy.requests);
    Ok(Figures {
        cpu_us: cpu.as_secs_f64() * 1e6 / requests,
        requests_per_second: requests / busy.elapsed.as_secs_f64(),
        p50_us: as_float(calm.latency.value_at_quantile(0.50)) / 1e3,
        p99_us: as_float(calm.latency.value_at_quantile(0.99)) / 1e3,
        memory_mib: as_float(process::memory_bytes(target.process)?) / f64::from(1 << 20),
    })
}

/// Each figure's own median over the rounds.
fn median(rounds: &[Figures]) -> Figures {
    let middle = |figure: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    Figures {
        cpu_us: middle(|f| f.cpu_us),
        requests_per_second: middle(|f| f.requests_per_second),
        p50_us: middle(|f| f.p50_us),
        p99_us: middle(|f| f.p99_us),
        memory_mib: middle(|f| f.memory_mib),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts and nanoseconds here stay far below 2^52")]
fn as_float(value: u64) -> f64 {
    value as f64
}

/// Progress, on standard error; the table alone goes to standard output.
fn say(line: &str) -> Result<()> {
    writeln!(std::io::stderr(), "    {line}")?;
    Ok(())
}
