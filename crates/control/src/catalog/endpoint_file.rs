//! The part of a file that describes one endpoint, wherever it stands.

use domain::catalog::Quirks;
use domain::pricing::{PriceSheet, Unit};

use super::fields::Fields;
use super::quirk_fields::read_quirks;
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
