use control::Actor;
use domain::catalog::Endpoint;
use domain::generation::Generation;
use std::sync::Arc;

use crate::error::AppError;
use crate::server::enter;

pub(super) struct Record {
    pub(super) viewer: Actor,
    pub(super) generation: Generation,
    pub(super) key_name: Option<String>,
    /// The endpoint that answered, while the catalog still has it.
    pub(super) endpoint: Option<Arc<Endpoint>>,
}

pub(super) async fn load(id: String) -> Result<Record, AppError> {
    let (control, viewer) = enter().await?;
    let id = id.parse().map_err(|_| AppError::NotFound)?;
    let generation = control.activity().find(&viewer, &id).await?.ok_or(AppError::NotFound)?;
    let keys = control.keys().list(&viewer).await?;
    let key_name = keys
        .into_iter()
        .find(|overview| overview.key.id == generation.api_key_id)
        .map(|overview| overview.key.name);
    let endpoint = control.models().find(generation.model.as_str()).and_then(|model| {
        let id = generation.endpoint_id.as_deref()?;
        model.endpoints.iter().find(|endpoint| endpoint.id == id).cloned()
    });
    Ok(Record { viewer, generation, key_name, endpoint })
}
