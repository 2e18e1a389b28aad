//! From columns to domain values and back.

use domain::money::Usd;
use domain::time::Timestamp;
use std::borrow::Cow;

use crate::error::StoreError;

/// Reads a text column as what it stands for.
pub(crate) fn parse<T>(column: &'static str, text: &str) -> Result<T, StoreError>
where
    T: std::str::FromStr,
{
    text.parse().map_err(|_| StoreError::Corrupt { column })
}

pub(crate) fn parse_optional<T>(
    column: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, StoreError>
where
    T: std::str::FromStr,
{
    text.map(|text| parse(column, text)).transpose()
}

/// Reads a count. Counts are never negative.
pub(crate) fn count(column: &'static str, value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Corrupt { column })
}

pub(crate) fn small(column: &'static str, value: i64) -> Result<u32, StoreError> {
    u32::try_from(value).map_err(|_| StoreError::Corrupt { column })
}

/// No count comes near this. Millions of rows that all had it could still be summed, so a provider
/// that counts nonsense cannot keep the money of a batch from being settled.
const COUNT_MAX: u64 = 1_000_000_000_000;

/// Writes a count, bounded by [`COUNT_MAX`].
pub(crate) fn from_count(value: u64) -> i64 {
    i64::try_from(value.min(COUNT_MAX)).unwrap_or(i64::MAX)
}

pub(crate) const fn usd(nanos: i64) -> Usd {
    Usd::from_nanos(nanos)
}

pub(crate) const fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(crate) fn optional_time(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}

/// Writes a text that came from a caller or a provider. PostgreSQL refuses U+0000, and one
/// record that is refused would keep the money of its whole batch from being settled.
pub(crate) fn text(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(|text| {
        if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) }
    })
}

/// Writes the length of a list.
pub(crate) fn from_length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
