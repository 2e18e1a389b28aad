//! Filters the models table while its form is being filled in.

use leptos::ev::{Event, SubmitEvent};
use leptos::prelude::*;

use super::browser;

/// Surrounds the filter form, a plain one that the server answers just as well.
#[island]
pub fn ModelFilter(children: Children) -> impl IntoView {
    let apply = move |_: Event| browser::filter_models();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        browser::filter_models();
    };
    view! {
        <div class="model-filter" on:input=apply on:change=apply on:submit=submit>
            {children()}
        </div>
    }
}
