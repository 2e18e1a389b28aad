//! Identifiers: a short prefix that says what it names, and a time-ordered random part.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

use crate::random::Random;
use crate::time::Timestamp;

/// A text is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an identifier of the form `{prefix}_…`")]
pub struct ParseIdError {
    text: String,
    prefix: &'static str,
}

/// A UUIDv7 made from the given time and randomness.
fn time_ordered(now: Timestamp, random: &dyn Random) -> uuid::Uuid {
    let mut bytes = [0_u8; 10];
    random.fill(&mut bytes);
    let millis = u64::try_from(now.as_micros() / 1_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(uuid::Uuid);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// A new identifier that sorts after those made earlier.
            pub fn new(now: Timestamp, random: &dyn Random) -> Self {
                Self(time_ordered(now, random))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", Self::PREFIX, self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.strip_prefix(Self::PREFIX)
                    .and_then(|rest| rest.strip_prefix('_'))
                    .and_then(|rest| uuid::Uuid::try_parse(rest).ok())
                    .map(Self)
                    .ok_or_else(|| ParseIdError { text: text.to_owned(), prefix: Self::PREFIX })
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseIdError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

ids! {
    /// A person.
    UserId = "usr",
    /// The tenant: owns keys, credits and settings.
    WorkspaceId = "ws",
    /// A key that calls inference.
    ApiKeyId = "key",
    /// A slice of credit that one node holds.
    LeaseId = "lse",
    /// One movement of money between two ledger accounts.
    TransferId = "tr",
    /// One settlement transaction over several generations.
    BatchId = "bat",
    /// One try at one endpoint.
    AttemptId = "att",
    /// One running process.
    NodeId = "node",
    /// A request to add credit.
    TopUpId = "top",
}

/// One admitted request and its permanent record: `gen-<unix seconds>-<20 random characters>`.
///
/// The form is public: clients match it with `^gen-`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct GenerationId(Box<str>);

impl GenerationId {
    const RANDOM_LENGTH: usize = 20;

    pub fn new(now: Timestamp, random: &dyn Random) -> Self {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let mut bytes = [0_u8; Self::RANDOM_LENGTH];
        random.fill(&mut bytes);
        let mut text = String::with_capacity(4 + 10 + 1 + Self::RANDOM_LENGTH);
        text.push_str("gen-");
        text.push_str(&now.as_seconds().to_string());
        text.push('-');
        text.extend(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])));
        Self(text.into_boxed_str())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GenerationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for GenerationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for GenerationId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = text.len() <= 64
            && text.strip_prefix("gen-").is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            });
        if valid {
            Ok(Self(text.into()))
        } else {
            Err(ParseIdError { text: text.chars().take(80).collect(), prefix: "gen" })
        }
    }
}

impl TryFrom<String> for GenerationId {
    type Error = ParseIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl<'de> Deserialize<'de> for GenerationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Counting;

    #[test]
    fn an_id_survives_its_text() {
        let id = WorkspaceId::new(Timestamp::from_micros(1_700_000_000_000_000), &Counting::new());
        assert_eq!(id.to_string().parse::<WorkspaceId>(), Ok(id));
        assert!(id.to_string().starts_with("ws_"));
        assert!(id.to_string().parse::<UserId>().is_err());
    }

    #[test]
    fn a_generation_id_has_the_public_form() {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let id = GenerationId::new(now, &Counting::new());
        assert!(id.as_str().starts_with("gen-1700000000-"));
        assert_eq!(id.as_str().parse::<GenerationId>(), Ok(id));
        assert!("gen-".parse::<GenerationId>().is_err());
        assert!("gen-a'b".parse::<GenerationId>().is_err());
    }
}
