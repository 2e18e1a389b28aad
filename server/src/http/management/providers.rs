//! `GET /api/v1/providers`

use axum::Json;
use axum::extract::State;
use control::Control;
use domain::catalog::Serving;
use protocol::models::ProviderList;

/// Every provider that serves something here.
#[utoipa::path(
    get,
    path = "/api/v1/providers",
    tag = "catalog",
    responses((status = 200, description = "Providers by slug", body = crate::http::openapi::ProvidersBody)),
)]
pub(crate) async fn list(State(control): State<Control>) -> Json<ProviderList> {
    let providers = control.models().providers();
    let offered = providers.iter().filter(|provider| provider.serving != Serving::Hidden);
    Json(ProviderList::new(offered.map(|provider| &**provider)))
}
