//! Bytes to a canonical request, or a 400 that says where and why.

use serde_json::value::RawValue;

use super::messages::{self, Draft};
use super::rules::{self, Fate};
use super::tools;
use crate::chat::request::{ChatRequest, Content, Message, Role};
use crate::dialects::check::{
    Rule, boolean, integer, invalid, members, read_count, read_model, read_models, read_provider,
    read_provider_options, read_text, text,
};
use crate::error::{ErrorType, PublicError};

/// The most choices that one request may ask for.
const CHOICES_MAX: i64 = 128;

/// Reads the body of a chat completion request.
///
/// Values are checked for type and range; what this version does not know is kept verbatim.
pub fn decode(body: &[u8]) -> Result<ChatRequest, PublicError> {
    let Draft { messages, members } = messages::read(body)?;
    assemble(messages, members)
}

/// Makes a request of messages and every other member of a body.
pub(in crate::dialects) fn assemble(
    messages: Option<Vec<Message>>,
    members: Vec<(String, Box<RawValue>)>,
) -> Result<ChatRequest, PublicError> {
    let mut request = ChatRequest::default();
    let mut prompt = None;
    let mut include_reasoning = None;
    for (name, raw) in members {
        let is_null = raw.get() == "null";
        match name.as_str() {
            _ if is_null && (rules::is_known(&name) || is_interpreted(&name)) => {}
            "prompt" => prompt = Some(read_text(&name, &raw, usize::MAX)?),
            "include_reasoning" => {
                Rule::Boolean.check(&name, &raw)?;
                include_reasoning = boolean(&raw);
            }
            _ if is_interpreted(&name) => interpret(&mut request, &name, &raw)?,
            _ => match rules::check(&name, &raw)? {
                Fate::Kept => request.parameters.push((name, raw)),
                Fate::Dropped => {}
            },
        }
    }
    request.messages = conversation(messages, prompt)?;
    settle_reasoning(&mut request, include_reasoning)?;
    tools::settle(&mut request)?;
    check_logprobs(&request)?;
    Ok(request)
}

/// Members that become fields of the canonical request rather than staying verbatim.
fn is_interpreted(name: &str) -> bool {
    matches!(
        name,
        "model"
            | "models"
            | "stream"
            | "max_tokens"
            | "max_completion_tokens"
            | "n"
            | "provider"
            | "user"
            | "session_id"
            | "prompt"
            | "include_reasoning"
    )
}

fn interpret(request: &mut ChatRequest, name: &str, raw: &RawValue) -> Result<(), PublicError> {
    match name {
        "model" => request.model = Some(read_model(name, raw)?),
        "models" => request.models = read_models(name, raw)?,
        "stream" => {
            Rule::Boolean.check(name, raw)?;
            request.stream = boolean(raw).unwrap_or(false);
        }
        "max_tokens" | "max_completion_tokens" => {
            let limit = read_count(name, raw, i64::from(u32::MAX))?;
            // Where both names are used, the stricter bound satisfies both.
            request.max_tokens = Some(request.max_tokens.map_or(limit, |other| other.min(limit)));
        }
        "n" => request.n = Some(read_count(name, raw, CHOICES_MAX)?),
        "provider" => {
            request.provider = read_provider(raw)?;
            request.provider_options = read_provider_options(raw)?;
        }
        "user" => request.user = Some(read_text(name, raw, 1024)?),
        "session_id" => request.session_id = Some(read_text(name, raw, 256)?),
        _ => {}
    }
    Ok(())
}

/// The conversation: `messages`, or the one message that `prompt` stands for.
fn conversation(
    messages: Option<Vec<Message>>,
    prompt: Option<String>,
) -> Result<Vec<Message>, PublicError> {
    match (messages, prompt) {
        (Some(messages), None) if !messages.is_empty() => Ok(messages),
        (Some(_), Some(_)) => Err(invalid("prompt", "must be left out when `messages` is given")),
        (None, Some(prompt)) => {
            Ok(vec![Message { role: Role::User, content: Content::Text(prompt), other: vec![] }])
        }
        (Some(_), None) => Err(invalid("messages", "must hold at least one message")),
        (None, None) => {
            Err(invalid("messages", "is missing and must be a list of at least one message"))
        }
    }
}

/// `include_reasoning` and `reasoning_effort` are older spellings of members of `reasoning`.
fn settle_reasoning(
    request: &mut ChatRequest,
    include_reasoning: Option<bool>,
) -> Result<(), PublicError> {
    let effort = request.parameter("reasoning_effort").and_then(text);
    let inner = request.parameter("reasoning").and_then(members);
    let inner_effort = inner.as_ref().and_then(|object| object.find("effort")).and_then(text);
    if let (Some(outer), Some(inner)) = (&effort, &inner_effort)
        && outer != inner
    {
        return Err(invalid(
            "reasoning_effort",
            "contradicts `reasoning.effort`: give one of them, or the same in both",
        ));
    }
    let has_effort = effort.is_some() || inner_effort.is_some();
    let has_budget = inner.as_ref().is_some_and(|object| object.find("max_tokens").is_some());
    if has_effort && has_budget {
        return Err(invalid(
            "reasoning.max_tokens",
            "contradicts the effort that is asked for: give one of them",
        ));
    }
    let says_exclude = inner.is_some_and(|object| object.find("exclude").is_some());
    if include_reasoning == Some(false) && !says_exclude {
        exclude_reasoning(request)?;
    }
    Ok(())
}

/// Adds `exclude` to whatever else `reasoning` says.
fn exclude_reasoning(request: &mut ChatRequest) -> Result<(), PublicError> {
    let written = request.parameter("reasoning").map_or("{}", RawValue::get).trim();
    let rest = written.strip_prefix('{').map_or("}", str::trim_start);
    let comma = if rest.starts_with('}') { "" } else { "," };
    let raw = RawValue::from_string(format!("{{\"exclude\":true{comma}{rest}")).map_err(|_| {
        PublicError::new(ErrorType::Server, "`include_reasoning` could not be applied")
    })?;
    request.parameters.retain(|(name, _)| name != "reasoning");
    request.parameters.push(("reasoning".to_owned(), raw));
    Ok(())
}

fn check_logprobs(request: &ChatRequest) -> Result<(), PublicError> {
    let asked = request.parameter("logprobs").and_then(boolean) == Some(true);
    match request.parameter("top_logprobs").and_then(integer) {
        Some(count) if count > 0 && !asked => {
            Err(invalid("top_logprobs", "needs `logprobs` to be `true`"))
        }
        _ => Ok(()),
    }
}
