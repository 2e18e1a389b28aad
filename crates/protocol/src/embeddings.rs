//! Vectors for texts and other content: the canonical request and answer.

use serde_json::value::RawValue;

use crate::chat::request::Content;

/// A request for vectors. Values are already in their valid ranges.
#[derive(Debug, Clone, Default)]
pub struct EmbeddingsRequest {
    /// At least one.
    pub inputs: Vec<Input>,
    pub dimensions: Option<u32>,
    /// How the caller wants numbers written.
    pub encoding: Encoding,
    /// What the vectors are for: `search_document`, `search_query`, `classification`, …
    pub input_type: Option<String>,
    /// What this version does not know, verbatim.
    pub parameters: Vec<(String, Box<RawValue>)>,
}

/// One thing to be turned into one vector.
#[derive(Debug, Clone)]
pub enum Input {
    Text(String),
    /// Tokens of the model's own tokenizer.
    Tokens(Vec<u32>),
    /// Parts in the form of chat completions.
    Parts(Content),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    #[default]
    Float,
    /// Little-endian 32-bit floats, in base64.
    Base64,
}

/// One vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    /// Of the input that it stands for.
    pub index: u32,
    pub values: Vec<f32>,
}
