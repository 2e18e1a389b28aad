//! Which models, in which order: what a query string says, checked.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use control::Control;
use domain::catalog::{Endpoint, Modality, Model};
use domain::pricing::{Price, Unit};
use domain::time::Timestamp;

use crate::http::error::ApiError;
use crate::http::shown;

/// The conditions that every model must meet, and how they are listed.
#[derive(Debug)]
pub(super) struct Filter {
    q: Option<String>,
    input: Modalities,
    output: Modalities,
    parameters: Vec<String>,
    authors: Option<Vec<String>>,
    providers: Option<Vec<String>>,
    arch: Option<String>,
    context_min: u32,
    input_price: Range,
    output_price: Range,
    /// Unix seconds.
    created_after: Option<i64>,
    created_before: Option<i64>,
    zero_data_retention: bool,
    region: Option<String>,
    sort: Sort,
    pub(super) page: Option<Page>,
}

/// What is listed when nothing is asked for: everything that answers in text.
impl Default for Filter {
    fn default() -> Self {
        Self {
            q: None,
            input: Modalities::All,
            output: Modalities::Some(vec![Modality::Text]),
            parameters: Vec::new(),
            authors: None,
            providers: None,
            arch: None,
            context_min: 0,
            input_price: Range::default(),
            output_price: Range::default(),
            created_after: None,
            created_before: None,
            zero_data_retention: false,
            region: None,
            sort: Sort::Catalog,
            page: None,
        }
    }
}

#[derive(Debug)]
pub(super) enum Modalities {
    All,
    /// Each of these.
    Some(Vec<Modality>),
}

#[derive(Debug, Default)]
struct Range {
    min: Option<Price>,
    max: Option<Price>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) offset: usize,
    pub(super) limit: usize,
}

/// What a list is ordered by. Orders that need figures which are not kept here leave the
/// catalog's own: a model without a figure goes last, and none has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Catalog,
    PriceLow,
    PriceHigh,
    Context,
}

const SORTS: [(&str, Sort); 12] = [
    ("newest", Sort::Catalog),
    ("most-popular", Sort::Catalog),
    ("top-weekly", Sort::Catalog),
    ("pricing-low-to-high", Sort::PriceLow),
    ("pricing-high-to-low", Sort::PriceHigh),
    ("context-high-to-low", Sort::Context),
    ("throughput-high-to-low", Sort::Catalog),
    ("latency-low-to-high", Sort::Catalog),
    ("intelligence-high-to-low", Sort::Catalog),
    ("coding-high-to-low", Sort::Catalog),
    ("agentic-high-to-low", Sort::Catalog),
    ("design-arena-elo-high-to-low", Sort::Catalog),
];

const MODALITIES: [Modality; 7] = [
    Modality::Text,
    Modality::Image,
    Modality::File,
    Modality::Audio,
    Modality::Video,
    Modality::Embeddings,
    Modality::Rerank,
];

/// The catalog's directories of regions, as names and as what region codes begin with.
const REGIONS: [(&str, &str); 2] = [("eu", "eu"), ("us", "us")];

const PAGE_DEFAULT: usize = 500;
const PAGE_MAX: u32 = 1000;

impl Default for Page {
    fn default() -> Self {
        Self { offset: 0, limit: PAGE_DEFAULT }
    }
}

impl Filter {
    /// The same for models that make embeddings, whatever else they are said to answer with.
    pub(super) fn of_embeddings(self) -> Self {
        Self { output: Modalities::Some(vec![Modality::Embeddings]), ..self }
    }

    /// Reads a query string. What is not known is ignored, as any API does that grows; what is
    /// known and cannot be answered is refused rather than answered wrongly.
    pub(super) fn parse(parameters: &[(String, String)], now: Timestamp) -> Result<Self, ApiError> {
        let mut filter = Self::default();
        for (name, value) in parameters {
            filter.set(name, value.trim(), now)?;
        }
        Ok(filter)
    }

    fn set(&mut self, name: &str, value: &str, now: Timestamp) -> Result<(), ApiError> {
        // An empty parameter narrows nothing: that is what a form with an empty field sends.
        if value.is_empty() {
            return Ok(());
        }
        match name {
            "q" => self.q = Some(value.to_owned()),
            "input_modalities" => self.input = Modalities::parse("input_modalities", value)?,
            "output_modalities" => self.output = Modalities::parse("output_modalities", value)?,
            "supported_parameters" => self.parameters = list(value),
            "model_authors" => self.authors = Some(list(value)),
            "providers" => self.providers = Some(list(value)),
            "arch" => self.arch = Some(value.to_owned()),
            "context" => self.context_min = number("context", value, 1, u32::MAX)?,
            "min_price" => self.input_price.min = Some(price("min_price", value)?),
            "max_price" => self.input_price.max = Some(price("max_price", value)?),
            "min_output_price" => {
                self.output_price.min = Some(price("min_output_price", value)?);
            }
            "max_output_price" => {
                self.output_price.max = Some(price("max_output_price", value)?);
            }
            "min_age_days" => self.created_before = Some(days_ago("min_age_days", value, now)?),
            "max_age_days" => self.created_after = Some(days_ago("max_age_days", value, now)?),
            "zdr" => {
                self.zero_data_retention =
                    one_of("zdr", value, &[("true", true), ("false", false)])?;
            }
            "region" => self.region = Some(one_of("region", value, &REGIONS)?.to_owned()),
            "sort" => self.sort = one_of("sort", value, &SORTS)?,
            "offset" => {
                let offset = number("offset", value, 0, u32::MAX)?;
                self.page_mut().offset = offset as usize;
            }
            "limit" => {
                let limit = number("limit", value, 1, PAGE_MAX)?;
                self.page_mut().limit = limit as usize;
            }
            "distillable" => return Err(unanswerable(name)),
            name if name.ends_with("_index") || name.ends_with("_tool_success_rate") => {
                return Err(unanswerable(name));
            }
            _ => {}
        }
        Ok(())
    }

    fn page_mut(&mut self) -> &mut Page {
        self.page.get_or_insert(Page { offset: 0, limit: PAGE_DEFAULT })
    }

    /// The models that meet every condition, in order.
    pub(super) fn apply(&self, control: &Control) -> Vec<Arc<Model>> {
        let mut models = control.models().search(self.q.as_deref().unwrap_or_default());
        models.retain(|model| self.admits(model));
        match self.sort {
            Sort::Catalog => {}
            Sort::PriceLow => models.sort_by_key(|model| dearness(model)),
            Sort::PriceHigh => models.sort_by_key(|model| Reverse(dearness(model))),
            Sort::Context => models.sort_by_key(|model| Reverse(model.context_length)),
        }
        models
    }

    /// Whether a model meets every condition but the words.
    pub(super) fn admits(&self, model: &Model) -> bool {
        let among = |list: &Option<Vec<String>>, name: &str| {
            list.as_ref().is_none_or(|list| list.iter().any(|known| known == name))
        };
        self.input.admit(&model.input_modalities)
            && self.output.admit(&model.output_modalities)
            && among(&self.authors, model.slug.author())
            && self.arch.as_ref().is_none_or(|arch| arch.eq_ignore_ascii_case(&model.tokenizer))
            && model.context_length >= self.context_min
            && self.created_after.is_none_or(|oldest| model.created >= oldest)
            && self.created_before.is_none_or(|newest| model.created <= newest)
            && model.endpoints.iter().any(|endpoint| !endpoint.hidden && self.serves(endpoint))
    }

    /// Whether one endpoint meets every condition that is about endpoints: together, not each
    /// by another.
    fn serves(&self, endpoint: &Endpoint) -> bool {
        self.parameters.iter().all(|parameter| endpoint.supports(parameter))
            && self.providers.as_ref().is_none_or(|slugs| slugs.contains(&endpoint.provider.slug))
            && self.input_price.holds(endpoint.prices.price(Unit::Prompt))
            && self.output_price.holds(endpoint.prices.price(Unit::Completion))
            && (!self.zero_data_retention || endpoint.provider.data_policy.zero_data_retention())
            && self.region.as_deref().is_none_or(|region| {
                endpoint.regions.iter().any(|code| code.to_ascii_lowercase().starts_with(region))
            })
    }
}

impl Modalities {
    pub(super) fn parse(field: &'static str, value: &str) -> Result<Self, ApiError> {
        if value == "all" {
            return Ok(Self::All);
        }
        let names = MODALITIES.map(|modality| (modality.as_str(), modality));
        list(value)
            .iter()
            .map(|name| one_of(field, name, &names))
            .collect::<Result<_, _>>()
            .map(Self::Some)
    }

    pub(super) fn admit(&self, has: &[Modality]) -> bool {
        match self {
            Self::All => true,
            Self::Some(wanted) => wanted.iter().all(|modality| has.contains(modality)),
        }
    }
}

impl Range {
    fn holds(&self, price: Price) -> bool {
        self.min.is_none_or(|min| price >= min) && self.max.is_none_or(|max| price <= max)
    }
}

/// What equal input and output cost at the cheapest endpoint.
fn dearness(model: &Model) -> i64 {
    let nanos = |unit| {
        model.cheapest().map_or(0, |endpoint| endpoint.prices.price(unit).nanos_per_million())
    };
    nanos(Unit::Prompt).saturating_add(nanos(Unit::Completion))
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn number(field: &'static str, value: &str, min: u32, max: u32) -> Result<u32, ApiError> {
    value.parse().ok().filter(|number| (min..=max).contains(number)).ok_or_else(|| {
        let bound = if max == u32::MAX { String::new() } else { format!(" and at most {max}") };
        let message = format!("`{field}` must be a whole number of at least {min}{bound}");
        ApiError::field(field, message)
    })
}

fn price(field: &'static str, value: &str) -> Result<Price, ApiError> {
    Price::parse_per_million(value).map_err(|_| {
        let message = format!("`{field}` must be dollars per million tokens, such as 0.5");
        ApiError::field(field, message)
    })
}

/// Unix seconds of the moment that lies so many days back.
fn days_ago(field: &'static str, value: &str, now: Timestamp) -> Result<i64, ApiError> {
    let days = number(field, value, 0, 100_000)?;
    Ok(now.minus(Duration::from_hours(24 * u64::from(days))).as_seconds())
}

fn one_of<T: Copy>(
    field: &'static str,
    value: &str,
    choices: &[(&'static str, T)],
) -> Result<T, ApiError> {
    choices.iter().find(|(name, _)| *name == value).map(|(_, choice)| *choice).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("`{name}`")).collect();
        let value = shown(value);
        let message = format!("`{field}` cannot be `{value}`: use one of {}", names.join(", "));
        ApiError::field(field, message)
    })
}

fn unanswerable(field: &str) -> ApiError {
    let field = shown(field);
    let message = format!("`{field}` cannot be answered: this server keeps no such figures");
    ApiError::field(&field, message)
}
