//! Responses: items with parts, each announced, grown and closed; the last event carries it all.

use serde_json::{Value, json};

use super::{Call, Choice, Counts, Event, Finish, Said, count, ensure, list, optional_text, text};

pub(super) fn stream(events: &[Event]) -> Result<Said, String> {
    let mut reader = Reader::default();
    for event in events {
        // OpenAI ends with its last event; OpenRouter adds the terminator of chat completions.
        if event.data == "[DONE]" {
            ensure(reader.last.is_some(), || "`[DONE]` before the end".to_owned())?;
            continue;
        }
        let data = event.json()?;
        ensure(data["type"] == *event.name, || format!("`{}` names {data}", event.name))?;
        reader.take(&event.name, &data)?;
    }
    let response = reader.last.ok_or("the stream has no last event")?;
    // What was sent piece by piece is what stands in the end.
    let pieced = Value::from(reader.items);
    ensure(pieced == response["output"], || {
        format!("the pieces make {pieced}\nbut the end says {}", response["output"])
    })?;
    whole(&response)
}

#[derive(Default)]
struct Reader {
    sequence: u64,
    created: bool,
    items: Vec<Value>,
    /// Whether the item at this place is complete.
    done: Vec<bool>,
    last: Option<Value>,
}

impl Reader {
    fn take(&mut self, name: &str, data: &Value) -> Result<(), String> {
        ensure(self.last.is_none(), || format!("after the end: {data}"))?;
        let number = count(data, "sequence_number")?;
        ensure(number == self.sequence, || format!("number {number} is not {}", self.sequence))?;
        self.sequence += 1;
        if !self.created {
            ensure(name == "response.created", || format!("before the start: {data}"))?;
            ensure(data["response"]["status"] == "in_progress", || format!("{data}"))?;
            self.created = true;
            return Ok(());
        }
        match name {
            // The last two say why, right before `response.failed`.
            "response.in_progress" | "error" | "response.error" => Ok(()),
            "response.output_item.added" => {
                ensure(data["output_index"] == self.items.len(), || format!("order: {data}"))?;
                self.items.push(data["item"].clone());
                self.done.push(false);
                Ok(())
            }
            "response.output_item.done" => self.close(data),
            "response.completed" | "response.incomplete" | "response.failed" => {
                let open = self.done.iter().position(|done| !done);
                ensure(open.is_none(), || format!("item {open:?} is still open"))?;
                self.last = Some(data["response"].clone());
                Ok(())
            }
            _ => {
                let item = self.item(data)?;
                grow(name, item, data)
            }
        }
    }

    fn item(&mut self, data: &Value) -> Result<&mut Value, String> {
        let index = usize::try_from(count(data, "output_index")?).map_err(|e| e.to_string())?;
        ensure(self.done.get(index) == Some(&false), || format!("no open item: {data}"))?;
        let item = self.items.get_mut(index).ok_or("no such item")?;
        ensure(item["id"] == data["item_id"], || format!("{data} is not of {item}"))?;
        Ok(item)
    }

    /// The item that is announced as complete is the one that was put together.
    fn close(&mut self, data: &Value) -> Result<(), String> {
        let index = usize::try_from(count(data, "output_index")?).map_err(|e| e.to_string())?;
        ensure(self.done.get(index) == Some(&false), || format!("no open item: {data}"))?;
        let (pieces, item) = (&self.items[index], &data["item"]);
        for member in ["id", "type", "content", "summary", "arguments", "call_id", "name"] {
            let (one, other) = (&pieces[member], &item[member]);
            let is_empty = |value: &Value| value.is_null() || *value == json!([]);
            ensure(one == other || (is_empty(one) && is_empty(other)), || {
                format!("`{member}` was pieced to {one} and is {other}")
            })?;
        }
        self.items[index] = item.clone();
        self.done[index] = true;
        Ok(())
    }
}

fn grow(name: &str, item: &mut Value, data: &Value) -> Result<(), String> {
    let (list_name, index_name) = if name.contains("summary") {
        ("summary", "summary_index")
    } else {
        ("content", "content_index")
    };
    if name.starts_with("response.image_generation_call.") {
        return Ok(());
    }
    if name == "response.function_call_arguments.delta" {
        let so_far = text(&item["arguments"]);
        item["arguments"] = json!(so_far + data["delta"].as_str().unwrap_or_default());
        return Ok(());
    }
    if name == "response.function_call_arguments.done" {
        return same(&item["arguments"], &data["arguments"]);
    }
    let index = usize::try_from(count(data, index_name)?).map_err(|e| e.to_string())?;
    if name.ends_with("_part.added") {
        let mut parts = list(&item[list_name]).to_vec();
        ensure(index == parts.len(), || format!("out of order: {data}"))?;
        parts.push(data["part"].clone());
        item[list_name] = parts.into();
        return Ok(());
    }
    let part = item[list_name].get_mut(index).ok_or_else(|| format!("no such part: {data}"))?;
    let mut append = |member: &str| {
        let so_far = text(&part[member]);
        part[member] = json!(so_far + data["delta"].as_str().unwrap_or_default());
    };
    match name {
        "response.output_text.delta" => {
            append("text");
            let mut logprobs = list(&part["logprobs"]).to_vec();
            logprobs.extend_from_slice(list(&data["logprobs"]));
            if !logprobs.is_empty() {
                part["logprobs"] = logprobs.into();
            }
            Ok(())
        }
        "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
            append("text");
            Ok(())
        }
        "response.refusal.delta" => {
            append("refusal");
            Ok(())
        }
        "response.output_text.annotation.added" => {
            let mut annotations = list(&part["annotations"]).to_vec();
            ensure(data["annotation_index"] == annotations.len(), || format!("order: {data}"))?;
            annotations.push(data["annotation"].clone());
            part["annotations"] = annotations.into();
            Ok(())
        }
        "response.output_text.done"
        | "response.reasoning_text.done"
        | "response.reasoning_summary_text.done" => same(&part["text"], &data["text"]),
        "response.refusal.done" => same(&part["refusal"], &data["refusal"]),
        "response.content_part.done" | "response.reasoning_summary_part.done" => {
            same(part, &data["part"])
        }
        other => Err(format!("there is no event `{other}`")),
    }
}

fn same(pieces: &Value, whole: &Value) -> Result<(), String> {
    ensure(pieces == whole, || format!("the pieces make {pieces}, not {whole}"))
}

pub(super) fn whole(body: &Value) -> Result<Said, String> {
    ensure(body["object"] == "response", || format!("{body}"))?;
    let mut choice = Choice::default();
    for item in list(&body["output"]) {
        match item["type"].as_str().unwrap_or_default() {
            "message" => message(item, &mut choice)?,
            "reasoning" => reasoning(item, &mut choice),
            "function_call" => choice.calls.push(Call {
                id: text(&item["call_id"]),
                name: text(&item["name"]),
                arguments: text(&item["arguments"]),
            }),
            "image_generation_call" => choice.images.push(image(&text(&item["result"]))),
            other => return Err(format!("an item is `{other}`: {item}")),
        }
    }
    let status = body["status"].as_str().unwrap_or_default();
    choice.finish = match (status, body["incomplete_details"]["reason"].as_str()) {
        ("completed", _) if !choice.calls.is_empty() => Finish::ToolCalls,
        ("completed", _) => Finish::Stop,
        ("incomplete", Some("max_output_tokens")) => Finish::Length,
        ("incomplete", Some("content_filter")) => Finish::ContentFilter,
        ("failed", _) => Finish::Error,
        other => return Err(format!("the status is {other:?}")),
    };
    let error = status == "failed";
    let error = error.then(|| {
        // The canonical word stands at the top, beside OpenAI's own code in `error`.
        (text(&body["error_type"]), text(&body["error"]["message"]))
    });
    Ok(Said {
        choices: vec![choice],
        usage: if body["usage"].is_null() && error.is_some() {
            Counts::default()
        } else {
            counts(&body["usage"])?
        },
        service_tier: optional_text(&body["service_tier"]),
        metadata: body["openrouter_metadata"].clone(),
        error,
        replay: body["output"].clone(),
    })
}

fn message(item: &Value, choice: &mut Choice) -> Result<(), String> {
    for part in list(&item["content"]) {
        match part["type"].as_str().unwrap_or_default() {
            "output_text" => {
                choice.text += &text(&part["text"]);
                choice.logprobs.extend_from_slice(list(&part["logprobs"]));
                let citations =
                    list(&part["annotations"]).iter().filter(|a| a["type"] == "url_citation");
                choice.citations.extend(citations.map(|citation| text(&citation["url"])));
            }
            "refusal" => choice.refusal += &text(&part["refusal"]),
            other => return Err(format!("a part is `{other}`: {part}")),
        }
    }
    Ok(())
}

fn reasoning(item: &Value, choice: &mut Choice) {
    for part in list(&item["content"]).iter().chain(list(&item["summary"])) {
        choice.reasoning += &text(&part["text"]);
    }
    let sealed = [&item["signature"], &item["encrypted_content"]];
    choice.sealed.extend(sealed.into_iter().filter_map(optional_text));
}

/// The result is bare base64; the address says what it is.
fn image(result: &str) -> String {
    if result.starts_with("data:") {
        result.to_owned()
    } else {
        format!("data:image/png;base64,{result}")
    }
}

fn counts(usage: &Value) -> Result<Counts, String> {
    let (prompt, completion) = (count(usage, "input_tokens")?, count(usage, "output_tokens")?);
    ensure(count(usage, "total_tokens")? == prompt + completion, || format!("{usage}"))?;
    let details = &usage["input_tokens_details"];
    Ok(Counts {
        prompt,
        completion,
        reasoning: usage["output_tokens_details"]["reasoning_tokens"].as_u64(),
        cache_read: details["cached_tokens"].as_u64(),
        cache_write: details["cache_write_tokens"].as_u64(),
    })
}
