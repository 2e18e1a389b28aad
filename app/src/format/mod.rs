//! Numbers, money, durations and times as text. The one place that decides how a figure looks.
//!
//! Nothing here asks for a clock or a locale: server and browser write the same text.

use domain::money::Usd;
use domain::pricing::{Price, Unit};
use domain::time::Timestamp;

/// What stands where there is no figure.
pub const NONE: &str = "—";

/// Exact dollars with at least cents: `$5.00`, `$0.000315`, `−$12.50`.
pub fn usd(amount: Usd) -> String {
    let text = amount.to_string();
    let (sign, magnitude) = text.strip_prefix('-').map_or(("", &*text), |rest| ("−", rest));
    format!("{sign}${}", with_cents(magnitude))
}

/// Exact dollars with a sign always: what changed an account.
pub fn signed_usd(amount: Usd) -> String {
    if amount.is_negative() { usd(amount) } else { format!("+{}", usd(amount)) }
}

/// Dollars per million units: `$0.15`, `free`.
pub fn per_million(price: Price) -> String {
    if price.is_free() {
        "free".to_owned()
    } else {
        format!("${}", with_cents(&price.per_million()))
    }
}

/// Dollars per unit: for what is counted singly, such as images and requests.
pub fn per_unit(price: Price) -> String {
    if price.is_free() { "free".to_owned() } else { format!("${}", with_cents(&price.per_unit())) }
}

/// Figures of one column, so padded that their decimal points stand below each other when they
/// are set flush right in digits of one width.
pub fn align(figures: Vec<String>) -> Vec<String> {
    let decimals = |figure: &str| figure.split_once('.').map(|(_, fraction)| fraction.len());
    let most = figures.iter().filter_map(|figure| decimals(figure)).max().unwrap_or(0);
    figures
        .into_iter()
        .map(|figure| {
            let missing = decimals(&figure).map_or(0, |own| most.saturating_sub(own));
            figure + &"\u{a0}".repeat(missing)
        })
        .collect()
}

/// `1.5` → `1.50`, `1234` → `1,234.00`, `0.000315` unchanged.
fn with_cents(decimal: &str) -> String {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    format!("{}.{fraction:0<2}", group(whole))
}

/// `1234567` → `1,234,567`.
pub fn count(number: u64) -> String {
    group(&number.to_string())
}

fn group(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A quantity of tokens, short: `512`, `131K`, `1.05M`. Rounded to three figures.
pub fn tokens(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..999_500 => short(number, 1_000, "K"),
        999_500..999_500_000 => short(number, 1_000_000, "M"),
        _ => short(number, 1_000_000_000, "B"),
    }
}

/// Rounds once, to as many decimals as three figures leave.
fn short(number: u64, unit: u64, suffix: &str) -> String {
    let decimals = match number / unit {
        0..10 => 2,
        10..100 => 1,
        _ => 0,
    };
    let scale = 10_u128.pow(decimals);
    let scaled = (u128::from(number) * scale + u128::from(unit) / 2) / u128::from(unit);
    let (whole, fraction) = (scaled / scale, scaled % scale);
    if fraction == 0 {
        return format!("{whole}{suffix}");
    }
    let width = usize::try_from(decimals).unwrap_or(0);
    let fraction = format!("{fraction:0width$}");
    format!("{whole}.{}{suffix}", fraction.trim_end_matches('0'))
}

/// `640 ms`, `2.35 s`, `1 m 05 s`.
pub fn milliseconds(ms: u32) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => {
            let hundredths = ms / 10;
            format!("{}.{:02} s", hundredths / 100, hundredths % 100)
        }
        _ => format!("{} m {:02} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

/// Tokens a second: `84.2`.
pub fn rate(per_second: f64) -> String {
    if per_second >= 100.0 { format!("{per_second:.0}") } else { format!("{per_second:.1}") }
}

/// `2026-11-22 13:05:09`, in UTC, as every list says in its heading.
pub fn date_time(at: Timestamp) -> String {
    let text = at.to_rfc3339();
    let date = text.get(..10).unwrap_or_default();
    let time = text.get(11..19).unwrap_or_default();
    format!("{date} {time}")
}

/// `2026-11-22`, in UTC.
pub fn date(at: Timestamp) -> String {
    at.to_rfc3339().chars().take(10).collect()
}

/// How long before `now`: `just now`, `5 min ago`, `3 h ago`, `12 d ago`, then the date.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(at).as_secs();
    match seconds {
        0..60 => "just now".to_owned(),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..2_592_000 => format!("{} d ago", seconds / 86_400),
        _ => date(at),
    }
}

/// What is counted, in words.
pub const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Prompt => "input",
        Unit::CacheRead => "cache read",
        Unit::CacheWrite5m => "cache write, 5 min",
        Unit::CacheWrite1h => "cache write, 1 h",
        Unit::AudioInput => "audio in",
        Unit::ImageInput => "image in",
        Unit::Completion => "output",
        Unit::Reasoning => "reasoning",
        Unit::AudioOutput => "audio out",
        Unit::ImageOutput => "image out",
        Unit::Request => "request",
        Unit::WebSearch => "web search",
    }
}

/// `1 model`, `2 models`.
pub fn plural(number: usize, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{} {word}", count(u64::try_from(number).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests;
