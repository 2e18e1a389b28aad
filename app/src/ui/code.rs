//! Code to read and to copy.

use leptos::prelude::*;

use crate::islands::CopyButton;

/// One block of code, with a caption and a button that copies it.
#[component]
pub(crate) fn Code(
    /// Unique on the page.
    #[prop(into)]
    id: String,
    #[prop(into)] caption: String,
    #[prop(into)] text: String,
) -> impl IntoView {
    let target = id.clone();
    view! {
        <figure class="code">
            <figcaption class="code__head">
                <span class="caption">{caption}</span>
                <CopyButton target />
            </figcaption>
            <pre class="code__body" tabindex="0">
                <code id=id>{text}</code>
            </pre>
        </figure>
    }
}

/// The same thing in several languages, one at a time. Radio buttons choose, so that it works
/// from the keyboard and without scripts.
#[component]
pub(crate) fn Samples(
    /// Unique on the page.
    #[prop(into)]
    id: String,
    /// Language and code, at most four.
    samples: Vec<(&'static str, String)>,
) -> impl IntoView {
    let name = format!("{id}-language");
    let panels = samples
        .iter()
        .enumerate()
        .map(|(index, (language, text))| {
            view! {
                <div class="samples__panel">
                    <Code id=format!("{id}-{index}") caption=*language text=text.clone() />
                </div>
            }
        })
        .collect_view();
    let choices = samples
        .iter()
        .enumerate()
        .map(|(index, (language, _))| {
            view! {
                <label class="samples__choice">
                    <input type="radio" name=name.clone() checked=index == 0 autocomplete="off" />
                    <span>{*language}</span>
                </label>
            }
        })
        .collect_view();
    view! {
        <div class="samples">
            <fieldset class="samples__choices">
                <legend class="visually-hidden">"Language"</legend>
                {choices}
            </fieldset>
            {panels}
        </div>
    }
}
