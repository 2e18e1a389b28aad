//! Light, dark, or as the system has it. Without scripts it is a form that sets the cookie.

use leptos::ev::MouseEvent;
use leptos::prelude::*;

use super::browser;

const THEMES: [(&str, &str); 3] = [("light", "Light"), ("auto", "Auto"), ("dark", "Dark")];

#[island]
pub fn ThemeToggle(
    /// What the reader chose before: `light`, `dark` or `auto`.
    chosen: String,
) -> impl IntoView {
    let current = RwSignal::new(chosen);
    let button = move |(theme, label): (&'static str, &'static str)| {
        let choose = move |event: MouseEvent| {
            event.prevent_default();
            browser::choose_theme(theme);
            current.set(theme.to_owned());
        };
        let pressed = move || if current.get() == theme { "true" } else { "false" };
        view! {
            <button name="theme" value=theme aria-pressed=pressed on:click=choose>
                {label}
            </button>
        }
    };
    view! {
        <form class="theme-toggle" method="post" action="/console/theme" aria-label="Theme">
            {THEMES.map(button)}
        </form>
    }
}
