//! Counted units of one generation.

use serde::{Deserialize, Serialize};

use crate::pricing::Unit;

/// What a generation used, in buckets that never overlap.
///
/// `prompt + cache_read + cache_write_5m + cache_write_1h + audio_input` is the provider's
/// prompt total; `completion + reasoning + audio_output` is its completion total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    pub prompt: u64,
    pub cache_read: u64,
    pub cache_write_5m: u64,
    pub cache_write_1h: u64,
    pub audio_input: u64,
    pub image_input: u64,
    pub completion: u64,
    pub reasoning: u64,
    pub audio_output: u64,
    pub image_output: u64,
    pub requests: u64,
    pub web_searches: u64,
}

impl Usage {
    pub const fn quantity(&self, unit: Unit) -> u64 {
        match unit {
            Unit::Prompt => self.prompt,
            Unit::CacheRead => self.cache_read,
            Unit::CacheWrite5m => self.cache_write_5m,
            Unit::CacheWrite1h => self.cache_write_1h,
            Unit::AudioInput => self.audio_input,
            Unit::ImageInput => self.image_input,
            Unit::Completion => self.completion,
            Unit::Reasoning => self.reasoning,
            Unit::AudioOutput => self.audio_output,
            Unit::ImageOutput => self.image_output,
            Unit::Request => self.requests,
            Unit::WebSearch => self.web_searches,
        }
    }

    /// Every input token, however it was cached.
    pub const fn prompt_total(&self) -> u64 {
        self.prompt
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write_5m)
            .saturating_add(self.cache_write_1h)
            .saturating_add(self.audio_input)
    }

    /// Every output token, visible or not.
    pub const fn completion_total(&self) -> u64 {
        self.completion.saturating_add(self.reasoning).saturating_add(self.audio_output)
    }

    pub const fn total(&self) -> u64 {
        self.prompt_total().saturating_add(self.completion_total())
    }
}

/// How the usage of a generation is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The provider reported it.
    Provider,
    /// Counted here from what was sent and received.
    Estimated,
    /// Nothing reached or left a provider.
    None,
}

impl UsageSource {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Estimated => "estimated",
            Self::None => "none",
        }
    }
}
