//! Documents in the order in which they answer a query: Cohere's rerank, as OpenRouter has it.

mod decode;
mod encode;

pub use decode::{Documents, decode};
pub use encode::encoder;

#[cfg(test)]
mod tests;
