//! How a model is named: `author/name[:variant…]`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A text does not name a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid model ID")]
pub struct ParseSlugError(pub String);

/// The name of a model without its variants: `author/name`, lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelSlug(Box<str>);

impl ModelSlug {
    pub const LENGTH_MAX: usize = 128;

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn author(&self) -> &str {
        self.0.split_once('/').map_or("", |(author, _)| author)
    }

    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

fn is_segment(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

impl FromStr for ModelSlug {
    type Err = ParseSlugError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((author, name))
                if text.len() <= Self::LENGTH_MAX && is_segment(author) && is_segment(name) =>
            {
                Ok(Self(text.into()))
            }
            _ => Err(ParseSlugError(text.chars().take(Self::LENGTH_MAX).collect())),
        }
    }
}

impl TryFrom<String> for ModelSlug {
    type Error = ParseSlugError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for ModelSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ModelSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ModelSlug {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ModelSlug {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A suffix that changes how a model is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// Endpoints that cost nothing.
    Free,
    /// Endpoints with a longer context.
    Extended,
    /// Reasoning on by default.
    Thinking,
    /// Fastest first.
    Nitro,
    /// Cheapest first.
    Floor,
    /// Best tool calling first.
    Exacto,
}

impl Variant {
    pub const ALL: [Self; 6] =
        [Self::Free, Self::Extended, Self::Thinking, Self::Nitro, Self::Floor, Self::Exacto];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Extended => "extended",
            Self::Thinking => "thinking",
            Self::Nitro => "nitro",
            Self::Floor => "floor",
            Self::Exacto => "exacto",
        }
    }
}

impl FromStr for Variant {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|variant| variant.as_str() == text).ok_or(())
    }
}

/// What a caller asks for: a model and its variants, `openai/gpt-4o:nitro`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRef {
    pub slug: ModelSlug,
    pub variants: Vec<Variant>,
}

impl FromStr for ModelRef {
    type Err = ParseSlugError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':');
        let slug = parts.next().unwrap_or_default().parse()?;
        let variants = parts
            .map(str::parse)
            .collect::<Result<Vec<Variant>, ()>>()
            .map_err(|()| ParseSlugError(text.chars().take(ModelSlug::LENGTH_MAX).collect()))?;
        Ok(Self { slug, variants })
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug.as_str())?;
        self.variants.iter().try_for_each(|variant| write!(f, ":{}", variant.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_an_author_and_a_name() {
        let slug: ModelSlug = "meta-llama/llama-3.3-70b-instruct".parse().unwrap();
        assert_eq!((slug.author(), slug.name()), ("meta-llama", "llama-3.3-70b-instruct"));
        for text in ["", "gpt-4o", "/x", "a/", "a/b/c", "A/b", "a b/c", "a/<script>", "../x"] {
            assert!(text.parse::<ModelSlug>().is_err(), "{text}");
        }
    }

    #[test]
    fn variants_stack() {
        let model: ModelRef = "openai/gpt-oss-20b:free:nitro".parse().unwrap();
        assert_eq!(model.variants, [Variant::Free, Variant::Nitro]);
        assert_eq!(model.to_string(), "openai/gpt-oss-20b:free:nitro");
        assert!("openai/gpt-4o:fast".parse::<ModelRef>().is_err());
        assert!("openai/gpt-4o:".parse::<ModelRef>().is_err());
    }
}
