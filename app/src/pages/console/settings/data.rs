use control::Actor;
use domain::secret::Secret;
use leptos::prelude::*;

use crate::error::AppError;
use crate::flash::{Flash, finish};
use crate::server::enter;
use crate::session;

pub(super) const PAGE: &str = "/settings";
pub(super) const PASSWORD: &str = "password";

pub(super) struct Settings {
    pub(super) viewer: Actor,
    pub(super) flash: Flash,
}

pub(super) async fn load() -> Result<Settings, AppError> {
    let (_, viewer) = enter().await?;
    let flash = Flash::take(PAGE).await?;
    Ok(Settings { viewer, flash })
}

#[server(prefix = "/console", endpoint = "settings/password")]
pub(crate) async fn change_password(current: String, password: String) -> Result<(), AppError> {
    let (control, actor) = enter().await?;
    let result = async {
        let (current, new) = (Secret::new(current), Secret::new(password));
        control.accounts().change_password(&actor, &current, &new).await?;
        // This browser goes on under a new session; all others have to sign in again.
        control.accounts().end_other_sessions(&actor, None).await?;
        session::begin(actor.user_id).await?;
        Ok(Flash::notice(PAGE, "The password is changed. Other browsers were signed out."))
    };
    finish(result.await, PAGE, PASSWORD, &[]).await
}
