//! What an answer repeats of its request.

use bytes::BytesMut;
use serde_json::value::RawValue;

use super::wire::{put, write_json, write_list};
use crate::dialects::check::{list, members, text};

/// The settings of a request as its answer repeats them, with what holds where nothing was said.
#[derive(Debug, Clone)]
pub struct Echo {
    /// Members of the answer, each with a comma before it.
    pub(super) json: BytesMut,
    /// What was asked for; the answer says what was given.
    pub(super) service_tier: Option<String>,
}

/// Members that are repeated, and what stands for them where they were left out.
const REPEATED: [(&str, &str); 20] = [
    ("background", "false"),
    ("frequency_penalty", "null"),
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("presence_penalty", "null"),
    ("previous_response_id", "null"),
    ("prompt_cache_key", "null"),
    ("reasoning", "{\"effort\":null,\"summary\":null}"),
    ("safety_identifier", "null"),
    ("store", "false"),
    ("temperature", "null"),
    ("text", "{\"format\":{\"type\":\"text\"}}"),
    ("tool_choice", "\"auto\""),
    ("top_logprobs", "0"),
    ("top_p", "null"),
    ("truncation", "\"disabled\""),
    ("user", "null"),
];

impl Echo {
    pub(super) fn of(body: &[(String, Box<RawValue>)]) -> Self {
        let find = |name: &str| {
            let found = body.iter().find(|(known, _)| known == name).map(|(_, raw)| &**raw);
            found.filter(|raw| raw.get() != "null")
        };
        let mut json = BytesMut::with_capacity(1_024);
        for (name, otherwise) in REPEATED {
            put(&mut json, &[",\"", name, "\":"]);
            write_json(&mut json, find(name).map_or(otherwise, RawValue::get));
        }
        json.extend_from_slice(b",\"tools\":");
        let tools = find("tools").and_then(list).unwrap_or_default();
        write_list(&mut json, tools, write_tool);
        let service_tier = find("service_tier").and_then(text).map(Into::into);
        Self { json, service_tier }
    }
}

/// Functions have all their members in an answer.
fn write_tool(out: &mut BytesMut, tool: &RawValue) {
    let json = tool.get().trim_end();
    let (Some(parts), Some(open)) = (members(tool), json.strip_suffix('}')) else {
        return write_json(out, json);
    };
    write_json(out, open.trim_end());
    if parts.find("type").and_then(text).as_deref() == Some("function") {
        for name in ["parameters", "strict"] {
            if !parts.iter().any(|(known, _)| known == name) {
                put(out, &[",\"", name, "\":null"]);
            }
        }
    }
    out.extend_from_slice(b"}");
}
