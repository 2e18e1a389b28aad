//! OpenAI's Responses, with OpenRouter's additions.
//!
//! Items come in and go out; between them is the one conversation of the canonical request. What
//! an item of another model needs to be replayed travels in `encrypted_content`: see `reasoning`.

mod content;
mod decode;
mod echo;
mod encode;
mod input;
mod item;
mod listed;
mod native;
mod output;
mod reasoning;
mod rules;
mod tools;
mod usage;
mod wire;

pub use decode::{Decoded, Draft, decode, read};
pub use echo::Echo;
pub use encode::{Keep, Now, encoder};
pub use listed::listed;

#[cfg(test)]
mod tests;
