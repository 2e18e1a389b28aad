//! Documents in the order in which they answer a query: the canonical request and answer.

use serde_json::value::RawValue;

/// A request for an order. Values are already in their valid ranges.
#[derive(Debug, Clone, Default)]
pub struct RerankRequest {
    pub query: String,
    /// At least one: a JSON string, or an object with a `text`.
    pub documents: Vec<Box<RawValue>>,
    /// How many of the best are wanted; all of them unless stated.
    pub top_n: Option<u32>,
    /// Whether the answer repeats the documents.
    pub return_documents: bool,
    /// What this version does not know, verbatim.
    pub parameters: Vec<(String, Box<RawValue>)>,
}

/// One document's place in the order.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Of the document in the request.
    pub index: u32,
    /// Higher is better; 0 to 1.
    pub relevance_score: f64,
}
