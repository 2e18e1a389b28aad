use control::{ActivityFilter, Actor};
use domain::generation::Generation;
use domain::id::ApiKeyId;
use domain::page::Page;
use std::collections::HashMap;

use crate::error::AppError;
use crate::pages::query_value;
use crate::server::enter;

const ROWS: u32 = 50;

pub(super) struct Activity {
    pub(super) viewer: Actor,
    pub(super) page: Page<Generation>,
    pub(super) is_first_page: bool,
    /// The filter as it was written.
    pub(super) key: String,
    pub(super) model: String,
    /// Id and name, newest first.
    pub(super) keys: Vec<(String, String)>,
    pub(super) names: HashMap<ApiKeyId, String>,
    /// The slugs that the model filter suggests.
    pub(super) models: Vec<String>,
}

pub(super) async fn load() -> Result<Activity, AppError> {
    let (control, viewer) = enter().await?;
    let cursor = query_value("after");
    let key = query_value("key").unwrap_or_default();
    let model: String = query_value("model").unwrap_or_default().chars().take(128).collect();
    let filter = ActivityFilter {
        api_key: key.parse().ok(),
        model: (!model.is_empty()).then(|| model.clone()),
        ..ActivityFilter::default()
    };
    let page = control.activity().list(&viewer, filter, cursor.as_deref(), ROWS).await?;
    let overviews = control.keys().list(&viewer).await?;
    let catalog = control.models().catalog();
    Ok(Activity {
        page,
        is_first_page: cursor.is_none(),
        key,
        model,
        keys: overviews.iter().map(|o| (o.key.id.to_string(), o.key.name.clone())).collect(),
        names: overviews.into_iter().map(|o| (o.key.id, o.key.name)).collect(),
        models: catalog.models().iter().map(|model| model.slug.to_string()).collect(),
        viewer,
    })
}
