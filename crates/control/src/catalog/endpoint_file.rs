//! The part of a file that describes one endpoint, wherever it stands, and quirks.

use domain::catalog::Quirks;
use domain::pricing::{PriceSheet, Unit};
use std::collections::BTreeMap;

use super::fields::{Fields, Values};
use super::{At, Place, check};

/// An endpoint as it was written.
#[derive(Debug, Clone)]
pub(super) struct EndpointText {
    /// The slug of its provider.
    pub(super) provider: At<String>,
    pub(super) tag: At<String>,
    pub(super) upstream_model: String,
    pub(super) context_length: Option<At<u32>>,
    pub(super) max_prompt_tokens: Option<At<u32>>,
    pub(super) max_completion_tokens: Option<At<u32>>,
    pub(super) quantization: Option<String>,
    pub(super) parameters: Option<Vec<String>>,
    pub(super) prices: PriceSheet,
    pub(super) regions: Option<Vec<String>>,
    pub(super) hidden: bool,
    pub(super) quirks: Quirks,
    pub(super) place: Place,
    pub(super) layer: usize,
}

/// Reads the fields of an endpoint of `provider`. None when something that it needs is missing,
/// which was reported.
pub(super) fn read(
    provider: Option<At<String>>,
    layer: usize,
    fields: &Fields<'_>,
) -> Option<EndpointText> {
    let tag = fields.text("tag");
    let upstream_model = fields.required_text("upstream");
    if let Some(name) = &upstream_model
        && let Err(reason) = check::line(&name.value)
    {
        fields.report(&name.place, format!("`upstream` {reason}"));
    }
    let context_length = fields.count("context_length");
    let max_prompt_tokens = fields.count("max_prompt_tokens");
    let max_completion_tokens = fields.count("max_completion_tokens");
    let quantization = fields.checked("quantization", check::quantization);
    let parameters = fields.checked_list("parameters", check::parameter);
    let prices = fields.table("prices", read_prices).unwrap_or_default();
    let regions = fields.checked_list("regions", check::region);
    let hidden = fields.flag("hidden").unwrap_or_default();
    let quirks = fields.table("quirks", read_quirks).unwrap_or_default();
    let provider = provider?;
    let tag = tag.unwrap_or_else(|| provider.clone());
    check_tag(&tag, &provider.value, fields);
    Some(EndpointText {
        tag,
        provider,
        upstream_model: upstream_model?.value,
        context_length,
        max_prompt_tokens,
        max_completion_tokens,
        quantization,
        parameters,
        prices,
        regions,
        hidden,
        quirks,
        place: fields.place().clone(),
        layer,
    })
}

/// A tag is the provider's slug, or that and a suffix: `deepinfra/turbo`.
fn check_tag(tag: &At<String>, provider: &str, fields: &Fields<'_>) {
    let suffix = match tag.value.strip_prefix(provider) {
        Some("") => return,
        Some(rest) => rest.strip_prefix('/').unwrap_or_default(),
        None => "",
    };
    if !check::is_provider_slug(suffix) {
        let reason = format!("`tag` must be `{provider}` or `{provider}/<suffix>`");
        fields.report(&tag.place, reason);
    }
}

fn read_prices(fields: &Fields<'_>) -> PriceSheet {
    let mut sheet = PriceSheet::default();
    for unit in Unit::ALL {
        let Some(text) = fields.decimal(unit.as_str()) else { continue };
        match check::price(unit, &text.value) {
            Ok(price) => sheet.set(unit, price),
            Err(reason) => fields.report(&text.place, format!("`prices.{unit}` {reason}")),
        }
    }
    sheet
}

/// Quirks of a provider or of one of its endpoints.
pub(super) fn read_quirks(fields: &Fields<'_>) -> Quirks {
    let names = |name: &str, value: &str| Ok((check::member(name)?, check::member(value)?));
    let headers = |name: &str, value: &str| {
        let name = check::header_name(name)?;
        if ["authorization", "host", "content-length", "content-type"].contains(&name.as_str()) {
            return Err("is not for this header; see `auth` and `credential_env`".to_owned());
        }
        Ok((name, check::header_value(value)?))
    };
    let json = |name: &str, value: &str| {
        serde_json::from_str::<serde_json::Value>(value).map_err(|error| {
            format!("must be JSON, strings in quotes inside the quotes: {error}")
        })?;
        Ok((check::member(name)?, value.to_owned()))
    };
    let path = |text: &str| {
        if text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(text.to_owned())
        } else {
            Err("must be a path that begins with `/`".to_owned())
        }
    };
    Quirks {
        rename: pairs(fields, "rename", Values::Text, names),
        unsupported: fields.checked_list("unsupported", check::member).unwrap_or_default(),
        body: pairs(fields, "body", Values::Json, json),
        headers: pairs(fields, "headers", Values::Text, headers),
        no_stream_options: fields.flag("no_stream_options").unwrap_or_default(),
        no_developer_role: fields.flag("no_developer_role").unwrap_or_default(),
        max_tokens_name: fields.checked("max_tokens_name", check::member),
        chat_path: fields.checked("chat_path", path),
    }
}

fn pairs(
    fields: &Fields<'_>,
    key: &'static str,
    values: Values,
    check: impl Fn(&str, &str) -> Result<(String, String), String>,
) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for (name, value) in fields.texts_by_name(key, values) {
        match check(&name.value, &value.value) {
            Ok((name, value)) => {
                map.insert(name, value);
            }
            Err(reason) => {
                fields.report(&value.place, format!("`{key}.{}` {reason}", name.value));
            }
        }
    }
    map
}
