use http::HeaderValue;
use http::header::SET_COOKIE;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use crate::error::AppError;
use crate::islands::THEME_COOKIE;
use crate::server::{enter_public, referring_path, see_other};

/// Remembers a theme for a year; `auto` forgets it.
#[server(prefix = "/console", endpoint = "theme")]
pub(crate) async fn choose_theme(theme: String) -> Result<(), AppError> {
    enter_public().await?;
    let cookie = match &*theme {
        "light" | "dark" => {
            format!("{THEME_COOKIE}={theme}; Path=/; Max-Age=31536000; SameSite=Lax")
        }
        _ => format!("{THEME_COOKIE}=; Path=/; Max-Age=0; SameSite=Lax"),
    };
    if let (Some(response), Ok(cookie)) =
        (use_context::<ResponseOptions>(), HeaderValue::from_str(&cookie))
    {
        response.append_header(SET_COOKIE, cookie);
    }
    see_other(&referring_path());
    Ok(())
}
