//! `docs/DIALECTS.md`: the grid as a page. `UPDATE_DIALECTS=1` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::Cell;
use super::cell::{Inbound, Upstream};
use super::limits::How;
use super::rows::{Row, SECTIONS};
use super::run::{Outcome, limit};

const HEAD: &str = "\
# Dialects

What a caller may speak, what a provider may speak, and what survives between any two of them.
This page is written by `server/tests/it/dialects`, which sends every cell through the real server, streamed and in one piece, and compares both answers.
A cell that is not as it stands here fails the tests; after a change, `UPDATE_DIALECTS=1 cargo nextest run -p server dialects` writes the page anew.

| sign | means |
|---|---|
| ✓ | survives |
| ≈ | survives in another form; the note says which |
| · | there is nothing to carry: the caller's dialect has no form for it, or the provider never says it |
| ○ | the provider has no form for it: left out, reported in `openrouter_metadata`, refused under `provider.require_parameters` |
| ✗ | refused with a status that blames the request; nothing is charged |
| ◌ | a hint that the provider has no form for: left out, reported in `openrouter_metadata`, never a reason to refuse |

When caller and provider speak the same dialect, members that we do not know pass through untouched.
";

/// Compares the page with what was seen, or writes it.
pub(super) fn check(outcomes: &[(Cell, Outcome)], is_as_listed: bool) {
    let page = page(outcomes);
    let path = path();
    if std::env::var_os("UPDATE_DIALECTS").is_some() {
        fs::write(&path, page).unwrap();
    } else if is_as_listed {
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == page,
            "docs/DIALECTS.md is out of date; run: \
             UPDATE_DIALECTS=1 cargo nextest run -p server dialects"
        );
    }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/DIALECTS.md")
}

fn page(outcomes: &[(Cell, Outcome)]) -> String {
    let mut page = HEAD.to_owned();
    let find = |row: &Row, inbound: Inbound, upstream: Upstream| {
        outcomes.iter().find(|(cell, _)| {
            cell.row.id == row.id && cell.inbound == inbound && cell.upstream == upstream
        })
    };
    for inbound in Inbound::ALL {
        let _ = write!(page, "\n## {} in\n\n`POST {}`\n", inbound.title(), inbound.path());
        let mut notes = Notes::default();
        for section in SECTIONS {
            let _ = write!(page, "\n### {}\n\n| |", section.title);
            for upstream in Upstream::ALL {
                let _ = write!(page, " {} |", upstream.title());
            }
            page.push_str("\n|---|");
            page.push_str(&":-:|".repeat(Upstream::ALL.len()));
            page.push('\n');
            for row in section.rows {
                let _ = write!(page, "| {} |", row.title);
                for upstream in Upstream::ALL {
                    let cell = find(row, inbound, upstream);
                    let sign = cell.map(|(cell, outcome)| sign(*cell, outcome, &mut notes));
                    let _ = write!(page, " {} |", sign.unwrap_or_default());
                }
                page.push('\n');
            }
        }
        page.push_str(&notes.text());
    }
    page
}

fn sign(cell: Cell, outcome: &Outcome, notes: &mut Notes) -> String {
    if let Outcome::NoForm(reason) = outcome {
        return format!("·{}", notes.number(reason));
    }
    match limit(cell) {
        None => "✓".to_owned(),
        Some(limit) => {
            let sign = match limit.how {
                How::Dropped => '○',
                How::Refused => '✗',
                How::Mapped => '≈',
                How::Noted => '◌',
                How::Absent => '·',
            };
            format!("{sign}{}", notes.number(limit.reason))
        }
    }
}

/// Reasons, numbered as they come.
#[derive(Default)]
struct Notes {
    numbers: BTreeMap<String, usize>,
}

impl Notes {
    fn number(&mut self, reason: &str) -> String {
        let next = self.numbers.len() + 1;
        let number = *self.numbers.entry(reason.to_owned()).or_insert(next);
        format!("<sup>{number}</sup>")
    }

    fn text(&self) -> String {
        if self.numbers.is_empty() {
            return String::new();
        }
        let mut sorted: Vec<_> = self.numbers.iter().collect();
        sorted.sort_by_key(|(_, number)| **number);
        let lines = sorted.into_iter().map(|(reason, number)| format!("{number}. {reason}\n"));
        format!("\n{}", lines.collect::<String>())
    }
}
