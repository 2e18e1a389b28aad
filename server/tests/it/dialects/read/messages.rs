//! Messages: blocks that begin, grow and stop one after another, then a delta and a stop.

use serde_json::{Value, json};

use super::{Call, Choice, Counts, Event, Finish, Said, count, ensure, list, optional_text, text};

pub(super) fn stream(events: &[Event]) -> Result<Said, String> {
    let mut reader = Reader::default();
    for event in events {
        let data = event.json()?;
        ensure(data["type"] == *event.name, || format!("`{}` names {data}", event.name))?;
        reader.take(&event.name, data)?;
    }
    reader.said()
}

#[derive(Default)]
struct Reader {
    message: Value,
    blocks: Vec<Value>,
    /// The text of each block's input so far.
    inputs: Vec<String>,
    /// Whether the last block may still grow.
    is_open: bool,
    is_stopped: bool,
    metadata: Value,
    failure: Option<Value>,
}

impl Reader {
    fn take(&mut self, name: &str, data: Value) -> Result<(), String> {
        ensure(!self.is_stopped && self.failure.is_none(), || format!("after the end: {data}"))?;
        if self.message.is_null() && !["message_start", "ping", "error"].contains(&name) {
            return Err(format!("before the start: {data}"));
        }
        match name {
            "ping" => Ok(()),
            "message_start" => {
                ensure(self.message.is_null(), || "it starts twice".to_owned())?;
                ensure(data["message"]["content"] == json!([]), || format!("{data}"))?;
                self.message = data["message"].clone();
                Ok(())
            }
            "content_block_start" => {
                ensure(!self.is_open, || format!("a block starts inside another: {data}"))?;
                ensure(data["index"] == self.blocks.len(), || format!("out of order: {data}"))?;
                self.blocks.push(data["content_block"].clone());
                self.inputs.push(String::new());
                self.is_open = true;
                Ok(())
            }
            "content_block_delta" => {
                let last = self.last(&data)?;
                grow(&mut self.blocks[last], &mut self.inputs[last], &data["delta"])
            }
            "content_block_stop" => {
                let last = self.last(&data)?;
                self.is_open = false;
                let input = &self.inputs[last];
                if !input.is_empty() {
                    self.blocks[last]["input"] = serde_json::from_str(input)
                        .map_err(|error| format!("input `{input}`: {error}"))?;
                }
                Ok(())
            }
            "message_delta" => {
                ensure(!self.is_open, || "the message ends inside a block".to_owned())?;
                for name in ["stop_reason", "stop_sequence"] {
                    self.message[name] = data["delta"][name].clone();
                }
                for (name, value) in data["usage"].as_object().into_iter().flatten() {
                    self.message["usage"][name] = value.clone();
                }
                Ok(())
            }
            "message_stop" => {
                let has_reason = !self.message["stop_reason"].is_null();
                ensure(has_reason, || "there is no stop reason".to_owned())?;
                self.metadata = data["openrouter_metadata"].clone();
                self.is_stopped = true;
                Ok(())
            }
            "error" => {
                self.failure = Some(data);
                Ok(())
            }
            other => Err(format!("there is no event `{other}`")),
        }
    }

    /// The block that an event is of.
    fn last(&self, data: &Value) -> Result<usize, String> {
        let last = self.blocks.len().checked_sub(1).filter(|_| self.is_open);
        last.filter(|last| data["index"] == *last).ok_or_else(|| format!("no open block: {data}"))
    }

    fn said(mut self) -> Result<Said, String> {
        ensure(self.is_stopped || self.failure.is_some(), || "there is no end".to_owned())?;
        self.message["content"] = self.blocks.into();
        let mut said = read(&self.message, self.failure.is_some())?;
        said.metadata = self.metadata;
        if let Some(failure) = self.failure {
            said.error = Some(error(&failure["error"]));
            said.metadata = failure["openrouter_metadata"].clone();
        }
        Ok(said)
    }
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
