use super::*;
use std::time::Duration;

fn dollars(text: &str) -> Usd {
    text.parse().unwrap()
}

#[test]
fn decimal_points_stand_below_each_other() {
    let column = ["$0.00012", "$5.00", "free", "−$1.5"].map(str::to_owned).to_vec();
    let nbsp = "\u{a0}";
    assert_eq!(
        align(column),
        [
            "$0.00012",
            &format!("$5.00{}", nbsp.repeat(3)),
            "free",
            &format!("−$1.5{}", nbsp.repeat(4))
        ]
    );
    assert_eq!(align(Vec::new()), Vec::<String>::new());
}

#[test]
fn money_is_exact_and_has_cents() {
    for (amount, expected) in [
        ("0", "$0.00"),
        ("5", "$5.00"),
        ("12.5", "$12.50"),
        ("0.000315", "$0.000315"),
        ("0.000000001", "$0.000000001"),
        ("1234567.5", "$1,234,567.50"),
        ("-12.5", "−$12.50"),
        ("-0.000000001", "−$0.000000001"),
    ] {
        assert_eq!(usd(dollars(amount)), expected);
    }
    assert_eq!(signed_usd(dollars("5")), "+$5.00");
    assert_eq!(signed_usd(dollars("-5")), "−$5.00");
}

#[test]
fn prices_are_quoted_per_million() {
    for (price, expected) in
        [("0", "free"), ("0.15", "$0.15"), ("15", "$15.00"), ("0.0375", "$0.0375")]
    {
        assert_eq!(per_million(Price::parse_per_million(price).unwrap()), expected);
    }
    assert_eq!(per_unit(Price::parse_per_unit("0.01").unwrap()), "$0.01");
}

#[test]
fn token_counts_are_short() {
    for (number, expected) in [
        (0, "0"),
        (999, "999"),
        (1_000, "1K"),
        (1_500, "1.5K"),
        (8_192, "8.19K"),
        (9_999, "10K"),
        (99_960, "100K"),
        (32_768, "32.8K"),
        (128_000, "128K"),
        (131_072, "131K"),
        (999_499, "999K"),
        (1_000_000, "1M"),
        (1_048_576, "1.05M"),
        (10_000_000, "10M"),
        (2_000_000_000, "2B"),
    ] {
        assert_eq!(tokens(number), expected, "{number}");
    }
    assert_eq!(count(1_234_567), "1,234,567");
    assert_eq!(count(12), "12");
}

#[test]
fn durations_and_rates_are_readable() {
    for (ms, expected) in
        [(0, "0 ms"), (640, "640 ms"), (2_350, "2.35 s"), (59_999, "59.99 s"), (65_000, "1 m 05 s")]
    {
        assert_eq!(milliseconds(ms), expected);
    }
    assert_eq!(rate(84.24), "84.2");
    assert_eq!(rate(1_204.6), "1205");
}

#[test]
fn times_are_utc() {
    let at = Timestamp::from_seconds(1_795_348_800 + 3_661);
    assert_eq!(date_time(at), "2026-11-22 13:01:01");
    assert_eq!(date(at), "2026-11-22");
    for (seconds, expected) in [
        (0, "just now"),
        (120, "2 min ago"),
        (7_200, "2 h ago"),
        (200_000, "2 d ago"),
        (90 * 86_400, "2026-11-22"),
    ] {
        assert_eq!(ago(at, at.plus(Duration::from_secs(seconds))), expected);
    }
    assert_eq!(ago(at.plus(Duration::from_secs(5)), at), "just now");
}
