//! What the last form came to.

use leptos::prelude::*;

/// Something went well.
#[component]
pub(crate) fn Notice(#[prop(into)] text: String) -> impl IntoView {
    view! {
        <p class="notice" role="status">
            {text}
        </p>
    }
}

/// A form was not accepted, for a reason that belongs to no single field.
#[component]
pub(crate) fn Refusal(#[prop(into)] text: String) -> impl IntoView {
    view! {
        <p class="notice notice--bad" role="alert">
            {text}
        </p>
    }
}
