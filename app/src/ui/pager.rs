//! The way through a long list.

use leptos::prelude::*;

/// Links to the beginning and to what follows. Cursors only lead on; the browser leads back.
#[component]
pub(crate) fn Pager(
    /// The address of the list's beginning; none when this is it.
    first: Option<String>,
    /// The address of what follows; none at the end.
    next: Option<String>,
) -> impl IntoView {
    (first.is_some() || next.is_some()).then(|| {
        view! {
            <nav class="pager" aria-label="Pages">
                {first
                    .map(|address| {
                        view! {
                            <a class="button" href=address>
                                "Newest"
                            </a>
                        }
                    })}
                {next
                    .map(|address| {
                        view! {
                            <a class="button" rel="next" href=address>
                                "Older"
                            </a>
                        }
                    })}
            </nav>
        }
    })
}
