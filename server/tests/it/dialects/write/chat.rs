//! Chat completions.

use serde_json::{Map, Value, json};

use super::{NoForm, object, refuse_if};
use crate::dialects::ask::{Ask, Choice, Format, Part, Text, Thinking, Tool, Turn};

pub(super) fn write(ask: &Ask) -> Result<Map<String, Value>, NoForm> {
    let mut messages = Vec::new();
    if !ask.system.is_empty() {
        messages.push(json!({ "role": "system", "content": texts(&ask.system) }));
    }
    if let Some(text) = ask.developer {
        messages.push(json!({ "role": "developer", "content": text }));
    }
    for turn in &ask.turns {
        messages.push(message(turn)?);
    }
    let mut body = object(json!({
        "messages": messages,
        "max_tokens": ask.max_tokens,
        "parallel_tool_calls": ask.parallel,
        "n": ask.choices,
        "service_tier": ask.service_tier,
    }));
    let mut set = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    if !ask.tools.is_empty() {
        set("tools", ask.tools.iter().map(tool).collect());
    }
    if let Some(choice) = ask.choice {
        set("tool_choice", tool_choice(choice));
    }
    if let Some(format) = &ask.format {
        set("response_format", response_format(format));
    }
    if let Some(thinking) = ask.thinking {
        set("reasoning", reasoning(thinking));
    }
    if !ask.stop.is_empty() {
        set("stop", json!(ask.stop));
    }
    if ask.cache_all {
        set("cache_control", json!({ "type": "ephemeral" }));
    }
    if !ask.modalities.is_empty() {
        set("modalities", json!(ask.modalities));
    }
    for (name, value) in &ask.sampling {
        set(name, value.clone());
    }
    Ok(body)
}

fn texts(texts: &[Text]) -> Value {
    match texts {
        [Text { text, mark: None }] => json!(text),
        texts => texts.iter().map(text_part).collect(),
    }
}

fn text_part(text: &Text) -> Value {
    let mut part = json!({ "type": "text", "text": text.text });
    if let Some(mark) = text.mark {
        part["cache_control"] = mark.to_json();
    }
    part
}

fn message(turn: &Turn) -> Result<Value, NoForm> {
    Ok(match turn {
        Turn::User { parts, name } => {
            let content = match parts.as_slice() {
                [Part::Text(Text { text, mark: None })] => json!(text),
                parts => parts.iter().map(part).collect(),
            };
            let mut message = json!({ "role": "user", "content": content });
            if let Some(name) = name {
                message["name"] = json!(name);
            }
            message
        }
        Turn::Assistant { text, calls } => {
            let mut message = json!({ "role": "assistant", "content": text });
            if !calls.is_empty() {
                let calls = calls.iter().map(|call| {
                    json!({ "id": call.id, "type": "function", "function":
                        { "name": call.name, "arguments": call.arguments.to_string() } })
                });
                message["tool_calls"] = calls.collect();
            }
            message
        }
        Turn::Result { id, text, is_error } => {
            refuse_if(*is_error, "a tool's message has no mark for failure")?;
            json!({ "role": "tool", "tool_call_id": id, "content": text })
        }
        Turn::Replay(message) => message.clone(),
        Turn::ReplayResult { id, text } => {
            json!({ "role": "tool", "tool_call_id": id, "content": text })
        }
    })
}

fn part(part: &Part) -> Value {
    match part {
        Part::Text(text) => text_part(text),
        Part::Image(source) => json!({ "type": "image_url", "image_url": { "url": source.url() } }),
        Part::Pdf(source) => {
            json!({ "type": "file", "file": { "filename": "harbour.pdf", "file_data": source.url() } })
        }
        Part::Audio { base64 } => {
            json!({ "type": "input_audio", "input_audio": { "data": base64, "format": "wav" } })
        }
        Part::Video { base64 } => json!({ "type": "video_url",
            "video_url": { "url": format!("data:video/mp4;base64,{base64}") } }),
    }
}

fn tool(tool: &Tool) -> Value {
    let mut function = json!({ "name": tool.name, "description": tool.description });
    if let Some(schema) = &tool.schema {
        function["parameters"] = schema.clone();
    }
    if tool.strict {
        function["strict"] = json!(true);
    }
    let mut entry = json!({ "type": "function", "function": function });
    if let Some(mark) = tool.mark {
        entry["cache_control"] = mark.to_json();
    }
    entry
}

fn tool_choice(choice: Choice) -> Value {
    match choice {
        Choice::Auto => json!("auto"),
        Choice::None => json!("none"),
        Choice::Required => json!("required"),
        Choice::Function(name) => json!({ "type": "function", "function": { "name": name } }),
    }
}

fn response_format(format: &Format) -> Value {
    match format {
        Format::JsonObject => json!({ "type": "json_object" }),
        Format::Schema { name, schema, strict } => json!({ "type": "json_schema",
            "json_schema": { "name": name, "schema": schema, "strict": strict } }),
    }
}

fn reasoning(thinking: Thinking) -> Value {
    match thinking {
        Thinking::Effort(effort) => json!({ "effort": effort }),
        Thinking::Budget(tokens) => json!({ "max_tokens": tokens }),
        Thinking::Off => json!({ "effort": "none" }),
        Thinking::Hidden(effort) => json!({ "effort": effort, "exclude": true }),
    }
}
