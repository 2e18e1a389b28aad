//! A word that marks something.

use leptos::prelude::*;

/// What a mark says beyond its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Good,
    Warning,
    Bad,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Plain => "badge",
            Self::Good => "badge badge--good",
            Self::Warning => "badge badge--warning",
            Self::Bad => "badge badge--bad",
        }
    }
}

#[component]
pub(crate) fn Badge(
    #[prop(into)] text: String,
    #[prop(optional)] tone: Tone,
    /// Longer explanation, for pointers and screen readers.
    #[prop(optional, into)]
    title: Option<String>,
) -> impl IntoView {
    view! {
        <span class=tone.class() title=title>
            {text}
        </span>
    }
}
