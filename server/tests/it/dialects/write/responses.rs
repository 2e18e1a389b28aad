//! OpenAI's Responses.

use serde_json::{Map, Value, json};

use super::{NoForm, object, refuse_if};
use crate::dialects::ask::{Ask, Choice, Format, Part, Source, Text, Thinking, Tool, Turn};

pub(super) fn write(ask: &Ask) -> Result<Map<String, Value>, NoForm> {
    refuse_if(ask.choices.is_some(), "there is one answer")?;
    let mut input = Vec::new();
    // The first system text is said as instructions, so that both ways are met.
    let (instructions, more) = match ask.system.as_slice() {
        [Text { text, mark: None }] => (Some(text.as_str()), &[][..]),
        texts => (None, texts),
    };
    if !more.is_empty() {
        input.push(item("system", &more.iter().map(text_part).collect()));
    }
    if let Some(text) = ask.developer {
        input.push(item("developer", &json!(text)));
    }
    for turn in &ask.turns {
        items(turn, &mut input)?;
    }
    let mut body = object(json!({
        "input": input,
        "instructions": instructions,
        "max_output_tokens": ask.max_tokens,
        "parallel_tool_calls": ask.parallel,
        "service_tier": ask.service_tier,
    }));
    let mut set = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    if !ask.tools.is_empty() {
        set("tools", ask.tools.iter().map(tool).collect::<Result<_, _>>()?);
    }
    if let Some(choice) = ask.choice {
        set("tool_choice", tool_choice(choice));
    }
    if let Some(format) = &ask.format {
        set("text", json!({ "format": text_format(format) }));
    }
    if let Some(thinking) = ask.thinking {
        set("reasoning", reasoning(thinking)?);
        set("include", json!(["reasoning.encrypted_content"]));
    }
    if !ask.stop.is_empty() {
        set("stop", json!(ask.stop));
    }
    if ask.cache_all {
        set("cache_control", json!({ "type": "ephemeral" }));
    }
    if !ask.modalities.is_empty() {
        refuse_if(ask.modalities.contains(&"audio"), "`modalities` are text and image")?;
        set("modalities", json!(ask.modalities));
    }
    for (name, value) in &ask.sampling {
        match *name {
            "temperature" | "top_p" | "top_k" | "frequency_penalty" | "presence_penalty"
            | "top_logprobs" => set(name, value.clone()),
            // Asked for by `include`, beside the number of alternatives.
            "logprobs" => set("include", json!(["message.output_text.logprobs"])),
            _ => return Err("there is no such parameter"),
        }
    }
    Ok(body)
}

fn item(role: &str, content: &Value) -> Value {
    json!({ "type": "message", "role": role, "content": content })
}

fn text_part(text: &Text) -> Value {
    let mut part = json!({ "type": "input_text", "text": text.text });
    if let Some(mark) = text.mark {
        part["cache_control"] = mark.to_json();
    }
    part
}

fn items(turn: &Turn, input: &mut Vec<Value>) -> Result<(), NoForm> {
    match turn {
        Turn::User { parts, name } => {
            refuse_if(name.is_some(), "messages have no names")?;
            let content = match parts.as_slice() {
                [Part::Text(Text { text, mark: None })] => json!(text),
                parts => parts.iter().map(part).collect(),
            };
            input.push(item("user", &content));
        }
        Turn::Assistant { text, calls } => {
            if let Some(text) = text {
                // As lenient as clients are: neither id nor status.
                input.push(item(
                    "assistant",
                    &json!([{ "type": "output_text", "text": text,
                    "annotations": [] }]),
                ));
            }
            for call in calls {
                input.push(json!({ "type": "function_call", "call_id": call.id, "name": call.name,
                    "arguments": call.arguments.to_string() }));
            }
        }
        Turn::Result { id, text, is_error } => {
            refuse_if(*is_error, "an output has no mark for failure")?;
            input.push(json!({ "type": "function_call_output", "call_id": id, "output": text }));
        }
        Turn::Replay(items) => input.extend(items.as_array().cloned().unwrap_or_default()),
        Turn::ReplayResult { id, text } => {
            input.push(json!({ "type": "function_call_output", "call_id": id, "output": text }));
        }
    }
    Ok(())
}

fn part(part: &Part) -> Value {
    match part {
        Part::Text(text) => text_part(text),
        Part::Image(source) => {
            json!({ "type": "input_image", "detail": "auto", "image_url": source.url() })
        }
        Part::Pdf(Source::Url(url)) => {
            json!({ "type": "input_file", "filename": "harbour.pdf", "file_url": url })
        }
        Part::Pdf(source) => {
            json!({ "type": "input_file", "filename": "harbour.pdf", "file_data": source.url() })
        }
        Part::Audio { base64 } => {
            json!({ "type": "input_audio", "input_audio": { "data": base64, "format": "wav" } })
        }
        Part::Video { base64 } => json!({ "type": "input_video",
            "video_url": format!("data:video/mp4;base64,{base64}") }),
    }
}

fn tool(tool: &Tool) -> Result<Value, NoForm> {
    refuse_if(tool.mark.is_some(), "tools have no cache marks")?;
    Ok(json!({ "type": "function", "name": tool.name, "description": tool.description,
        "parameters": tool.schema, "strict": tool.strict }))
}

fn tool_choice(choice: Choice) -> Value {
    match choice {
        Choice::Auto => json!("auto"),
        Choice::None => json!("none"),
        Choice::Required => json!("required"),
        Choice::Function(name) => json!({ "type": "function", "name": name }),
    }
}

fn text_format(format: &Format) -> Value {
    match format {
        Format::JsonObject => json!({ "type": "json_object" }),
        Format::Schema { name, schema, strict } => {
            json!({ "type": "json_schema", "name": name, "schema": schema, "strict": strict })
        }
    }
}

fn reasoning(thinking: Thinking) -> Result<Value, NoForm> {
    Ok(match thinking {
        Thinking::Effort(effort) => json!({ "effort": effort, "summary": "auto" }),
        Thinking::Budget(tokens) => json!({ "max_tokens": tokens }),
        Thinking::Off => json!({ "effort": "none" }),
        Thinking::Hidden(_) => return Err("`reasoning` has no `exclude`"),
    })
}
