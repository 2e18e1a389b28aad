//! Points in time, and the clock as an argument.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const EPOCH: Self = Self(0);

    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This point moved later; saturates at the end of time.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Time from `earlier` to this point, or zero when it lies later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `2026-11-22T12:00:00.000Z`; years beyond the calendar print as the epoch.
    pub fn to_rfc3339(self) -> String {
        let date = self.to_calendar();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            date.year(),
            u8::from(date.month()),
            date.day(),
            date.hour(),
            date.minute(),
            date.second(),
            date.millisecond()
        )
    }

    /// The UTC calendar date and time of this point.
    pub fn to_calendar(self) -> time::OffsetDateTime {
        time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
    }

    /// 00:00 UTC of the day that contains this point.
    #[must_use]
    pub const fn start_of_day(self) -> Self {
        const DAY: i64 = 86_400_000_000;
        Self(self.0 - self.0.rem_euclid(DAY))
    }

    /// 00:00 UTC of the Monday on or before this point.
    #[must_use]
    pub fn start_of_week(self) -> Self {
        let day = self.start_of_day();
        let days = u64::from(day.to_calendar().weekday().number_days_from_monday());
        day.minus(Duration::from_secs(days * 86_400))
    }

    /// 00:00 UTC of the first day of the month that contains this point.
    #[must_use]
    pub fn start_of_month(self) -> Self {
        let day = self.start_of_day();
        let days = u64::from(day.to_calendar().day() - 1);
        day.minus(Duration::from_secs(days * 86_400))
    }
}

/// Tells the time. Everything below `server` is given one.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[cfg(feature = "clock")]
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[cfg(feature = "clock")]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that others are given")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Timestamp(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock(std::sync::atomic::AtomicI64);

impl ManualClock {
    pub fn at(now: Timestamp) -> Self {
        Self(std::sync::atomic::AtomicI64::new(now.0))
    }

    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.0.fetch_add(micros, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_begin_where_the_calendar_says() {
        // 2026-11-22 is a Sunday.
        let now = Timestamp::from_seconds(1_795_348_800 + 3_600);
        assert_eq!(now.to_rfc3339(), "2026-11-22T13:00:00.000Z");
        assert_eq!(now.start_of_day().to_rfc3339(), "2026-11-22T00:00:00.000Z");
        assert_eq!(now.start_of_week().to_rfc3339(), "2026-11-16T00:00:00.000Z");
        assert_eq!(now.start_of_month().to_rfc3339(), "2026-11-01T00:00:00.000Z");
    }
}
