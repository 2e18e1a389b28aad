//! `[sandbox]`: the simulated providers.

use super::section::Section;

/// How simulated providers behave.
#[derive(Debug, Clone, Copy)]
pub struct Sandbox {
    pub seed: u64,
    pub speed: f64,
}

impl Sandbox {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self { seed: section.seed("seed"), speed: section.factor("speed") }
    }
}
