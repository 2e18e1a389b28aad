//! Copies what stands beside it.

use leptos::prelude::*;
use std::time::Duration;

use super::browser;

/// How long the button says what came of it.
const SAID_FOR: Duration = Duration::from_secs(2);

#[island]
pub fn CopyButton(
    /// The id of the element whose text is copied.
    target: String,
) -> impl IntoView {
    let said = RwSignal::new("Copy");
    let copy = move |_| {
        let copied = browser::copy_text_of(&target);
        said.set(if copied { "Copied" } else { "Press Ctrl C" });
        set_timeout(move || said.set("Copy"), SAID_FOR);
    };
    view! {
        <button type="button" class="copy-button" aria-live="polite" on:click=copy>
            {move || said.get()}
        </button>
    }
}
