//! One folder a page: `mod.rs` is the view, `data.rs` what it reads and the forms it answers.

mod home;
mod models;
mod model;
mod docs;
mod sign_in;
mod sign_up;
mod console;
mod not_found;
mod samples;
mod theme;

pub(crate) use console::activity::ActivityPage;
pub(crate) use console::credits::CreditsPage;
pub(crate) use console::generation::GenerationPage;
pub(crate) use console::keys::KeysPage;
pub(crate) use console::settings::SettingsPage;
pub(crate) use docs::DocsPage;
pub(crate) use home::HomePage;
pub(crate) use model::ModelPage;
pub(crate) use models::ModelsPage;
pub(crate) use not_found::NotFoundPage;
pub(crate) use sign_in::SignInPage;
pub(crate) use sign_up::SignUpPage;

use http::StatusCode;
use leptos::prelude::*;

use crate::error::AppError;
use crate::flash::{Flash, for_people};
use crate::layouts::{Layout, Place};
use crate::model_query;
use crate::server;
use crate::ui::{Empty, PageHead};

/// Shows what was loaded, or why it could not be.
async fn show<T>(loaded: Result<T, AppError>, view: fn(T) -> AnyView) -> AnyView {
    match loaded {
        Ok(data) => view(data),
        Err(error) => show_error(error).await,
    }
}

async fn show_error(error: AppError) -> AnyView {
    match error {
        AppError::SignInNeeded => {
            if server::form_failed() {
                let notice = "Your session had ended, so the form was not accepted. Sign in and send it again.";
                let _ = Flash::notice("/sign-in", notice).leave().await;
            }
            let next = model_query::escape(&server::current_path());
            server::see_other(&format!("/sign-in?next={next}"));
            view! { <p>"Sign in to see this page."</p> }.into_any()
        }
        AppError::NotFound => not_found::page().await,
        AppError::Refused { .. } => {
            server::set_status(StatusCode::BAD_REQUEST);
            let path = server::current_path();
            let whole = path.split('?').next().unwrap_or("/").to_owned();
            explain(
                "This cannot be shown",
                for_people(&error.to_string()),
                ("From the beginning", whole),
            )
            .await
        }
        AppError::Unavailable => {
            server::set_status(StatusCode::SERVICE_UNAVAILABLE);
            let again = ("Try again", server::current_path());
            explain("Not available at the moment", for_people(&error.to_string()), again).await
        }
    }
}

async fn explain(
    title: &'static str,
    reason: String,
    (step, address): (&'static str, String),
) -> AnyView {
    let viewer = server::enter_public().await.ok().and_then(|(_, viewer)| viewer);
    view! {
        <Layout title place=Place::Nowhere viewer>
            <PageHead title />
            <Empty title=reason>
                <a class="button" href=address>
                    {step}
                </a>
            </Empty>
        </Layout>
    }
    .into_any()
}

/// The value of a query parameter of the page being shown.
fn query_value(name: &str) -> Option<String> {
    let parts = use_context::<http::request::Parts>()?;
    model_query::pairs(parts.uri.query()?)
        .find(|(key, value)| key == name && !value.is_empty())
        .map(|(_, value)| value)
}

/// A part of the page's path.
fn path_value(name: &str) -> String {
    leptos_router::hooks::use_params_map().with_untracked(|map| map.get(name).unwrap_or_default())
}
