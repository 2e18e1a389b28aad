//! Effort and budget: two ways to say how much a model may think, and the way between them.
//!
//! The ratios are OpenRouter's (facts/openrouter.md 2.6): an effort stands for a share of the
//! bound on output.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::request::ChatRequest;

/// How hard to think, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    #[serde(rename = "xhigh")]
    ExtraHigh,
    Max,
}

impl Effort {
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Minimal,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::ExtraHigh,
        Self::Max,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::ExtraHigh => "xhigh",
            Self::Max => "max",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.as_str() == text)
    }

    /// The share of the bound on output that it stands for, in hundredths.
    const fn percent(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Minimal => 10,
            Self::Low => 20,
            Self::Medium => 50,
            Self::High => 80,
            Self::ExtraHigh | Self::Max => 95,
        }
    }

    /// Tokens to think with, of a bound on output.
    pub fn budget(self, output_max: u32) -> u32 {
        let share = u64::from(output_max) * self.percent() / 100;
        u32::try_from(share).unwrap_or(u32::MAX)
    }

    /// The effort whose budget is nearest to this one, never `none`.
    pub fn of_budget(budget: u32, output_max: u32) -> Self {
        Self::ALL
            .into_iter()
            .filter(|effort| !matches!(effort, Self::None | Self::Max))
            .min_by_key(|effort| effort.budget(output_max).abs_diff(budget))
            .unwrap_or(Self::Medium)
    }

    /// The nearest of those that an upstream knows; the lower of two that are equally near.
    pub fn nearest(self, known: &[Self]) -> Option<Self> {
        let place = |effort: Self| Self::ALL.iter().position(|other| *other == effort);
        let own = place(self)?;
        let distance = |effort: Self| place(effort).map_or(usize::MAX, |p| p.abs_diff(own));
        known.iter().copied().min_by_key(|effort| (distance(*effort), *effort))
    }
}

/// What a request says about thinking: `reasoning`, with `reasoning_effort` folded in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Reasoning {
    pub effort: Option<Effort>,
    /// A budget in tokens.
    pub max_tokens: Option<u32>,
    pub enabled: Option<bool>,
    pub exclude: Option<bool>,
    /// `auto`, `concise` or `detailed`.
    pub summary: Option<String>,
}

impl Reasoning {
    /// What the request asks for; none when it says nothing about thinking. Whatever is not of
    /// the right type was refused when the request was read.
    pub fn of(request: &ChatRequest) -> Option<Self> {
        let inner = request.parameter("reasoning").map(RawValue::get);
        let outer = request.parameter("reasoning_effort").map(RawValue::get);
        if inner.is_none() && outer.is_none() {
            return None;
        }
        let mut reasoning: Self =
            inner.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        if reasoning.effort.is_none() {
            reasoning.effort = outer.and_then(|json| serde_json::from_str(json).ok());
        }
        Some(reasoning)
    }

    /// Whether thinking is switched off.
    pub fn is_off(&self) -> bool {
        self.effort == Some(Effort::None)
            || (self.enabled == Some(false) && self.effort.is_none() && self.max_tokens.is_none())
    }

    /// Whether thinking is asked for. `{}` and `{"exclude": true}` leave it to the model.
    pub fn is_on(&self) -> bool {
        !self.is_off()
            && (self.effort.is_some() || self.max_tokens.is_some() || self.enabled == Some(true))
    }

    /// The effort, where one is stated or follows from a budget; `enabled` alone means medium.
    pub fn effort(&self, output_max: u32) -> Option<Effort> {
        if self.is_off() {
            return Some(Effort::None);
        }
        self.effort
            .or_else(|| self.max_tokens.map(|budget| Effort::of_budget(budget, output_max)))
            .or_else(|| (self.enabled == Some(true)).then_some(Effort::Medium))
    }

    /// The budget in tokens, where one is stated or follows from an effort; none when thinking is
    /// off or left to the model.
    pub fn budget(&self, output_max: u32) -> Option<u32> {
        if !self.is_on() {
            return None;
        }
        self.max_tokens.or_else(|| self.effort(output_max).map(|effort| effort.budget(output_max)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn efforts_and_budgets_convert_both_ways() {
        for effort in [Effort::Minimal, Effort::Low, Effort::Medium, Effort::High] {
            assert_eq!(Effort::of_budget(effort.budget(10_000), 10_000), effort);
        }
        assert_eq!(Effort::ExtraHigh.budget(64_000), 60_800);
        assert_eq!(Effort::of_budget(1, 10_000), Effort::Minimal);
    }

    #[test]
    fn the_nearest_known_effort_is_chosen() {
        let known = [Effort::Low, Effort::Medium, Effort::High];
        assert_eq!(Effort::Max.nearest(&known), Some(Effort::High));
        assert_eq!(Effort::Minimal.nearest(&known), Some(Effort::Low));
        assert_eq!(Effort::Medium.nearest(&known), Some(Effort::Medium));
        assert_eq!(Effort::Medium.nearest(&[]), None);
    }

    #[test]
    fn what_is_left_to_the_model_is_neither_on_nor_off() {
        let nothing = Reasoning { exclude: Some(true), ..Reasoning::default() };
        assert!(!nothing.is_on() && !nothing.is_off());
        let on = Reasoning { enabled: Some(true), ..Reasoning::default() };
        assert_eq!(on.effort(1_000), Some(Effort::Medium));
        assert_eq!(on.budget(1_000), Some(500));
    }
}
