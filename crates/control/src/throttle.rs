//! How often something may be tried, in bounded memory.

use domain::random::Random;
use domain::time::Timestamp;
use sha2::{Digest, Sha256};
use std::net::Ipv6Addr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::error::ControlError;

/// The throttles of the way in. An attempt counts until it is forgiven, so that attempts made at
/// the same moment cannot slip through together; success forgives it.
pub(crate) struct Throttles {
    /// Wrong passwords for one account, wherever they come from.
    pub(crate) account: Throttle,
    /// Wrong passwords from one address, whatever the account.
    pub(crate) address: Throttle,
    /// New accounts from one address.
    pub(crate) sign_up: Throttle,
}

impl Throttles {
    pub(crate) fn new(random: &dyn Random) -> Self {
        Self {
            // Ten guesses, then one every 30 seconds: 2,900 a day, against which ten characters hold.
            account: Throttle::new(10, Duration::from_secs(30), random),
            // A household or an office behind one address signs in more often than a person.
            address: Throttle::new(60, Duration::from_secs(5), random),
            // Each costs a password hash and a workspace.
            sign_up: Throttle::new(100, Duration::from_secs(30), random),
        }
    }
}

/// A burst, then a steady rate, for each of any number of names.
///
/// Names are hashed with a secret into a fixed table, so memory is bounded and nobody can push
/// another's entry out. Two names that share a slot share its allowance, which errs towards
/// waiting; with 65,536 slots it is rare. A slot holds the moment at which its burst will be whole
/// again (the «generic cell rate algorithm»), in microseconds.
pub(crate) struct Throttle {
    slots: Box<[AtomicI64]>,
    secret: [u8; 16],
    interval_micros: i64,
    /// How far ahead of now a slot may be: burst − 1 intervals.
    tolerance_micros: i64,
}

const SLOTS: usize = 1 << 16;

impl Throttle {
    fn new(burst: u32, interval: Duration, random: &dyn Random) -> Self {
        let mut secret = [0_u8; 16];
        random.fill(&mut secret);
        let interval_micros = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX);
        Self {
            slots: (0..SLOTS).map(|_| AtomicI64::new(0)).collect(),
            secret,
            interval_micros,
            tolerance_micros: interval_micros.saturating_mul(i64::from(burst.saturating_sub(1))),
        }
    }

    /// Counts an attempt, or says how long to wait.
    pub(crate) fn attempt(&self, name: &str, now: Timestamp) -> Result<(), ControlError> {
        let now = now.as_micros();
        let counted =
            self.slot(name).fetch_update(Ordering::AcqRel, Ordering::Acquire, |whole_at| {
                let whole_at = whole_at.max(now);
                (whole_at - now <= self.tolerance_micros)
                    .then(|| whole_at.saturating_add(self.interval_micros))
            });
        match counted {
            Ok(_) => Ok(()),
            Err(whole_at) => {
                let micros = whole_at.saturating_sub(now).saturating_sub(self.tolerance_micros);
                let micros = u64::try_from(micros).unwrap_or(0);
                Err(ControlError::Throttled {
                    retry_after_seconds: micros.div_ceil(1_000_000).max(1),
                })
            }
        }
    }

    /// Takes one attempt back.
    pub(crate) fn forgive(&self, name: &str) {
        self.slot(name).fetch_sub(self.interval_micros, Ordering::AcqRel);
    }

    #[expect(clippy::indexing_slicing, reason = "two bytes are below the number of slots")]
    fn slot(&self, name: &str) -> &AtomicI64 {
        let digest =
            Sha256::new().chain_update(self.secret).chain_update(name.as_bytes()).finalize();
        &self.slots[usize::from(u16::from_le_bytes([digest[0], digest[1]]))]
    }
}

/// What stands for a client: its IPv4 address, or the IPv6 network that one customer is given,
/// because whoever has one address of it has 2⁶⁴.
pub(crate) fn network(client: &str) -> String {
    match client.parse::<Ipv6Addr>() {
        Ok(address) if address.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => client.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::random::Counting;

    fn throttle() -> Throttle {
        Throttle::new(3, Duration::from_secs(10), &Counting::new())
    }

    fn wait(throttle: &Throttle, name: &str, seconds: i64) -> Option<u64> {
        match throttle.attempt(name, Timestamp::from_seconds(seconds)) {
            Ok(()) => None,
            Err(ControlError::Throttled { retry_after_seconds }) => Some(retry_after_seconds),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_burst_passes_and_then_one_an_interval() {
        let throttle = throttle();
        let waits: Vec<Option<u64>> = [100, 100, 100, 100, 109, 110, 110, 130, 130, 130]
            .map(|t| wait(&throttle, "a", t))
            .into();
        assert_eq!(
            waits,
            [None, None, None, Some(10), Some(1), None, Some(10), None, None, Some(10)]
        );
        assert_eq!(wait(&throttle, "b", 130), None, "another name has its own allowance");
    }

    #[test]
    fn what_is_forgiven_does_not_count() {
        let throttle = throttle();
        for _ in 0..20 {
            assert_eq!(wait(&throttle, "a", 100), None);
            throttle.forgive("a");
        }
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "::ffff:192.0.2.7");
    }
}
