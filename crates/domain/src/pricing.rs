//! Prices per unit.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::money::{ParseUsdError, ScaledError, parse_scaled, shorten};
use crate::usage::Usage;

/// A price: nano-dollars per million units, which is how the field quotes.
///
/// $0.15 per million tokens is `Price::from_nanos_per_million(150_000_000)`; $0.01 per request
/// is `Price::from_nanos_per_million(10_000_000 * 1_000_000)`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Price(i64);

impl Price {
    pub const FREE: Self = Self(0);

    pub const fn from_nanos_per_million(nanos: i64) -> Self {
        Self(nanos)
    }

    pub const fn nanos_per_million(self) -> i64 {
        self.0
    }

    pub const fn is_free(self) -> bool {
        self.0 == 0
    }

    /// Parses dollars per million units: `"0.15"`.
    pub fn parse_per_million(text: &str) -> Result<Self, ParseUsdError> {
        Self::parse_at(text, 9)
    }

    /// Parses dollars per unit, as the public API quotes: `"0.00000015"`.
    pub fn parse_per_unit(text: &str) -> Result<Self, ParseUsdError> {
        Self::parse_at(text, 15)
    }

    fn parse_at(text: &str, scale: usize) -> Result<Self, ParseUsdError> {
        match parse_scaled(text, scale) {
            Ok(nanos) if nanos < 0 => Err(ParseUsdError::OutOfRange(shorten(text))),
            Ok(nanos) => Ok(Self(nanos)),
            Err(ScaledError::Malformed) => Err(ParseUsdError::Malformed(shorten(text))),
            Err(ScaledError::TooPrecise) => Err(ParseUsdError::TooPrecise(shorten(text))),
            Err(ScaledError::OutOfRange) => Err(ParseUsdError::OutOfRange(shorten(text))),
        }
    }

    /// The exact decimal dollars per unit: `"0.00000015"`.
    pub fn per_unit(self) -> String {
        decimal(self.0, 15)
    }

    /// The exact decimal dollars per million units: `"0.15"`.
    pub fn per_million(self) -> String {
        decimal(self.0, 9)
    }
}

fn decimal(value: i64, scale: usize) -> String {
    let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    let sign = if value < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A thing that is counted and priced. Usage in one unit is never part of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Input tokens that were neither read from nor written to a cache.
    Prompt,
    CacheRead,
    CacheWrite5m,
    CacheWrite1h,
    AudioInput,
    /// Images in the prompt, each.
    ImageInput,
    /// Visible output tokens.
    Completion,
    Reasoning,
    AudioOutput,
    /// Images in the answer, each.
    ImageOutput,
    /// The request itself.
    Request,
    WebSearch,
}

impl Unit {
    pub const ALL: [Self; 12] = [
        Self::Prompt,
        Self::CacheRead,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::AudioInput,
        Self::ImageInput,
        Self::Completion,
        Self::Reasoning,
        Self::AudioOutput,
        Self::ImageOutput,
        Self::Request,
        Self::WebSearch,
    ];

    /// The name in catalog files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::CacheRead => "cache_read",
            Self::CacheWrite5m => "cache_write_5m",
            Self::CacheWrite1h => "cache_write_1h",
            Self::AudioInput => "audio_input",
            Self::ImageInput => "image_input",
            Self::Completion => "completion",
            Self::Reasoning => "reasoning",
            Self::AudioOutput => "audio_output",
            Self::ImageOutput => "image_output",
            Self::Request => "request",
            Self::WebSearch => "web_search",
        }
    }

    const fn index(self) -> usize {
        self as usize
    }

    /// The unit whose price applies when this one has none of its own.
    const fn priced_as(self) -> Option<Self> {
        match self {
            Self::CacheRead | Self::CacheWrite5m | Self::AudioInput => Some(Self::Prompt),
            Self::CacheWrite1h => Some(Self::CacheWrite5m),
            Self::Reasoning | Self::AudioOutput => Some(Self::Completion),
            Self::Prompt
            | Self::ImageInput
            | Self::Completion
            | Self::ImageOutput
            | Self::Request
            | Self::WebSearch => None,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Unit {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|unit| unit.as_str() == text).ok_or(())
    }
}

/// The prices of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PriceSheet([Option<Price>; Unit::ALL.len()]);

impl PriceSheet {
    pub fn set(&mut self, unit: Unit, price: Price) {
        self.0[unit.index()] = Some(price);
    }

    #[must_use]
    pub fn with(mut self, unit: Unit, price: Price) -> Self {
        self.set(unit, price);
        self
    }

    /// The price that was stated for this unit, if one was.
    pub fn stated(&self, unit: Unit) -> Option<Price> {
        self.0[unit.index()]
    }

    /// The price that applies to this unit: its own, or that of the wider unit it belongs to.
    pub fn price(&self, unit: Unit) -> Price {
        let mut unit = unit;
        loop {
            match (self.stated(unit), unit.priced_as()) {
                (Some(price), _) => return price,
                (None, Some(wider)) => unit = wider,
                (None, None) => return Price::FREE,
            }
        }
    }

    /// Whether nothing about this endpoint costs anything.
    pub fn is_free(&self) -> bool {
        self.0.iter().flatten().all(|price| price.is_free())
    }

    /// Every counted quantity with the price that applies to it.
    pub fn lines(&self, usage: &Usage) -> impl Iterator<Item = (Unit, u64, Price)> {
        Unit::ALL
            .into_iter()
            .map(|unit| (unit, usage.quantity(unit), self.price(unit)))
            .filter(|(_, quantity, _)| *quantity > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_print_and_parse_exactly() {
        let price = Price::parse_per_million("0.15").unwrap();
        assert_eq!(price.nanos_per_million(), 150_000_000);
        assert_eq!(price.per_unit(), "0.00000015");
        assert_eq!(Price::parse_per_unit("0.00000015"), Ok(price));
        assert_eq!(price.per_million(), "0.15");
        assert_eq!(Price::FREE.per_unit(), "0");
        assert!(Price::parse_per_million("-1").is_err());
    }

    #[test]
    fn a_unit_without_a_price_costs_what_its_wider_unit_costs() {
        let sheet = PriceSheet::default()
            .with(Unit::Prompt, Price::from_nanos_per_million(10))
            .with(Unit::Completion, Price::from_nanos_per_million(20));
        assert_eq!(sheet.price(Unit::CacheWrite1h), Price::from_nanos_per_million(10));
        assert_eq!(sheet.price(Unit::Reasoning), Price::from_nanos_per_million(20));
        assert_eq!(sheet.price(Unit::Request), Price::FREE);
    }
}
