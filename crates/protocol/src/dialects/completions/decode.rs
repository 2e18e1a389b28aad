//! A prompt and its parameters to a canonical request: a conversation of one message.

use serde_json::value::RawValue;

use crate::chat::request::{ChatRequest, Content, Message, Role};
use crate::dialects::chat_completions::assemble;
use crate::dialects::check::{
    Rule, boolean, integer, integer_in, invalid, list, members, read_body, text,
};
use crate::error::PublicError;

/// As many alternatives of a token as chat completions give.
const LOGPROBS: Rule = integer_in(0, 20);

/// Reads the body of a completion request. Gives the prompt too, where the answer repeats it.
pub fn decode(body: &[u8]) -> Result<(ChatRequest, Option<String>), PublicError> {
    let mut members = Vec::new();
    let mut prompt = None;
    let (mut echo, mut best_of) = (false, None);
    let mut counts_logprobs = None;
    for (name, raw) in read_body(body, "{\"model\": …, \"prompt\": …}")? {
        match name.as_str() {
            // What is null is absent.
            "prompt" | "suffix" | "echo" | "best_of" | "messages" if raw.get() == "null" => {}
            "prompt" => prompt = Some(read_prompt(&raw)?),
            "suffix" => refuse_suffix(&raw)?,
            "echo" => {
                Rule::Boolean.check("echo", &raw)?;
                echo = boolean(&raw).unwrap_or_default();
            }
            "best_of" => {
                integer_in(1, 128).check("best_of", &raw)?;
                best_of = integer(&raw);
            }
            // A count where chat completions have a switch, which is understood too.
            "logprobs" if integer(&raw).is_some() => {
                LOGPROBS.check("logprobs", &raw)?;
                counts_logprobs = integer(&raw);
            }
            "messages" => {
                return Err(invalid(
                    "messages",
                    "belong to /api/v1/chat/completions: ask there, or give a `prompt` here",
                ));
            }
            "tools" | "tool_choice" | "functions" | "function_call" | "modalities" | "audio"
                if !is_nothing(&raw) =>
            {
                return Err(invalid(
                    &name,
                    "needs a conversation: ask at /api/v1/chat/completions",
                ));
            }
            _ => members.push((name, raw)),
        }
    }
    let Some(prompt) = prompt else {
        return Err(invalid("prompt", "is missing and must be text"));
    };
    if let Some(count) = counts_logprobs {
        ask_for_logprobs(&mut members, count)?;
    }
    let content = Content::Text(prompt.clone());
    let message = Message { role: Role::User, content, other: Vec::new() };
    let request = assemble(Some(vec![message]), members)?;
    check_together(&request, echo, best_of)?;
    Ok((request, echo.then_some(prompt)))
}

/// Text, or a list of one text, which some clients always send.
fn read_prompt(raw: &RawValue) -> Result<String, PublicError> {
    if let Some(prompt) = text(raw) {
        return Ok(prompt.into_owned());
    }
    let Some(prompts) = list(raw) else {
        return Err(invalid("prompt", "must be text"));
    };
    match prompts.as_slice() {
        [only] => match text(only) {
            Some(prompt) => Ok(prompt.into_owned()),
            None => Err(invalid("prompt[0]", "must be text: tokens are not taken")),
        },
        [] => Err(invalid("prompt", "must hold one text")),
        [first, ..] if integer(first).is_some() => {
            Err(invalid("prompt", "must be text: tokens are not taken"))
        }
        _ => Err(invalid("prompt", "must hold one text only: ask once for each")),
    }
}

fn refuse_suffix(raw: &RawValue) -> Result<(), PublicError> {
    match text(raw) {
        Some(suffix) if suffix.is_empty() => Ok(()),
        Some(_) => Err(invalid(
            "suffix",
            "cannot be honoured: leave it out, and say in the prompt what is to follow",
        )),
        None => Err(invalid("suffix", "must be text")),
    }
}

fn is_nothing(raw: &RawValue) -> bool {
    raw.get() == "null"
        || list(raw).is_some_and(|items| items.iter().all(|item| item.get() == "\"text\""))
        || members(raw).is_some_and(|members| members.len() == 0)
        || text(raw).as_deref() == Some("none")
}

/// Says the count of alternatives in the words of chat completions.
fn ask_for_logprobs(
    members: &mut Vec<(String, Box<RawValue>)>,
    count: i64,
) -> Result<(), PublicError> {
    members.retain(|(name, _)| name != "logprobs" && name != "top_logprobs");
    let said = [("logprobs", "true".to_owned()), ("top_logprobs", count.to_string())];
    for (name, value) in said {
        let raw = RawValue::from_string(value).map_err(|_| invalid("logprobs", "is not valid"))?;
        members.push((name.to_owned(), raw));
    }
    Ok(())
}

/// What cannot be had together.
fn check_together(
    request: &ChatRequest,
    echo: bool,
    best_of: Option<i64>,
) -> Result<(), PublicError> {
    let choices = i64::from(request.n.unwrap_or(1));
    match best_of {
        Some(best_of) if best_of > choices => {
            return Err(invalid(
                "best_of",
                "must not be more than `n`: ask for all of them and choose",
            ));
        }
        Some(best_of) if best_of < choices => {
            return Err(invalid("best_of", "must not be less than `n`"));
        }
        _ => {}
    }
    let counts = request.parameter("logprobs").and_then(boolean).unwrap_or_default();
    if echo && counts {
        let demand = "cannot be had with `logprobs`: no provider counts the prompt's";
        return Err(invalid("echo", demand));
    }
    Ok(())
}
