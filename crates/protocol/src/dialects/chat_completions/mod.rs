//! OpenAI's chat completions, with OpenRouter's additions.

mod decode;
mod encode;
pub(in crate::dialects) mod write;
mod messages;
mod rules;
mod tools;
mod ours;

pub(in crate::dialects) use decode::assemble;
pub use decode::decode;
pub use encode::encoder;

#[cfg(test)]
mod tests;
