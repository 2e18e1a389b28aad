use control::Actor;
use domain::secret::Secret;
use leptos::prelude::*;

use crate::error::AppError;
use crate::flash::{Flash, FormState, finish};
use crate::model_query::escape;
use crate::pages::query_value;
use crate::server::{client_address, enter, enter_public, local_path, see_other, web};
use crate::session;

pub(super) const FORM: &str = "sign-in";

pub(super) struct Slip {
    pub(super) viewer: Option<Actor>,
    pub(super) state: FormState,
    pub(super) notice: Option<String>,
    /// Where to go afterwards.
    pub(super) next: String,
    pub(super) sign_up: bool,
}

pub(super) async fn load() -> Result<Slip, AppError> {
    let (_, viewer) = enter_public().await?;
    let flash = Flash::take("/sign-in").await?;
    let next = query_value("next").map_or_else(|| "/keys".to_owned(), |next| local_path(&next));
    if viewer.is_some() {
        see_other(&next);
    }
    Ok(Slip {
        viewer,
        state: flash.failure_of(FORM),
        notice: flash.notice,
        next,
        sign_up: web()?.sign_up,
    })
}

#[server(prefix = "/console", endpoint = "sign-in")]
pub(crate) async fn sign_in(
    email: String,
    password: String,
    #[server(default)] next: String,
) -> Result<(), AppError> {
    let (control, _) = enter_public().await?;
    let next = if next.is_empty() { "/keys".to_owned() } else { local_path(&next) };
    let password = Secret::new(password);
    match control.accounts().sign_in(&email, &password, &client_address()).await {
        Ok(signed_in) => {
            session::begin(signed_in.user.id).await?;
            see_other(&next);
            Ok(())
        }
        Err(error) => {
            let back = format!("/sign-in?next={}", escape(&next));
            finish(Err(error.into()), &back, FORM, &[("email", &email)]).await
        }
    }
}

#[server(prefix = "/console", endpoint = "sign-out")]
pub(crate) async fn sign_out() -> Result<(), AppError> {
    enter().await?;
    session::end().await?;
    see_other("/");
    Ok(())
}
