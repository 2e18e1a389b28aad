//! `GET /api/v1/models` and what is below it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use domain::catalog::{Catalog, Modality, Model};
use domain::model::ModelRef;
use parking_lot::Mutex;
use protocol::account::Reply;
use protocol::models::{EndpointsReply, ModelCard, ModelList as ModelListBody, PageLinks};
use serde::Serialize;

use crate::http::error::ApiError;
use crate::http::extract::address::{Path, Query};
use crate::http::shown;
use crate::state::AppState;

mod filter;

use filter::{Filter, Modalities, Page};

/// The list that most callers ask for, encoded once for each catalog.
#[derive(Debug, Default)]
pub struct ModelList(Mutex<Option<Encoded>>);

/// A body and the tag that it is recognised by.
#[derive(Debug, Clone)]
struct Encoded {
    version: u64,
    body: Bytes,
    tag: HeaderValue,
}

impl ModelList {
    fn get(&self, catalog: &Catalog) -> Result<Encoded, serde_json::Error> {
        let mut cached = self.0.lock();
        match &*cached {
            Some(encoded) if encoded.version == catalog.version() => Ok(encoded.clone()),
            _ => {
                let filter = Filter::default();
                let shown = catalog.models().iter().filter(|model| filter.admits(model));
                let list = ModelListBody::all(shown.map(|model| &**model));
                let body = Bytes::from(serde_json::to_vec(&list)?);
                let tag = tag(&body);
                let encoded = Encoded { version: catalog.version(), body, tag };
                *cached = Some(encoded.clone());
                Ok(encoded)
            }
        }
    }
}

/// Weak, because the body may be compressed on its way.
fn tag(body: &[u8]) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    HeaderValue::try_from(format!("W/\"{:016x}\"", hasher.finish()))
        .unwrap_or(HeaderValue::from_static("W/\"\""))
}

type Parameters = Query<Vec<(String, String)>>;

/// The models that can be asked for, newest first unless `sort` says otherwise.
#[utoipa::path(
    get,
    path = "/api/v1/models",
    tag = "catalog",
    params(
        ("q" = Option<String>, Query, description = "Words that must all occur"),
        ("input_modalities" = Option<String>, Query, description = "A list such as `text,image`: all are needed"),
        ("output_modalities" = Option<String>, Query, description = "A list, or `all`; `text` by default"),
        ("supported_parameters" = Option<String>, Query, description = "A list such as `tools,seed`: all are needed"),
        ("model_authors" = Option<String>, Query, description = "A list of authors"),
        ("providers" = Option<String>, Query, description = "A list of provider slugs, one of which serves the model"),
        ("arch" = Option<String>, Query, description = "A tokenizer family, such as `Llama3`"),
        ("context" = Option<u32>, Query, description = "The least context length, in tokens"),
        ("min_price" = Option<String>, Query, description = "Dollars per million input tokens"),
        ("max_price" = Option<String>, Query, description = "Dollars per million input tokens"),
        ("min_output_price" = Option<String>, Query, description = "Dollars per million output tokens"),
        ("max_output_price" = Option<String>, Query, description = "Dollars per million output tokens"),
        ("min_age_days" = Option<u32>, Query, description = "Days since the release"),
        ("max_age_days" = Option<u32>, Query, description = "Days since the release"),
        ("zdr" = Option<bool>, Query, description = "`true`: some endpoint keeps nothing"),
        ("region" = Option<String>, Query, description = "`eu` or `us`: some endpoint lies there"),
        ("sort" = Option<String>, Query, description = "`newest`, `pricing-low-to-high`, `pricing-high-to-low`, `context-high-to-low`, …"),
        ("offset" = Option<u32>, Query, description = "How many to skip; asks for a page"),
        ("limit" = Option<u32>, Query, description = "1 to 1000, 500 by default; asks for a page"),
    ),
    responses(
        (status = 200, description = "Models", body = crate::http::openapi::ModelsBody),
        (status = 304, description = "Not changed since the given `ETag`"),
        (status = 400, description = "A value that means nothing", body = crate::http::openapi::ErrorBody),
    ),
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Query(parameters): Parameters,
) -> Result<Response, ApiError> {
    let catalog = state.catalog.load_full();
    if parameters.is_empty() {
        let encoded = state.model_list.get(&catalog).map_err(|error| unwritable(&error))?;
        return Ok(conditional(encoded, &headers));
    }
    let filter = Filter::parse(&parameters, state.clock.now())?;
    let models = filter.apply(&state.control);
    let body = match filter.page {
        None => ModelListBody::all(models.iter().map(|model| &**model)),
        Some(page) => one_page(models, page, uri.path(), &parameters),
    };
    Ok(Json(body).into_response())
}

/// The models that make embeddings, page by page.
#[utoipa::path(
    get,
    path = "/api/v1/embeddings/models",
    tag = "catalog",
    params(
        ("offset" = Option<u32>, Query, description = "How many to skip"),
        ("limit" = Option<u32>, Query, description = "1 to 1000, 500 by default"),
    ),
    responses(
        (status = 200, description = "Models", body = crate::http::openapi::ModelsBody),
        (status = 400, description = "A value that means nothing", body = crate::http::openapi::ErrorBody),
    ),
)]
pub(crate) async fn list_embeddings(
    State(state): State<AppState>,
    OriginalUri(uri): OriginalUri,
    Query(parameters): Parameters,
) -> Result<Response, ApiError> {
    let filter = Filter::parse(&parameters, state.clock.now())?.of_embeddings();
    let models = filter.apply(&state.control);
    let page = filter.page.unwrap_or_default();
    Ok(Json(one_page(models, page, uri.path(), &parameters)).into_response())
}

/// A part of a list, with its length and the address of what follows.
fn one_page(
    models: Vec<Arc<Model>>,
    page: Page,
    path: &str,
    parameters: &[(String, String)],
) -> ModelListBody {
    let total = models.len();
    let shown: Vec<_> = models.into_iter().skip(page.offset).take(page.limit).collect();
    let mut body = ModelListBody::all(shown.iter().map(|model| &**model));
    body.total_count = Some(total as u64);
    let next = page.offset.saturating_add(page.limit);
    let next = (next < total).then(|| next_page(path, parameters, next));
    body.links = Some(PageLinks { next });
    body
}

/// A ready-made address of what follows.
fn next_page(path: &str, parameters: &[(String, String)], offset: usize) -> String {
    let mut next = format!("{path}?");
    for (name, value) in parameters.iter().filter(|(name, _)| name != "offset") {
        encode(name, &mut next);
        next.push('=');
        encode(value, &mut next);
        next.push('&');
    }
    next.push_str("offset=");
    next.push_str(&offset.to_string());
    next
}

/// Percent-encodes whatever could mean something in an address.
fn encode(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[derive(Debug, Serialize)]
struct Count {
    count: usize,
}

/// How many models there are.
#[utoipa::path(
    get,
    path = "/api/v1/models/count",
    tag = "catalog",
    params(("output_modalities" = Option<String>, Query, description = "A list, or `all`; `text` by default")),
    responses(
        (status = 200, description = "Their number", body = crate::http::openapi::CountBody),
        (status = 400, description = "A value that means nothing", body = crate::http::openapi::ErrorBody),
    ),
)]
pub(crate) async fn count(
    State(state): State<AppState>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let output = match parameters.get("output_modalities") {
        Some(text) => Modalities::parse("output_modalities", text)?,
        None => Modalities::Some(vec![Modality::Text]),
    };
    let catalog = state.catalog.load();
    let count =
        catalog.models().iter().filter(|model| output.admit(&model.output_modalities)).count();
    Ok(Json(Reply { data: Count { count } }).into_response())
}

/// One model. A variant after a colon is understood and left out.
#[utoipa::path(
    get,
    path = "/api/v1/model/{author}/{slug}",
    tag = "catalog",
    params(("author" = String, Path), ("slug" = String, Path)),
    responses(
        (status = 200, description = "The model", body = crate::http::openapi::ModelBody),
        (status = 404, description = "No such model", body = crate::http::openapi::ErrorBody),
    ),
)]
pub(crate) async fn find(
    State(state): State<AppState>,
    Path((author, slug)): Path<(String, String)>,
) -> Result<Json<Reply<ModelCard>>, ApiError> {
    let model = find_model(&state.catalog.load(), &author, &slug)?;
    Ok(Json(Reply { data: ModelCard::new(&model) }))
}

/// One model with every endpoint that serves it.
#[utoipa::path(
    get,
    path = "/api/v1/models/{author}/{slug}/endpoints",
    tag = "catalog",
    params(("author" = String, Path), ("slug" = String, Path)),
    responses(
        (status = 200, description = "The model and its endpoints", body = crate::http::openapi::EndpointsBody),
        (status = 404, description = "No such model", body = crate::http::openapi::ErrorBody),
    ),
)]
pub(crate) async fn endpoints(
    State(state): State<AppState>,
    Path((author, slug)): Path<(String, String)>,
) -> Result<Json<EndpointsReply>, ApiError> {
    let model = find_model(&state.catalog.load(), &author, &slug)?;
    Ok(Json(EndpointsReply::new(&model)))
}

fn find_model(catalog: &Catalog, author: &str, slug: &str) -> Result<Arc<Model>, ApiError> {
    let asked = format!("{author}/{slug}");
    asked
        .parse::<ModelRef>()
        .ok()
        .and_then(|asked| catalog.find_model(asked.slug.as_str()).cloned())
        .ok_or_else(|| {
            let name = shown(&asked);
            ApiError::not_found(format!("No model {name}; /api/v1/models lists what there is."))
        })
}

/// The body, or word that the caller has it.
fn conditional(encoded: Encoded, headers: &HeaderMap) -> Response {
    let Encoded { body, tag, .. } = encoded;
    let known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim() == "*" || known.trim().as_bytes() == tag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = body.into_response();
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, tag);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    response
}

fn unwritable(error: &serde_json::Error) -> ApiError {
    tracing::error!(error = %error, "The list of models cannot be written");
    ApiError::internal()
}
