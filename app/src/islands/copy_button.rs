//! Copies what stands beside it.

use leptos::prelude::*;
use std::time::Duration;

use super::browser;

/// How long the button says that it copied.
const SAID_FOR: Duration = Duration::from_secs(2);

#[island]
pub fn CopyButton(
    /// The id of the element whose text is copied.
    target: String,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let copy = move |_| {
        browser::copy_text_of(&target);
        copied.set(true);
        set_timeout(move || copied.set(false), SAID_FOR);
    };
    view! {
        <button type="button" class="copy-button" aria-live="polite" on:click=copy>
            {move || if copied.get() { "Copied" } else { "Copy" }}
        </button>
    }
}
