//! What every request passes through: its id, its address, panics, security headers, counts.

use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;

use axum::extract::{Request, State};
use axum::http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use metrics::Counter;

use super::error::ApiError;
use super::extract::client_address::{ClientAddress, Peer};
use crate::state::AppState;

/// Names one request in answers and logs.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The outermost layer. Everything in one, because each layer costs a box on the hot path.
pub(crate) async fn frame(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request_id(&state);
    if let Some(Peer(peer)) = request.extensions().get::<Peer>().copied() {
        let trust_proxy = state.config.http.trust_proxy;
        let address = ClientAddress::of(peer, request.headers(), trust_proxy);
        request.extensions_mut().insert(address);
    }
    let method = request.method().clone();
    // Paths hold slugs and ids, never secrets; queries may hold anything and are left out.
    let path = request.uri().path().to_owned();
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|panic| {
        tracing::error!(
            request.id = %id.to_str().unwrap_or_default(),
            http.method = %method,
            http.path = path,
            panic = message(&*panic),
            "A handler panicked"
        );
        ApiError::internal().into_response()
    });
    if response.status().is_server_error() {
        tracing::warn!(
            request.id = %id.to_str().unwrap_or_default(),
            http.method = %method,
            http.path = path,
            http.status = response.status().as_u16(),
            "Answered with an error of ours or of a provider"
        );
    }
    count(response.status().as_u16());
    add_headers(response.headers_mut(), id, state.config.http.is_https());
    response
}

fn request_id(state: &AppState) -> HeaderValue {
    use std::fmt::Write as _;
    let mut bytes = [0_u8; 12];
    state.random.fill(&mut bytes);
    let mut text = String::with_capacity(4 + 24);
    text.push_str("req-");
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("req-unknown"))
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("of unknown kind")
}

/// Whatever a route did not say itself.
fn add_headers(headers: &mut HeaderMap, request_id: HeaderValue, https: bool) {
    let mut add = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    add(X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(X_FRAME_OPTIONS, "DENY");
    add(REFERRER_POLICY, "same-origin");
    add(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    if https {
        add(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    headers.insert(REQUEST_ID, request_id);
}

/// Counts answers by the first digit of their status.
fn count(status: u16) {
    static COUNTERS: LazyLock<[Counter; 5]> = LazyLock::new(|| {
        ["1xx", "2xx", "3xx", "4xx", "5xx"]
            .map(|class| metrics::counter!("entrepot_http_requests_total", "status" => class))
    });
    let class = usize::from(status / 100).saturating_sub(1);
    if let Some(counter) = COUNTERS.get(class) {
        counter.increment(1);
    }
}
