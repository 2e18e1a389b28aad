//! A request that was written in this dialect: sent on as it is.

use bytes::Bytes;
use domain::catalog::Endpoint;
use protocol::chat::request::{ChatRequest, Native};
use protocol::json::write_string;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::body::{Body, elements, text, write_list};
use crate::dropped::Dropped;
use crate::error::EncodeError;
use crate::openai_compatible::encode::is_taken;
use crate::turns::identity::end_user;

const ENCRYPTED: &str = "reasoning.encrypted_content";

/// Members that we keep for ourselves: conversations are kept here or nowhere.
const OURS: [&str; 6] =
    ["model", "stream", "store", "previous_response_id", "conversation", "background"];

/// What callers write under another name in this dialect, and a hint that is not of it. Every
/// other parameter that is no member was added to the dialect by OpenRouter, and is unknown here.
const RENAMED: [&str; 4] = ["response_format", "verbosity", "logprobs", "cache_control"];

pub(super) fn write(
    request: &ChatRequest,
    native: &Native,
    endpoint: &Endpoint,
) -> Result<(Bytes, Vec<String>), EncodeError> {
    let mut dropped = Dropped::new(request);
    dropped.note_marks(request);
    let size: usize = native.members.iter().map(|(_, value)| value.get().len() + 32).sum();
    let mut body = Body::new(size + 256, request, endpoint);
    body.begin("model");
    write_string(&mut body.out, &endpoint.upstream_model);
    body.raw("stream", "true");
    body.raw("store", "false");
    write_include(&mut body, native, endpoint);
    for (name, value) in &native.members {
        let name = name.as_str();
        if OURS.contains(&name) || name == "include" {
            continue;
        }
        let is_null = value.get() == "null";
        let is_known = match name {
            "reasoning" => endpoint.supports("reasoning") || endpoint.supports("reasoning_effort"),
            // The rest is known to everybody who speaks this dialect.
            "temperature" | "top_p" | "top_logprobs" => is_taken(name, endpoint, body.quirks),
            _ => !body.quirks.refuses(name),
        };
        if is_known {
            if let ("safety_identifier", Some(user)) = (name, text(value)) {
                // Who an end user is stays with us.
                body.text(name, &end_user(&user));
                continue;
            }
            match without_marks(value) {
                Some(plain) => body.raw(name, &plain),
                None => body.raw(name, value.get()),
            }
        } else if !is_null {
            dropped.add(name)?;
        }
    }
    for (name, value) in &request.parameters {
        let is_said = native.member(name).is_some() || RENAMED.contains(&name.as_str());
        let is_plain = name == "modalities" && value.get() == "[\"text\"]";
        if !is_said && !is_plain {
            dropped.add(name)?;
        }
    }
    Ok((body.finish()?, dropped.into_names()))
}

/// A member without marks for caching, which OpenRouter added to the dialect and OpenAI refuses:
/// it caches by itself. None where there are none, which is nearly always.
fn without_marks(value: &RawValue) -> Option<String> {
    fn strip(value: &mut Value) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(strip),
            Value::Object(members) => {
                // A schema may have a property of that name; marks have a type.
                if members.get("cache_control").is_some_and(|mark| mark["type"] == "ephemeral") {
                    members.remove("cache_control");
                }
                members.values_mut().for_each(strip);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    if !value.get().contains("\"cache_control\"") {
        return None;
    }
    let mut value: Value = serde_json::from_str(value.get()).ok()?;
    strip(&mut value);
    Some(value.to_string())
}

/// What the caller wants included, and what makes reasoning fit to be sent again.
fn write_include(body: &mut Body<'_>, native: &Native, endpoint: &Endpoint) {
    let asked: Vec<_> = native
        .member("include")
        .map(elements)
        .unwrap_or_default()
        .into_iter()
        .filter_map(text)
        .collect();
    let adds = endpoint.supports("reasoning") && asked.iter().all(|name| name != ENCRYPTED);
    let added = adds.then_some(ENCRYPTED);
    if (asked.is_empty() && !adds) || body.is_set("include") {
        return;
    }
    body.begin("include");
    let all = asked.iter().map(|name| &**name).chain(added);
    write_list(&mut body.out, all, write_string);
}
