//! What the browser runs: it brings the islands of `app` to life, and nothing else.
//!
//! On the host this crate is empty, so that building the whole workspace never enables
//! `hydrate` and `ssr` together.

#[cfg(target_arch = "wasm32")]
pub mod browser {
    // Linked for its islands, which the page calls by name.
    use app as _;
    use wasm_bindgen::prelude::wasm_bindgen;

    /// Called by the script in the page's head once the module is loaded.
    #[wasm_bindgen]
    pub fn hydrate() {
        console_error_panic_hook::set_once();
        leptos::mount::hydrate_islands();
    }
}
