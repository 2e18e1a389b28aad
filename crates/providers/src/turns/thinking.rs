//! How much the model may think, and what that leaves of the other wishes.

use protocol::chat::reasoning::{Effort, Reasoning};
use protocol::chat::request::ChatRequest;

use super::ability::Ability;
use crate::dropped::Dropped;
use crate::error::EncodeError;

/// Claude takes no smaller budget, and no larger one.
const BUDGET_MIN: u32 = 1_024;
const BUDGET_MAX: u32 = 128_000;
/// The efforts that every model with adaptive thinking knows.
const EFFORTS: [Effort; 4] = [Effort::Low, Effort::Medium, Effort::High, Effort::Max];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// Left to the model.
    Unstated,
    Off,
    Budget(u32),
    /// As much as the model finds right, at this effort.
    Adaptive(Effort),
}

impl Thinking {
    pub(crate) const fn is_on(self) -> bool {
        matches!(self, Self::Budget(_) | Self::Adaptive(_))
    }
}

/// What stands against thinking, whatever the request says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Against {
    /// A tool must be called, because the answer is to be its input.
    pub(crate) answers_by_tool: bool,
    /// A call of the model is answered whose thinking was not kept.
    pub(crate) goes_on_from_nothing: bool,
    /// The answer has begun.
    pub(crate) is_prefilled: bool,
}

/// Plans thinking in the two forms that Claude knows. `output_max` is the bound on output, which
/// thinking is a part of.
pub(crate) fn plan(
    request: &ChatRequest,
    ability: Ability<'_>,
    output_max: u32,
    against: Against,
    dropped: &mut Dropped,
) -> Result<Thinking, EncodeError> {
    let Some(reasoning) = Reasoning::of(request) else { return Ok(Thinking::Unstated) };
    if !ability.takes("reasoning") {
        // Who asks for no thinking gets none.
        if reasoning.is_on() {
            dropped.add("reasoning")?;
        }
        return Ok(Thinking::Unstated);
    }
    if reasoning.is_off() {
        return Ok(Thinking::Off);
    }
    let Some(effort) = reasoning.effort(output_max).filter(|_| reasoning.is_on()) else {
        return Ok(Thinking::Unstated);
    };
    let is_adaptive = ability.thinks_adaptively();
    let impossible = against.answers_by_tool
        || against.is_prefilled
        || (against.goes_on_from_nothing && !is_adaptive)
        || (output_max <= BUDGET_MIN && !is_adaptive);
    if impossible {
        dropped.add("reasoning")?;
        return Ok(Thinking::Unstated);
    }
    if is_adaptive {
        return Ok(Thinking::Adaptive(ability.nearest_effort(effort, &EFFORTS)));
    }
    let wanted = reasoning.budget(output_max).unwrap_or(BUDGET_MIN);
    // Something must be left to answer with.
    let budget = wanted.clamp(BUDGET_MIN, BUDGET_MAX).min(output_max.saturating_sub(1));
    Ok(Thinking::Budget(budget))
}
