//! The body as an upstream of the same dialect is sent it.

use serde::Serialize;
use serde_json::value::RawValue;

use super::conversation::Foreign;
use super::parameters::{Fate, fate};
use super::parts::Object;
use super::{Betas, Body, LeftOut, raw};
use crate::chat::request::{ChatRequest, Native};
use crate::dialects::Dialect;
use crate::dialects::check::{list, members, text};
use crate::error::PublicError;

/// Everything that is not ours, verbatim. The values of `anthropic-beta` stand as a member of that
/// name, written with an underscore: whoever sends the request makes a header of it.
pub(super) fn of(
    body: &Body,
    betas: &Betas,
    request: &ChatRequest,
    foreign: &Foreign,
    left_out: LeftOut,
) -> Result<Native, PublicError> {
    let mut members: Vec<(String, Box<RawValue>)> = Vec::with_capacity(body.0.len());
    for (name, value) in &body.0 {
        let value = match name.as_str() {
            "messages" if !foreign.is_empty() => without(value, foreign)?,
            "service_tier" if !is_anthropics_tier(value) => continue,
            _ if fate(name) == Fate::Ours => continue,
            _ => value.clone(),
        };
        members.push((name.clone(), value));
    }
    if let Some(user) = &request.user
        && body.find("metadata").is_none()
    {
        #[derive(Serialize)]
        struct Metadata<'a> {
            user_id: &'a str,
        }
        members.retain(|(name, _)| name != "metadata");
        members.push(("metadata".to_owned(), raw(&Metadata { user_id: user })?));
    }
    let mut all = betas.0.clone();
    let written = body.find("anthropic_beta").and_then(list).unwrap_or_default();
    for beta in written.into_iter().filter_map(text) {
        if all.len() < Betas::MAX && !all.iter().any(|known| *known == beta) {
            all.push(beta.into_owned());
        }
    }
    if !all.is_empty() {
        members.push(("anthropic_beta".to_owned(), raw(&all)?));
    }
    Ok(Native { dialect: Dialect::Messages, members, unconverted: left_out.0 })
}

/// Other tiers are OpenRouter's words, which Anthropic would refuse.
fn is_anthropics_tier(value: &RawValue) -> bool {
    matches!(text(value).as_deref(), Some("auto" | "standard_only"))
}

/// The messages without blocks that other vendors' models wrote: Anthropic refuses thinking that
/// it did not sign.
fn without(messages: &RawValue, foreign: &Foreign) -> Result<Box<RawValue>, PublicError> {
    let mut kept = Vec::new();
    let mut foreign = foreign.iter().peekable();
    for (index, message) in list(messages).unwrap_or_default().into_iter().enumerate() {
        let mut blocks = Vec::new();
        while let Some((_, block)) = foreign.next_if(|(message, _)| *message == index) {
            blocks.push(*block);
        }
        if blocks.is_empty() {
            kept.push(message.to_owned());
        } else if let Some(message) = cut(message, &blocks)? {
            kept.push(message);
        }
    }
    raw(&kept)
}

/// A message without some of its blocks; none where nothing is left of it.
fn cut(message: &RawValue, blocks: &[usize]) -> Result<Option<Box<RawValue>>, PublicError> {
    let Some(written) = members(message) else { return Ok(None) };
    let content = written.find("content").and_then(list).unwrap_or_default();
    let left: Vec<&RawValue> = content
        .into_iter()
        .enumerate()
        .filter(|(position, _)| blocks.binary_search(position).is_err())
        .map(|(_, block)| block)
        .collect();
    if left.is_empty() {
        return Ok(None);
    }
    let content = raw(&left)?;
    let member = |(name, value)| if name == "content" { (name, &*content) } else { (name, value) };
    raw(&Object(written.iter().map(member).collect())).map(Some)
}
