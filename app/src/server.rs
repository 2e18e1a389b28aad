//! How pages and server functions reach the control plane. `enter` is their first line.

use control::{Actor, Control};
use domain::money::Usd;
use domain::random::Random;
use domain::time::{Clock, Timestamp};
use http::header::{CACHE_CONTROL, LOCATION, REFERER};
use http::{HeaderValue, StatusCode};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use std::sync::Arc;

use crate::error::AppError;
use crate::session;

/// All that the web app can reach. The binary makes one and provides it to every request.
#[derive(Clone)]
pub struct WebContext {
    pub control: Control,
    /// Where callers reach this server, without a trailing slash: `http://127.0.0.1:3000`.
    pub public_url: String,
    /// Whether strangers may make an account.
    pub sign_up: bool,
    /// The most that one sandbox top-up may add; none where there are no sandbox top-ups.
    pub sandbox_top_up_max: Option<Usd>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

/// Where a request comes from, as far as the server trusts it. An extension of the request.
#[derive(Debug, Clone)]
pub struct ClientAddress(pub String);

/// The first line of whatever only a signed-in person may do or see.
pub(crate) async fn enter() -> Result<(Control, Actor), AppError> {
    let (control, actor) = enter_public().await?;
    let actor = actor.ok_or(AppError::SignInNeeded)?;
    // What is shown to one person is kept by nobody on the way, nor by the browser afterwards.
    if let Some(response) = use_context::<ResponseOptions>() {
        response.insert_header(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
    Ok((control, actor))
}

/// The first line of whatever anybody may do or see.
pub(crate) async fn enter_public() -> Result<(Control, Option<Actor>), AppError> {
    let web = web()?;
    let actor = match session::user_id().await? {
        Some(user_id) => web.control.accounts().actor(user_id).await?,
        None => None,
    };
    Ok((web.control, actor))
}

pub(crate) fn web() -> Result<WebContext, AppError> {
    use_context::<WebContext>().ok_or(AppError::Unavailable)
}

pub(crate) fn now() -> Result<Timestamp, AppError> {
    Ok(web()?.clock.now())
}

/// A text that has not been used before, by which a form sent twice is recognised.
pub(crate) fn fresh_request_id() -> Result<String, AppError> {
    let web = web()?;
    Ok(domain::id::TopUpId::new(web.clock.now(), &*web.random).to_string())
}

/// The address that sign-in is throttled by.
pub(crate) fn client_address() -> String {
    use_context::<http::request::Parts>()
        .and_then(|parts| parts.extensions.get::<ClientAddress>().cloned())
        .map_or_else(|| "unknown".to_owned(), |address| address.0)
}

/// Answers with «look there» (303), so that reloading never sends a form again.
pub(crate) fn see_other(path: &str) {
    let Some(response) = use_context::<ResponseOptions>() else { return };
    if let Ok(location) = HeaderValue::from_str(path) {
        response.insert_header(LOCATION, location);
        response.set_status(StatusCode::SEE_OTHER);
    }
}

/// The page that a form was sent from, as a path of this site.
pub(crate) fn referring_path() -> String {
    use_context::<http::request::Parts>()
        .and_then(|parts| {
            let referer = parts.headers.get(REFERER)?.to_str().ok()?.parse::<http::Uri>().ok()?;
            Some(local_path(referer.path_and_query()?.as_str()))
        })
        .unwrap_or_else(|| "/".to_owned())
}

/// `path` if it stays on this site, else the home page: a link must not be able to send anyone
/// elsewhere after signing in.
pub(crate) fn local_path(path: &str) -> String {
    let stays = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && path.bytes().all(|byte| byte.is_ascii_graphic())
        && path.len() <= 512;
    if stays { path.to_owned() } else { "/".to_owned() }
}

/// The path and query being shown, for the way back after signing in.
pub(crate) fn current_path() -> String {
    use_context::<http::request::Parts>()
        .and_then(|parts| Some(local_path(parts.uri.path_and_query()?.as_str())))
        .map_or_else(
            || "/".to_owned(),
            |path| {
                let asked = path.split(FORM_ERROR).next().unwrap_or_default();
                asked.trim_end_matches(['?', '&']).to_owned()
            },
        )
}

/// What Leptos appends to the address of the page whose form failed before we could answer it.
const FORM_ERROR: &str = "__path=";

/// Whether the page is shown because its form failed.
pub(crate) fn form_failed() -> bool {
    use_context::<http::request::Parts>()
        .is_some_and(|parts| parts.uri.query().is_some_and(|query| query.contains(FORM_ERROR)))
}

pub(crate) fn set_status(status: StatusCode) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stays_on_this_site() {
        for (path, expected) in [
            ("/keys", "/keys"),
            ("/activity?model=a/b", "/activity?model=a/b"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("", "/"),
            ("/a\r\nset-cookie: x", "/"),
        ] {
            assert_eq!(local_path(path), expected);
        }
    }
}
