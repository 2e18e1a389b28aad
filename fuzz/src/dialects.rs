//! What callers speak, in one list.

use protocol::chat::request::ChatRequest;
use protocol::dialects::{MakeEncoder, chat_completions, completions};

/// A dialect's two halves.
pub struct Dialect {
    pub name: &'static str,
    /// None where the body is refused.
    pub decode: fn(&[u8]) -> Option<ChatRequest>,
    pub encoder: fn() -> MakeEncoder,
}

pub const DIALECTS: &[Dialect] = &[
    Dialect {
        name: "chat_completions",
        decode: |body| chat_completions::decode(body).ok(),
        encoder: || Box::new(chat_completions::encoder),
    },
    Dialect {
        name: "completions",
        decode: |body| completions::decode(body).ok().map(|(request, _)| request),
        encoder: || completions::encoder(Some("Once upon a time".to_owned())),
    },
];
