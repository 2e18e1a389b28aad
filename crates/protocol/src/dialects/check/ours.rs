//! Members that speak to us, whatever is asked for.

use serde_json::value::RawValue;

use super::rule::{Rule, invalid};
use super::shared::{read_model, read_provider, read_provider_options, read_text};
use super::value::boolean;
use crate::chat::request::ChatRequest;
use crate::error::PublicError;

/// Takes a member of a request that is no conversation, if it is one of ours. `false` when it is
/// something else.
pub(crate) fn take_ours(
    request: &mut ChatRequest,
    name: &str,
    raw: &RawValue,
) -> Result<bool, PublicError> {
    const OURS: [&str; 9] = [
        "model",
        "provider",
        "user",
        "session_id",
        "trace",
        "preset",
        "plugins",
        "usage",
        "stream",
    ];
    if raw.get() == "null" && OURS.contains(&name) {
        return Ok(true);
    }
    match name {
        "model" => request.model = Some(read_model(name, raw)?),
        "provider" => {
            request.provider = read_provider(raw)?;
            request.provider_options = read_provider_options(raw)?;
        }
        "user" => request.user = Some(read_text(name, raw, 1024)?),
        "session_id" => request.session_id = Some(read_text(name, raw, 256)?),
        "trace" | "usage" => Rule::Object.check(name, raw)?,
        "plugins" => Rule::List.check(name, raw)?,
        "preset" => Rule::Text { characters_max: 256 }.check(name, raw)?,
        "stream" => {
            Rule::Boolean.check(name, raw)?;
            if boolean(raw) == Some(true) {
                return Err(invalid(name, "must be `false`: this answer comes in one piece"));
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}
