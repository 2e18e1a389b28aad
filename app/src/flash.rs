//! What a form leaves for the page that follows it: a notice, an error, or a secret shown once.
//!
//! Kept in the session and taken out by the first page that it is meant for; never in an
//! address, where it would stay in histories and logs.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::error::AppError;
use crate::session;

const FLASH_KEY: &str = "flash";

/// One message to one page.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Flash {
    /// The page that shows it.
    page: String,
    /// What went well.
    pub(crate) notice: Option<String>,
    /// What did not, and in which form.
    pub(crate) failure: Option<Failure>,
    /// A new key's secret.
    pub(crate) secret: Option<NewSecret>,
}

/// Why a form was not accepted, with what had been written in it, passwords left out.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// Which form of the page: its server function's endpoint, and the row where there are many.
    pub(crate) form: String,
    pub(crate) field: Option<String>,
    pub(crate) message: String,
    pub(crate) values: BTreeMap<String, String>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct NewSecret {
    pub(crate) name: String,
    pub(crate) secret: String,
}

impl std::fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSecret").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Flash {
    pub(crate) fn notice(page: &str, notice: impl Into<String>) -> Self {
        Self { page: page.to_owned(), notice: Some(notice.into()), ..Self::default() }
    }

    pub(crate) fn failure(page: &str, failure: Failure) -> Self {
        Self { page: page.to_owned(), failure: Some(failure), ..Self::default() }
    }

    pub(crate) fn secret(page: &str, name: String, secret: String) -> Self {
        let secret = Some(NewSecret { name, secret });
        Self { page: page.to_owned(), secret, ..Self::default() }
    }

    /// Leaves it in the session.
    pub(crate) async fn leave(self) -> Result<(), AppError> {
        session::current()?.insert(FLASH_KEY, self).await.map_err(|_| AppError::Unavailable)
    }

    /// Takes out what was left for `page`, if anything was.
    pub(crate) async fn take(page: &str) -> Result<Self, AppError> {
        let session = session::current()?;
        let left: Option<Self> = session.get(FLASH_KEY).await.map_err(|_| AppError::Unavailable)?;
        match left {
            Some(flash) if flash.page == page => {
                session.remove_value(FLASH_KEY).await.map_err(|_| AppError::Unavailable)?;
                Ok(flash)
            }
            Some(_) | None => Ok(Self::default()),
        }
    }

    /// The failure of this form, and no other's.
    pub(crate) fn failure_of(&self, form: &str) -> FormState {
        FormState(self.failure.clone().filter(|failure| failure.form == form))
    }
}

/// How a form looked when it was refused; empty when it was not.
#[derive(Debug, Clone, Default)]
pub(crate) struct FormState(Option<Failure>);

impl FormState {
    /// What had been written in `field`.
    pub(crate) fn value(&self, field: &str) -> String {
        self.0.as_ref().and_then(|failure| failure.values.get(field)).cloned().unwrap_or_default()
    }

    /// What is wrong with `field`.
    pub(crate) fn error(&self, field: &str) -> Option<String> {
        self.0
            .as_ref()
            .filter(|failure| failure.field.as_deref() == Some(field))
            .map(|failure| failure.message.clone())
    }

    /// What is wrong with the form where it is none of `fields`.
    pub(crate) fn general(&self, fields: &[&str]) -> Option<String> {
        self.0
            .as_ref()
            .filter(|failure| failure.field.as_deref().is_none_or(|name| !fields.contains(&name)))
            .map(|failure| failure.message.clone())
    }

    pub(crate) const fn is_refused(&self) -> bool {
        self.0.is_some()
    }
}

/// An error as a sentence: it begins with a capital letter, and what programmers set in backticks
/// stands in quotation marks. What it quotes is left as it was written.
pub(crate) fn for_people(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    for (index, piece) in message.split('`').enumerate() {
        if index > 0 {
            text.push(if index.is_multiple_of(2) { '”' } else { '“' });
        }
        let mut characters = piece.chars();
        match characters.next() {
            Some(first) if index == 0 => {
                text.extend(first.to_uppercase());
                text.push_str(characters.as_str());
            }
            Some(_) | None => text.push_str(piece),
        }
    }
    text
}

/// Ends a form: shows `address` with what the form came to; when it was refused, with the reason
/// beside the field and what had been written.
pub(crate) async fn finish(
    result: Result<Flash, AppError>,
    address: &str,
    form: &str,
    values: &[(&str, &str)],
) -> Result<(), AppError> {
    let flash = match result {
        Ok(flash) => flash,
        Err(error) => Flash::failure(
            address.split('?').next().unwrap_or(address),
            Failure {
                form: form.to_owned(),
                field: error.field().map(str::to_owned),
                message: for_people(&error.to_string()),
                values: values
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
            },
        ),
    };
    crate::server::see_other(address);
    flash.leave().await
}

#[cfg(test)]
mod tests {
    use super::for_people;

    #[test]
    fn readers_see_quotation_marks() {
        assert_eq!(for_people("use `a`, not `b`"), "Use “a”, not “b”");
        assert_eq!(for_people("`abc` is no amount"), "“abc” is no amount");
        assert_eq!(for_people(""), "");
    }
}
