//! OpenAI's older text completions: a prompt instead of a conversation.

mod decode;
mod encode;
mod logprobs;

pub use decode::decode;
pub use encode::encoder;

#[cfg(test)]
mod tests;
