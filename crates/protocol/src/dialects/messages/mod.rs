//! Anthropic's Messages, with OpenRouter's additions.

mod decode;
mod encode;
mod packed;

pub use decode::{Betas, decode, decode_count, decode_with};
pub use encode::{encoder, encoder_for};

/// The `format` of reasoning that this dialect has a form of its own for.
const OWN_FORMAT: &str = "anthropic-claude-v1";

#[cfg(test)]
mod tests;
