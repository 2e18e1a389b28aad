//! Chance that follows from a seed, and what it makes of an endpoint.

use std::time::Duration;

/// A reproducible sequence of numbers (SplitMix64): cheap, and good enough for manners.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// A sequence that depends on every one of the texts.
    pub(crate) fn new(seed: u64, texts: &[&str]) -> Self {
        // FNV-1a, with a separator so that "ab", "c" differs from "a", "bc".
        let mut hash = 0xCBF2_9CE4_8422_2325 ^ seed;
        for text in texts {
            for byte in text.bytes().chain([0xFF]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
            }
        }
        Self(hash)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to `end`, which is excluded; 0 when there is none.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or(0)
    }

    /// A number within both bounds.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1)))
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> Option<&'a T> {
        let index = usize::try_from(self.below(choices.len() as u64)).ok()?;
        choices.get(index).copied()
    }
}

/// How one endpoint behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) first_token: Duration,
    pub(crate) per_token: Duration,
    /// How many of 10,000 requests fail: up to one per cent, and for half of all endpoints none.
    pub(crate) failures_per_10_000: u64,
}

impl Profile {
    pub(crate) fn of(seed: u64, provider: &str, model: &str) -> Self {
        let mut dice = Dice::new(seed, &[provider, model]);
        let first_token = Duration::from_millis(dice.between(120, 700));
        let tokens_per_second = dice.between(25, 160);
        let per_token = Duration::from_micros(1_000_000 / tokens_per_second);
        let failures_per_10_000 = dice.between(0, 200).saturating_sub(100);
        Self { first_token, per_token, failures_per_10_000 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_differ_and_stay_the_same() {
        let one = Profile::of(1, "groq", "llama");
        assert_eq!(one, Profile::of(1, "groq", "llama"));
        assert_ne!(one, Profile::of(1, "together", "llama"));
        assert_ne!(one, Profile::of(2, "groq", "llama"));
        assert!(one.failures_per_10_000 <= 100);
    }
}
