//! Vectors and orders: everything that is asked about texts besides an answer.
//!
//! A vector counts the words of its text, so texts that share words are near each other, and the
//! order of documents follows from the same words.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::dialects::Incoming;
use crate::dialects::gemini::read::{plain_content, same_model};
use crate::fields::Fields;
use crate::profile::Dice;
use crate::refusal::{Problem, Refusal};

type Result<T> = std::result::Result<T, Refusal>;

const DIMENSIONS: u64 = 64;
const DIMENSIONS_MAX: u64 = 4_096;
const INPUTS_MAX: usize = 2_048;

/// A vector of length one.
#[expect(clippy::cast_possible_truncation, reason = "vectors are of single precision")]
pub(crate) fn vector(text: &str, dimensions: u64) -> Vec<f32> {
    let length = usize::try_from(dimensions).unwrap_or(1);
    let mut vector = vec![0.0_f64; length];
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    for word in words.chain([""]) {
        let mut dice = Dice::new(0, &["vector", word]);
        let place = usize::try_from(dice.below(dimensions)).unwrap_or(0);
        if let Some(value) = vector.get_mut(place) {
            *value += if dice.below(4) == 0 { -1.0 } else { 1.0 };
        }
    }
    let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt().max(f64::EPSILON);
    vector.into_iter().map(|value| (value / norm) as f32).collect()
}

pub(crate) fn tokens(text: &str) -> usize {
    text.len().div_ceil(4).max(1)
}

/// `/embeddings`.
pub(crate) fn openai_embeddings(incoming: &Incoming<'_>) -> Result<Value> {
    let mut fields = Fields::root(incoming.body)?;
    let model = match incoming.route.model.clone() {
        Some(model) => model,
        None => fields.required_text("model")?,
    };
    let inputs = inputs(fields.required("input")?)?;
    let dimensions = fields.integer("dimensions", 1..=DIMENSIONS_MAX)?.unwrap_or(DIMENSIONS);
    let format = fields.one_of("encoding_format", &["float", "base64"])?;
    fields.text("user")?;
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let vector = vector(text, dimensions);
            let embedding = match format.as_deref() {
                Some("base64") => {
                    let bytes: Vec<u8> =
                        vector.iter().flat_map(|value| value.to_le_bytes()).collect();
                    json!(STANDARD.encode(bytes))
                }
                _ => json!(vector),
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let count: usize = inputs.iter().map(|text| tokens(text)).sum();
    Ok(json!({"object": "list", "data": data, "model": model,
        "usage": {"prompt_tokens": count, "total_tokens": count}}))
}

/// A text, several, or either as numbers of tokens.
fn inputs(value: Value) -> Result<Vec<String>> {
    let wrong =
        || Refusal::new("input", Problem::Type("a string, an array of strings or of tokens"));
    let values = match value {
        Value::String(text) if text.is_empty() => {
            return Err(Refusal::rule("input", "input cannot be an empty string"));
        }
        Value::String(text) => return Ok(vec![text]),
        Value::Array(values) => values,
        _ => return Err(wrong()),
    };
    if values.is_empty() || values.len() > INPUTS_MAX {
        let message = format!("Expected an array with 1 to {INPUTS_MAX} items");
        return Err(Refusal::rule("input", message));
    }
    if values.iter().all(Value::is_u64) {
        return Ok(vec![Value::Array(values).to_string()]);
    }
    let texts = values.into_iter().map(|value| match value {
        Value::String(text) if text.is_empty() => {
            Err(Refusal::rule("input", "input cannot be an empty string"))
        }
        Value::String(text) => Ok(text),
        Value::Array(tokens) if !tokens.is_empty() && tokens.iter().all(Value::is_u64) => {
            Ok(Value::Array(tokens).to_string())
        }
        _ => Err(wrong()),
    });
    texts.collect()
}

/// `/rerank`, as Jina, Voyage and Together have it.
pub(crate) fn rerank(incoming: &Incoming<'_>) -> Result<Value> {
    let mut fields = Fields::root(incoming.body)?;
    let model = fields.required_text("model")?;
    let query = fields.required_text("query")?;
    let documents = documents(&mut fields)?;
    let most = fields.integer("top_n", 1..=u64::MAX)?;
    let with_documents = fields.boolean("return_documents")?.unwrap_or(false);
    let results: Vec<Value> = ranked(&query, &documents, most)
        .into_iter()
        .map(|(index, score)| {
            let mut result = json!({"index": index, "relevance_score": score});
            if with_documents {
                result["document"] = json!({"text": documents.get(index)});
            }
            result
        })
        .collect();
    let count = tokens(&query) + documents.iter().map(|text| tokens(text)).sum::<usize>();
    Ok(json!({"id": "rerank-sandbox", "object": "rerank", "model": model, "results": results,
        "usage": {"prompt_tokens": count, "total_tokens": count}}))
}

/// Texts, or objects with one.
pub(crate) fn documents(fields: &mut Fields) -> Result<Vec<String>> {
    let values =
        fields.list("documents")?.ok_or_else(|| Refusal::new("documents", Problem::Missing))?;
    if values.is_empty() || values.len() > 10_000 {
        return Err(Refusal::rule("documents", "between 1 and 10000 documents are needed"));
    }
    let texts = values.into_iter().enumerate().map(|(index, value)| match value {
        Value::String(text) => Ok(text),
        value => Fields::of(value, format!("documents.{index}"))?.required_text("text"),
    });
    texts.collect()
}

/// The best first; equals stay in their order.
pub(crate) fn ranked(query: &str, documents: &[String], most: Option<u64>) -> Vec<(usize, f64)> {
    let wanted = vector(query, DIMENSIONS_MAX);
    let mut scores: Vec<(usize, f64)> = documents
        .iter()
        .map(|text| {
            let found = vector(text, DIMENSIONS_MAX);
            let products = wanted.iter().zip(&found).map(|(a, b)| f64::from(*a) * f64::from(*b));
            let cosine: f64 = products.sum();
            (cosine.clamp(0.0, 1.0) * 10_000.0).round() / 10_000.0
        })
        .enumerate()
        .collect();
    scores.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    scores.truncate(most);
    scores
}

/// `:embedContent`.
pub(crate) fn gemini_embedding(incoming: &Incoming<'_>) -> Result<Value> {
    let fields = Fields::root(incoming.body)?.into_proto();
    Ok(json!({"embedding": {"values": gemini_values(incoming, fields)?}}))
}

/// `:batchEmbedContents`.
pub(crate) fn gemini_embeddings(incoming: &Incoming<'_>) -> Result<Value> {
    let mut fields = Fields::root(incoming.body)?.into_proto();
    let requests = fields.objects("requests")?.unwrap_or_default();
    fields.deny_rest()?;
    if requests.is_empty() || requests.len() > 100 {
        return Err(Refusal::rule("requests", "between 1 and 100 requests can be in one batch."));
    }
    let embeddings = requests.into_iter().map(|mut request| {
        if !request.has("model") {
            return Err(Refusal::rule("", "model is required in every request"));
        }
        let at = request.at("model");
        same_model(incoming, request.take("model").as_ref(), &at)?;
        Ok(json!({"values": gemini_values(incoming, request)?}))
    });
    Ok(json!({"embeddings": embeddings.collect::<Result<Vec<_>>>()?}))
}

fn gemini_values(incoming: &Incoming<'_>, mut fields: Fields) -> Result<Vec<f32>> {
    const TASKS: [&str; 8] = [
        "RETRIEVAL_QUERY",
        "RETRIEVAL_DOCUMENT",
        "SEMANTIC_SIMILARITY",
        "CLASSIFICATION",
        "CLUSTERING",
        "QUESTION_ANSWERING",
        "FACT_VERIFICATION",
        "CODE_RETRIEVAL_QUERY",
    ];
    let at = fields.at("model");
    same_model(incoming, fields.take("model").as_ref(), &at)?;
    let at = fields.at("content");
    let content = fields.object("content")?.ok_or_else(|| Refusal::new(at, Problem::Missing))?;
    let text = plain_content(content)?;
    fields.one_of("taskType", &TASKS)?;
    fields.text("title")?;
    let dimensions = fields.integer("outputDimensionality", 1..=DIMENSIONS_MAX)?;
    fields.deny_rest()?;
    Ok(vector(&text, dimensions.unwrap_or(DIMENSIONS)))
}

/// `:predict` with texts.
pub(crate) fn vertex_embeddings(incoming: &Incoming<'_>) -> Result<Value> {
    let mut fields = Fields::root(incoming.body)?.into_proto();
    let instances = fields.objects("instances")?.unwrap_or_default();
    let mut dimensions = DIMENSIONS;
    if let Some(mut parameters) = fields.object("parameters")? {
        let wanted = parameters.integer("outputDimensionality", 1..=DIMENSIONS_MAX)?;
        dimensions = wanted.unwrap_or(DIMENSIONS);
        parameters.boolean("autoTruncate")?;
        parameters.deny_rest()?;
    }
    fields.deny_rest()?;
    if instances.is_empty() || instances.len() > 250 {
        return Err(Refusal::rule("instances", "between 1 and 250 instances are needed"));
    }
    let predictions = instances.into_iter().map(|mut instance| {
        let text = instance.required_text("content")?;
        instance.take("taskType");
        instance.take("title");
        instance.deny_rest()?;
        Ok(json!({"embeddings": {"values": vector(&text, dimensions),
            "statistics": {"token_count": tokens(&text), "truncated": false}}}))
    });
    Ok(json!({"predictions": predictions.collect::<Result<Vec<_>>>()?}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_common_words_are_near() {
        let documents = ["a recipe for bread", "the harbour lights", "harbour"].map(str::to_owned);
        let order = ranked("lights of the harbour", &documents, Some(2));
        assert_eq!(order.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 2]);
        let norm: f32 = vector("some words here", 32).iter().map(|value| value * value).sum();
        assert!((norm - 1.0).abs() < 1e-5);
    }
}
