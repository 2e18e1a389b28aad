//! A body that is an object, member by member.

use std::fmt;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::rule::invalid;
use crate::error::{ErrorType, PublicError};

/// Names are compared with each other, so there must be a bound on how many there are.
pub(crate) const MEMBERS_MAX: usize = 128;

/// Every member of a body, verbatim and in order. `example` shows what a body looks like.
pub(crate) fn read_body(
    body: &[u8],
    example: &str,
) -> Result<Vec<(String, Box<RawValue>)>, PublicError> {
    let mut fault = None;
    let mut json = serde_json::Deserializer::from_slice(body);
    let outcome =
        json.deserialize_map(Body(&mut fault)).and_then(|members| json.end().map(|()| members));
    outcome.map_err(|error| fault.unwrap_or_else(|| not_an_object(&error, example)))
}

/// What serde found wrong with a body as a whole.
pub(crate) fn not_an_object(error: &serde_json::Error, example: &str) -> PublicError {
    if error.is_data() {
        let message = format!("the body must be a JSON object such as `{example}`");
        return PublicError::new(ErrorType::InvalidRequest, message);
    }
    let message = format!("the body is not valid JSON: {error}");
    PublicError::new(ErrorType::InvalidRequest, message)
        .with_metadata("line", error.line())
        .with_metadata("column", error.column())
}

/// Keeps the error that serde, whose own carry only a text, would lose.
struct Body<'f>(&'f mut Option<PublicError>);

impl<'de> Visitor<'de> for Body<'_> {
    type Value = Vec<(String, Box<RawValue>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut stop = |fault: PublicError| {
            *self.0 = Some(fault);
            de::Error::custom("invalid request")
        };
        let mut members: Self::Value = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.iter().any(|(known, _)| *known == name) {
                return Err(stop(invalid(&name, "is given twice: keep one of them")));
            }
            if members.len() >= MEMBERS_MAX {
                return Err(stop(too_many_members()));
            }
            members.push((name, map.next_value()?));
        }
        Ok(members)
    }
}

pub(crate) fn too_many_members() -> PublicError {
    let message = format!("the body has more than {MEMBERS_MAX} members");
    PublicError::new(ErrorType::InvalidRequest, message)
}
