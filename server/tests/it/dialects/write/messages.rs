//! Anthropic's Messages.

use serde_json::{Map, Value, json};

use super::{NoForm, object, refuse_if};
use crate::dialects::ask::{Ask, Choice, Format, Part, Source, Text, Thinking, Tool, Turn};

pub(super) fn write(ask: &Ask) -> Result<Map<String, Value>, NoForm> {
    refuse_if(ask.choices.is_some(), "there is one answer")?;
    refuse_if(ask.developer.is_some(), "there is no developer role")?;
    refuse_if(!ask.modalities.is_empty(), "answers are text")?;
    let mut messages: Vec<Value> = Vec::new();
    for turn in &ask.turns {
        let (role, blocks) = blocks(turn)?;
        // Turns of one role are one message, as results of several tools must be.
        match messages.last_mut() {
            Some(last) if last["role"] == role && last["content"].is_array() => {
                if let Some(content) = last["content"].as_array_mut() {
                    content.extend(blocks);
                }
            }
            _ => messages.push(json!({ "role": role, "content": blocks })),
        }
    }
    let mut body = object(json!({
        "messages": messages,
        "max_tokens": ask.max_tokens,
        "service_tier": ask.service_tier.map(service_tier).transpose()?,
    }));
    let mut set = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    match ask.system.as_slice() {
        [] => {}
        [Text { text, mark: None }] => set("system", json!(text)),
        texts => set("system", texts.iter().map(text_block).collect()),
    }
    if !ask.tools.is_empty() {
        set("tools", ask.tools.iter().map(tool).collect());
    }
    if ask.choice.is_some() || ask.parallel.is_some() {
        let mut choice = tool_choice(ask.choice.unwrap_or(Choice::Auto));
        if let Some(parallel) = ask.parallel {
            choice["disable_parallel_tool_use"] = json!(!parallel);
        }
        set("tool_choice", choice);
    }
    let (thinking, output) = thinking_and_output(ask)?;
    if let Some(thinking) = thinking {
        set("thinking", thinking);
    }
    if !output.is_empty() {
        set("output_config", output.into());
    }
    if !ask.stop.is_empty() {
        set("stop_sequences", json!(ask.stop));
    }
    if ask.cache_all {
        set("cache_control", json!({ "type": "ephemeral" }));
    }
    for (name, value) in &ask.sampling {
        match *name {
            "temperature" | "top_p" | "top_k" => set(name, value.clone()),
            _ => return Err("there is no such parameter"),
        }
    }
    Ok(body)
}

/// `thinking`, and what of it and of the form of the answer stands in `output_config`.
fn thinking_and_output(ask: &Ask) -> Result<(Option<Value>, Map<String, Value>), NoForm> {
    let mut output = Map::new();
    match &ask.format {
        None => {}
        Some(Format::JsonObject) => return Err("`output_config.format` is a schema"),
        Some(Format::Schema { schema, .. }) => {
            output.insert("format".into(), json!({ "type": "json_schema", "schema": schema }));
        }
    }
    let thinking = match ask.thinking {
        None => None,
        Some(Thinking::Off) => Some(json!({ "type": "disabled" })),
        Some(Thinking::Budget(tokens)) => {
            Some(json!({ "type": "enabled", "budget_tokens": tokens }))
        }
        Some(Thinking::Effort(effort)) => {
            refuse_if(effort == "minimal", "`effort` begins at `low`")?;
            output.insert("effort".into(), json!(effort));
            Some(json!({ "type": "adaptive" }))
        }
        Some(Thinking::Hidden(_)) => return Err("`thinking` is always shown"),
    };
    Ok((thinking, output))
}

fn service_tier(tier: &str) -> Result<&'static str, NoForm> {
    match tier {
        "auto" => Ok("auto"),
        "default" => Ok("standard_only"),
        _ => Err("`service_tier` is `auto` or `standard_only`"),
    }
}

fn text_block(text: &Text) -> Value {
    let mut block = json!({ "type": "text", "text": text.text });
    if let Some(mark) = text.mark {
        block["cache_control"] = mark.to_json();
    }
    block
}

fn blocks(turn: &Turn) -> Result<(&'static str, Vec<Value>), NoForm> {
    Ok(match turn {
        Turn::User { parts, name } => {
            refuse_if(name.is_some(), "messages have no names")?;
            ("user", parts.iter().map(part).collect::<Result<_, _>>()?)
        }
        Turn::Assistant { text, calls } => {
            let mut blocks: Vec<Value> =
                text.iter().map(|text| json!({ "type": "text", "text": text })).collect();
            blocks.extend(calls.iter().map(|call| {
                json!({ "type": "tool_use", "id": call.id, "name": call.name,
                    "input": call.arguments })
            }));
            ("assistant", blocks)
        }
        Turn::Result { id, text, is_error } => {
            let mut block = json!({ "type": "tool_result", "tool_use_id": id, "content": text });
            if *is_error {
                block["is_error"] = json!(true);
            }
            ("user", vec![block])
        }
        Turn::Replay(content) => ("assistant", content.as_array().cloned().unwrap_or_default()),
        Turn::ReplayResult { id, text } => {
            ("user", vec![json!({ "type": "tool_result", "tool_use_id": id, "content": text })])
        }
    })
}

fn part(part: &Part) -> Result<Value, NoForm> {
    Ok(match part {
        Part::Text(text) => text_block(text),
        Part::Image(source) => json!({ "type": "image", "source": media(source) }),
        Part::Pdf(source) => {
            json!({ "type": "document", "title": "harbour.pdf", "source": media(source) })
        }
        Part::Audio { .. } => return Err("there are no audio blocks"),
        Part::Video { .. } => return Err("there are no video blocks"),
    })
}

fn media(source: &Source) -> Value {
    match source {
        Source::Url(url) => json!({ "type": "url", "url": url }),
        Source::Inline { media_type, base64 } => {
            json!({ "type": "base64", "media_type": media_type, "data": base64 })
        }
    }
}

fn tool(tool: &Tool) -> Value {
    let schema =
        tool.schema.clone().unwrap_or_else(|| json!({ "type": "object", "properties": {} }));
    let mut entry =
        json!({ "name": tool.name, "description": tool.description, "input_schema": schema });
    if tool.strict {
        entry["strict"] = json!(true);
    }
    if let Some(mark) = tool.mark {
        entry["cache_control"] = mark.to_json();
    }
    entry
}

fn tool_choice(choice: Choice) -> Value {
    match choice {
        Choice::Auto => json!({ "type": "auto" }),
        Choice::None => json!({ "type": "none" }),
        Choice::Required => json!({ "type": "any" }),
        Choice::Function(name) => json!({ "type": "tool", "name": name }),
    }
}
