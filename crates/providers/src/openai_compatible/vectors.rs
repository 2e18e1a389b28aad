//! Texts to vectors: `POST …/embeddings`, which answers in one piece.

use std::fmt;

use domain::catalog::Endpoint;
use domain::usage::Usage;
use protocol::chat::event::ChatEvent;
use protocol::chat::request::{ChatRequest, Content, Message, Part, PartKind, Role};
use protocol::embeddings::{Embedding, EmbeddingsRequest, Input};
use protocol::json::{write_string, write_u64};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::usage::WireUsage;
use super::whole;
use crate::adapter::Encoded;
use crate::body::{Body, post, write_list};
use crate::document::Document;
use crate::dropped::Dropped;
use crate::error::{DecodeError, EncodeError};

pub(super) fn encode(
    request: &ChatRequest,
    wanted: &EmbeddingsRequest,
    endpoint: &Endpoint,
    address: String,
) -> Result<Encoded, EncodeError> {
    let mut dropped = Dropped::new(request);
    let mut body = Body::new(256, request, endpoint);
    let quirks = body.quirks;
    body.begin("model");
    write_string(&mut body.out, &endpoint.upstream_model);
    body.begin("input");
    write_inputs(&mut body, &wanted.inputs)?;
    // Numbers, whatever the caller wants: not every upstream knows base64.
    body.raw("encoding_format", "\"float\"");
    if let Some(dimensions) = wanted.dimensions {
        if quirks.refuses("dimensions") {
            dropped.add("dimensions")?;
        } else if !body.is_set("dimensions") {
            body.begin(quirks.renamed("dimensions"));
            write_u64(&mut body.out, u64::from(dimensions));
        }
    }
    if let Some(input_type) = &wanted.input_type {
        if quirks.accepts("input_type") {
            body.text(quirks.renamed("input_type"), input_type);
        } else {
            dropped.add("input_type")?;
        }
    }
    for (name, value) in &wanted.parameters {
        if quirks.refuses(name) {
            dropped.add(name)?;
        } else {
            body.raw(quirks.renamed(name), value.get());
        }
    }
    let request = post(address, body.finish()?, "application/json", quirks)?;
    let count = wanted.inputs.len();
    let decoder = Document::new(move |json: &[u8], out: &mut Vec<ChatEvent>| {
        whole::answer(json, out, |json, out| read(json, count, out))
    });
    Ok(Encoded { request, decoder: Box::new(decoder), dropped: dropped.into_names() })
}

/// Texts and tokens; of parts only text has a form here.
fn write_inputs(body: &mut Body<'_>, inputs: &[Input]) -> Result<(), EncodeError> {
    let mut refused = false;
    write_list(&mut body.out, inputs, |out, input| match input {
        Input::Text(text) | Input::Parts(Content::Text(text)) => write_string(out, text),
        Input::Tokens(tokens) => {
            write_list(out, tokens, |out, token| write_u64(out, u64::from(*token)));
        }
        Input::Parts(Content::None) => write_string(out, ""),
        Input::Parts(content @ Content::Parts(parts)) => {
            let is_text = |part: &Part| matches!(part.kind, PartKind::Text { .. });
            refused |= !parts.iter().all(is_text);
            let other = Vec::new();
            let message = Message { role: Role::User, content: content.clone(), other };
            write_string(out, &message.plain_text());
        }
    });
    if refused {
        return Err(EncodeError::Unsupported { parameter: "input".to_owned() });
    }
    Ok(())
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
struct Entry {
    index: Option<u32>,
    embedding: Vector,
}

/// Reads an answer to so many inputs.
fn read(json: &[u8], count: usize, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
    let wrong = |what: &str| DecodeError::Malformed(what.to_owned());
    let answer: Answer<'_> =
        serde_json::from_slice(json).map_err(|_| wrong("it has no list of vectors"))?;
    if answer.data.len() != count {
        return Err(wrong("it has not one vector for each input"));
    }
    let mut vectors = Vec::with_capacity(count);
    for (place, raw) in (0..).zip(answer.data) {
        let entry: Entry =
            serde_json::from_str(raw.get()).map_err(|_| wrong("a vector is not one"))?;
        let index = entry.index.unwrap_or(place);
        vectors.push(Embedding { index, values: entry.embedding.0 });
    }
    vectors.sort_by_key(|vector| vector.index);
    if !(0..).zip(&vectors).all(|(place, vector): (u32, _)| vector.index == place) {
        return Err(wrong("it numbers its vectors wrongly"));
    }
    out.push(ChatEvent::Embeddings(vectors));
    if let Some(prompt) = answer.usage.and_then(|usage| usage.input_total()) {
        out.push(ChatEvent::Usage(Usage { prompt, requests: 1, ..Usage::default() }));
    }
    Ok(())
}

/// Numbers, or base64 of little-endian 32-bit floats.
struct Vector(Vec<f32>);

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct VectorVisitor;

        impl<'de> Visitor<'de> for VectorVisitor {
            type Value = Vector;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of numbers or base64")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vector, E> {
                use base64::Engine as _;
                let bytes = base64::engine::general_purpose::STANDARD
                    .decode(text)
                    .map_err(|_| E::custom("not base64"))?;
                let (floats, rest) = bytes.as_chunks::<4>();
                if !rest.is_empty() {
                    return Err(E::custom("not whole numbers of floats"));
                }
                finite(floats.iter().map(|float| f32::from_le_bytes(*float)).collect())
                    .ok_or_else(|| E::custom("not finite"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vector, A::Error> {
                let mut values = Vec::with_capacity(seq.size_hint().unwrap_or(1_024).min(65_536));
                while let Some(value) = seq.next_element::<f32>()? {
                    values.push(value);
                }
                finite(values).ok_or_else(|| A::Error::custom("not finite"))
            }
        }

        fn finite(values: Vec<f32>) -> Option<Vector> {
            values.iter().all(|value| value.is_finite()).then_some(Vector(values))
        }

        deserializer.deserialize_any(VectorVisitor)
    }
}
