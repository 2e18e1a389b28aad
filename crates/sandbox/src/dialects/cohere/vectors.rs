//! Vectors and order.

use serde_json::{Value, json};

use super::super::Incoming;
use crate::fields::Fields;
use crate::media;
use crate::refusal::{Problem, Refusal};
use crate::vectors::{ranked, tokens, vector};

type Result<T> = std::result::Result<T, Refusal>;

const TYPES: [&str; 6] = ["float", "int8", "uint8", "binary", "ubinary", "base64"];

pub(super) fn embed(incoming: &Incoming<'_>) -> Result<Value> {
    const PURPOSES: [&str; 5] =
        ["search_document", "search_query", "classification", "clustering", "image"];
    let mut fields = Fields::root(incoming.body)?;
    fields.required_text("model")?;
    if fields.one_of("input_type", &PURPOSES)?.is_none() {
        return Err(Refusal::new("input_type", Problem::Missing));
    }
    let types = fields.texts("embedding_types")?;
    if let Some(unknown) = types.iter().find(|kind| !TYPES.contains(&kind.as_str())) {
        let sentence = format!("`{unknown}` is not an embedding type");
        return Err(Refusal::rule("embedding_types", sentence));
    }
    let inputs = inputs(&mut fields)?;
    let dimensions = fields.integer("output_dimension", 1..=4_096)?.unwrap_or(64);
    fields.one_of("truncate", &["NONE", "START", "END"])?;
    fields.integer("max_tokens", 1..=u64::MAX)?;
    fields.integer("priority", 0..=999)?;
    fields.deny_rest()?;
    let vectors: Vec<Vec<f32>> = inputs.iter().map(|text| vector(text, dimensions)).collect();
    let mut embeddings = json!({});
    let types = if types.is_empty() { vec!["float".to_owned()] } else { types };
    for kind in types {
        let vectors: Vec<Value> = vectors.iter().map(|vector| quantised(vector, &kind)).collect();
        embeddings[kind] = vectors.into();
    }
    let count: usize = inputs.iter().map(|text| tokens(text)).sum();
    Ok(json!({"id": "embed-sandbox", "embeddings": embeddings, "texts": inputs,
        "response_type": "embeddings_by_type",
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": count}}}))
}

/// `texts`, `images` or `inputs` of mixed contents: exactly one of them.
fn inputs(fields: &mut Fields) -> Result<Vec<String>> {
    let given = ["texts", "images", "inputs"].into_iter().filter(|name| fields.has(name)).count();
    if given != 1 {
        let sentence = "exactly one of texts, images or inputs must be specified";
        return Err(Refusal::rule("", sentence));
    }
    let mut texts = fields.texts("texts")?;
    for (index, url) in fields.texts("images")?.into_iter().enumerate() {
        let image = media::address(&format!("images.{index}"), &url)?;
        texts.push(image.sha256.or(image.url).unwrap_or_default());
    }
    for mut input in fields.objects("inputs")?.unwrap_or_default() {
        let mut text = String::new();
        for mut part in input.objects("content")?.unwrap_or_default() {
            match part.required_text("type")?.as_str() {
                "text" => text.push_str(&part.required_text("text")?),
                "image_url" => {
                    let at = part.at("image_url.url");
                    let image = part.object("image_url")?;
                    let mut image = image.ok_or_else(|| Refusal::new(&at, Problem::Missing))?;
                    let media = media::address(&at, &image.required_text("url")?)?;
                    text.push_str(&media.sha256.or(media.url).unwrap_or_default());
                }
                _ => return Err(Refusal::rule(part.at("type"), "must be text or image_url")),
            }
        }
        texts.push(text);
    }
    if texts.is_empty() || texts.len() > 96 {
        let sentence =
            format!("total number of texts must be between 1 and 96, got {}", texts.len());
        return Err(Refusal::rule("", sentence));
    }
    Ok(texts)
}

/// A vector in fewer bits. Values are between -1 and 1.
#[expect(clippy::cast_possible_truncation, reason = "scaled into the range of the type")]
fn quantised(vector: &[f32], kind: &str) -> Value {
    let bits = |zero: i16| -> Value {
        let bytes = vector.chunks(8).map(|chunk| {
            let byte = chunk.iter().fold(0_i16, |byte, value| byte * 2 + i16::from(*value > 0.0));
            byte - zero
        });
        bytes.collect()
    };
    match kind {
        "int8" => vector.iter().map(|value| (value * 127.0).round() as i64).collect(),
        "uint8" => vector.iter().map(|value| (value * 127.0).round() as i64 + 128).collect(),
        "binary" => bits(128),
        "ubinary" => bits(0),
        "base64" => {
            use base64::Engine as _;
            let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
            base64::engine::general_purpose::STANDARD.encode(bytes).into()
        }
        _ => json!(vector),
    }
}

pub(super) fn rerank(incoming: &Incoming<'_>) -> Result<Value> {
    let mut fields = Fields::root(incoming.body)?;
    fields.required_text("model")?;
    let query = fields.required_text("query")?;
    if query.trim().is_empty() {
        return Err(Refusal::rule("", "invalid request: query must not be empty"));
    }
    if !fields.has("documents") {
        return Err(Refusal::new("documents", Problem::Missing));
    }
    // Objects were for the first version.
    let documents = fields.texts("documents")?;
    if documents.is_empty() || documents.len() > 10_000 {
        let sentence = "invalid request: list of documents must not be empty";
        return Err(Refusal::rule("", sentence));
    }
    let most = fields.integer("top_n", 1..=u64::MAX)?;
    fields.integer("max_tokens_per_doc", 1..=u64::MAX)?;
    fields.integer("priority", 0..=999)?;
    fields.deny_rest()?;
    let results: Vec<Value> = ranked(&query, &documents, most)
        .into_iter()
        .map(|(index, score)| json!({"index": index, "relevance_score": score}))
        .collect();
    // A hundred documents are one unit.
    let units = documents.len().div_ceil(100);
    Ok(json!({"id": "rerank-sandbox", "results": results,
        "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": units}}}))
}
