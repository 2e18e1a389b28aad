//! `[catalog]` and `[providers]`: what is offered, and by whom.

use std::path::PathBuf;

use super::section::Section;

/// Which models and providers are offered.
#[derive(Debug, Clone)]
pub struct Catalog {
    pub builtin: bool,
    pub extra_dir: Option<PathBuf>,
    pub without_credential: WithoutCredential,
}

/// What becomes of a provider whose credential is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WithoutCredential {
    #[default]
    Sandbox,
    Hidden,
}

impl Catalog {
    pub(super) fn read(catalog: &Section<'_>, providers: &Section<'_>) -> Self {
        let builtin = catalog.flag("builtin");
        let extra_dir = catalog.text("extra_dir");
        let extra_dir = (!extra_dir.is_empty()).then(|| PathBuf::from(extra_dir));
        if let Some(dir) = &extra_dir
            && !dir.is_dir()
        {
            catalog.reject("extra_dir", "is not a directory that exists");
        }
        if !builtin && extra_dir.is_none() {
            catalog.reject("builtin", "leaves no models to offer: set `catalog.extra_dir` too");
        }
        Self {
            builtin,
            extra_dir,
            without_credential: providers.choice(
                "without_credential",
                &[("sandbox", WithoutCredential::Sandbox), ("hidden", WithoutCredential::Hidden)],
            ),
        }
    }
}
