//! What can go wrong for a page or a form, in words that anyone may read.

use control::ControlError;
use leptos::prelude::{FromServerFnError, ServerFnErrorErr};
use leptos::server_fn::codec::JsonEncoding;
use serde::{Deserialize, Serialize};

/// An error that is safe to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum AppError {
    #[error("sign in to see this page")]
    SignInNeeded,
    #[error("there is nothing here by that name")]
    NotFound,
    #[error("{message}")]
    Refused { field: Option<String>, message: String },
    #[error("the server cannot do this right now; try again in a moment")]
    Unavailable,
}

impl AppError {
    /// The form field that the message belongs to.
    pub(crate) fn field(&self) -> Option<&str> {
        match self {
            Self::Refused { field, .. } => field.as_deref(),
            Self::SignInNeeded | Self::NotFound | Self::Unavailable => None,
        }
    }
}

impl From<ControlError> for AppError {
    fn from(error: ControlError) -> Self {
        let message = error.public_message();
        match error {
            ControlError::NotFound => Self::NotFound,
            ControlError::Unavailable => Self::Unavailable,
            ControlError::Invalid { field, .. } => {
                Self::Refused { field: Some(field.to_string()), message }
            }
            ControlError::Denied
            | ControlError::Conflict { .. }
            | ControlError::Throttled { .. } => Self::Refused { field: None, message },
        }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(message) | ServerFnErrorErr::MissingArg(message) => {
                Self::Refused { field: None, message }
            }
            _ => Self::Unavailable,
        }
    }
}
