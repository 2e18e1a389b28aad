//! Who is signed in, kept in the session.

use domain::id::UserId;
use leptos::prelude::use_context;
use tower_sessions::Session;

use crate::error::AppError;

/// Under which the signed-in user's id is kept, as text. The session store reads it too, so that
/// changing a password can end the user's other sessions.
pub const USER_KEY: &str = "user_id";

/// The session of the request being answered.
pub(crate) fn current() -> Result<Session, AppError> {
    use_context::<http::request::Parts>()
        .and_then(|parts| parts.extensions.get::<Session>().cloned())
        .ok_or(AppError::Unavailable)
}

pub(crate) async fn user_id() -> Result<Option<UserId>, AppError> {
    current()?.get(USER_KEY).await.map_err(|_| AppError::Unavailable)
}

/// Begins a session of this user under a new id, so that an id known before is worth nothing.
pub(crate) async fn begin(user: UserId) -> Result<(), AppError> {
    let session = current()?;
    session.clear().await;
    session.cycle_id().await.map_err(|_| AppError::Unavailable)?;
    session.insert(USER_KEY, user).await.map_err(|_| AppError::Unavailable)
}

/// Ends the session and forgets everything that was in it.
pub(crate) async fn end() -> Result<(), AppError> {
    current()?.flush().await.map_err(|_| AppError::Unavailable)
}
