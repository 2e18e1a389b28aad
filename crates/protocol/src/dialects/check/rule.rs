//! What a value must look like, and the refusal when it does not.

use serde_json::value::RawValue;

use super::value::{Members, boolean, integer, number, text};
use crate::error::{ErrorType, PublicError};

/// What a parameter must look like.
pub(crate) enum Rule {
    Number { min: f64, max: f64 },
    Integer { min: i64, max: i64 },
    Boolean,
    Text { characters_max: usize },
    OneOf(&'static [&'static str]),
    Object,
    List,
    Custom(fn(&str, &RawValue) -> Result<(), PublicError>),
}

pub(crate) const fn number_in(min: f64, max: f64) -> Rule {
    Rule::Number { min, max }
}

pub(crate) const fn integer_in(min: i64, max: i64) -> Rule {
    Rule::Integer { min, max }
}

impl Rule {
    pub(crate) fn check(&self, field: &str, raw: &RawValue) -> Result<(), PublicError> {
        let holds = match self {
            Self::Number { min, max } => number(raw).is_some_and(|n| *min <= n && n <= *max),
            Self::Integer { min, max } => integer(raw).is_some_and(|n| *min <= n && n <= *max),
            Self::Boolean => boolean(raw).is_some(),
            Self::Text { characters_max } => {
                text(raw).is_some_and(|text| text.chars().count() <= *characters_max)
            }
            Self::OneOf(choices) => text(raw).is_some_and(|text| choices.contains(&&*text)),
            Self::Object => raw.get().starts_with('{'),
            Self::List => raw.get().starts_with('['),
            Self::Custom(check) => return check(field, raw),
        };
        if holds { Ok(()) } else { Err(invalid(field, &self.demand())) }
    }

    fn demand(&self) -> String {
        match self {
            Self::Number { min, max } => format!("must be a number from {min} to {max}"),
            Self::Integer { min: i64::MIN, max: i64::MAX } => {
                "must be a whole number of at most 64 bits".to_owned()
            }
            Self::Integer { min, max: i64::MAX } => {
                format!("must be a whole number of at least {min}")
            }
            Self::Integer { min, max } => format!("must be a whole number from {min} to {max}"),
            Self::Boolean => "must be `true` or `false`".to_owned(),
            Self::Text { characters_max: usize::MAX } => "must be text".to_owned(),
            Self::Text { characters_max } => {
                format!("must be text of at most {characters_max} characters")
            }
            Self::OneOf(choices) => format!("must be {}", alternatives(choices)),
            Self::Object => "must be an object".to_owned(),
            Self::List => "must be a list".to_owned(),
            Self::Custom(_) => "is not valid".to_owned(),
        }
    }
}

/// `` `a`, `b` or `c` ``.
fn alternatives(choices: &[&str]) -> String {
    match choices {
        [] => String::new(),
        [only] => format!("`{only}`"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|choice| format!("`{choice}`")).collect();
            format!("{} or `{last}`", first.join(", "))
        }
    }
}

/// A 400 that names the field, the rule and with it the remedy.
pub(crate) fn invalid(field: &str, demand: &str) -> PublicError {
    PublicError::new(ErrorType::InvalidRequest, format!("`{field}` {demand}"))
        .with_metadata("field", field)
}

/// A member that must be there.
pub(crate) fn require(
    object: &Members<'_>,
    field: &str,
    name: &str,
    rule: &Rule,
) -> Result<(), PublicError> {
    let field = format!("{field}.{name}");
    match object.find(name) {
        Some(value) => rule.check(&field, value),
        None => match rule {
            Rule::Custom(_) => Err(invalid(&field, "is missing")),
            _ => Err(invalid(&field, &format!("is missing and {}", rule.demand()))),
        },
    }
}

/// A member that may be absent or null.
pub(crate) fn allow(
    object: &Members<'_>,
    field: &str,
    name: &str,
    rule: &Rule,
) -> Result<(), PublicError> {
    match object.find(name) {
        Some(value) => rule.check(&format!("{field}.{name}"), value),
        None => Ok(()),
    }
}
