//! Vectors, as OpenAI's embeddings ask for them, with OpenRouter's additions.

mod decode;
mod encode;

pub use decode::decode;
pub use encode::encoder;

#[cfg(test)]
mod tests;
