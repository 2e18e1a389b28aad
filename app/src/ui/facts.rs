//! A manifest: boxes with a small caption and a figure, ruled with hairlines.

use leptos::prelude::*;

#[component]
pub(crate) fn Facts(children: Children) -> impl IntoView {
    view! { <dl class="facts">{children()}</dl> }
}

#[component]
pub(crate) fn Fact(
    #[prop(into)] caption: String,
    /// A figure is set in tabular digits; a text is not.
    #[prop(optional)]
    wide: bool,
    /// The figure that the others explain.
    #[prop(optional)]
    main: bool,
    children: Children,
) -> impl IntoView {
    let class = match (wide, main) {
        (_, true) => "fact fact--main",
        (true, false) => "fact fact--wide",
        (false, false) => "fact",
    };
    view! {
        <div class=class>
            <dt class="caption">{caption}</dt>
            <dd>{children()}</dd>
        </div>
    }
}
