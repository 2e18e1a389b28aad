//! Thinking: how much, whether it is shown, and what must come back unchanged.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sandbox::{Part, Reasoning, Understood};
use serde_json::Value;

use super::{Check, PLAIN, Proof, Row, ensure};
use crate::dialects::ask::{Ask, Thinking};

/// The bound on output of these rows; shares of it are budgets.
const OUTPUT_MAX: u32 = 16_000;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "effort_low",
        title: "effort: low",
        ask: || ask(Thinking::Effort("low")),
        proof: Proof::Understood(|seen| thinks(seen, "low", 3_200)),
    },
    Row {
        id: "effort_high",
        title: "effort: high",
        ask: || ask(Thinking::Effort("high")),
        proof: Proof::Understood(|seen| thinks(seen, "high", 12_800)),
    },
    Row {
        id: "budget",
        title: "a budget in tokens",
        ask: || ask(Thinking::Budget(8_000)),
        proof: Proof::Understood(|seen| thinks(seen, "medium", 8_000)),
    },
    Row {
        id: "thinking_off",
        title: "switched off",
        ask: || ask(Thinking::Off),
        proof: Proof::Understood(|seen| match &seen.reasoning {
            None | Some(Reasoning { enabled: false, .. } | Reasoning { budget: Some(0), .. }) => {
                Ok(())
            }
            Some(Reasoning { effort: Some(effort), .. }) if effort == "none" => Ok(()),
            Some(other) => Err(format!("{other:?}")),
        }),
    },
    Row {
        id: "reasoning_shown",
        title: "reasoning in the answer",
        ask: || ask(Thinking::Effort("high")),
        proof: Proof::Said("show/reasoning", |said| {
            let choice = &said.choices[0];
            ensure(choice.reasoning.len() > 10, || format!("`{}`", choice.reasoning))?;
            ensure(!choice.text.is_empty(), || "there is no text".to_owned())
        }),
    },
    Row {
        id: "reasoning_counted",
        title: "reasoning in the usage",
        ask: || ask(Thinking::Effort("high")),
        proof: Proof::Said("show/reasoning", |said| {
            let reasoning = said.usage.reasoning;
            ensure(reasoning.is_some_and(|n| n > 0 && n < said.usage.completion), || {
                format!("{:?}", said.usage)
            })
        }),
    },
    Row {
        id: "reasoning_excluded",
        title: "`exclude`: thought of, not shown",
        ask: || ask(Thinking::Hidden("high")),
        proof: Proof::Said("show/reasoning", |said| {
            let choice = &said.choices[0];
            ensure(choice.reasoning.is_empty(), || format!("`{}`", choice.reasoning))?;
            ensure(!choice.text.is_empty(), || "there is no text".to_owned())
        }),
    },
    Row {
        id: "reasoning_replayed",
        title: "signatures and encrypted blocks, unchanged in the next turn",
        ask: || ask(Thinking::Effort("high")),
        proof: Proof::Replayed("show/reasoning", |said, seen| {
            let sent: Vec<String> =
                said.choices[0].sealed.iter().flat_map(|seal| unpacked(seal)).collect();
            ensure(!sent.is_empty(), || "the answer has no signature".to_owned())?;
            let seen = sealed(seen);
            let missing = sent.iter().find(|one| !seen.contains(&one.as_str()));
            ensure(missing.is_none(), || format!("{missing:?} is not among {seen:?}"))
        }),
    },
    Row {
        id: "unsigned_answer_replayed",
        title: "an answer without reasoning, in the next turn",
        ask: || Ask::question("Name three rivers."),
        proof: Proof::Replayed(PLAIN, |said, seen| {
            let parts = || seen.turns.iter().flat_map(|turn| &turn.parts);
            let text = said.choices[0].text.as_str();
            let found =
                parts().any(|part| matches!(part, Part::Text { text: seen, .. } if seen == text));
            ensure(found, || format!("`{text}` is not in {:?}", seen.turns))
        }),
    },
];

fn ask(thinking: Thinking) -> Ask {
    Ask { max_tokens: OUTPUT_MAX, ..Ask::question("How many rivers reach the sea?") }
        .thinking(thinking)
}

/// An effort, or the budget that it stands for.
fn thinks(seen: &Understood, effort: &str, budget: u64) -> Check {
    match &seen.reasoning {
        Some(Reasoning { budget: Some(found), .. }) if *found == budget => Ok(()),
        Some(Reasoning { effort: Some(found), budget: None, .. }) if found == effort => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn sealed(seen: &Understood) -> Vec<&str> {
    let parts = seen.turns.iter().flat_map(|turn| &turn.parts);
    let sealed = parts.filter_map(|part| match part {
        Part::Reasoning { signature, .. }
        | Part::Text { signature, .. }
        | Part::ToolCall { signature, .. } => signature.as_deref(),
        Part::EncryptedReasoning { data } => Some(data.as_str()),
        _ => None,
    });
    sealed.collect()
}

/// What another maker's signature travels in, where the caller's dialect has one place for one
/// maker's: a list of `reasoning_details`, as base64.
fn unpacked(seal: &str) -> Vec<String> {
    let Some(packed) = seal.strip_prefix("ep1.") else { return vec![seal.to_owned()] };
    let json = URL_SAFE_NO_PAD.decode(packed).unwrap_or_default();
    let details: Vec<Value> = serde_json::from_slice(&json).unwrap_or_default();
    let sealed = details.iter().flat_map(|detail| [&detail["signature"], &detail["data"]]);
    sealed.filter_map(|seal| seal.as_str().map(ToOwned::to_owned)).collect()
}
