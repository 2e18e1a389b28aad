//! A request that was written in this dialect: sent as it was written, except for what this
//! endpoint would refuse.

use protocol::chat::request::{ChatRequest, Native};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::encode::{Purpose, Written, write_head, write_user};
use super::wire;
use crate::body::Body;
use crate::dropped::Dropped;
use crate::error::EncodeError;
use crate::turns::ability::Ability;
use crate::turns::emit::Undo;
use crate::turns::thinking::{Against, Thinking, plan};
use crate::turns::{cache, identity};

/// What a signature begins with that we made ourselves, for reasoning of other vendors that had
/// to travel through a client of Anthropic's. It means nothing to Anthropic.
const PACKED: &str = "\"ep1.";
/// Members that only a request for an answer may have.
const ANSWER_ONLY: [&str; 8] = [
    "max_tokens",
    "metadata",
    "service_tier",
    "stop_sequences",
    "stream",
    "temperature",
    "top_k",
    "top_p",
];
/// Stands among the members for a header.
const BETAS: &str = "anthropic_beta";

/// Whether what was written is fit to be sent: what is packed in it went into the canonical
/// request, where it is left out unless it is Anthropic's.
pub(super) fn is_sendable(native: &Native) -> bool {
    native.member("messages").is_some_and(|messages| !messages.get().contains(PACKED))
}

pub(super) fn write(
    request: &ChatRequest,
    native: &Native,
    ability: Ability<'_>,
    purpose: Purpose,
) -> Result<Written, EncodeError> {
    let mut dropped = Dropped::new(request);
    let length: usize = native.members.iter().map(|(_, raw)| raw.get().len() + 32).sum();
    let mut body = Body::new(length + 256, request, ability.endpoint);
    write_head(&mut body, request, ability, purpose)?;
    let thought = Thought::of(native, ability);
    let marked = marked(request, native, ability);
    for (name, value) in &native.members {
        match name.as_str() {
            name if marked.as_ref().is_some_and(|(member, _)| *member == name) => {}
            BETAS | "model" | "stream" | "max_tokens" => {}
            name if purpose == Purpose::Count && ANSWER_ONLY.contains(&name) => {}
            "temperature" | "top_p" | "top_k" if !ability.takes(name) => dropped.add(name)?,
            "thinking" if thought == Thought::Refused => dropped.add("thinking")?,
            "thinking" | "output_config" if thought == Thought::OtherForm => {}
            "metadata" => write_metadata(&mut body, value)?,
            name => body.raw(name, value.get()),
        }
    }
    if let Some((name, json)) = marked {
        body.raw(name, &json);
    }
    if thought == Thought::OtherForm {
        write_thinking(&mut body, request, native, ability)?;
    }
    if purpose == Purpose::Answer && native.member("metadata").is_none() {
        write_user(&mut body, request)?;
    }
    let (betas, undo) = (betas(native), Undo::nothing());
    Ok(Written { body: body.finish()?, betas, undo, dropped: dropped.into_names() })
}

/// The caller's metadata, with the end user as a provider may know them.
fn write_metadata(body: &mut Body<'_>, raw: &RawValue) -> Result<(), EncodeError> {
    let metadata = serde_json::from_str::<Map<String, Value>>(raw.get());
    let Ok(mut metadata) = metadata else {
        body.raw("metadata", raw.get());
        return Ok(());
    };
    if let Some(Value::String(user)) = metadata.get_mut("user_id") {
        *user = identity::end_user(user);
    }
    body.json("metadata", &metadata)
}

/// Instructions, or else tools, with a mark for caching at their end, where the caller marks
/// nothing and it pays. Everything in them stays as it was written.
fn marked(
    request: &ChatRequest,
    native: &Native,
    ability: Ability<'_>,
) -> Option<(&'static str, String)> {
    const MARK: &str = r#""cache_control":{"type":"ephemeral"}"#;
    let own = |name: &str| native.member(name).map(RawValue::get);
    let members = ["tools", "system", "messages"];
    let is_marked = members.iter().filter_map(|name| own(name)).any(|json| json.contains("cache_"));
    if is_marked || own("cache_control").is_some() {
        return None;
    }
    let beginning = ["tools", "system"].iter().filter_map(|name| own(name)).map(str::len).sum();
    if !cache::pays(request, ability, beginning) {
        return None;
    }
    // Nothing that is empty may be marked.
    let system = own("system").filter(|json| *json != "\"\"");
    let (name, json) = match system {
        Some(json) => ("system", json.trim_end()),
        None => ("tools", own("tools")?.trim_end()),
    };
    if json.starts_with('"') {
        return Some((name, format!(r#"[{{"type":"text","text":{json},{MARK}}}]"#)));
    }
    let head = json.strip_suffix(']')?.trim_end().strip_suffix('}')?;
    Some((name, format!("{head},{MARK}}}]")))
}

pub(super) fn betas(native: &Native) -> Vec<String> {
    let json = native.member(BETAS).map(RawValue::get);
    let list: Option<Vec<String>> = json.and_then(|json| serde_json::from_str(json).ok());
    let is_token =
        |beta: &String| !beta.is_empty() && beta.bytes().all(|b| b.is_ascii_graphic() && b != b',');
    list.unwrap_or_default().into_iter().filter(is_token).collect()
}

/// What becomes of the member `thinking`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thought {
    AsWritten,
    /// The model is asked to think in another way than the one that was written.
    OtherForm,
    Refused,
}

#[derive(Deserialize)]
struct WireThinking {
    #[serde(rename = "type")]
    kind: String,
}

impl Thought {
    fn of(native: &Native, ability: Ability<'_>) -> Self {
        let json = native.member("thinking").map(RawValue::get);
        let Some(asked) = json.and_then(|json| serde_json::from_str::<WireThinking>(json).ok())
        else {
            return Self::AsWritten;
        };
        let is_adaptive = ability.thinks_adaptively();
        match asked.kind.as_str() {
            "enabled" | "adaptive" if !ability.takes("reasoning") => Self::Refused,
            "enabled" if is_adaptive => Self::OtherForm,
            "adaptive" if !is_adaptive => Self::OtherForm,
            _ => Self::AsWritten,
        }
    }
}

/// Writes `thinking` in the form that the model knows, beside what else was asked of the output.
fn write_thinking(
    body: &mut Body<'_>,
    request: &ChatRequest,
    native: &Native,
    ability: Ability<'_>,
) -> Result<(), EncodeError> {
    // What stands against thinking was the caller's to know in their own dialect.
    let output_max = ability.output_max(request.max_tokens);
    let mut dropped = Dropped::new(request);
    let planned = plan(request, ability, output_max, Against::default(), &mut dropped)?;
    if let Some(wire) = wire::thinking(planned) {
        body.json("thinking", &wire)?;
    }
    let json = native.member("output_config").map_or("{}", RawValue::get);
    let mut output: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
    match planned {
        Thinking::Adaptive(effort) => {
            output.entry("effort").or_insert_with(|| effort.as_str().into());
        }
        Thinking::Unstated | Thinking::Off | Thinking::Budget(_) => drop(output.remove("effort")),
    }
    if output.is_empty() { Ok(()) } else { body.json("output_config", &output) }
}
