//! OpenAI's chat completions, with OpenRouter's additions.

mod decode;
mod encode;
mod messages;
mod rules;
mod tools;
mod ours;

pub use decode::decode;
pub use encode::encoder;

#[cfg(test)]
mod tests;
