//! Which turns can follow each other.

use super::block::{self, Block};
use crate::fields::Fields;
use crate::refusal::{Problem, Refusal};
use crate::understood::{CacheMark, Part, Role, Understood};

type Result<T> = std::result::Result<T, Refusal>;

pub(super) fn turns(asked: &mut Understood, messages: Vec<Fields>) -> Result<()> {
    let mut open: Vec<String> = Vec::new();
    let mut last = None;
    let count = messages.len();
    for (index, mut message) in messages.into_iter().enumerate() {
        let role = match message.required_text("role")?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            _ => {
                let sentence = "Member must satisfy enum value set: [user, assistant]";
                return Err(Refusal::rule(message.at("role"), sentence));
            }
        };
        follows(last, role)?;
        last = Some(role);
        let mut parts = parts(&mut message, role)?;
        message.deny_rest()?;
        if role == Role::User {
            results(asked, &mut parts, &mut open, index)?;
            with_text(&parts, index)?;
        } else {
            let calls = parts.iter().filter_map(|part| match part {
                Part::ToolCall { id, .. } => id.clone(),
                _ => None,
            });
            open = calls.collect();
            let is_last = index + 1 == count;
            if is_last
                && let Some(Part::Text { text, .. }) = parts.last()
                && text.ends_with(char::is_whitespace)
            {
                let sentence = "The model returned the following errors: messages: final \
                                assistant content cannot end with trailing whitespace";
                return Err(Refusal::rule("", sentence));
            }
        }
        asked.say(role, parts);
    }
    unanswered(&open, count)
}

/// The person begins, and then they take turns.
fn follows(last: Option<Role>, role: Role) -> Result<()> {
    match (last, role) {
        (None, Role::User) => Ok(()),
        (None, _) => {
            let sentence = "A conversation must start with a user message. Try again with a \
                            conversation that starts with a user message.";
            Err(Refusal::rule("", sentence))
        }
        (Some(last), role) if last == role => {
            let sentence = "A conversation must alternate between user and assistant roles. Make \
                            sure the conversation alternates between user and assistant roles and \
                            try again.";
            Err(Refusal::rule("", sentence))
        }
        (Some(_), _) => Ok(()),
    }
}

fn parts(message: &mut Fields, role: Role) -> Result<Vec<Part>> {
    let at = message.at("content");
    let path = message.path().to_owned();
    let blocks =
        message.objects("content")?.ok_or_else(|| Refusal::new(at.clone(), Problem::Missing))?;
    let mut parts = Vec::new();
    for (index, fields) in blocks.into_iter().enumerate() {
        match block::block(fields, role)? {
            Block::Part(part) => parts.push(part),
            Block::Mark(mark) => mark_last(&mut parts, mark, &format!("{at}.{index}"))?,
        }
    }
    if parts.is_empty() {
        let sentence = format!(
            "The content field in the Message object at {path} is empty. Add a ContentBlock \
             object to the content field and try again."
        );
        return Err(Refusal::rule("", sentence));
    }
    Ok(parts)
}

pub(super) fn mark_last(parts: &mut [Part], mark: CacheMark, path: &str) -> Result<()> {
    let Some(part) = parts.last_mut() else {
        return Err(Refusal::rule(path, "there is nothing before the cachePoint"));
    };
    part.mark(mark);
    Ok(())
}

/// Every call of the turn before has a result in this one, and nothing else has.
fn results(
    asked: &Understood,
    parts: &mut [Part],
    open: &mut Vec<String>,
    index: usize,
) -> Result<()> {
    for part in parts {
        let Part::ToolResult { id: Some(id), name, .. } = part else { continue };
        let Some(place) = open.iter().position(|open| open == id) else {
            let sentence = format!(
                "The number of toolResult blocks at messages.{index}.content exceeds the number \
                 of toolUse blocks of previous turn."
            );
            return Err(Refusal::rule("", sentence));
        };
        open.swap_remove(place);
        *name = asked.tool_of_call(id);
    }
    unanswered(open, index)
}

fn unanswered(open: &[String], index: usize) -> Result<()> {
    if open.is_empty() {
        return Ok(());
    }
    let sentence = format!(
        "Expected toolResult blocks at messages.{index}.content for the following Ids: {}",
        open.join(", ")
    );
    Err(Refusal::rule("", sentence))
}

/// A document never stands alone.
fn with_text(parts: &[Part], index: usize) -> Result<()> {
    let has_document = parts.iter().any(|part| matches!(part, Part::File { .. }));
    let has_text = parts.iter().any(|part| matches!(part, Part::Text { .. }));
    if has_document && !has_text {
        let sentence = format!(
            "messages.{index}.content: a message with a document must have a text block as well"
        );
        return Err(Refusal::rule("", sentence));
    }
    Ok(())
}

pub(super) fn mentions_tools(asked: &Understood) -> bool {
    let mentions = |part: &Part| matches!(part, Part::ToolCall { .. } | Part::ToolResult { .. });
    asked.turns.iter().any(|turn| turn.parts.iter().any(mentions))
}
