//! The table that a run ends with, in Markdown.

use crate::Figures;
use crate::load::Kind;

/// One target's medians for one kind of request.
pub(crate) struct Row {
    pub(crate) kind: Kind,
    pub(crate) target: &'static str,
    pub(crate) figures: Figures,
}

/// The name of the target that the others are compared with, and of the one without a proxy.
pub(crate) const BASELINE: &str = "nginx";
pub(crate) const DIRECT: &str = "direct";

pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| request | target | CPU µs/request | requests/s | added p50 µs | added p99 µs | memory MiB |\n\
         |---|---|---:|---:|---:|---:|---:|\n",
    );
    for row in rows {
        line(&mut text, row.kind, row.target, &relative(rows, row), 1);
    }
    for row in rows.iter().filter(|row| row.target != DIRECT && row.target != BASELINE) {
        let Some(baseline) = find(rows, row.kind, BASELINE) else { continue };
        let (ours, theirs) = (relative(rows, row), relative(rows, baseline));
        let ratio = Figures {
            cpu_us: ratio(ours.cpu_us, theirs.cpu_us),
            requests_per_second: ratio(ours.requests_per_second, theirs.requests_per_second),
            p50_us: ratio(ours.p50_us, theirs.p50_us),
            p99_us: ratio(ours.p99_us, theirs.p99_us),
            memory_mib: ratio(ours.memory_mib, theirs.memory_mib),
        };
        line(&mut text, row.kind, &format!("{} ÷ {BASELINE}", row.target), &ratio, 2);
    }
    text
}

/// None of a baseline that is lost in the noise, which shows as nothing or less added.
fn ratio(ours: f64, theirs: f64) -> f64 {
    if theirs > 0.0 && ours > 0.0 { ours / theirs } else { f64::NAN }
}

/// The figures with latency as what was added to calling the simulated provider directly.
fn relative(rows: &[Row], row: &Row) -> Figures {
    let direct = find(rows, row.kind, DIRECT).map(|row| row.figures).unwrap_or_default();
    Figures {
        p50_us: row.figures.p50_us - direct.p50_us,
        p99_us: row.figures.p99_us - direct.p99_us,
        ..row.figures
    }
}

fn find<'a>(rows: &'a [Row], kind: Kind, target: &str) -> Option<&'a Row> {
    rows.iter().find(|row| row.kind == kind && row.target == target)
}

fn line(text: &mut String, kind: Kind, target: &str, figures: &Figures, decimals: usize) {
    let cell = |value: f64, decimals: usize| {
        if value.is_finite() { format!("{value:.decimals$}") } else { "–".to_owned() }
    };
    let cells = [
        kind.name().to_owned(),
        target.to_owned(),
        cell(figures.cpu_us, decimals),
        // Whole requests, but ratios of them with their decimals.
        cell(figures.requests_per_second, if decimals == 1 { 0 } else { decimals }),
        cell(figures.p50_us, decimals),
        cell(figures.p99_us, decimals),
        cell(figures.memory_mib, decimals),
    ];
    text.push_str("| ");
    text.push_str(&cells.join(" | "));
    text.push_str(" |\n");
}
