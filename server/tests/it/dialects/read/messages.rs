//! Messages: blocks that begin, grow and stop one after another, then a delta and a stop.

use serde_json::{Value, json};

use super::{Call, Choice, Counts, Event, Finish, Said, count, ensure, list, optional_text, text};

pub(super) fn stream(events: &[Event]) -> Result<Said, String> {
    let mut message = Value::Null;
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: Vec<String> = Vec::new();
    let mut open = false;
    let mut stopped = false;
    let mut metadata = Value::Null;
    let mut failure = None;
    for event in events {
        let data = event.json()?;
        ensure(data["type"] == *event.name, || format!("`{}` names {data}", event.name))?;
        ensure(!stopped && failure.is_none(), || format!("after the end: {data}"))?;
        if message.is_null() && !["message_start", "ping", "error"].contains(&event.name.as_str()) {
            return Err(format!("before the start: {data}"));
        }
        match event.name.as_str() {
            "ping" => {}
            "message_start" => {
                ensure(message.is_null(), || "it starts twice".to_owned())?;
                ensure(data["message"]["content"] == json!([]), || format!("{data}"))?;
                message = data["message"].clone();
            }
            "content_block_start" => {
                ensure(!open, || format!("a block starts inside another: {data}"))?;
                ensure(data["index"] == blocks.len(), || format!("out of order: {data}"))?;
                blocks.push(data["content_block"].clone());
                inputs.push(String::new());
                open = true;
            }
            "content_block_delta" => {
                let last = blocks.len().wrapping_sub(1);
                ensure(open && data["index"] == last, || format!("no open block: {data}"))?;
                grow(&mut blocks[last], &mut inputs[last], &data["delta"])?;
            }
            "content_block_stop" => {
                let last = blocks.len().wrapping_sub(1);
                ensure(open && data["index"] == last, || format!("no open block: {data}"))?;
                open = false;
                if !inputs[last].is_empty() {
                    blocks[last]["input"] = serde_json::from_str(&inputs[last])
                        .map_err(|error| format!("input `{}`: {error}", inputs[last]))?;
                }
            }
            "message_delta" => {
                ensure(!open, || "the message ends inside a block".to_owned())?;
                for name in ["stop_reason", "stop_sequence"] {
                    message[name] = data["delta"][name].clone();
                }
                for (name, value) in data["usage"].as_object().into_iter().flatten() {
                    message["usage"][name] = value.clone();
                }
            }
            "message_stop" => {
                ensure(!message["stop_reason"].is_null(), || "no stop reason".to_owned())?;
                metadata = data["openrouter_metadata"].clone();
                stopped = true;
            }
            "error" => failure = Some(data),
            other => return Err(format!("there is no event `{other}`")),
        }
    }
    ensure(stopped || failure.is_some(), || "the stream has no end".to_owned())?;
    message["content"] = blocks.into();
    let mut said = if let Some(failure) = &failure {
        let mut said = read(&message, true)?;
        said.error = Some(error(&failure["error"]));
        said.metadata = failure["openrouter_metadata"].clone();
        said
    } else {
        read(&message, false)?
    };
    if !metadata.is_null() {
        said.metadata = metadata;
    }
    Ok(said)
}

pub(super) fn whole(body: &Value) -> Result<Said, String> {
    ensure(body["type"] == "message" && body["role"] == "assistant", || format!("{body}"))?;
    let mut said = read(body, false)?;
    said.metadata = body["openrouter_metadata"].clone();
    Ok(said)
}

fn grow(block: &mut Value, input: &mut String, delta: &Value) -> Result<(), String> {
    let mut append = |name: &str| -> Result<(), String> {
        let so_far = block[name].as_str().ok_or_else(|| format!("{delta} in {block}"))?.to_owned();
        block[name] = json!(so_far + delta[name].as_str().unwrap_or_default());
        Ok(())
    };
    match delta["type"].as_str().unwrap_or_default() {
        "text_delta" => append("text"),
        "thinking_delta" => append("thinking"),
        "signature_delta" => {
            block["signature"] = delta["signature"].clone();
            Ok(())
        }
        "input_json_delta" => {
            input.push_str(delta["partial_json"].as_str().unwrap_or_default());
            Ok(())
        }
        "citations_delta" => {
            let mut citations = list(&block["citations"]).to_vec();
            citations.push(delta["citation"].clone());
            block["citations"] = citations.into();
            Ok(())
        }
        other => Err(format!("there is no delta `{other}`")),
    }
}

fn read(message: &Value, is_broken: bool) -> Result<Said, String> {
    let mut choice = Choice::default();
    for block in list(&message["content"]) {
        match block["type"].as_str().unwrap_or_default() {
            "text" => {
                choice.text += &text(&block["text"]);
                let urls = list(&block["citations"]).iter().map(|entry| text(&entry["url"]));
                choice.citations.extend(urls);
            }
            "thinking" => {
                choice.reasoning += &text(&block["thinking"]);
                choice.sealed.extend(optional_text(&block["signature"]).filter(|s| !s.is_empty()));
            }
            "redacted_thinking" => choice.sealed.extend(optional_text(&block["data"])),
            "tool_use" => choice.calls.push(Call {
                id: text(&block["id"]),
                name: text(&block["name"]),
                arguments: block["input"].to_string(),
            }),
            other => return Err(format!("a block is `{other}`: {block}")),
        }
    }
    choice.stop_sequence = optional_text(&message["stop_sequence"]);
    choice.finish = match message["stop_reason"].as_str() {
        _ if is_broken => Finish::Error,
        Some("end_turn" | "stop_sequence") => Finish::Stop,
        Some("max_tokens" | "model_context_window_exceeded") => Finish::Length,
        Some("tool_use") => Finish::ToolCalls,
        Some("refusal") => Finish::ContentFilter,
        other => return Err(format!("the stop reason is {other:?}")),
    };
    let usage = &message["usage"];
    Ok(Said {
        choices: vec![choice],
        usage: if is_broken && usage.is_null() { Counts::default() } else { counts(usage)? },
        service_tier: optional_text(&usage["service_tier"]),
        replay: message["content"].clone(),
        ..Said::default()
    })
}

/// Anthropic's input tokens are those that were not cached.
fn counts(usage: &Value) -> Result<Counts, String> {
    let cache_read = usage["cache_read_input_tokens"].as_u64();
    let cache_write = usage["cache_creation_input_tokens"].as_u64();
    let cached = cache_read.unwrap_or_default() + cache_write.unwrap_or_default();
    Ok(Counts {
        prompt: count(usage, "input_tokens")? + cached,
        completion: count(usage, "output_tokens")?,
        reasoning: usage["output_tokens_details"]["thinking_tokens"].as_u64(),
        cache_read,
        cache_write,
    })
}

pub(super) fn error(error: &Value) -> (String, String) {
    (text(&error["error_type"]), text(&error["message"]))
}
