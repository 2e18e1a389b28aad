//! What surrounds a page: the bar above, the contents, the line below.

use control::Actor;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::islands::ThemeToggle;

/// Which entry of the navigation is the page's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Home,
    Models,
    Docs,
    Keys,
    Credits,
    Activity,
    Settings,
    SignIn,
    SignUp,
    Nowhere,
}

const PUBLIC: [(Place, &str, &str); 2] =
    [(Place::Models, "/models", "Models"), (Place::Docs, "/docs", "Docs")];

const CONSOLE: [(Place, &str, &str); 4] = [
    (Place::Keys, "/keys", "Keys"),
    (Place::Credits, "/credits", "Credits"),
    (Place::Activity, "/activity", "Activity"),
    (Place::Settings, "/settings", "Settings"),
];

const STRANGER: [(Place, &str, &str); 2] =
    [(Place::SignIn, "/sign-in", "Sign in"), (Place::SignUp, "/sign-up", "Sign up")];

/// The frame of every page.
#[component]
pub(crate) fn Layout(
    /// For the browser's tab and history.
    #[prop(into)]
    title: String,
    place: Place,
    /// Who is signed in.
    viewer: Option<Actor>,
    children: Children,
) -> impl IntoView {
    let title = if place == Place::Home { title } else { format!("{title} · Entrepot") };
    view! {
        <Title text=title />
        <a class="skip-link" href="#main">
            "Skip to the contents"
        </a>
        <Bar place viewer />
        <main id="main" class="page" tabindex="-1">
            {children()}
        </main>
        <Foot />
    }
}

#[component]
fn Bar(place: Place, viewer: Option<Actor>) -> impl IntoView {
    let link = move |(own, address, name): (Place, &'static str, &'static str)| {
        let current = (own == place).then_some("page");
        view! {
            <li>
                <a href=address aria-current=current>
                    {name}
                </a>
            </li>
        }
    };
    let personal = if viewer.is_some() { CONSOLE.to_vec() } else { STRANGER.to_vec() };
    view! {
        <header class="bar">
            <a class="bar__mark" href="/" aria-label="Entrepot, home">
                <Mark />
                <span>"Entrepot"</span>
            </a>
            <nav class="bar__nav" aria-label="Main">
                <ul>{PUBLIC.into_iter().map(link).collect_view()}</ul>
                <ul class="bar__personal">{personal.into_iter().map(link).collect_view()}</ul>
            </nav>
            {viewer
                .map(|actor| {
                    view! {
                        <div class="bar__viewer">
                            <span class="bar__name" title=actor.email.clone()>
                                {actor.name}
                            </span>
                            <form method="post" action="/console/sign-out">
                                <button class="button button--quiet">"Sign out"</button>
                            </form>
                        </div>
                    }
                })}
        </header>
    }
}

/// A warehouse door: two jambs, a lintel, and the goods between.
#[component]
fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
            <path d="M2 22V7l10-5 10 5v15h-4V10H6v12z" />
            <path class="mark__goods" d="M8 13h8v3H8zM8 18h8v4H8z" />
        </svg>
    }
}

#[component]
fn Foot() -> impl IntoView {
    let chosen = crate::shell::chosen_theme().unwrap_or("auto").to_owned();
    view! {
        <footer class="foot">
            <p>"Entrepot: one address for every model. Times are UTC, prices US dollars."</p>
            <ThemeToggle chosen />
        </footer>
    }
}
