//! Mounts the web app (feature `web`).
//!
//! What this needs from whoever calls [`router`]:
//! - a [`WebContext`], which is all that pages can reach, and the [`LeptosOptions`] that
//!   `get_configuration(Some("Leptos.toml"))` reads;
//! - the session layer (`SessionManagerLayer`, cookie `entrepot_session`) around the returned
//!   router: pages find the `Session` among the request's extensions. The signed-in user's id is
//!   kept in it as text under [`app::session::USER_KEY`];
//! - a [`app::server::ClientAddress`] among the request's extensions, by which sign-in is
//!   throttled; without one all callers share a single allowance.
//!
//! The returned router answers every path that nothing else claims: pages, `/console/*` (server
//! functions), `/pkg/*`, files of `public/`, and a page for what does not exist. Mount it last.

use app::server::WebContext;
use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use leptos::config::LeptosOptions;
use leptos::nonce::use_nonce;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{
    LeptosRoutes, ResponseOptions, generate_route_list, handle_server_fns_with_context,
    render_app_async_with_context,
};
use std::path::Path;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::services::ServeDir;

/// Forms of the console are a few short fields.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// What a name that carries the bundle's hash may be kept for: its content never changes.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// What has a plain name is asked for again each time, which mostly answers 304.
const REVALIDATE: HeaderValue = HeaderValue::from_static("public, no-cache");

/// Everything that a browser sees.
pub(crate) fn router(web: WebContext, mut options: LeptosOptions) -> Router {
    let site_root = options.site_root.to_string();
    let package_dir = Path::new(&site_root).join(&*options.site_pkg_dir);
    // The bundler writes a hash of the whole bundle. It becomes part of every address, so that a
    // page never meets the script of another version and files can be kept for ever.
    let version = bundle_version(&package_dir);
    options.site_pkg_dir = format!("{}/{version}", options.site_pkg_dir).into();
    let package_path = format!("/{}", options.site_pkg_dir);

    let provide = move || {
        provide_context(web.clone());
        declare_content_security_policy();
    };
    let shell = {
        let options = options.clone();
        move || app::shell(options.clone())
    };
    let call = {
        let provide = provide.clone();
        move |request: Request| handle_server_fns_with_context(provide.clone(), request)
    };
    let not_found = get(render_app_async_with_context(provide.clone(), shell.clone()));
    let files = ServeDir::new(&site_root)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip();
    let package = ServeDir::new(package_dir).precompressed_br().precompressed_gzip();

    let forms = Router::new().route("/console/{*path}", post(call));
    Router::new()
        .leptos_routes_with_context(&options, generate_route_list(app::App), provide, shell)
        .with_state(options)
        .merge(forms)
        .nest_service(
            &package_path,
            Router::new().fallback_service(package).layer(from_fn(keep_for_ever)),
        )
        .fallback_service(
            Router::new()
                .fallback_service(files.fallback(not_found))
                .layer(from_fn(revalidate_files)),
        )
        // Around everything, because `leptos_routes` mounts each server function by its own path.
        .layer(RequestBodyLimitLayer::new(FORM_BYTES_MAX))
        .layer(from_fn(refuse_other_origins))
        .layer(from_fn(add_security_headers))
}

/// The name of the bundle on disk, or `dev` when none was built: pages are then plain documents.
fn bundle_version(package_dir: &Path) -> String {
    match std::fs::read_to_string(package_dir.join("version")) {
        Ok(text) if text.trim().bytes().all(|b| b.is_ascii_alphanumeric()) => {
            text.trim().to_owned()
        }
        Ok(_) | Err(_) => {
            tracing::warn!(
                site.package_dir = %package_dir.display(),
                "No browser bundle found: pages are served without style or scripts; \
                 build it with `cargo bundle`"
            );
            "dev".to_owned()
        }
    }
}

/// Names, for the page being rendered, the only scripts that may run: those with its nonce and
/// our own files. Runs after Leptos has made the nonce, and does nothing for server functions.
fn declare_content_security_policy() {
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else {
        return;
    };
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'self' 'wasm-unsafe-eval'; \
         style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(value) = HeaderValue::from_str(&policy) {
        response.insert_header(CONTENT_SECURITY_POLICY, value);
    }
}

/// Refuses a form that another site sent, wherever its fields lead: the one check for all
/// server functions.
async fn refuse_other_origins(request: Request, next: Next) -> Response {
    let changes_nothing = request.method().is_safe();
    if changes_nothing || is_same_origin(request.headers(), request.uri()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "this form was sent from another site; open the page and try again")
            .into_response()
    }
}

/// Whether a browser says that the request comes from a page of this very host. Browsers send
/// `Origin` with every POST; those that leave it out send `Sec-Fetch-Site`.
fn is_same_origin(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(HOST).or_else(|| uri.authority().map(axum::http::uri::Authority::as_str));
    match text(ORIGIN) {
        Some(origin) => origin.split_once("://").is_some_and(|(scheme, authority)| {
            matches!(scheme, "http" | "https")
                && host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
        }),
        None => text(HeaderName::from_static("sec-fetch-site")) == Some("same-origin"),
    }
}

async fn keep_for_ever(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status().is_success() {
        response.headers_mut().insert(CACHE_CONTROL, FOREVER);
    }
    response
}

async fn revalidate_files(request: Request, next: Next) -> Response {
    // Every page asks for the fonts before its text appears. One that changes gets a new name.
    let kept = if request.uri().path().starts_with("/fonts/") { FOREVER } else { REVALIDATE };
    let mut response = next.run(request).await;
    if response.status().is_success() {
        response.headers_mut().entry(CACHE_CONTROL).or_insert(kept);
    }
    response
}

/// What every answer of this router says, whether page, file or redirect.
async fn add_security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // What is not a file shows who is signed in: kept by nobody on the way, and asked for again.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    let mut add = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    add(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    // `same-origin` rather than `no-referrer`: with the latter, forms send `Origin: null`.
    add(REFERRER_POLICY, "same-origin");
    add(X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &str)], expected: bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        assert_eq!(is_same_origin(&map, &Uri::from_static("/console/keys/create")), expected);
    }

    #[test]
    fn only_our_own_pages_may_send_forms() {
        let host = ("host", "127.0.0.1:3000");
        check(&[host, ("origin", "http://127.0.0.1:3000")], true);
        check(&[host, ("origin", "https://127.0.0.1:3000")], true);
        check(&[host, ("origin", "http://127.0.0.1:3001")], false);
        check(&[host, ("origin", "http://evil.example")], false);
        check(&[host, ("origin", "null")], false);
        check(&[host, ("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")], false);
        check(&[host, ("sec-fetch-site", "same-origin")], true);
        check(&[host, ("sec-fetch-site", "same-site")], false);
        check(&[host, ("sec-fetch-site", "none")], false);
        check(&[host], false);
        check(&[("origin", "http://127.0.0.1:3000")], false);
    }
}
