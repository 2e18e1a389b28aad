use control::Actor;
use domain::catalog::{Catalog, Model};
use std::sync::Arc;

use crate::error::AppError;
use crate::server::{enter_public, web};

/// How many models the page for an unknown one suggests.
const SUGGESTED: usize = 5;

pub(super) enum Found {
    Model { viewer: Option<Actor>, model: Arc<Model>, public_url: String },
    Nothing { viewer: Option<Actor>, asked: String, near: Vec<Arc<Model>> },
}

pub(super) async fn load(slug: String) -> Result<Found, AppError> {
    let (control, viewer) = enter_public().await?;
    // A variant is a way to ask for the model, not another model.
    let plain = slug.split(':').next().unwrap_or_default().to_lowercase();
    if let Some(model) = control.models().find(&plain) {
        return Ok(Found::Model { viewer, model, public_url: web()?.public_url });
    }
    let asked: String = slug.chars().take(100).collect();
    let near = nearest(&control.models().catalog(), &asked);
    Ok(Found::Nothing { viewer, asked, near })
}

/// The models whose names share most with what was asked for.
fn nearest(catalog: &Catalog, asked: &str) -> Vec<Arc<Model>> {
    let asked = pieces(asked);
    let mut scored: Vec<(usize, &Arc<Model>)> = catalog
        .models()
        .iter()
        .filter(|model| model.cheapest().is_some())
        .map(|model| {
            let own = pieces(model.slug.as_str());
            (asked.iter().filter(|piece| own.contains(*piece)).count(), model)
        })
        .filter(|(shared, _)| *shared > 0)
        .collect();
    scored.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| x.slug.cmp(&y.slug)));
    scored.into_iter().take(SUGGESTED).map(|(_, model)| Arc::clone(model)).collect()
}

/// Every run of three characters, each once: names that look alike share many.
fn pieces(text: &str) -> std::collections::BTreeSet<String> {
    let characters: Vec<char> =
        text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    characters.windows(3).map(|window| window.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn names_that_look_alike_share_pieces() {
        let asked = pieces("Meta/Lama-3.3-70b");
        let shared = |own: &str| pieces(own).intersection(&asked).count();
        assert!(shared("meta-llama/llama-3.3-70b-instruct") > shared("mistralai/mistral-large"));
        assert!(pieces("ab").is_empty());
    }
}
