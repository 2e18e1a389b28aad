use control::Actor;
use domain::secret::Secret;
use leptos::prelude::*;

use crate::error::AppError;
use crate::flash::{Flash, FormState, finish};
use crate::server::{client_address, enter_public, see_other, web};
use crate::session;

pub(super) const FORM: &str = "sign-up";

pub(super) struct Slip {
    pub(super) viewer: Option<Actor>,
    pub(super) state: FormState,
    /// Whether strangers may make an account here.
    pub(super) open: bool,
}

pub(super) async fn load() -> Result<Slip, AppError> {
    let (_, viewer) = enter_public().await?;
    if viewer.is_some() {
        see_other("/keys");
    }
    let flash = Flash::take("/sign-up").await?;
    Ok(Slip { viewer, state: flash.failure_of(FORM), open: web()?.sign_up })
}

#[server(prefix = "/console", endpoint = "sign-up")]
pub(crate) async fn sign_up(
    email: String,
    #[server(default)] name: String,
    password: String,
) -> Result<(), AppError> {
    let (control, _) = enter_public().await?;
    let application = control::SignUp {
        email: email.clone(),
        name: name.clone(),
        password: Secret::new(password),
    };
    match control.accounts().sign_up(application, &client_address()).await {
        Ok(signed_in) => {
            session::begin(signed_in.user.id).await?;
            see_other("/keys");
            Flash::notice("/keys", "Welcome. Create a key, then add credit to use it.")
                .leave()
                .await
        }
        Err(error) => {
            let values = [("email", &*email), ("name", &*name)];
            finish(Err(error.into()), "/sign-up", FORM, &values).await
        }
    }
}
