//! What stands where a list would, with the next step.

use leptos::prelude::*;

#[component]
pub(crate) fn Empty(
    #[prop(into)] title: String,
    /// What to do about it.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="empty">
            <p class="empty__title">{title}</p>
            <div class="empty__next">{children()}</div>
        </div>
    }
}
