//! Writes the generations of a batch, many with one statement.
//!
//! A statement costs a round trip: to PostgreSQL, or to the thread that owns SQLite's writer, whose
//! two context switches cost more than the insert. So rows go in groups of a few fixed sizes, each
//! of which has one text, made once, that the driver keeps prepared.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use domain::generation::{FinishReason, Generation};
use domain::id::BatchId;
use domain::time::Timestamp;

use crate::db::Tx;
use crate::error::StoreError;
use crate::generations::Charge;
use crate::row;
use crate::sql::On;

/// Rows of one statement, in the order in which a batch is cut: 200 take five statements.
const SIZES: [usize; 4] = [64, 16, 4, 1];

const COLUMNS: [&str; 44] = [
    "generation_id",
    "workspace_id",
    "api_key_id",
    "user_id",
    "batch_id",
    "requested_model",
    "model",
    "endpoint_id",
    "provider",
    "provider_name",
    "upstream_id",
    "streamed",
    "outcome",
    "finish_reason",
    "native_finish_reason",
    "error_code",
    "prompt_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "audio_input_tokens",
    "images_in",
    "completion_tokens",
    "reasoning_tokens",
    "audio_output_tokens",
    "images_out",
    "requests",
    "web_searches",
    "usage_source",
    "cost_nanos",
    "charged_nanos",
    "overrun_nanos",
    "upstream_cost_nanos",
    "ttft_ms",
    "generation_ms",
    "attempts",
    "http_referer",
    "app_title",
    "user_agent",
    "external_user",
    "session_id",
    "created_at",
    "finished_at",
    "settled_at",
];

/// The statement for one number of rows. It is the same for both databases but for the
/// placeholders: SQLite looks for the name of a numbered one among all names before it, which for
/// thousands of them takes longer than the insert.
struct Statement {
    rows: usize,
    sqlite: String,
    postgres: String,
}

static STATEMENTS: LazyLock<Vec<Statement>> = LazyLock::new(|| {
    let statement = |rows| Statement {
        rows,
        sqlite: text(rows, |_| "?".to_owned()),
        postgres: text(rows, |number| format!("${number}")),
    };
    SIZES.into_iter().map(statement).collect()
});

fn text(rows: usize, placeholder: impl Fn(usize) -> String) -> String {
    let mut text = format!("INSERT INTO generations ({}) VALUES ", COLUMNS.join(", "));
    for row in 0..rows {
        let first = row * COLUMNS.len() + 1;
        let row: Vec<String> = (first..first + COLUMNS.len()).map(&placeholder).collect();
        let comma = if first == 1 { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}({})", row.join(", "));
    }
    text.push_str(" ON CONFLICT (generation_id) DO NOTHING RETURNING generation_id");
    text
}

/// How a batch of so many is cut, largest groups first.
fn cut<T>(rows: &[T]) -> impl Iterator<Item = (&'static Statement, &[T])> {
    let mut rest = rows;
    STATEMENTS.iter().flat_map(move |statement| {
        let (groups, left) = rest.split_at(rest.len() - rest.len() % statement.rows);
        rest = left;
        groups.chunks(statement.rows).map(move |group| (statement, group))
    })
}

/// Records generations. Returns the ids of those that were not on record yet.
pub(super) async fn insert(
    tx: &mut Tx,
    generations: &[(&Generation, Charge)],
    batch: BatchId,
    now: Timestamp,
) -> Result<BTreeSet<String>, StoreError> {
    let batch = batch.to_string();
    let mut new = BTreeSet::new();
    for (statement, group) in cut(generations) {
        let inserted = insert_group(tx, statement, group, &batch, now).await?;
        new.extend(inserted.into_iter().map(|(id,)| id));
    }
    Ok(new)
}

/// Binds the columns of one row, in the order of [`COLUMNS`].
macro_rules! bind_row {
    ($query:expr, $g:expr, $charge:expr, $attempts:expr, $batch:expr, $now:expr) => {
        $query
            .bind($g.id.as_str())
            .bind($g.workspace_id.to_string())
            .bind($g.api_key_id.to_string())
            .bind($g.user_id.to_string())
            .bind($batch)
            .bind(row::text(Some(&$g.requested_model)))
            .bind($g.model.as_str())
            .bind(row::text($g.endpoint_id.as_deref()))
            .bind(row::text($g.provider.as_deref()))
            .bind(row::text($g.provider_name.as_deref()))
            .bind(row::text($g.upstream_id.as_deref()))
            .bind($g.streamed)
            .bind($g.outcome.as_str())
            .bind($g.finish_reason.map(FinishReason::as_str))
            .bind(row::text($g.native_finish_reason.as_deref()))
            .bind(row::text($g.error_code.as_deref()))
            .bind(row::from_count($g.usage.prompt))
            .bind(row::from_count($g.usage.cache_read))
            .bind(row::from_count($g.usage.cache_write_5m))
            .bind(row::from_count($g.usage.cache_write_1h))
            .bind(row::from_count($g.usage.audio_input))
            .bind(row::from_count($g.usage.image_input))
            .bind(row::from_count($g.usage.completion))
            .bind(row::from_count($g.usage.reasoning))
            .bind(row::from_count($g.usage.audio_output))
            .bind(row::from_count($g.usage.image_output))
            .bind(row::from_count($g.usage.requests))
            .bind(row::from_count($g.usage.web_searches))
            .bind($g.usage_source.as_str())
            .bind($charge.cost.nanos())
            .bind($charge.charged.nanos())
            .bind($charge.overrun.nanos())
            .bind($g.upstream_cost.nanos().max(0))
            .bind($g.ttft_ms.map(i64::from))
            .bind(i64::from($g.generation_ms))
            .bind($attempts)
            .bind(row::text($g.http_referer.as_deref()))
            .bind(row::text($g.app_title.as_deref()))
            .bind(row::text($g.user_agent.as_deref()))
            .bind(row::text($g.external_user.as_deref()))
            .bind(row::text($g.session_id.as_deref()))
            .bind($g.created_at.as_micros())
            .bind($g.finished_at.as_micros())
            .bind($now.as_micros())
    };
}

async fn insert_group(
    tx: &mut Tx,
    statement: &'static Statement,
    group: &[(&Generation, Charge)],
    batch: &str,
    now: Timestamp,
) -> Result<Vec<(String,)>, StoreError> {
    let attempts = group
        .iter()
        .map(|(generation, _)| serde_json::to_string(&generation.attempts))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| StoreError::Corrupt { column: "attempts" })?;
    let rows = group.iter().zip(&attempts);
    let inserted = match tx.on() {
        On::Sqlite(connection) => {
            let mut query = sqlx::query_as::<sqlx::Sqlite, _>(statement.sqlite.as_str());
            for ((generation, charge), attempts) in rows {
                query = bind_row!(query, generation, charge, attempts.as_str(), batch, now);
            }
            query.fetch_all(connection).await
        }
        On::Postgres(connection) => {
            let mut query = sqlx::query_as::<sqlx::Postgres, _>(statement.postgres.as_str());
            for ((generation, charge), attempts) in rows {
                query = bind_row!(query, generation, charge, attempts.as_str(), batch, now);
            }
            query.fetch_all(connection).await
        }
    };
    inserted.map_err(StoreError::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_takes_few_statements_of_few_kinds() {
        for (rows, statements) in [(0, 0), (1, 1), (3, 3), (5, 2), (200, 5), (512, 8), (85, 4)] {
            let rows: Vec<usize> = (0..rows).collect();
            let groups: Vec<_> = cut(&rows).collect();
            assert_eq!(groups.len(), statements, "{}", rows.len());
            assert!(groups.iter().all(|(statement, group)| statement.rows == group.len()));
            let together: Vec<usize> =
                groups.iter().flat_map(|(_, group)| *group).copied().collect();
            assert_eq!(together, rows);
        }
    }

    #[test]
    fn placeholders_are_numbered_through() {
        let text = text(2, |number| format!("${number}"));
        assert!(text.contains("$44), ($45, "), "{text}");
        assert!(text.contains("$88) ON CONFLICT"), "{text}");
    }
}
