//! Members that several dialects share with us: models, counts and preferences of providers.

use domain::catalog::QUANTIZATIONS;
use domain::pricing::Price;
use domain::routing::ProviderPreferences;
use serde_json::value::RawValue;

use super::body::MEMBERS_MAX;
use super::rule::{Rule, invalid};
use super::value::{boolean, integer, list, members, text};
use crate::error::PublicError;

/// More fallbacks than this are a mistake.
const MODELS_MAX: usize = 32;
/// What `provider.max_price` may bound.
const PRICES: [&str; 5] = ["prompt", "completion", "request", "image", "audio"];
pub(crate) fn read_text(
    field: &str,
    raw: &RawValue,
    characters_max: usize,
) -> Result<String, PublicError> {
    let rule = Rule::Text { characters_max };
    rule.check(field, raw)?;
    text(raw).map(Into::into).ok_or_else(|| invalid(field, "must be text"))
}

pub(crate) fn read_count(field: &str, raw: &RawValue, max: i64) -> Result<u32, PublicError> {
    Rule::Integer { min: 1, max }.check(field, raw)?;
    integer(raw)
        .and_then(|count| u32::try_from(count).ok())
        .ok_or_else(|| invalid(field, "must be a whole number of at least 1"))
}

pub(crate) fn read_model(field: &str, raw: &RawValue) -> Result<String, PublicError> {
    let slug = read_text(field, raw, 256)?;
    if slug.trim().is_empty() {
        return Err(invalid(field, "must name a model, such as `openai/gpt-4o-mini`"));
    }
    Ok(slug)
}

pub(crate) fn read_models(field: &str, raw: &RawValue) -> Result<Vec<String>, PublicError> {
    let Some(models) = list(raw).filter(|models| models.len() <= MODELS_MAX) else {
        return Err(invalid(field, &format!("must be a list of at most {MODELS_MAX} model names")));
    };
    models
        .iter()
        .enumerate()
        .map(|(index, model)| read_model(&format!("{field}[{index}]"), model))
        .collect()
}

pub(crate) fn read_provider(raw: &RawValue) -> Result<ProviderPreferences, PublicError> {
    // A list would be taken for the values of the members, in their order.
    Rule::Object.check("provider", raw)?;
    check_unmet_preferences(raw)?;
    let mut json = serde_json::Deserializer::from_str(raw.get());
    let preferences: ProviderPreferences =
        serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let field = if path == "." { "provider".into() } else { format!("provider.{path}") };
            let demand = match path.split_once('[') {
                Some(("quantizations", _)) => "must be a quantization, such as `fp8` or `bf16`",
                Some(_) => "must be a provider slug, such as `openai`",
                None => provider_demand(path.split('.').next().unwrap_or_default()),
            };
            invalid(&field, demand)
        })?;
    for (index, name) in preferences.quantizations.iter().flatten().enumerate() {
        if !QUANTIZATIONS.contains(&name.as_str()) {
            let field = format!("provider.quantizations[{index}]");
            return Err(invalid(&field, "must be a quantization, such as `fp8` or `bf16`"));
        }
    }
    for (name, price) in preferences.max_price.iter().flatten() {
        if !PRICES.contains(&name.as_str()) {
            let field = format!("provider.max_price.{name}");
            return Err(invalid(&field, provider_demand("max_price")));
        }
        if Price::parse_per_million(&price.0).is_err() {
            let field = format!("provider.max_price.{name}");
            return Err(invalid(&field, "must be a number of dollars, such as `0.5`"));
        }
    }
    Ok(preferences)
}

/// `provider.options`: an object of members for each provider that it names.
pub(crate) fn read_provider_options(
    raw: &RawValue,
) -> Result<Vec<(String, Box<RawValue>)>, PublicError> {
    let field = "provider.options";
    let Some(options) = members(raw).and_then(|provider| provider.find("options")) else {
        return Ok(Vec::new());
    };
    let Some(options) = members(options).filter(|options| options.len() <= MEMBERS_MAX) else {
        return Err(invalid(field, "must be an object of provider slugs and their options"));
    };
    options
        .iter()
        .map(|(slug, value)| {
            let own = members(value).filter(|own| own.len() <= MEMBERS_MAX);
            own.ok_or_else(|| invalid(&format!("{field}.{slug}"), "must be an object"))?;
            Ok((slug.to_owned(), value.to_owned()))
        })
        .collect()
}

/// A preference that nobody can meet is refused: to ignore it would break a promise.
fn check_unmet_preferences(raw: &RawValue) -> Result<(), PublicError> {
    let field = "provider.enforce_distillable_text";
    match members(raw).and_then(|provider| provider.find("enforce_distillable_text")) {
        None => Ok(()),
        Some(value) => match boolean(value) {
            Some(false) => Ok(()),
            Some(true) => Err(invalid(
                field,
                "cannot be promised: the catalog does not say which models allow it; leave it out",
            )),
            None => Err(invalid(field, "must be `true` or `false`")),
        },
    }
}

fn provider_demand(field: &str) -> &'static str {
    match field {
        "order" | "only" | "ignore" => "must be a list of provider slugs",
        "allow_fallbacks" | "require_parameters" | "zdr" => "must be `true` or `false`",
        "data_collection" => "must be `allow` or `deny`",
        "quantizations" => "must be a list of quantizations, such as `fp8` or `bf16`",
        "sort" => {
            "must be `price`, `throughput`, `latency`, `exacto` or an object with one of them in \
             `by`"
        }
        "max_price" => {
            "must be an object of dollars for `prompt`, `completion`, `request`, `image` or `audio`"
        }
        _ => "must be an object",
    }
}
