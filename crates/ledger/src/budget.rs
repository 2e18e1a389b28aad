//! What a key may still spend.

use domain::api_key::{LimitReset, SpendLimit};
use domain::money::Usd;
use domain::time::Timestamp;
use std::time::Duration;

/// A spend limit in one of its windows, with what was spent and what is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    pub limit: Usd,
    pub spent: Usd,
    pub pending: Usd,
}

impl Budget {
    /// What a new lease can take. Never negative, although a limit may be set below what is
    /// already spent.
    pub fn available(&self) -> Usd {
        self.limit.saturating_sub(self.spent).saturating_sub(self.pending).max(Usd::ZERO)
    }
}

/// What is left of a limit after `spent`; never negative.
pub fn remaining(limit: &SpendLimit, spent: Usd) -> Usd {
    limit.amount.saturating_sub(spent).max(Usd::ZERO)
}

/// When the window that contains `now` ends and spending begins again at zero; none when it
/// never does.
pub fn next_reset(reset: LimitReset, now: Timestamp) -> Option<Timestamp> {
    const DAY: Duration = Duration::from_secs(86_400);
    let start = reset.window_start(now);
    match reset {
        LimitReset::Never => None,
        LimitReset::Daily => Some(start.plus(DAY)),
        LimitReset::Weekly => Some(start.plus(DAY.saturating_mul(7))),
        // No month is longer than 31 days, and 32 days after a first no second month has ended.
        LimitReset::Monthly => Some(start.plus(DAY.saturating_mul(32)).start_of_month()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pending_can_not_be_leased_again() {
        let budget = |limit, spent, pending| {
            Budget {
                limit: Usd::from_nanos(limit),
                spent: Usd::from_nanos(spent),
                pending: Usd::from_nanos(pending),
            }
            .available()
            .nanos()
        };
        assert_eq!(budget(10, 3, 4), 3);
        assert_eq!(budget(10, 10, 0), 0);
        assert_eq!(budget(5, 10, 0), 0);
    }

    #[test]
    fn windows_end_where_the_next_one_begins() {
        // Sunday, 2026-11-22T13:00:00Z.
        let now = Timestamp::from_seconds(1_795_352_400);
        for (reset, expected) in [
            (LimitReset::Never, None),
            (LimitReset::Daily, Some("2026-11-23T00:00:00.000Z")),
            (LimitReset::Weekly, Some("2026-11-23T00:00:00.000Z")),
            (LimitReset::Monthly, Some("2026-12-01T00:00:00.000Z")),
        ] {
            assert_eq!(next_reset(reset, now).map(Timestamp::to_rfc3339).as_deref(), expected);
        }
        // The first moment of 31 January, a long month before a short one.
        let now = Timestamp::from_seconds(1_801_353_600);
        assert_eq!(now.to_rfc3339(), "2027-01-31T00:00:00.000Z");
        let end = next_reset(LimitReset::Monthly, now).unwrap();
        assert_eq!(end.to_rfc3339(), "2027-02-01T00:00:00.000Z");
        assert_eq!(LimitReset::Monthly.window_start(end), end);
    }
}
