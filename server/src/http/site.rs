//! The web app with what it needs of this process: sessions, addresses, options.

use anyhow::Context as _;
use app::server::WebContext;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use leptos::config::{LeptosOptions, get_configuration};
use time::Duration;
use tower_http::compression::CompressionLayer;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};

use super::extract::client_address::ClientAddress;
use super::session_store::{COOKIE, Sessions};
use super::web;
use crate::state::AppState;

/// Pages, server functions and files.
pub(super) fn router(state: &AppState) -> anyhow::Result<Router> {
    let config = &state.config;
    let lifetime = Duration::try_from(config.limits.session_ttl)
        .context("`limits.session_ttl` is out of range")?;
    let sessions = SessionManagerLayer::new(Sessions::new(state.db.clone(), state.clock.clone()))
        .with_name(COOKIE)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(config.http.is_https())
        .with_expiry(Expiry::OnInactivity(lifetime));
    Ok(web::router(context(state), options(state)?)
        .layer(from_fn(name_client))
        .layer(sessions)
        .layer(CompressionLayer::new()))
}

fn context(state: &AppState) -> WebContext {
    let billing = state.config.billing;
    WebContext {
        control: state.control.clone(),
        public_url: state.public_url.to_string(),
        sign_up: state.config.limits.sign_up,
        sandbox_top_up_max: state.sandbox_top_up.then_some(billing.sandbox_top_up_max),
        clock: state.clock.clone(),
        random: state.random.clone(),
    }
}

fn options(state: &AppState) -> anyhow::Result<LeptosOptions> {
    let path = &state.config.web.options;
    if path.exists() {
        let path = path.to_str().context("`web.options` must be text")?;
        let file = get_configuration(Some(path)).with_context(|| format!("`{path}`"))?;
        Ok(file.leptos_options)
    } else {
        tracing::warn!(path = %path.display(), "`web.options` names no file; its defaults apply");
        Ok(LeptosOptions::builder().output_name("entrepot").site_root("target/site").build())
    }
}

/// Tells sign-in where a request comes from, in the form that the app knows.
async fn name_client(mut request: Request, next: Next) -> Response {
    if let Some(ClientAddress(address)) = request.extensions().get::<ClientAddress>().copied() {
        request.extensions_mut().insert(app::server::ClientAddress(address.to_string()));
    }
    next.run(request).await
}
