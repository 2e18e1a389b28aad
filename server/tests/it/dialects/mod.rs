//! The grid: every dialect that callers speak, times every dialect that providers speak, times
//! everything that must survive the crossing, through the real server to a sandbox that reads
//! each dialect with readers of its own.
//!
//! A row (`rows`) is written once, without a dialect (`ask`). It is put into the caller's dialect
//! (`write`), asked for as a stream and in one piece, and both answers are read back into one form
//! (`read`), which must be equal and must be what the row expects. Cells that cannot be are listed
//! with their reason (`limits`). `docs/DIALECTS.md` is what came out.

mod ask;
mod cell;
mod document;
mod files;
mod limits;
mod read;
mod rows;
mod run;
mod upstreams;
mod write;

use std::fmt::Write as _;

use futures_util::stream::{self, StreamExt as _};

use cell::{Inbound, Upstream};
use limits::How;
use rows::{Row, SECTIONS};
use run::{Grid, Outcome};

/// Cells that are under way at once.
const AT_ONCE: usize = 8;

/// One crossing of one row.
#[derive(Clone, Copy)]
struct Cell {
    row: &'static Row,
    inbound: Inbound,
    upstream: Upstream,
}

#[expect(clippy::disallowed_methods, reason = "a filter for whoever puts something right")]
fn only() -> String {
    std::env::var("DIALECTS_ONLY").unwrap_or_default()
}

#[test]
fn every_adapter_has_its_column() {
    let mut columns = Upstream::ALL.map(Upstream::slug);
    columns.sort_unstable();
    let adapters: Vec<&str> = providers::ADAPTERS.iter().map(|adapter| adapter.slug()).collect();
    assert_eq!(columns[..], adapters[..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_can_survive_a_crossing_does() {
    let grid = Grid::start().await;
    // Part of the grid, while something is being put right: `DIALECTS_ONLY=tools,messages`.
    let only = only();
    let only: Vec<&str> = only.split(',').filter(|word| !word.is_empty()).collect();
    let cells = SECTIONS.iter().flat_map(|section| section.rows).flat_map(|row| {
        Inbound::ALL.into_iter().flat_map(move |inbound| {
            Upstream::ALL.into_iter().map(move |upstream| Cell { row, inbound, upstream })
        })
    });
    let wanted = cells.filter(|cell| {
        let names = [cell.row.id, cell.inbound.title(), cell.upstream.slug()];
        only.iter().all(|word| names.contains(word))
    });
    let grid_ref = &grid;
    let outcomes: Vec<(Cell, Outcome)> = stream::iter(wanted)
        .map(|cell| async move { (cell, grid_ref.run(cell).await) })
        .buffered(AT_ONCE)
        .collect()
        .await;
    grid.finish().await;

    let mut wrong = String::new();
    let mut count = 0;
    for (cell, outcome) in &outcomes {
        if let Err(problem) = outcome.as_listed(*cell) {
            count += 1;
            let Cell { row, inbound, upstream } = cell;
            let _ = writeln!(
                wrong,
                "{} | {} | {} | {problem}",
                row.id,
                inbound.title(),
                upstream.slug()
            );
        }
    }
    if only.is_empty() {
        document::check(&outcomes, count == 0);
    }
    assert!(wrong.is_empty(), "{count} of {} cells are not as listed:\n{wrong}", outcomes.len());
    if only.is_empty() {
        for limit in limits::LIMITS {
            let is_met = |(cell, outcome): &(Cell, Outcome)| {
                limit.covers(cell.row.id, cell.inbound, cell.upstream)
                    && !matches!(outcome, Outcome::NoForm(_))
                    && (limit.how == How::Mapped || !matches!(outcome, Outcome::Survives))
            };
            for row in limit.rows {
                let met = outcomes.iter().any(|one| one.0.row.id == *row && is_met(one));
                assert!(met, "no cell of `{row}` meets the limit “{}”", limit.reason);
            }
        }
    }
}
