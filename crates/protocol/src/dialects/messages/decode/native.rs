//! The body as an upstream of the same dialect is sent it.

use serde::Serialize;
use serde_json::value::RawValue;

use super::assistant::Treatment;
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
            // What is known and null was taken for absent.
            _ if fate(name) == Fate::Read && value.get() == "null" => continue,
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
    Ok(Native { dialect: Dialect::Messages, members, unconverted: left_out.names })
}

/// Other tiers are OpenRouter's words, which Anthropic would refuse.
fn is_anthropics_tier(value: &RawValue) -> bool {
    matches!(text(value).as_deref(), Some("auto" | "standard_only"))
}

/// The messages without what other vendors' models wrote: Anthropic refuses thinking that it did
/// not sign, and citations that it did not make.
fn without(messages: &RawValue, foreign: &Foreign) -> Result<Box<RawValue>, PublicError> {
    let mut kept = Vec::new();
    let mut foreign = foreign.iter().peekable();
    for (index, message) in list(messages).unwrap_or_default().into_iter().enumerate() {
        let mut blocks = Vec::new();
        while let Some((_, block, treatment)) = foreign.next_if(|(place, _, _)| *place == index) {
            blocks.push((*block, *treatment));
        }
        if blocks.is_empty() {
            kept.push(message.to_owned());
        } else if let Some(message) = treated(message, &blocks)? {
            kept.push(message);
        }
    }
    raw(&kept)
}

/// A message with its blocks treated; none where nothing is left of it.
fn treated(
    message: &RawValue,
    blocks: &[(usize, Treatment)],
) -> Result<Option<Box<RawValue>>, PublicError> {
    let Some(written) = members(message) else { return Ok(None) };
    let mut left = Vec::new();
    let content = written.find("content").and_then(list).unwrap_or_default();
    for (position, block) in content.into_iter().enumerate() {
        let treatment = blocks.binary_search_by_key(&position, |(place, _)| *place);
        let treatment = treatment.ok().and_then(|found| blocks.get(found));
        match treatment.map_or(Treatment::AsWritten, |(_, treatment)| *treatment) {
            Treatment::AsWritten => left.push(block.to_owned()),
            Treatment::Dropped => {}
            Treatment::Uncited => left.push(without_member(block, "citations")?),
        }
    }
    if left.is_empty() {
        return Ok(None);
    }
    let content = raw(&left)?;
    let member = |(name, value)| if name == "content" { (name, &*content) } else { (name, value) };
    raw(&Object(written.iter().map(member).collect())).map(Some)
}

fn without_member(object: &RawValue, left_out: &str) -> Result<Box<RawValue>, PublicError> {
    match members(object) {
        Some(object) => raw(&Object(object.iter().filter(|(name, _)| *name != left_out).collect())),
        None => Ok(object.to_owned()),
    }
}
