//! What can go wrong with a verb, in words that may be shown.

use store::StoreError;

/// Why a verb was not performed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The actor's role does not allow it.
    #[error("you are not allowed to do this")]
    Denied,
    /// It does not exist, or it belongs to somebody else, or it is switched off.
    #[error("not found")]
    NotFound,
    /// A value was not acceptable.
    #[error("{message}")]
    Invalid { field: &'static str, message: String },
    /// It contradicts what is already there.
    #[error("{message}")]
    Conflict { message: String },
    /// Too many attempts.
    #[error("too many attempts; try again in {}", in_words(*.retry_after_seconds))]
    Throttled { retry_after_seconds: u64 },
    /// Something that this needs did not answer. The cause was logged.
    #[error("this is not available at the moment; try again")]
    Unavailable,
}

impl ControlError {
    pub(crate) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }

    /// The sentence to show. Never holds anything internal.
    pub fn public_message(&self) -> String {
        self.to_string()
    }

    /// The HTTP status that says the same.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Denied => 403,
            Self::NotFound => 404,
            Self::Invalid { .. } => 400,
            Self::Conflict { .. } => 409,
            Self::Throttled { .. } => 429,
            Self::Unavailable => 503,
        }
    }
}

impl From<StoreError> for ControlError {
    /// Callers match the conflicts that they expect before they use this.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::InvalidCursor => {
                Self::invalid("cursor", "use a cursor that this list gave out, or none")
            }
            StoreError::Missing(_) => Self::NotFound,
            StoreError::Conflict(_)
            | StoreError::Insufficient { .. }
            | StoreError::Corrupt { .. }
            | StoreError::InvalidUrl
            | StoreError::Transfer(_)
            | StoreError::Unavailable(_)
            | StoreError::Collision(_)
            | StoreError::Database(_)
            | StoreError::Migrate(_) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "The database did not do what the control plane asked");
                Self::Unavailable
            }
        }
    }
}

fn in_words(seconds: u64) -> String {
    match seconds {
        0 | 1 => "a second".to_owned(),
        2..=119 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_words() {
        let wait =
            |retry_after_seconds| ControlError::Throttled { retry_after_seconds }.public_message();
        assert_eq!(wait(1), "too many attempts; try again in a second");
        assert_eq!(wait(119), "too many attempts; try again in 119 seconds");
        assert_eq!(wait(121), "too many attempts; try again in 3 minutes");
    }
}
