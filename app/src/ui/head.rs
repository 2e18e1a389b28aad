//! What a page and its parts begin with.

use leptos::prelude::*;

/// The page's name, and what belongs beside it.
#[component]
pub(crate) fn PageHead(
    #[prop(into)] title: String,
    /// One sentence that says what the page is for.
    #[prop(optional, into)]
    lead: Option<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <header class="page-head">
            <div class="page-head__text">
                <h1>{title}</h1>
                {lead.map(|lead| view! { <p class="lead">{lead}</p> })}
            </div>
            {children.map(|children| view! { <div class="page-head__side">{children()}</div> })}
        </header>
    }
}

/// A part of a page under a ruled heading.
#[component]
pub(crate) fn Section(
    #[prop(into)] title: String,
    /// Unique on the page; links lead to it.
    #[prop(into)]
    id: String,
    /// What stands at the other end of the rule.
    #[prop(optional, into)]
    note: Option<String>,
    children: Children,
) -> impl IntoView {
    let heading = format!("{id}-heading");
    let labelled_by = heading.clone();
    view! {
        <section class="section" id=id aria-labelledby=labelled_by>
            <div class="section__head">
                <h2 id=heading>{title}</h2>
                {note.map(|note| view! { <span class="section__note">{note}</span> })}
            </div>
            {children()}
        </section>
    }
}

/// The way here. The last step is the page itself.
#[component]
pub(crate) fn Crumbs(
    /// Address and name of each step above.
    steps: Vec<(String, String)>,
    #[prop(into)] here: String,
) -> impl IntoView {
    view! {
        <nav class="crumbs" aria-label="Breadcrumbs">
            <ol>
                {steps
                    .into_iter()
                    .map(|(address, name)| {
                        view! {
                            <li>
                                <a href=address>{name}</a>
                            </li>
                        }
                    })
                    .collect_view()} <li aria-current="page">{here}</li>
            </ol>
        </nav>
    }
}
