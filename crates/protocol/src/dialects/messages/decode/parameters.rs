//! Members of the body that are neither conversation, tools nor thinking.

use serde_json::value::RawValue;

use super::{Body, LeftOut, raw};
use crate::chat::request::ChatRequest;
use crate::dialects::check::{
    Rule, allow, boolean, integer_in, invalid, list, members, number_in, read_model, read_models,
    read_provider, read_provider_options, read_text, require, text,
};
use crate::error::PublicError;

/// What becomes of a member that is right.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// A canonical parameter is read from it, by this module or another.
    Read,
    /// It speaks to us alone: upstreams of the same dialect are not sent it.
    Ours,
    /// Nobody but an upstream of the same dialect knows what it means.
    Native,
}

/// Every member that is known, and what it must look like.
static RULES: &[(&str, Fate, Rule)] = &[
    ("model", Fate::Ours, Rule::Custom(anything)),
    ("models", Fate::Ours, Rule::Custom(anything)),
    ("fallbacks", Fate::Ours, Rule::Custom(anything)),
    ("stream", Fate::Ours, Rule::Boolean),
    ("provider", Fate::Ours, Rule::Custom(anything)),
    ("user", Fate::Ours, Rule::Text { characters_max: 256 }),
    ("session_id", Fate::Ours, Rule::Text { characters_max: 256 }),
    ("plugins", Fate::Ours, Rule::List),
    ("trace", Fate::Ours, Rule::Object),
    ("route", Fate::Ours, Rule::OneOf(&["fallback"])),
    ("stop_server_tools_when", Fate::Ours, Rule::List),
    ("deferred_tools", Fate::Ours, Rule::Object),
    // In a body it is how other hosts of Anthropic's models are asked.
    ("anthropic_version", Fate::Ours, Rule::Text { characters_max: 128 }),
    ("anthropic_beta", Fate::Ours, Rule::Custom(check_betas)),
    ("max_tokens", Fate::Read, Rule::Custom(anything)),
    ("messages", Fate::Read, Rule::Custom(anything)),
    ("system", Fate::Read, Rule::Custom(anything)),
    ("tools", Fate::Read, Rule::Custom(anything)),
    ("tool_choice", Fate::Read, Rule::Custom(anything)),
    ("thinking", Fate::Read, Rule::Custom(anything)),
    ("output_config", Fate::Read, Rule::Custom(anything)),
    ("output_format", Fate::Read, Rule::Custom(anything)),
    ("metadata", Fate::Read, Rule::Custom(check_metadata)),
    ("temperature", Fate::Read, number_in(0.0, 1.0)),
    ("top_p", Fate::Read, number_in(0.0, 1.0)),
    ("top_k", Fate::Read, integer_in(0, i64::MAX)),
    ("stop_sequences", Fate::Read, Rule::Custom(check_stop_sequences)),
    ("cache_control", Fate::Read, Rule::Custom(check_cache_control)),
    ("service_tier", Fate::Read, Rule::OneOf(TIERS)),
    ("speed", Fate::Read, Rule::OneOf(&["fast", "standard"])),
    ("context_management", Fate::Native, Rule::Object),
    ("mcp_servers", Fate::Native, Rule::List),
];

const TIERS: &[&str] =
    &["auto", "standard_only", "standard", "default", "flex", "priority", "fast", "ultrafast"];

/// Stop sequences that one request may give.
const STOPS_MAX: usize = 64;
/// Fallbacks that `fallbacks` may name.
const FALLBACKS_MAX: usize = 3;

/// What becomes of a member; what is not known is for upstreams of the same dialect.
pub(super) fn fate(name: &str) -> Fate {
    let known = RULES.iter().find(|(known, _, _)| *known == name);
    known.map_or(Fate::Native, |(_, fate, _)| *fate)
}

pub(super) fn read(
    body: &Body,
    request: &mut ChatRequest,
    left_out: &mut LeftOut,
) -> Result<(), PublicError> {
    for (name, value) in &body.0 {
        let rule = RULES.iter().find(|(known, _, _)| known == name);
        match rule {
            _ if value.get() == "null" => {}
            Some((_, _, rule)) => rule.check(name, value)?,
            None => {}
        }
        if fate(name) == Fate::Native && value.get() != "null" {
            left_out.add(name);
        }
    }
    request.model = body.find("model").map(|raw| read_model("model", raw)).transpose()?;
    request.models = fallbacks(body)?;
    request.stream = body.find("stream").and_then(boolean).unwrap_or(false);
    if let Some(provider) = body.find("provider") {
        request.provider = read_provider(provider)?;
        request.provider_options = read_provider_options(provider)?;
    }
    request.user = user(body, left_out);
    request.session_id = body.find("session_id").and_then(text).map(Into::into);
    for (name, canonical) in [
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("top_k", "top_k"),
        ("stop_sequences", "stop"),
        ("cache_control", "cache_control"),
    ] {
        if let Some(value) = body.find(name) {
            request.parameters.push((canonical.to_owned(), value.to_owned()));
        }
    }
    if let Some(tier) = tier(body) {
        request.parameters.push(("service_tier".to_owned(), raw(&tier)?));
    }
    Ok(())
}

/// Checked where it is read.
#[expect(clippy::unnecessary_wraps, reason = "it stands in a table of rules")]
fn anything(_: &str, _: &RawValue) -> Result<(), PublicError> {
    Ok(())
}

/// Further models, under either of their names.
fn fallbacks(body: &Body) -> Result<Vec<String>, PublicError> {
    let models = body.find("models").map(|raw| read_models("models", raw)).transpose()?;
    let Some(fallbacks) = body.find("fallbacks") else { return Ok(models.unwrap_or_default()) };
    if models.is_some() {
        return Err(invalid("fallbacks", "must be left out when `models` is given"));
    }
    let Some(fallbacks) = list(fallbacks).filter(|list| list.len() <= FALLBACKS_MAX) else {
        let demand =
            format!("must be a list of at most {FALLBACKS_MAX} objects such as `{{\"model\": …}}`");
        return Err(invalid("fallbacks", &demand));
    };
    let one = |(index, raw): (usize, &&RawValue)| {
        let field = format!("fallbacks[{index}]");
        match members(raw) {
            Some(fallback) if fallback.len() == 1 => match fallback.find("model") {
                Some(model) => read_model(&format!("{field}.model"), model),
                None => Err(invalid(&field, "must have `model` and nothing else")),
            },
            _ => Err(invalid(&field, "must be an object with `model` and nothing else")),
        }
    };
    fallbacks.iter().enumerate().map(one).collect()
}

/// The caller's own name for its end user, as it says it to us or to Anthropic.
fn user(body: &Body, left_out: &mut LeftOut) -> Option<String> {
    let metadata = body.find("metadata").and_then(members);
    if metadata.as_ref().is_some_and(|metadata| metadata.iter().any(|(name, _)| name != "user_id"))
    {
        left_out.add("metadata");
    }
    let own = body.find("user").and_then(text);
    own.or_else(|| text(metadata?.find("user_id")?)).map(Into::into)
}

/// The tier in the words of chat completions.
fn tier(body: &Body) -> Option<&'static str> {
    let named = body.find("service_tier").and_then(text);
    match named.as_deref() {
        Some("standard_only" | "standard") => Some("default"),
        Some(named) => TIERS.iter().copied().find(|tier| *tier == named),
        None => match body.find("speed").and_then(text).as_deref() {
            Some("fast") => Some("priority"),
            _ => None,
        },
    }
}

fn check_metadata(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(metadata) = members(raw) else {
        return Err(invalid(field, "must be an object such as `{\"user_id\": …}`"));
    };
    allow(&metadata, field, "user_id", &Rule::Text { characters_max: 1024 })
}

fn check_stop_sequences(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(stops) = list(raw).filter(|stops| stops.len() <= STOPS_MAX) else {
        return Err(invalid(field, &format!("must be a list of at most {STOPS_MAX} texts")));
    };
    for (index, stop) in stops.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if read_text(&field, stop, 8_192)?.trim().is_empty() {
            return Err(invalid(&field, "must have more in it than blanks"));
        }
    }
    Ok(())
}

fn check_betas(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let is_list = list(raw).is_some_and(|betas| betas.iter().all(|beta| text(beta).is_some()));
    if is_list { Ok(()) } else { Err(invalid(field, "must be a list of texts")) }
}

/// `{"type": "ephemeral", "ttl": "5m" | "1h"}`.
pub(super) fn check_cache_control(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    let Some(control) = members(raw) else {
        return Err(invalid(field, "must be an object with the `type` `ephemeral`"));
    };
    require(&control, field, "type", &Rule::OneOf(&["ephemeral"]))?;
    allow(&control, field, "ttl", &Rule::OneOf(&["5m", "1h"]))
}
