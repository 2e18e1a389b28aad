//! What moves in the browser. Each works on a document that is already complete without it.

pub mod copy_button;
pub mod model_filter;
pub mod theme_toggle;
#[cfg(target_arch = "wasm32")]
mod browser;

pub use copy_button::CopyButton;
pub use model_filter::ModelFilter;
pub use theme_toggle::ThemeToggle;

/// The cookie that remembers a chosen theme; the shell reads it before the first byte.
pub(crate) const THEME_COOKIE: &str = "entrepot_theme";

/// The server renders islands but no event ever happens there.
#[cfg(not(target_arch = "wasm32"))]
mod browser {
    pub(super) fn copy_text_of(_id: &str) -> bool {
        false
    }
    pub(super) fn choose_theme(_theme: &str) {}
    pub(super) fn filter_models() {}
}
