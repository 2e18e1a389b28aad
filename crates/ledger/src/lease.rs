//! How much of a fund a node may set aside.

use domain::money::Usd;

/// The size of a lease, or none when the fund lacks what the request at hand needs.
///
/// A node asks for `want`, what it expects to use soon, and gets at most half of what is there,
/// so that a second node or a second lease still finds something in a small balance. The request
/// at hand comes first: the lease is never smaller than `at_least`.
pub fn grant(available: Usd, at_least: Usd, want: Usd) -> Option<Usd> {
    let at_least = at_least.max(Usd::ZERO);
    if available < at_least {
        return None;
    }
    Some(want.min(half_rounded_up(available)).max(at_least))
}

fn half_rounded_up(amount: Usd) -> Usd {
    let nanos = amount.nanos().max(0).unsigned_abs().div_ceil(2);
    i64::try_from(nanos).map_or(Usd::MAX, Usd::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_lease_is_what_is_wanted_within_half_of_what_is_there() {
        for (available, at_least, want, expected) in [
            (100, 10, 30, Some(30)),
            (100, 10, 80, Some(50)),
            (100, 70, 80, Some(70)),
            (100, 100, 100, Some(100)),
            (100, 101, 200, None),
            (1, 0, 10, Some(1)),
            (0, 0, 10, Some(0)),
            (-5, 0, 10, None),
            (7, 1, 7, Some(4)),
            (100, 40, 10, Some(40)),
            (i64::MAX, 1, i64::MAX, Some(i64::MAX / 2 + 1)),
        ] {
            let granted =
                grant(Usd::from_nanos(available), Usd::from_nanos(at_least), Usd::from_nanos(want));
            assert_eq!(granted.map(Usd::nanos), expected, "{available} {at_least} {want}");
        }
    }

    proptest! {
        #[test]
        fn a_lease_never_exceeds_what_is_there(available: i64, at_least in 0_i64.., want: i64) {
            let available = Usd::from_nanos(available);
            let at_least = Usd::from_nanos(at_least);
            match grant(available, at_least, Usd::from_nanos(want)) {
                Some(amount) => prop_assert!(at_least <= amount && amount <= available),
                None => prop_assert!(available < at_least),
            }
        }
    }
}
