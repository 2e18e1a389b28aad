//! What was meant: typed reading of one section, with every mistake noted and none fatal.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use domain::money::Usd;

use super::raw::{Problem, RawConfig, Setting, Written};

/// Reads settings and collects what is wrong with them.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    raw: &'a RawConfig,
    problems: RefCell<Vec<Problem>>,
    /// What was asked for, so that a test can tell that every setting is read by someone.
    read: RefCell<BTreeSet<(String, String)>>,
}

/// One section of the configuration.
#[derive(Debug)]
pub(super) struct Section<'a> {
    reader: &'a Reader<'a>,
    name: &'static str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(raw: &'a RawConfig) -> Self {
        Self { raw, problems: RefCell::default(), read: RefCell::default() }
    }

    pub(super) fn section(&'a self, name: &'static str) -> Section<'a> {
        Section { reader: self, name }
    }

    pub(super) fn finish(self) -> (Vec<Problem>, BTreeSet<(String, String)>) {
        (self.problems.into_inner(), self.read.into_inner())
    }
}

impl Section<'_> {
    pub(super) fn text(&self, key: &'static str) -> String {
        self.read(key, |value| match value {
            Written::Text(text) | Written::Variable(text) => Ok(text.clone()),
            Written::Integer(_) | Written::Float(_) | Written::Boolean(_) => {
                Err("must be text in quotes".to_owned())
            }
        })
    }

    /// Text that means something; `parse` says what is wrong with it.
    pub(super) fn parsed<T: Default>(
        &self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        self.read(key, |value| match value {
            Written::Text(text) | Written::Variable(text) => parse(text),
            Written::Integer(_) | Written::Float(_) | Written::Boolean(_) => {
                Err("must be text in quotes".to_owned())
            }
        })
    }

    pub(super) fn flag(&self, key: &'static str) -> bool {
        self.read(key, |value| match value {
            Written::Boolean(flag) => Ok(*flag),
            Written::Variable(text) if text == "true" => Ok(true),
            Written::Variable(text) if text == "false" => Ok(false),
            Written::Variable(_) | Written::Text(_) | Written::Integer(_) | Written::Float(_) => {
                Err("must be true or false".to_owned())
            }
        })
    }

    /// A whole number in a range.
    pub(super) fn count(&self, key: &'static str, range: std::ops::RangeInclusive<u32>) -> u32 {
        let reason = || format!("must be a whole number from {} to {}", range.start(), range.end());
        self.read(key, |value| match value {
            Written::Integer(text) | Written::Variable(text) => text
                .replace('_', "")
                .parse()
                .ok()
                .filter(|number| range.contains(number))
                .ok_or_else(reason),
            Written::Text(_) | Written::Float(_) | Written::Boolean(_) => Err(reason()),
        })
    }

    /// A seed: any whole number that is not negative.
    pub(super) fn seed(&self, key: &'static str) -> u64 {
        let reason = || "must be a whole number that is not negative".to_owned();
        self.read(key, |value| match value {
            Written::Integer(text) | Written::Variable(text) => {
                text.replace('_', "").parse().map_err(|_| reason())
            }
            Written::Text(_) | Written::Float(_) | Written::Boolean(_) => Err(reason()),
        })
    }

    /// A factor from 0 to 1,000.
    pub(super) fn factor(&self, key: &'static str) -> f64 {
        let reason = || "must be a number from 0 to 1000".to_owned();
        self.read(key, |value| match value {
            Written::Integer(text) | Written::Float(text) | Written::Variable(text) => text
                .replace('_', "")
                .parse()
                .ok()
                .filter(|factor| (0.0..=1000.0).contains(factor))
                .ok_or_else(reason),
            Written::Text(_) | Written::Boolean(_) => Err(reason()),
        })
    }

    pub(super) fn duration(&self, key: &'static str) -> Duration {
        self.parsed(key, parse_duration)
    }

    pub(super) fn bytes(&self, key: &'static str) -> usize {
        self.parsed(key, parse_bytes)
    }

    pub(super) fn usd(&self, key: &'static str) -> Usd {
        self.read(key, |value| {
            let text = match value {
                Written::Text(text)
                | Written::Variable(text)
                | Written::Integer(text)
                | Written::Float(text) => text,
                Written::Boolean(_) => return Err("must be an amount of dollars".to_owned()),
            };
            let amount: Usd = text.parse().map_err(|error| format!("{error}"))?;
            if amount.is_negative() { Err("must not be negative".to_owned()) } else { Ok(amount) }
        })
    }

    /// One of a few names.
    pub(super) fn choice<T: Copy + Default>(
        &self,
        key: &'static str,
        choices: &[(&'static str, T)],
    ) -> T {
        let reason = || {
            let names: Vec<String> = choices.iter().map(|(name, _)| format!("`{name}`")).collect();
            format!("must be one of {}", names.join(", "))
        };
        self.read(key, |value| {
            let text = match value {
                Written::Text(text) | Written::Variable(text) => text.as_str(),
                // A choice between `auto`, `true` and `false` may be written without quotes.
                Written::Boolean(true) => "true",
                Written::Boolean(false) => "false",
                Written::Integer(_) | Written::Float(_) => return Err(reason()),
            };
            choices
                .iter()
                .find(|(name, _)| *name == text)
                .map(|(_, choice)| *choice)
                .ok_or_else(reason)
        })
    }

    /// Notes that the value of a setting is wrong in view of others.
    pub(super) fn reject(&self, key: &'static str, reason: &str) {
        let name = (self.name.to_owned(), key.to_owned());
        if let Some(setting) = self.reader.raw.settings.get(&name) {
            self.note(setting, key, reason);
        }
    }

    fn read<T: Default>(
        &self,
        key: &'static str,
        parse: impl Fn(&Written) -> Result<T, String>,
    ) -> T {
        let name = (self.name.to_owned(), key.to_owned());
        self.reader.read.borrow_mut().insert(name.clone());
        let raw = self.reader.raw;
        let Some(setting) = raw.settings.get(&name) else {
            let reason = format!("`{}.{key}` has no default", self.name);
            self.reader.problems.borrow_mut().push(Problem::new("config.default.toml", reason));
            return T::default();
        };
        match parse(&setting.value) {
            Ok(value) => value,
            Err(reason) => {
                self.note(setting, key, &reason);
                raw.defaults
                    .get(&name)
                    .and_then(|default| parse(&default.value).ok())
                    .unwrap_or_default()
            }
        }
    }

    fn note(&self, setting: &Setting, key: &str, reason: &str) {
        self.reader
            .problems
            .borrow_mut()
            .push(Problem::new(&setting.origin, format!("`{}.{key}` {reason}", self.name)));
    }
}

/// `500ms`, `30s`, `10m`, `1h`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let reason = || "must be a duration such as `500ms`, `30s`, `10m` or `1h`".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| reason())?;
    let millis_per_unit = match unit.trim_start() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(reason()),
    };
    let millis = number.checked_mul(millis_per_unit).ok_or_else(reason)?;
    // Nothing here may wait for ever, and timers do arithmetic with what they are given.
    let longest = Duration::from_hours(24 * 366);
    match Duration::from_millis(millis) {
        Duration::ZERO => Err("must be longer than nothing".to_owned()),
        duration if duration > longest => Err("must be at most a year".to_owned()),
        duration => Ok(duration),
    }
}

/// `512`, `64 KiB`, `20 MiB`.
fn parse_bytes(text: &str) -> Result<usize, String> {
    let reason = || "must be a size such as `512`, `64 KiB` or `20 MiB`, at most 1 GiB".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: usize = number.parse().map_err(|_| reason())?;
    let bytes_per_unit = match unit.trim_start() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(reason()),
    };
    let bytes = number.checked_mul(bytes_per_unit).ok_or_else(reason)?;
    if (1..=1 << 30).contains(&bytes) { Ok(bytes) } else { Err(reason()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("30 s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration("1h"), Ok(Duration::from_hours(1)));
        for text in ["", "30", "s", "-1s", "1.5s", "0s", "999999999h", "18446744073709551615h"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_have_a_bound() {
        assert_eq!(parse_bytes("20 MiB"), Ok(20 << 20));
        assert_eq!(parse_bytes("512"), Ok(512));
        for text in ["", "0", "1 MB", "2 GiB", "-1", "18446744073709551615 KiB"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }
}
