//! The document around every page.

use http::header::COOKIE;
use leptos::config::LeptosOptions;
use leptos::hydration::HydrationScripts;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::routes::App;

/// Every page uses all of them, so they are asked for before the style sheet names them.
const FONTS: [&str; 4] = [
    "/fonts/barlow-latin-400.woff2",
    "/fonts/barlow-latin-600.woff2",
    "/fonts/barlow-condensed-latin-600.woff2",
    "/fonts/ibm-plex-mono-latin-400.woff2",
];

/// The whole document. The theme is a cookie, so that the first byte already has the right one.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let package = format!("/{}", options.site_pkg_dir);
    let stylesheet = format!("{package}/{}.css", options.output_name);
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=chosen_theme()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                {FONTS
                    .map(|href| {
                        view! {
                            <link
                                rel="preload"
                                href=href
                                r#as="font"
                                r#type="font/woff2"
                                crossorigin=""
                            />
                        }
                    })}
                <link rel="stylesheet" href=stylesheet />
                <link rel="icon" href="/favicon.svg" r#type="image/svg+xml" />
                <HydrationScripts options islands=true />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// `light` or `dark` if the reader chose one, else nothing: the system decides.
pub(crate) fn chosen_theme() -> Option<&'static str> {
    let parts = use_context::<http::request::Parts>()?;
    parts
        .headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| match pair.trim().split_once('=')? {
            (crate::islands::THEME_COOKIE, "light") => Some("light"),
            (crate::islands::THEME_COOKIE, "dark") => Some("dark"),
            _ => None,
        })
}
