//! What callers speak, in one list.

use protocol::chat::request::ChatRequest;
use protocol::dialects::{
    MakeEncoder, chat_completions, completions, embeddings, messages, rerank, responses,
};
use protocol::embeddings::Encoding;

/// A dialect's two halves.
pub struct Dialect {
    pub name: &'static str,
    /// None where the body is refused.
    pub decode: fn(&[u8]) -> Option<ChatRequest>,
    pub encoder: fn() -> MakeEncoder,
    /// Whether its answers may come as a stream.
    pub streams: bool,
}

pub const DIALECTS: &[Dialect] = &[
    Dialect {
        name: "chat_completions",
        decode: |body| chat_completions::decode(body).ok(),
        encoder: || Box::new(chat_completions::encoder),
        streams: true,
    },
    Dialect {
        name: "completions",
        decode: |body| completions::decode(body).ok().map(|(request, _)| request),
        encoder: || completions::encoder(Some("Once upon a time".to_owned())),
        streams: true,
    },
    Dialect {
        name: "responses",
        decode: |body| responses::decode(body).ok().map(|decoded| decoded.request),
        encoder: || {
            let plain = responses::decode(br#"{"model":"a/b","input":"Hi"}"#);
            let Ok(decoded) = plain else { unreachable!("a request without mistakes is read") };
            responses::encoder(decoded.echo, Box::new(|| 1_700_000_000), None)
        },
        streams: true,
    },
    Dialect {
        name: "messages",
        decode: |body| messages::decode(body).ok(),
        encoder: || Box::new(messages::encoder),
        streams: true,
    },
    Dialect {
        name: "embeddings",
        decode: |body| embeddings::decode(body).ok(),
        encoder: || embeddings::encoder(Encoding::Base64),
        streams: false,
    },
    Dialect {
        name: "rerank",
        decode: |body| rerank::decode(body).ok().map(|(request, _)| request),
        encoder: || rerank::encoder(None),
        streams: false,
    },
];
