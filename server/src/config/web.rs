//! `[web]`: the web app.

use std::path::PathBuf;

use super::section::Section;

/// How the web app is served.
#[derive(Debug, Clone)]
pub struct Web {
    /// The file with Leptos's run-time options, which name the directory of the bundle.
    pub options: PathBuf,
}

impl Web {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self { options: PathBuf::from(section.text("options")) }
    }
}
