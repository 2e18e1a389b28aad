use control::{Actor, ControlError};
use domain::ledger_entry::{Balance, LedgerEntry};
use domain::money::Usd;
use domain::page::Page;
use leptos::prelude::*;

use crate::error::AppError;
use crate::flash::{Flash, finish};
use crate::format;
use crate::pages::query_value;
use crate::server::{enter, fresh_request_id, web};

pub(super) const PAGE: &str = "/credits";
pub(super) const TOP_UP: &str = "top-up";
const ENTRIES: u32 = 50;

pub(super) struct Credits {
    pub(super) viewer: Actor,
    pub(super) balance: Balance,
    pub(super) history: Page<LedgerEntry>,
    pub(super) is_first_page: bool,
    pub(super) flash: Flash,
    pub(super) top_up: Option<TopUp>,
}

/// What the sandbox top-up may add, and the id that makes one form count once.
pub(super) struct TopUp {
    pub(super) most: Usd,
    pub(super) request_id: String,
}

pub(super) async fn load() -> Result<Credits, AppError> {
    let (control, viewer) = enter().await?;
    let cursor = query_value("after");
    let balance = control.credits().balance(&viewer).await?;
    let history = control.credits().history(&viewer, cursor.as_deref(), ENTRIES).await?;
    let top_up = match web()?.sandbox_top_up_max {
        Some(most) => Some(TopUp { most, request_id: fresh_request_id()? }),
        None => None,
    };
    let flash = Flash::take(PAGE).await?;
    let is_first_page = cursor.is_none();
    Ok(Credits { viewer, balance, history, is_first_page, flash, top_up })
}

#[server(prefix = "/console", endpoint = "credits/sandbox-top-up")]
pub(crate) async fn sandbox_top_up(
    #[server(default)] amount: String,
    request_id: String,
) -> Result<(), AppError> {
    let (control, actor) = enter().await?;
    let result = async {
        let parsed: Usd = amount.trim().trim_start_matches('$').parse().map_err(
            |error: domain::money::ParseUsdError| {
                AppError::from(ControlError::Invalid {
                    field: "amount",
                    message: error.to_string(),
                })
            },
        )?;
        // The amount is part of it: another amount from the same form is another top-up.
        let request_id = format!("{request_id}:{parsed}");
        control.credits().sandbox_top_up(&actor, parsed, &request_id).await?;
        Ok(Flash::notice(PAGE, format!("{} of sandbox credit added.", format::usd(parsed))))
    };
    finish(result.await, PAGE, TOP_UP, &[("amount", &amount)]).await
}
