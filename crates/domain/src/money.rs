//! Exact money.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// An amount of US dollars, in whole nano-dollars.
///
/// One dollar is 1,000,000,000 nano-dollars; the range is ±9.2 billion dollars. There is no
/// conversion from floating point: text is parsed exactly or refused.
/// Serialised as its decimal text, because JSON numbers lose digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Usd(i64);

/// A text is not an amount of dollars that can be held exactly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseUsdError {
    #[error("`{0}` is not a decimal number of dollars, such as `12.50`")]
    Malformed(String),
    #[error("`{0}` has more than nine digits after the point")]
    TooPrecise(String),
    #[error("`{0}` is outside the range of ±9,000,000,000 dollars")]
    OutOfRange(String),
}

const NANOS_PER_DOLLAR: i64 = 1_000_000_000;

impl Usd {
    pub const ZERO: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Whole dollars; saturates at the ends of the range.
    pub const fn from_dollars(dollars: i64) -> Self {
        Self(dollars.saturating_mul(NANOS_PER_DOLLAR))
    }

    pub const fn nanos(self) -> i64 {
        self.0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }

    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }

    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The exact sum, or `None` when it leaves the range.
    pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }
}

impl fmt::Display for Usd {
    /// The exact decimal without an exponent or trailing zeros: `0.00315`, `-2`, `10.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let (dollars, nanos) = (magnitude / 1_000_000_000, magnitude % 1_000_000_000);
        if self.0 < 0 {
            f.write_str("-")?;
        }
        if nanos == 0 {
            return write!(f, "{dollars}");
        }
        let digits = format!("{nanos:09}");
        write!(f, "{dollars}.{}", digits.trim_end_matches('0'))
    }
}

impl fmt::Debug for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${self}")
    }
}

impl FromStr for Usd {
    type Err = ParseUsdError;

    /// Parses `[-]digits[.digits]` exactly.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_scaled(text, 9).map(Self).map_err(|error| match error {
            ScaledError::Malformed => ParseUsdError::Malformed(shorten(text)),
            ScaledError::TooPrecise => ParseUsdError::TooPrecise(shorten(text)),
            ScaledError::OutOfRange => ParseUsdError::OutOfRange(shorten(text)),
        })
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a decimal text has no exact integer at some scale.
pub(crate) enum ScaledError {
    Malformed,
    TooPrecise,
    OutOfRange,
}

pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

/// `"1.5"` at scale 3 is `1500`. Trailing zeros beyond the scale are accepted.
pub(crate) fn parse_scaled(text: &str, scale: usize) -> Result<i64, ScaledError> {
    let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = match rest.split_once('.') {
        Some((_, "")) => return Err(ScaledError::Malformed),
        Some(parts) => parts,
        None => (rest, ""),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(ScaledError::Malformed);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > scale {
        return Err(ScaledError::TooPrecise);
    }
    let digits = whole.bytes().chain(fraction.bytes());
    let padding = std::iter::repeat_n(b'0', scale - fraction.len());
    digits
        .chain(padding)
        .try_fold(0_i64, |value, byte| {
            let value = value.checked_mul(10)?;
            let digit = i64::from(byte - b'0');
            if negative { value.checked_sub(digit) } else { value.checked_add(digit) }
        })
        .ok_or(ScaledError::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_print_and_parse_exactly() {
        for (text, nanos) in [
            ("0", 0),
            ("10.5", 10_500_000_000),
            ("-2", -2_000_000_000),
            ("0.000000001", 1),
            ("9223372036.854775807", i64::MAX),
            ("-9223372036.854775808", i64::MIN),
        ] {
            assert_eq!(text.parse::<Usd>(), Ok(Usd(nanos)));
            assert_eq!(Usd(nanos).to_string(), text);
        }
        assert_eq!("1.500000000000".parse::<Usd>(), Ok(Usd(1_500_000_000)));
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        for text in ["", "-", ".", "1.", ".5", "1e3", "+1", "1,000", "0x1", " 1", "١"] {
            assert!(matches!(text.parse::<Usd>(), Err(ParseUsdError::Malformed(_))), "{text}");
        }
        assert!(matches!("0.0000000001".parse::<Usd>(), Err(ParseUsdError::TooPrecise(_))));
        assert!(matches!("9223372036.854775808".parse::<Usd>(), Err(ParseUsdError::OutOfRange(_))));
    }

    proptest! {
        #[test]
        fn every_amount_survives_its_text(nanos: i64) {
            prop_assert_eq!(Usd(nanos).to_string().parse::<Usd>(), Ok(Usd(nanos)));
        }
    }
}
