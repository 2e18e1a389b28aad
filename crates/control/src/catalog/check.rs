//! What single values must look like. Each check says what would be right.

use domain::catalog::{Modality, PARAMETERS, QUANTIZATIONS};
use domain::pricing::{Price, Unit};
use std::net::IpAddr;
use time::{Date, Month};

use super::placeholder;

pub(super) fn is_provider_slug(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A text that people read: not blank, one line.
pub(super) fn line(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("must not be blank".to_owned()),
        text if text.chars().any(char::is_control) => Err("must be a single line".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// `YYYY-MM-DD`.
pub(super) fn date(text: &str) -> Result<Date, String> {
    let wrong = || format!("must be a date such as `2025-01-31`, not `{text}`");
    let mut parts = text.split('-');
    let mut number = |digits: usize| {
        parts
            .next()
            .filter(|part| part.len() == digits && part.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|part| part.parse::<u16>().ok())
            .ok_or_else(wrong)
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    let month = u8::try_from(month).ok().and_then(|month| Month::try_from(month).ok());
    let day = u8::try_from(day).map_err(|_| wrong())?;
    let date = Date::from_calendar_date(i32::from(year), month.ok_or_else(wrong)?, day);
    if parts.next().is_some() { Err(wrong()) } else { date.map_err(|_| wrong()) }
}

/// A date that is kept as it was written.
pub(super) fn date_text(text: &str) -> Result<String, String> {
    date(text).map(|_| text.to_owned())
}

pub(super) fn modality(text: &str) -> Result<Modality, String> {
    const ALL: [Modality; 7] = [
        Modality::Text,
        Modality::Image,
        Modality::File,
        Modality::Audio,
        Modality::Video,
        Modality::Embeddings,
        Modality::Rerank,
    ];
    ALL.into_iter().find(|modality| modality.as_str() == text).ok_or_else(|| {
        format!("has no modality `{text}`; known are {}", ALL.map(Modality::as_str).join(", "))
    })
}

pub(super) fn parameter(text: &str) -> Result<String, String> {
    one_of(text, &PARAMETERS)
}

pub(super) fn quantization(text: &str) -> Result<String, String> {
    one_of(text, &QUANTIZATIONS)
}

pub(super) fn one_of(text: &str, known: &[&str]) -> Result<String, String> {
    if known.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(format!("does not know `{text}`; known are {}", known.join(", ")))
    }
}

/// ISO 3166 alpha-2, by its form.
pub(super) fn country(text: &str) -> Result<String, String> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        Ok(text.to_owned())
    } else {
        Err(format!("must be a country code such as `US`, not `{text}`"))
    }
}

/// The name of a region: `us-east5`.
pub(super) fn region(text: &str) -> Result<String, String> {
    if is_provider_slug(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("must be a region such as `us-east5`, not `{text}`"))
    }
}

pub(super) fn environment_variable(text: &str) -> Result<String, String> {
    let valid = text.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    if valid {
        Ok(text.to_owned())
    } else {
        Err(format!("must name an environment variable such as `EXAMPLE_API_KEY`, not `{text}`"))
    }
}

/// The name of an HTTP header, in lower case.
pub(super) fn header_name(text: &str) -> Result<String, String> {
    let valid = !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    if valid {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("must name an HTTP header such as `x-api-key`, not `{text}`"))
    }
}

pub(super) fn header_value(text: &str) -> Result<String, String> {
    if text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err("must be visible ASCII characters".to_owned())
    }
}

/// The name of a member of a JSON body or of a query.
pub(super) fn member(text: &str) -> Result<String, String> {
    let valid = !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if valid { Ok(text.to_owned()) } else { Err(format!("must be a field name, not `{text}`")) }
}

/// What a unit costs: tokens in dollars a million, everything else in dollars each.
pub(super) fn price(unit: Unit, text: &str) -> Result<Price, String> {
    let parsed = match unit {
        Unit::Prompt
        | Unit::CacheRead
        | Unit::CacheWrite5m
        | Unit::CacheWrite1h
        | Unit::AudioInput
        | Unit::Completion
        | Unit::Reasoning
        | Unit::AudioOutput => Price::parse_per_million(text),
        Unit::ImageInput | Unit::ImageOutput | Unit::Request | Unit::WebSearch => {
            Price::parse_per_unit(text)
        }
    };
    match parsed {
        Ok(price) => Ok(price),
        Err(_) if text.starts_with('-') => Err("must not be negative".to_owned()),
        Err(error) => Err(format!("must be an exact price in dollars: {error}")),
    }
}

/// An address of a web page.
pub(super) fn page_url(text: &str) -> Result<String, String> {
    let address = Address::parse(text)?;
    if address.secure { Ok(text.to_owned()) } else { Err("must begin with `https://`".to_owned()) }
}

/// The address that an API is below, without a trailing slash.
///
/// Credentials and prompts go there, so it is encrypted unless it does not leave the premises.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    placeholder::check(text)?;
    let filled = placeholder::stood_in(text);
    let address = Address::parse(&filled).map_err(|_| Address::wrong(text))?;
    if text.contains(['?', '#']) {
        return Err("must have neither a query nor a fragment".to_owned());
    }
    if !address.secure && !address.is_local() {
        return Err(format!(
            "must begin with `https://`, because `{}` is not a local address",
            address.host
        ));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The path of an address that [`base_url`] takes: empty, or from its first slash on.
pub(super) fn path(address: &str) -> &str {
    let below = address.split_once("://").map_or(address, |(_, rest)| rest);
    below.find('/').and_then(|start| below.get(start..)).unwrap_or_default()
}

struct Address<'a> {
    secure: bool,
    host: &'a str,
}

impl<'a> Address<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let wrong = || Self::wrong(text);
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong());
        }
        let (secure, rest) = match text.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err(wrong()),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err("must not hold a user name or password".to_owned());
        }
        // An IPv6 address is in brackets, because it holds colons itself.
        let (host, port) = match authority.strip_prefix('[') {
            Some(bracketed) => {
                let (host, port) = bracketed.split_once(']').ok_or_else(wrong)?;
                (host, port.strip_prefix(':').or(if port.is_empty() { None } else { Some("") }))
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let valid_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        let valid_host = host.parse::<IpAddr>().is_ok()
            || (!host.is_empty()
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)));
        if valid_host && valid_port { Ok(Self { secure, host }) } else { Err(wrong()) }
    }

    fn wrong(text: &str) -> String {
        format!("must be an address such as `https://api.example.com/v1`, not `{text}`")
    }

    /// Whether the host is this machine, a private network or a name that only exists on one.
    fn is_local(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private(),
            Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
            Err(_) => {
                // A name without a dot is a container's or that of a machine in the next room.
                !self.host.contains('.')
                    || [".localhost", ".local", ".internal", ".lan", ".home.arpa"]
                        .iter()
                        .any(|suffix| self.host.ends_with(suffix))
            }
        }
    }
}
