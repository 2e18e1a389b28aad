//! The older text completions.

use serde_json::Value;

use super::chat::{counts, error};
use super::{Choice, Event, Finish, Said, count, ensure, list, optional_text, text};

pub(super) fn stream(events: &[Event]) -> Result<Said, String> {
    let Some((last, chunks)) = events.split_last() else { return Err("nothing was sent".into()) };
    ensure(last.data == "[DONE]", || format!("the last event is `{}`", last.data))?;
    let mut said = Said::default();
    let mut usage = None;
    for event in chunks {
        let chunk = event.json()?;
        ensure(usage.is_none(), || format!("a chunk after usage: {chunk}"))?;
        add(&chunk, &mut said)?;
        if chunk["usage"].is_object() {
            usage = Some(counts(&chunk["usage"])?);
        }
    }
    said.usage = usage.ok_or("usage was not sent")?;
    complete(said)
}

pub(super) fn whole(body: &Value) -> Result<Said, String> {
    let mut said = Said { usage: counts(&body["usage"])?, ..Said::default() };
    add(body, &mut said)?;
    complete(said)
}

fn add(part: &Value, said: &mut Said) -> Result<(), String> {
    ensure(part["object"] == "text_completion", || format!("{part}"))?;
    if part["error"].is_object() {
        said.error = Some(error(&part["error"]));
    }
    if !part["openrouter_metadata"].is_null() {
        said.metadata = part["openrouter_metadata"].clone();
    }
    for entry in list(&part["choices"]) {
        if entry["error"].is_object() {
            said.error = Some(error(&entry["error"]));
        }
        let index = usize::try_from(count(entry, "index")?).map_err(|e| e.to_string())?;
        if said.choices.len() <= index {
            said.choices.resize(index + 1, Choice::default());
        }
        let choice = &mut said.choices[index];
        ensure(choice.finish == Finish::Unknown, || format!("after the finish reason: {entry}"))?;
        choice.text += &text(&entry["text"]);
        choice.reasoning += &text(&entry["reasoning"]);
        let tokens = list(&entry["logprobs"]["tokens"]);
        choice.logprobs.extend_from_slice(tokens);
        choice.finish = match entry["finish_reason"].as_str() {
            None => Finish::Unknown,
            Some("stop") => Finish::Stop,
            Some("length") => Finish::Length,
            Some("content_filter") => Finish::ContentFilter,
            Some("error") => Finish::Error,
            Some("tool_calls") => Finish::ToolCalls,
            Some(other) => return Err(format!("the finish reason is `{other}`")),
        };
        choice.native_finish = optional_text(&entry["native_finish_reason"]);
    }
    Ok(())
}

fn complete(said: Said) -> Result<Said, String> {
    ensure(!said.choices.is_empty(), || "there is no choice".to_owned())?;
    let has_end = said.choices.iter().all(|choice| choice.finish != Finish::Unknown);
    ensure(has_end, || "a choice has no finish reason".to_owned())?;
    Ok(said)
}
