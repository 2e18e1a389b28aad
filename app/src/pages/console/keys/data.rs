use control::{Actor, ControlError, KeyOverview, NewKey};
use domain::api_key::SpendLimit;
use domain::id::ApiKeyId;
use domain::money::Usd;
use domain::time::Timestamp;
use leptos::prelude::*;

use crate::error::AppError;
use crate::flash::{Flash, finish};
use crate::server::{enter, now, web};

pub(super) const PAGE: &str = "/keys";
pub(super) const CREATE: &str = "create";

pub(super) struct Listing {
    pub(super) viewer: Actor,
    pub(super) keys: Vec<KeyOverview>,
    pub(super) flash: Flash,
    pub(super) now: Timestamp,
    pub(super) public_url: String,
}

pub(super) async fn load() -> Result<Listing, AppError> {
    let (control, viewer) = enter().await?;
    let keys = control.keys().list(&viewer).await?;
    let flash = Flash::take(PAGE).await?;
    Ok(Listing { viewer, keys, flash, now: now()?, public_url: web()?.public_url })
}

#[server(prefix = "/console", endpoint = "keys/create")]
pub(crate) async fn create_key(
    #[server(default)] name: String,
    #[server(default)] limit: String,
    #[server(default)] reset: String,
) -> Result<(), AppError> {
    let (control, actor) = enter().await?;
    let result = async {
        let limit = parse_limit(&limit, &reset)?;
        let created = control.keys().create(&actor, NewKey { name: name.clone(), limit }).await?;
        Ok(Flash::secret(PAGE, created.key.name, created.secret.expose().clone()))
    };
    finish(result.await, PAGE, CREATE, &[("name", &name), ("limit", &limit), ("reset", &reset)])
        .await
}

#[server(prefix = "/console", endpoint = "keys/rename")]
pub(crate) async fn rename_key(
    id: String,
    #[server(default)] name: String,
) -> Result<(), AppError> {
    let (control, actor) = enter().await?;
    let result = async {
        control.keys().rename(&actor, parse_id(&id)?, &name).await?;
        Ok(Flash::notice(PAGE, "The key has its new name."))
    };
    finish(result.await, PAGE, &row_form("rename", &id), &[("name", &name)]).await
}

#[server(prefix = "/console", endpoint = "keys/limit")]
pub(crate) async fn limit_key(
    id: String,
    #[server(default)] limit: String,
    #[server(default)] reset: String,
) -> Result<(), AppError> {
    let (control, actor) = enter().await?;
    let result = async {
        let parsed = parse_limit(&limit, &reset)?;
        control.keys().set_limit(&actor, parse_id(&id)?, parsed).await?;
        let notice = if parsed.is_some() {
            "The key’s limit is set."
        } else {
            "The key has no limit any more."
        };
        Ok(Flash::notice(PAGE, notice))
    };
    let values = [("limit", &*limit), ("reset", &*reset)];
    finish(result.await, PAGE, &row_form("limit", &id), &values).await
}

#[server(prefix = "/console", endpoint = "keys/disable")]
pub(crate) async fn disable_key(id: String) -> Result<(), AppError> {
    let (control, actor) = enter().await?;
    let result = async {
        control.keys().set_disabled(&actor, parse_id(&id)?, true).await?;
        Ok(Flash::notice(PAGE, "The key is disabled: calls with it are refused from now on."))
    };
    finish(result.await, PAGE, &row_form("disable", &id), &[]).await
}

#[server(prefix = "/console", endpoint = "keys/enable")]
pub(crate) async fn enable_key(id: String) -> Result<(), AppError> {
    let (control, actor) = enter().await?;
    let result = async {
        control.keys().set_disabled(&actor, parse_id(&id)?, false).await?;
        Ok(Flash::notice(PAGE, "The key is accepted again."))
    };
    finish(result.await, PAGE, &row_form("enable", &id), &[]).await
}

#[server(prefix = "/console", endpoint = "keys/delete")]
pub(crate) async fn delete_key(id: String) -> Result<(), AppError> {
    let (control, actor) = enter().await?;
    let result = async {
        control.keys().delete(&actor, parse_id(&id)?).await?;
        Ok(Flash::notice(PAGE, "The key is deleted. What was generated with it stays in Activity."))
    };
    finish(result.await, PAGE, &row_form("delete", &id), &[]).await
}

/// The name of one of a row's forms.
pub(super) fn row_form(verb: &str, id: &str) -> String {
    format!("{verb} {id}")
}

fn parse_id(text: &str) -> Result<ApiKeyId, AppError> {
    text.parse().map_err(|_| AppError::NotFound)
}

/// An empty amount is no limit.
fn parse_limit(amount: &str, reset: &str) -> Result<Option<SpendLimit>, AppError> {
    let amount = amount.trim().trim_start_matches('$');
    if amount.is_empty() {
        return Ok(None);
    }
    let invalid = |field, message: String| AppError::from(ControlError::Invalid { field, message });
    let amount: Usd = amount
        .parse()
        .map_err(|error: domain::money::ParseUsdError| invalid("limit", error.to_string()))?;
    let reset = if reset.is_empty() { "never" } else { reset };
    let reset = reset
        .parse()
        .map_err(|()| invalid("reset", "use never, daily, weekly or monthly".to_owned()))?;
    Ok(Some(SpendLimit { amount, reset }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::api_key::LimitReset;

    #[test]
    fn limits_are_read_as_people_write_them() {
        let limit = |amount, reset| Some(SpendLimit { amount: Usd::from_dollars(amount), reset });
        assert_eq!(parse_limit(" ", "daily"), Ok(None));
        assert_eq!(parse_limit("5", ""), Ok(limit(5, LimitReset::Never)));
        assert_eq!(parse_limit("$5.00", "weekly"), Ok(limit(5, LimitReset::Weekly)));
        for (amount, reset, field) in
            [("five", "", "limit"), ("1e3", "", "limit"), ("5", "hourly", "reset")]
        {
            assert_eq!(parse_limit(amount, reset).unwrap_err().field(), Some(field));
        }
    }
}
