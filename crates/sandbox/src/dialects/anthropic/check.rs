//! Which turns can follow each other, and which members exclude each other.

use serde_json::Value;

use super::{block, read};
use crate::fields::Fields;
use crate::refusal::Refusal;
use crate::understood::{CacheMark, Part, Reasoning, Role, ToolChoice, Understood};

type Result<T> = std::result::Result<T, Refusal>;

/// A conversation as it is read.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// Calls of the turn before that wait for results.
    open: Vec<String>,
    used: Vec<String>,
    last: Option<Role>,
}

impl Conversation {
    pub(super) fn read(mut self, asked: &mut Understood, messages: Vec<Fields>) -> Result<()> {
        let count = messages.len();
        for (index, mut message) in messages.into_iter().enumerate() {
            let role = read::role(&mut message)?;
            if index == 0 && role != Role::User {
                let sentence = "first message must use the \"user\" role";
                return Err(Refusal::rule("messages", sentence));
            }
            let mut parts = block::content(&mut message, role)?;
            let is_last = index + 1 == count;
            if parts.is_empty() && !(is_last && role == Role::Assistant) {
                let sentence = "all messages must have non-empty content except for the optional \
                                final assistant message";
                return Err(Refusal::rule(format!("messages.{index}"), sentence));
            }
            if role == Role::User {
                self.results(asked, &mut parts, index)?;
            } else {
                self.calls(&parts, index)?;
            }
            if is_last && role == Role::Assistant && ends_in_space(&parts) {
                let sentence = "final assistant content cannot end with trailing whitespace";
                return Err(Refusal::rule("messages", sentence));
            }
            message.deny_rest()?;
            asked.say(role, parts);
            self.last = Some(role);
        }
        self.none_open(count)
    }

    /// A turn of the model: what was called before must have been answered.
    fn calls(&mut self, parts: &[Part], index: usize) -> Result<()> {
        if self.last != Some(Role::Assistant) {
            self.none_open(index)?;
        }
        for part in parts {
            let Part::ToolCall { id: Some(id), .. } = part else { continue };
            if self.used.contains(id) {
                let sentence = "`tool_use` ids must be unique";
                return Err(Refusal::rule(format!("messages.{index}"), sentence));
            }
            self.used.push(id.clone());
            self.open.push(id.clone());
        }
        Ok(())
    }

    /// A turn of the person: results first, each for a call of the turn before.
    fn results(&mut self, asked: &Understood, parts: &mut [Part], index: usize) -> Result<()> {
        let mut others = false;
        for (position, part) in parts.iter_mut().enumerate() {
            let Part::ToolResult { id: Some(id), name, .. } = part else {
                others = true;
                continue;
            };
            let Some(place) = self.open.iter().position(|open| open == id) else {
                let sentence = format!(
                    "unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each \
                     `tool_result` block must have a corresponding `tool_use` block in the \
                     previous message."
                );
                return Err(Refusal::rule(
                    format!("messages.{index}.content.{position}"),
                    sentence,
                ));
            };
            if others {
                break;
            }
            self.open.swap_remove(place);
            *name = asked.tool_of_call(id);
        }
        self.none_open(index)
    }

    fn none_open(&self, index: usize) -> Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let sentence = format!(
            "`tool_use` ids were found without `tool_result` blocks immediately after: {}. Each \
             `tool_use` block must have a corresponding `tool_result` block in the next message.",
            self.open.join(", ")
        );
        Err(Refusal::rule(format!("messages.{}", index.saturating_sub(1)), sentence))
    }
}

fn ends_in_space(parts: &[Part]) -> bool {
    match parts.last() {
        Some(Part::Text { text, .. }) => text.ends_with(char::is_whitespace),
        _ => false,
    }
}

pub(crate) fn check(asked: &Understood) -> Result<()> {
    caching(asked)?;
    match &asked.reasoning {
        Some(reasoning) if reasoning.enabled => thinking(asked, reasoning),
        _ => Ok(()),
    }
}

fn thinking(asked: &Understood, reasoning: &Reasoning) -> Result<()> {
    if matches!(asked.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_))) {
        let sentence = "Thinking may not be enabled when tool_choice forces tool use.";
        return Err(Refusal::rule("", sentence));
    }
    let number = |name: &str| asked.sampling.get(name).and_then(Value::as_f64);
    if number("temperature").is_some_and(|temperature| temperature < 1.0) {
        let sentence = "`temperature` may only be set to 1 when thinking is enabled.";
        return Err(Refusal::rule("", sentence));
    }
    if number("top_k").is_some() {
        return Err(Refusal::rule("", "`top_k` must be unset when thinking is enabled."));
    }
    if number("top_p").is_some_and(|top_p| top_p < 0.95) {
        let sentence = "`top_p` must be greater than or equal to 0.95 or unset when thinking is \
                        enabled.";
        return Err(Refusal::rule("", sentence));
    }
    let Some(budget) = reasoning.budget else { return Ok(()) };
    if asked.max_tokens.is_some_and(|most| most <= budget) {
        let sentence = "`max_tokens` must be greater than `thinking.budget_tokens`.";
        return Err(Refusal::rule("", sentence));
    }
    final_thought(asked)
}

/// The model's last turn must begin with a thought when it is to be continued.
fn final_thought(asked: &Understood) -> Result<()> {
    let continues = match asked.turns.last() {
        Some(turn) if turn.role == Role::Assistant => true,
        Some(turn) => turn.parts.iter().any(|part| matches!(part, Part::ToolResult { .. })),
        None => false,
    };
    let last = asked.turns.iter().enumerate().rfind(|(_, turn)| turn.role == Role::Assistant);
    let Some((index, turn)) = last.filter(|_| continues) else { return Ok(()) };
    let found = match turn.parts.first() {
        Some(Part::Reasoning { .. } | Part::EncryptedReasoning { .. }) | None => return Ok(()),
        Some(Part::ToolCall { .. }) => "tool_use",
        Some(_) => "text",
    };
    let sentence = format!(
        "Expected `thinking` or `redacted_thinking`, but found `{found}`. When `thinking` is \
         enabled, a final `assistant` message must start with a thinking block (preceding the \
         lastmost set of `tool_use` and `tool_result` blocks)."
    );
    Err(Refusal::rule(format!("messages.{index}.content.0.type"), sentence))
}

/// At most four marks, the longer-lived before the others.
fn caching(asked: &Understood) -> Result<()> {
    let marks: Vec<&CacheMark> =
        asked.walk().filter_map(|(_, _, mark)| mark).chain(&asked.automatic_cache).collect();
    if marks.len() > 4 {
        let sentence = format!(
            "A maximum of 4 blocks with cache_control may be provided. Found {}.",
            marks.len()
        );
        return Err(Refusal::rule("", sentence));
    }
    let is_hour = |mark: &&CacheMark| mark.ttl.as_deref() == Some("1h");
    let first_short = marks.iter().position(|mark| !is_hour(mark)).unwrap_or(marks.len());
    if marks.iter().skip(first_short).any(is_hour) {
        let sentence = "a ttl='1h' cache_control block must not come after a ttl='5m' \
                        cache_control block. Note that blocks are processed in the following \
                        order: `tools`, `system`, `messages`.";
        return Err(Refusal::rule("", sentence));
    }
    Ok(())
}
