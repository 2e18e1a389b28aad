//! `GET /api/v1/key`

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use domain::api_key::LimitReset;
use domain::time::Timestamp;
use protocol::account::{HasPaid, KeyRecord, Reply, Spent};

use crate::http::error::ApiError;
use crate::http::extract::caller::Caller;
use crate::state::AppState;

/// What is known of the key that asks.
#[utoipa::path(
    get,
    path = "/api/v1/key",
    tag = "account",
    responses(
        (status = 200, description = "The key, its limit and its usage", body = crate::http::openapi::KeyBody),
        (status = 401, description = "No valid key", body = crate::http::openapi::ErrorBody),
    ),
    security(("key" = [])),
)]
pub(crate) async fn find(
    State(state): State<AppState>,
    Caller(caller): Caller,
) -> Result<Json<Reply<KeyRecord>>, ApiError> {
    // What ended a moment ago counts, whether or not it was written yet.
    state.gateway.flush().await;
    let (db, workspace, now) = (&state.db, caller.workspace_id, state.clock.now());
    let key = store::api_keys::find(db, workspace, caller.key_id)
        .await?
        .ok_or_else(|| ApiError::not_found("the key was deleted"))?;
    let spend = store::usage::one_key_spend(db, workspace, key.id, now).await?;
    let spent = Spent {
        total: spend.total,
        daily: spend.daily,
        weekly: spend.weekly,
        monthly: spend.monthly,
    };
    let balance = store::ledger::accounts::balance(db, workspace).await?;
    let has_paid = if balance.credits.is_positive() { HasPaid::Yes } else { HasPaid::No };
    let mut record = KeyRecord::new(&key, &spent, has_paid);
    let resets_at =
        key.limit.and_then(|limit| next_window(limit.reset, now)).map(Timestamp::to_rfc3339);
    for budget in record.budgets.iter_mut().chain(&mut record.effective_budget) {
        budget.resets_at.clone_from(&resets_at);
    }
    Ok(Json(Reply { data: record }))
}

/// The beginning of the next window: a point that surely lies inside it, moved to its beginning.
fn next_window(reset: LimitReset, now: Timestamp) -> Option<Timestamp> {
    let days = match reset {
        LimitReset::Never => return None,
        LimitReset::Daily => 1,
        LimitReset::Weekly => 7,
        // The 33rd day of a month lies in the next, whichever month it is.
        LimitReset::Monthly => 32,
    };
    let inside = reset.window_start(now).plus(Duration::from_hours(24 * days));
    Some(reset.window_start(inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_end_where_the_next_begins() {
        // 2026-11-22 is a Sunday.
        let now = Timestamp::from_seconds(1_795_348_800);
        let next = |reset| next_window(reset, now).map(Timestamp::to_rfc3339);
        assert_eq!(next(LimitReset::Never), None);
        assert_eq!(next(LimitReset::Daily).as_deref(), Some("2026-11-23T00:00:00.000Z"));
        assert_eq!(next(LimitReset::Weekly).as_deref(), Some("2026-11-23T00:00:00.000Z"));
        assert_eq!(next(LimitReset::Monthly).as_deref(), Some("2026-12-01T00:00:00.000Z"));
    }
}
