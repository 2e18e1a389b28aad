//! What the models page is asked for, and which models answer it. The same code filters on the
//! server, for a form that was sent, and in the browser, while someone types.

use domain::catalog::{Modality, PARAMETERS};
use domain::pricing::Price;
use std::cmp::{Ordering, Reverse};
use std::fmt::Write as _;

/// The modalities that a filter offers, in the order of the bits that stand for them.
pub(crate) const MODALITIES: [Modality; 5] =
    [Modality::Text, Modality::Image, Modality::File, Modality::Audio, Modality::Video];

/// How the list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ModelSort {
    #[default]
    Newest,
    Name,
    Cheapest,
    Dearest,
    Context,
}

impl ModelSort {
    pub(crate) const ALL: [Self; 5] =
        [Self::Newest, Self::Cheapest, Self::Dearest, Self::Context, Self::Name];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Name => "name",
            Self::Cheapest => "price-low",
            Self::Dearest => "price-high",
            Self::Context => "context",
        }
    }

    #[cfg(feature = "ssr")]
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Newest => "Newest first",
            Self::Name => "Name",
            Self::Cheapest => "Cheapest first",
            Self::Dearest => "Dearest first",
            Self::Context => "Longest context",
        }
    }
}

/// The state of the models page, as its address says it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ModelQuery {
    pub(crate) words: String,
    pub(crate) input: String,
    pub(crate) author: String,
    pub(crate) provider: String,
    pub(crate) parameter: String,
    /// Dollars per million input tokens, as it was written.
    pub(crate) price_max: String,
    pub(crate) context_min: u32,
    pub(crate) free: bool,
    pub(crate) sort: ModelSort,
}

impl ModelQuery {
    /// Reads a query string. What is unknown or malformed asks for nothing.
    pub(crate) fn parse(query: &str) -> Self {
        let mut parsed = Self::default();
        for (name, value) in pairs(query) {
            let value = value.trim().chars().take(100).collect::<String>();
            match &*name {
                "q" => parsed.words = value,
                "input" => parsed.input = value,
                "author" => parsed.author = value,
                "provider" => parsed.provider = value,
                "parameter" => parsed.parameter = value,
                "max_price" => parsed.price_max = value,
                "context" => parsed.context_min = value.parse().unwrap_or(0),
                "free" => parsed.free = value == "1",
                "sort" => {
                    parsed.sort = ModelSort::ALL
                        .into_iter()
                        .find(|sort| sort.as_str() == value)
                        .unwrap_or_default();
                }
                _ => {}
            }
        }
        parsed
    }

    /// The query string that says this, shortest form: what is not asked for is left out.
    #[cfg(any(test, target_arch = "wasm32"))]
    pub(crate) fn to_query(&self) -> String {
        let context = self.context_min.to_string();
        let pairs = [
            ("q", &*self.words),
            ("input", &*self.input),
            ("author", &*self.author),
            ("provider", &*self.provider),
            ("parameter", &*self.parameter),
            ("max_price", &*self.price_max),
            ("context", if self.context_min == 0 { "" } else { &*context }),
            ("free", if self.free { "1" } else { "" }),
            ("sort", if self.sort == ModelSort::Newest { "" } else { self.sort.as_str() }),
        ];
        let mut text = String::new();
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            text.push(if text.is_empty() { '?' } else { '&' });
            let _ = write!(text, "{name}={}", escape(value));
        }
        text
    }

    /// Whether anything but the search words is asked for.
    #[cfg(feature = "ssr")]
    pub(crate) fn is_narrowed(&self) -> bool {
        let plain = Self { words: self.words.clone(), ..Self::default() };
        *self != plain
    }

    pub(crate) fn matches(&self, row: &ModelRow) -> bool {
        let words_found =
            self.words.to_lowercase().split_whitespace().all(|word| row.search_text.contains(word));
        let price_max = Price::parse_per_million(&self.price_max).ok();
        words_found
            && (self.input.is_empty() || row.takes(&self.input))
            && (self.author.is_empty() || row.author() == self.author)
            && (self.provider.is_empty() || row.providers.contains(&self.provider))
            && (self.parameter.is_empty() || row.supports(&self.parameter))
            && price_max.is_none_or(|max| row.prompt <= max.nanos_per_million())
            && row.context >= self.context_min
            && (!self.free || row.free)
    }

    pub(crate) fn compare(&self, a: &ModelRow, b: &ModelRow) -> Ordering {
        let by_sort = match self.sort {
            ModelSort::Newest => Reverse(a.created).cmp(&Reverse(b.created)),
            ModelSort::Name => a.name.cmp(&b.name),
            ModelSort::Cheapest => a.price().cmp(&b.price()),
            ModelSort::Dearest => Reverse(a.price()).cmp(&Reverse(b.price())),
            ModelSort::Context => Reverse(a.context).cmp(&Reverse(b.context)),
        };
        by_sort.then_with(|| a.slug.cmp(&b.slug))
    }
}

/// What a filter needs to know of one model. Travels in an attribute of its table row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelRow {
    pub(crate) slug: String,
    pub(crate) name: String,
    /// Provider slugs.
    pub(crate) providers: Vec<String>,
    pub(crate) context: u32,
    /// Nano-dollars per million tokens at the cheapest endpoint.
    pub(crate) prompt: i64,
    pub(crate) completion: i64,
    /// Unix seconds.
    pub(crate) created: i64,
    pub(crate) free: bool,
    /// One bit for each of [`MODALITIES`].
    inputs: u8,
    /// One bit for each of [`PARAMETERS`].
    parameters: u32,
    search_text: String,
}

impl ModelRow {
    #[cfg(feature = "ssr")]
    pub(crate) fn new(model: &domain::catalog::Model) -> Self {
        use domain::pricing::Unit;

        let shown = || model.endpoints.iter().filter(|endpoint| !endpoint.hidden);
        let mut providers: Vec<String> =
            shown().map(|endpoint| endpoint.provider.slug.clone()).collect();
        providers.sort();
        providers.dedup();
        let supported = |name| shown().any(|endpoint| endpoint.supports(name));
        let price = |unit| {
            model.cheapest().map_or(0, |endpoint| endpoint.prices.price(unit).nanos_per_million())
        };
        let name = model.name.replace('|', " ");
        Self {
            search_text: search_text(model.slug.as_str(), &name),
            slug: model.slug.to_string(),
            name,
            providers,
            context: model.context_length,
            prompt: price(Unit::Prompt),
            completion: price(Unit::Completion),
            created: model.created,
            free: shown().any(|endpoint| endpoint.prices.is_free()),
            inputs: bits(MODALITIES.iter().map(|kind| model.input_modalities.contains(kind))),
            parameters: bits(PARAMETERS.iter().map(|name| supported(name))),
        }
    }

    /// One line of text, without anything that an attribute would have to escape.
    #[cfg(any(test, feature = "ssr"))]
    pub(crate) fn to_attribute(&self) -> String {
        format!(
            "{}|{}|{}|{}|{}|{}|{}|{:x}|{:x}|{}",
            self.slug,
            self.providers.join(","),
            self.context,
            self.prompt,
            self.completion,
            self.created,
            u8::from(self.free),
            self.inputs,
            self.parameters,
            self.name,
        )
    }

    #[cfg(any(test, target_arch = "wasm32"))]
    pub(crate) fn from_attribute(text: &str) -> Option<Self> {
        let mut parts = text.splitn(10, '|');
        let slug = parts.next()?.to_owned();
        let providers = parts.next()?.split(',').map(str::to_owned).collect();
        let context = parts.next()?.parse().ok()?;
        let prompt = parts.next()?.parse().ok()?;
        let completion = parts.next()?.parse().ok()?;
        let created = parts.next()?.parse().ok()?;
        let free = parts.next()? == "1";
        let inputs = u8::from_str_radix(parts.next()?, 16).ok()?;
        let parameters = u32::from_str_radix(parts.next()?, 16).ok()?;
        let name = parts.next()?.to_owned();
        let search_text = search_text(&slug, &name);
        Some(Self {
            slug,
            name,
            providers,
            context,
            prompt,
            completion,
            created,
            free,
            inputs,
            parameters,
            search_text,
        })
    }

    pub(crate) fn author(&self) -> &str {
        self.slug.split_once('/').map_or("", |(author, _)| author)
    }

    fn price(&self) -> i64 {
        self.prompt.saturating_add(self.completion)
    }

    fn takes(&self, modality: &str) -> bool {
        MODALITIES
            .iter()
            .position(|kind| kind.as_str() == modality)
            .is_some_and(|bit| self.inputs & (1 << bit) != 0)
    }

    fn supports(&self, parameter: &str) -> bool {
        PARAMETERS
            .iter()
            .position(|name| *name == parameter)
            .is_some_and(|bit| self.parameters & (1 << bit) != 0)
    }
}

fn search_text(slug: &str, name: &str) -> String {
    format!("{} {slug}", name.to_lowercase())
}

/// A number whose lowest bits are these. Its type has as many bits as there are flags, or more.
#[cfg(feature = "ssr")]
fn bits<N>(flags: impl Iterator<Item = bool>) -> N
where
    N: From<bool> + Copy + std::ops::BitOr<Output = N> + std::ops::Shl<u32, Output = N>,
{
    (0_u32..).zip(flags).fold(N::from(false), |all, (bit, flag)| all | (N::from(flag) << bit))
}

/// The names and values of a query string, decoded.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (unescape(name), unescape(value))
    })
}

/// Percent-encodes all but what never needs it.
pub(crate) fn escape(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte));
            }
            b' ' => escaped.push('+'),
            _ => {
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
        escaped
    })
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hexadecimal = match (byte, tail) {
            (b'%', [high, low, ..]) => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                digit(*high).zip(digit(*low)).and_then(|(h, l)| u8::try_from(h * 16 + l).ok())
            }
            _ => None,
        };
        match (hexadecimal, byte) {
            (Some(decoded), _) => {
                bytes.push(decoded);
                rest = tail.get(2..).unwrap_or_default();
                continue;
            }
            (None, b'+') => bytes.push(b' '),
            (None, other) => bytes.push(other),
        }
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
