//! Chat completions: chunks whose `choices` add up, one chunk of usage, `[DONE]`.

use serde_json::{Map, Value, json};

use super::{Call, Choice, Counts, Event, Finish, Said, count, ensure, list, optional_text, text};

pub(super) fn stream(events: &[Event]) -> Result<Said, String> {
    let Some((last, chunks)) = events.split_last() else { return Err("nothing was sent".into()) };
    ensure(last.data == "[DONE]", || format!("the last event is `{}`", last.data))?;
    let mut messages: Vec<Value> = Vec::new();
    let mut finishes: Vec<Option<(String, Value)>> = Vec::new();
    let mut logprobs: Vec<Vec<Value>> = Vec::new();
    let mut said = Said::default();
    let mut usage = None;
    let mut id = None;
    for event in chunks {
        let chunk = event.json()?;
        ensure(usage.is_none(), || format!("a chunk after usage: {chunk}"))?;
        ensure(chunk["object"] == "chat.completion.chunk", || format!("{chunk}"))?;
        let first = id.get_or_insert_with(|| chunk["id"].clone());
        ensure(*first == chunk["id"], || "the id changes".to_owned())?;
        said.service_tier = said.service_tier.or(optional_text(&chunk["service_tier"]));
        if chunk["error"].is_object() {
            said.error = Some(error(&chunk["error"]));
        }
        if !chunk["openrouter_metadata"].is_null() {
            said.metadata = chunk["openrouter_metadata"].clone();
        }
        for choice in list(&chunk["choices"]) {
            let index = usize::try_from(count(choice, "index")?).map_err(|e| e.to_string())?;
            if messages.len() <= index {
                messages.resize(index + 1, json!({}));
                finishes.resize(index + 1, None);
                logprobs.resize(index + 1, Vec::new());
            }
            ensure(finishes[index].is_none(), || format!("after the finish reason: {choice}"))?;
            add(&mut messages[index], &choice["delta"])?;
            logprobs[index].extend_from_slice(list(&choice["logprobs"]["content"]));
            if let Some(reason) = choice["finish_reason"].as_str() {
                finishes[index] = Some((reason.to_owned(), choice["native_finish_reason"].clone()));
            }
        }
        if chunk["usage"].is_object() {
            ensure(chunk["choices"] == json!([]), || "the usage chunk has choices".to_owned())?;
            usage = Some(counts(&chunk["usage"])?);
        }
    }
    said.usage = usage.ok_or("usage was not sent")?;
    said.replay = messages.first().cloned().unwrap_or_default();
    for ((message, finish), logprobs) in messages.iter().zip(finishes).zip(logprobs) {
        let (reason, native) = finish.ok_or("a choice has no finish reason")?;
        said.choices.push(Choice {
            finish: finish_of(&reason)?,
            native_finish: optional_text(&native),
            logprobs,
            ..choice(message)?
        });
    }
    ensure(!said.choices.is_empty(), || "there is no choice".to_owned())?;
    Ok(said)
}

pub(super) fn whole(body: &Value) -> Result<Said, String> {
    ensure(body["object"] == "chat.completion", || format!("{body}"))?;
    let mut said = Said {
        usage: counts(&body["usage"])?,
        service_tier: optional_text(&body["service_tier"]),
        metadata: body["openrouter_metadata"].clone(),
        replay: without_nulls(&body["choices"][0]["message"]),
        ..Said::default()
    };
    for (index, entry) in list(&body["choices"]).iter().enumerate() {
        ensure(entry["index"] == index, || format!("{entry} is out of order"))?;
        if entry["error"].is_object() {
            said.error = Some(error(&entry["error"]));
        }
        said.choices.push(Choice {
            finish: finish_of(&text(&entry["finish_reason"]))?,
            native_finish: optional_text(&entry["native_finish_reason"]),
            logprobs: list(&entry["logprobs"]["content"]).to_vec(),
            ..choice(&entry["message"])?
        });
    }
    ensure(!said.choices.is_empty(), || "there is no choice".to_owned())?;
    Ok(said)
}

/// As OpenAI's own clients accumulate: texts grow, lists of things with an index are merged by
/// it, other lists grow.
fn add(message: &mut Value, delta: &Value) -> Result<(), String> {
    let Some(delta) = delta.as_object() else { return Err(format!("no delta: {delta}")) };
    for (name, value) in delta {
        match (name.as_str(), value) {
            (_, Value::Null) => {}
            ("role", role) => {
                ensure(role == "assistant", || format!("the role is {role}"))?;
                message[name] = role.clone();
            }
            ("tool_calls", calls) => {
                for call in list(calls) {
                    add_call(message, call)?;
                }
            }
            ("reasoning_details", details) => {
                for detail in list(details) {
                    add_detail(message, detail);
                }
            }
            ("audio", audio) => {
                for (name, value) in audio.as_object().ok_or("audio is no object")? {
                    if let (Some(so_far), Some(more), false) =
                        (message["audio"][name].as_str(), value.as_str(), name == "id")
                    {
                        message["audio"][name] = json!(format!("{so_far}{more}"));
                    } else {
                        message["audio"][name] = value.clone();
                    }
                }
            }
            (_, Value::String(more)) => {
                let so_far = text(&message[name]);
                message[name] = json!(so_far + more);
            }
            (_, Value::Array(more)) => {
                let mut all = list(&message[name]).to_vec();
                all.extend_from_slice(more);
                message[name] = all.into();
            }
            (_, other) => message[name] = other.clone(),
        }
    }
    Ok(())
}

fn add_call(message: &mut Value, part: &Value) -> Result<(), String> {
    let index = usize::try_from(count(part, "index")?).map_err(|e| e.to_string())?;
    let mut calls = list(&message["tool_calls"]).to_vec();
    ensure(index <= calls.len(), || format!("a call is skipped before {part}"))?;
    if index == calls.len() {
        ensure(part["id"].is_string(), || format!("a call begins without an id: {part}"))?;
        ensure(part["type"] == "function", || format!("a call has no type: {part}"))?;
        calls.push(json!({ "id": part["id"], "type": "function",
            "function": { "name": part["function"]["name"], "arguments": "" } }));
    }
    let so_far = text(&calls[index]["function"]["arguments"]);
    calls[index]["function"]["arguments"] =
        json!(so_far + part["function"]["arguments"].as_str().unwrap_or_default());
    message["tool_calls"] = calls.into();
    Ok(())
}

/// Parts of one detail share type and index; text and summary grow.
fn add_detail(message: &mut Value, part: &Value) {
    let mut details = list(&message["reasoning_details"]).to_vec();
    let same = |known: &&mut Value| {
        !part["index"].is_null() && known["index"] == part["index"] && known["type"] == part["type"]
    };
    match details.iter_mut().find(same) {
        None => details.push(part.clone()),
        Some(known) => {
            for (name, value) in part.as_object().into_iter().flatten() {
                if ["text", "summary", "data"].contains(&name.as_str()) && !value.is_null() {
                    let so_far = text(&known[name]);
                    known[name] = json!(so_far + value.as_str().unwrap_or_default());
                } else if !value.is_null() {
                    known[name] = value.clone();
                }
            }
        }
    }
    message["reasoning_details"] = details.into();
}

fn choice(message: &Value) -> Result<Choice, String> {
    ensure(message["role"] == "assistant", || format!("the role is missing in {message}"))?;
    let details = list(&message["reasoning_details"]);
    let sealed = details.iter().flat_map(|detail| [&detail["signature"], &detail["data"]]);
    let citation = |entry: &Value| {
        (entry["type"] == "url_citation").then(|| text(&entry["url_citation"]["url"]))
    };
    let image = |entry: &Value| text(&entry["image_url"]["url"]);
    Ok(Choice {
        text: text(&message["content"]),
        reasoning: text(&message["reasoning"]),
        refusal: text(&message["refusal"]),
        calls: list(&message["tool_calls"]).iter().map(call).collect(),
        citations: list(&message["annotations"]).iter().filter_map(citation).collect(),
        images: list(&message["images"]).iter().map(image).collect(),
        audio: text(&message["audio"]["data"]),
        sealed: sealed.filter_map(optional_text).collect(),
        ..Choice::default()
    })
}

fn call(call: &Value) -> Call {
    Call {
        id: text(&call["id"]),
        name: text(&call["function"]["name"]),
        arguments: text(&call["function"]["arguments"]),
    }
}

fn finish_of(reason: &str) -> Result<Finish, String> {
    Ok(match reason {
        "stop" => Finish::Stop,
        "length" => Finish::Length,
        "tool_calls" => Finish::ToolCalls,
        "content_filter" => Finish::ContentFilter,
        "error" => Finish::Error,
        other => return Err(format!("the finish reason is `{other}`")),
    })
}

pub(super) fn counts(usage: &Value) -> Result<Counts, String> {
    let (prompt, completion) = (count(usage, "prompt_tokens")?, count(usage, "completion_tokens")?);
    ensure(count(usage, "total_tokens")? == prompt + completion, || format!("{usage}"))?;
    let prompt_details = &usage["prompt_tokens_details"];
    Ok(Counts {
        prompt,
        completion,
        reasoning: usage["completion_tokens_details"]["reasoning_tokens"].as_u64(),
        cache_read: prompt_details["cached_tokens"].as_u64(),
        cache_write: prompt_details["cache_write_tokens"].as_u64(),
    })
}

pub(super) fn error(error: &Value) -> (String, String) {
    (text(&error["metadata"]["error_type"]), text(&error["message"]))
}

/// As clients dump what they read: members that are null are left out.
fn without_nulls(value: &Value) -> Value {
    let members: Map<String, Value> = value
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    members.into()
}
