//! Tools, and the choice among them, without the layer that chat completions put around them.

use bytes::BytesMut;
use domain::catalog::Endpoint;
use protocol::chat::request::ChatRequest;
use protocol::chat::view::{FunctionTool, Tool, ToolChoice};
use protocol::json::write_string;
use serde_json::value::RawValue;

use crate::body::{Body, elements, members, text};
use crate::dropped::Dropped;
use crate::error::EncodeError;
use crate::openai_compatible::encode::is_taken;

/// Tools that the upstream runs by itself and that are written the same in every dialect.
const HOSTED: [&str; 8] = [
    "web_search",
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "web_search_2025_08_26",
    "file_search",
    "code_interpreter",
    "image_generation",
    "mcp",
];

pub(super) fn write(
    body: &mut Body<'_>,
    request: &ChatRequest,
    endpoint: &Endpoint,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    let mut written = BytesMut::new();
    let search = request.parameter("web_search_options");
    if let Some(options) = search {
        if is_taken("web_search_options", endpoint, body.quirks) {
            write_search(&mut written, options);
        } else {
            dropped.add("web_search_options")?;
        }
    }
    if request.parameter("modalities").is_some_and(wants_image) {
        if !written.is_empty() {
            written.extend_from_slice(b",");
        }
        written.extend_from_slice(b"{\"type\":\"image_generation\"}");
    }
    let tools = request.tools();
    let takes = is_taken("tools", endpoint, body.quirks);
    if !takes && !tools.is_empty() {
        dropped.add("tools")?;
    }
    for tool in tools.iter().filter(|_| takes) {
        let length = written.len();
        if length > 0 {
            written.extend_from_slice(b",");
        }
        if !write_tool(&mut written, tool) {
            written.truncate(length);
            dropped.add("tools")?;
        }
    }
    if written.is_empty() {
        return Ok(());
    }
    if !body.is_set("tools") {
        body.begin("tools");
        body.out.extend_from_slice(b"[");
        body.out.extend_from_slice(&written);
        body.out.extend_from_slice(b"]");
    }
    if takes {
        write_choice(body, request, dropped)?;
        if let Some(parallel) = request.parameter("parallel_tool_calls") {
            if is_taken("parallel_tool_calls", endpoint, body.quirks) {
                body.raw("parallel_tool_calls", parallel.get());
            } else {
                dropped.add("parallel_tool_calls")?;
            }
        }
    }
    Ok(())
}

/// Whether every kind of answer that is asked for can be given.
pub(super) fn are_made(modalities: &RawValue) -> bool {
    elements(modalities)
        .into_iter()
        .all(|kind| matches!(text(kind).as_deref(), Some("text" | "image")))
}

fn wants_image(modalities: &RawValue) -> bool {
    elements(modalities).into_iter().any(|kind| text(kind).as_deref() == Some("image"))
}

/// Whether the tool has a form here.
fn write_tool(out: &mut BytesMut, tool: &Tool<'_>) -> bool {
    match tool {
        Tool::Function(function) => {
            write_function(out, function);
            true
        }
        Tool::Other { kind, raw } if HOSTED.contains(&&**kind) => {
            out.extend_from_slice(raw.get().as_bytes());
            true
        }
        Tool::Other { kind, raw } if kind == "custom" => {
            let custom = members(raw).into_iter().find(|(name, _)| name == "custom");
            let Some((_, custom)) = custom else { return false };
            out.extend_from_slice(b"{\"type\":\"custom\"");
            for (name, value) in members(custom) {
                out.extend_from_slice(b",");
                write_string(out, &name);
                out.extend_from_slice(b":");
                out.extend_from_slice(value.get().as_bytes());
            }
            out.extend_from_slice(b"}");
            true
        }
        Tool::Other { .. } => false,
    }
}

fn write_function(out: &mut BytesMut, function: &FunctionTool<'_>) {
    out.extend_from_slice(b"{\"type\":\"function\",\"name\":");
    write_string(out, &function.name);
    if let Some(description) = &function.description {
        out.extend_from_slice(b",\"description\":");
        write_string(out, description);
    }
    out.extend_from_slice(b",\"parameters\":");
    let parameters =
        function.parameters.map_or("{\"type\":\"object\",\"properties\":{}}", RawValue::get);
    out.extend_from_slice(parameters.as_bytes());
    // Functions are strict here unless it is said that they aren't.
    let strict = function.strict.unwrap_or(false);
    out.extend_from_slice(if strict { b",\"strict\":true}" } else { b",\"strict\":false}" });
}

/// Search as an option of the request, written as the tool that it is here.
fn write_search(out: &mut BytesMut, options: &RawValue) {
    out.extend_from_slice(b"{\"type\":\"web_search\"");
    for (name, value) in members(options) {
        match &*name {
            "search_context_size" => {
                out.extend_from_slice(b",\"search_context_size\":");
                out.extend_from_slice(value.get().as_bytes());
            }
            "user_location" => {
                let approximate =
                    members(value).into_iter().find(|(name, _)| name == "approximate");
                let place = approximate.map_or(value, |(_, place)| place);
                out.extend_from_slice(b",\"user_location\":{\"type\":\"approximate\"");
                for (name, value) in members(place).into_iter().filter(|(name, _)| name != "type") {
                    out.extend_from_slice(b",");
                    write_string(out, &name);
                    out.extend_from_slice(b":");
                    out.extend_from_slice(value.get().as_bytes());
                }
                out.extend_from_slice(b"}");
            }
            _ => {}
        }
    }
    out.extend_from_slice(b"}");
}

fn write_choice(
    body: &mut Body<'_>,
    request: &ChatRequest,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    match request.tool_choice() {
        None => {}
        Some(ToolChoice::Auto) => body.text("tool_choice", "auto"),
        Some(ToolChoice::None) => body.text("tool_choice", "none"),
        Some(ToolChoice::Required) => body.text("tool_choice", "required"),
        // The caller's own words for this provider, or the operator's.
        Some(ToolChoice::Function(_)) if body.is_set("tool_choice") => {}
        Some(ToolChoice::Function(name)) => {
            body.begin("tool_choice");
            body.out.extend_from_slice(b"{\"type\":\"function\",\"name\":");
            write_string(&mut body.out, &name);
            body.out.extend_from_slice(b"}");
        }
        Some(ToolChoice::Other) => {
            let kind = request.parameter("tool_choice").map(members).unwrap_or_default();
            let kind = kind.iter().find(|(name, _)| name == "type").and_then(|(_, raw)| text(raw));
            match kind {
                Some(kind) if HOSTED.contains(&&*kind) && !body.is_set("tool_choice") => {
                    body.begin("tool_choice");
                    body.out.extend_from_slice(b"{\"type\":");
                    write_string(&mut body.out, &kind);
                    body.out.extend_from_slice(b"}");
                }
                _ => dropped.add("tool_choice")?,
            }
        }
    }
    Ok(())
}
