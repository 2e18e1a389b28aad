//! What the makers of models want to be told in words of their own.

use domain::catalog::ReasoningForm;
use protocol::chat::reasoning::{Effort, Reasoning};
use protocol::chat::request::ChatRequest;
use serde_json::{Map, Value, json};

use crate::dropped::Dropped;
use crate::error::EncodeError;
use crate::turns::Thoughts;
use crate::turns::ability::Ability;
use crate::turns::replay::FORMAT as CLAUDE_FORMAT;
use crate::turns::thinking::{self, Against, Thinking};

/// Whose model it is, by its id: `us.anthropic.claude-…`, `amazon.nova-…`, a profile's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Claude,
    Nova,
    Other,
}

impl Family {
    pub(super) fn of(model: &str) -> Self {
        if model.contains("anthropic.") {
            Self::Claude
        } else if model.contains("amazon.nova") {
            Self::Nova
        } else {
            Self::Other
        }
    }
}

impl Family {
    pub(super) const fn thoughts(self) -> Thoughts {
        match self {
            Self::Claude => Thoughts::Replayed,
            Self::Nova | Self::Other => Thoughts::LeftOut,
        }
    }

    /// The `format` of its `reasoning_details`.
    pub(super) const fn reasoning_format(self) -> &'static str {
        match self {
            Self::Claude => CLAUDE_FORMAT,
            Self::Nova | Self::Other => "unknown",
        }
    }
}

/// Plans thinking, and writes how it is asked for.
pub(super) fn think(
    request: &ChatRequest,
    ability: Ability<'_>,
    family: Family,
    against: Against,
    extra: &mut Map<String, Value>,
    dropped: &mut Dropped,
) -> Result<Thinking, EncodeError> {
    if family != Family::Claude {
        effort(request, ability, extra, dropped)?;
        return Ok(Thinking::Unstated);
    }
    let output_max = ability.output_max(request.max_tokens);
    let planned = thinking::plan(request, ability, output_max, against, dropped)?;
    match planned {
        Thinking::Unstated => {}
        Thinking::Off => drop(extra.insert("thinking".into(), json!({ "type": "disabled" }))),
        Thinking::Budget(budget) => {
            let thinking = json!({ "type": "enabled", "budget_tokens": budget });
            extra.insert("thinking".into(), thinking);
        }
        Thinking::Adaptive(effort) => {
            let thinking = json!({ "type": "adaptive", "display": "summarized" });
            extra.insert("thinking".into(), thinking);
            extra.insert("output_config".into(), json!({ "effort": effort.as_str() }));
        }
    }
    Ok(planned)
}

/// Other models have an effort, if anything.
fn effort(
    request: &ChatRequest,
    ability: Ability<'_>,
    extra: &mut Map<String, Value>,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    let Some(reasoning) = Reasoning::of(request) else { return Ok(()) };
    let Some(asked) = reasoning.effort(ability.output_max(request.max_tokens)) else {
        return Ok(());
    };
    let takes = ability.takes("reasoning") || ability.takes("reasoning_effort");
    if !takes || ability.quirks.reasoning() == ReasoningForm::Fixed {
        // A model that never thinks need not be told so.
        let is_met = asked == Effort::None && !takes;
        return if is_met { Ok(()) } else { dropped.add("reasoning") };
    }
    let usual = [Effort::Low, Effort::Medium, Effort::High];
    let effort = ability.nearest_effort(asked, &usual);
    extra.insert("reasoning_effort".into(), effort.as_str().into());
    Ok(())
}

/// Writes `top_k`; says whether there was a place for it.
pub(super) fn top_k(family: Family, count: u64, extra: &mut Map<String, Value>) -> bool {
    match family {
        Family::Claude => drop(extra.insert("top_k".into(), count.into())),
        Family::Nova => drop(extra.insert("inferenceConfig".into(), json!({ "topK": count }))),
        Family::Other => return false,
    }
    true
}
