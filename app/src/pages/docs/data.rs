use control::Actor;
use domain::catalog::Purpose;

use crate::error::AppError;
use crate::server::{enter_public, web};

pub(super) struct Docs {
    pub(super) viewer: Option<Actor>,
    pub(super) public_url: String,
    /// A model that exists here, for the examples.
    pub(super) model: String,
}

pub(super) async fn load() -> Result<Docs, AppError> {
    let (control, viewer) = enter_public().await?;
    let catalog = control.models().catalog();
    let model = catalog
        .models()
        .iter()
        .find(|model| model.cheapest().is_some() && model.purpose() == Purpose::Chat);
    Ok(Docs {
        viewer,
        public_url: web()?.public_url,
        model: model.map_or_else(|| "author/model".to_owned(), |model| model.slug.to_string()),
    })
}
