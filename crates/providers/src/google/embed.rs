//! Vectors: `batchEmbedContents` at AI Studio, `predict` at Vertex.

use std::borrow::Cow;

use domain::generation::FinishReason;
use domain::usage::Usage;
use protocol::chat::event::ChatEvent;
use protocol::chat::request::{ChatRequest, Content as Said};
use protocol::chat::view::PartView;
use protocol::embeddings::{Embedding, EmbeddingsRequest, Input};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::encode::{bytes, post, with_options};
use super::wire::{Content, Part};
use super::{Flavour, classify, media};
use crate::adapter::{Encoded, Target};
use crate::document::{Document, unreadable};
use crate::dropped::Dropped;
use crate::error::{DecodeError, EncodeError};

#[derive(Serialize)]
struct Batch<'a> {
    requests: Vec<One<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct One<'a> {
    model: String,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u32>,
}

#[derive(Serialize)]
struct Prediction<'a> {
    instances: Vec<Instance<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Parameters>,
}

#[derive(Serialize)]
struct Instance<'a> {
    content: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_type: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    output_dimensionality: u32,
}

pub(super) fn encode(
    request: &ChatRequest,
    wanted: &EmbeddingsRequest,
    target: &Target<'_>,
    flavour: Flavour,
) -> Result<Encoded, EncodeError> {
    let mut dropped = Dropped::translated(request)?;
    let task_type = task_type(wanted, &mut dropped)?;
    for (name, _) in &wanted.parameters {
        dropped.add(name)?;
    }
    let unsupported =
        |index: usize| EncodeError::Unsupported { parameter: format!("input[{index}]") };
    let inputs = wanted.inputs.iter().enumerate();
    let (method, body) = match flavour {
        Flavour::AiStudio => {
            let one = |(index, input)| {
                let parts = parts(input, target).ok_or_else(|| unsupported(index))?;
                Ok(One {
                    model: format!("models/{}", target.endpoint.upstream_model),
                    content: Content { role: None, parts },
                    task_type: task_type.clone(),
                    output_dimensionality: wanted.dimensions,
                })
            };
            let requests = inputs.map(one).collect::<Result<_, EncodeError>>()?;
            ("batchEmbedContents", bytes(&Batch { requests })?)
        }
        Flavour::Vertex => {
            let instance = |(index, input)| {
                let content = text(input).ok_or_else(|| unsupported(index))?;
                Ok(Instance { content, task_type: task_type.clone() })
            };
            let instances = inputs.map(instance).collect::<Result<_, EncodeError>>()?;
            let parameters =
                wanted.dimensions.map(|output_dimensionality| Parameters { output_dimensionality });
            ("predict", bytes(&Prediction { instances, parameters })?)
        }
    };
    let body = with_options(body, request, target.endpoint, &mut dropped)?;
    let request = post(target, method, body)?;
    let count = wanted.inputs.len();
    let decoder =
        Document::new(move |bytes: &[u8], out: &mut Vec<ChatEvent>| read(bytes, count, out));
    Ok(Encoded { request, decoder: Box::new(decoder), dropped: dropped.into_names() })
}

/// What the vectors are for, in Google's words.
fn task_type<'a>(
    wanted: &'a EmbeddingsRequest,
    dropped: &mut Dropped,
) -> Result<Option<Cow<'a, str>>, EncodeError> {
    const KNOWN: [&str; 8] = [
        "RETRIEVAL_DOCUMENT",
        "RETRIEVAL_QUERY",
        "CLASSIFICATION",
        "CLUSTERING",
        "SEMANTIC_SIMILARITY",
        "QUESTION_ANSWERING",
        "FACT_VERIFICATION",
        "CODE_RETRIEVAL_QUERY",
    ];
    let Some(name) = wanted.input_type.as_deref() else { return Ok(None) };
    let name = match name {
        "search_document" => "RETRIEVAL_DOCUMENT",
        "search_query" => "RETRIEVAL_QUERY",
        other => other,
    };
    let known = KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(name));
    if known.is_none() {
        dropped.add("input_type")?;
    }
    Ok(known.map(Cow::Borrowed))
}

fn text(input: &Input) -> Option<Cow<'_, str>> {
    match input {
        Input::Text(text) | Input::Parts(Said::Text(text)) => Some(text.into()),
        Input::Parts(Said::Parts(parts)) => {
            let mut joined = String::new();
            for part in parts {
                let PartView::Text(text) = part.view() else { return None };
                joined.push_str(&text);
            }
            Some(joined.into())
        }
        // Tokens of a tokenizer that Google does not tell us.
        Input::Tokens(_) | Input::Parts(Said::None) => None,
    }
}

fn parts<'a>(input: &'a Input, target: &Target<'_>) -> Option<Vec<Part<'a>>> {
    let Input::Parts(Said::Parts(list)) = input else {
        return Some(vec![Part::text(text(input)?)]);
    };
    let written = list.iter().map(|part| match part.view() {
        PartView::Text(text) => Some(Part::text(text)),
        other => media::write(other, Flavour::AiStudio, target.base_url),
    });
    written.collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    embeddings: Option<Vec<Vector>>,
    predictions: Option<Vec<Predicted>>,
    usage_metadata: Option<Counted>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Vector {
    values: Vec<f32>,
    statistics: Option<Statistics>,
}

#[derive(Deserialize)]
struct Predicted {
    embeddings: Vector,
}

#[derive(Deserialize)]
struct Statistics {
    #[serde(alias = "tokenCount")]
    token_count: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    prompt_token_count: Option<u64>,
}

fn read(bytes: &[u8], inputs: usize, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
    let answer: Answer<'_> = serde_json::from_slice(bytes).map_err(|error| unreadable(&error))?;
    if let Some(error) = answer.error {
        return Err(DecodeError::Upstream(classify::in_band(error.get().as_bytes())));
    }
    let predicted = answer.predictions.into_iter().flatten().map(|one| one.embeddings);
    let vectors: Vec<Vector> = answer.embeddings.into_iter().flatten().chain(predicted).collect();
    if vectors.len() != inputs {
        return Err(DecodeError::Malformed("there are fewer or more vectors than inputs".into()));
    }
    let stated = answer.usage_metadata.and_then(|usage| usage.prompt_token_count);
    let counted =
        vectors.iter().map(|vector| vector.statistics.as_ref()?.token_count).sum::<Option<f64>>();
    out.push(ChatEvent::Started {
        upstream_id: None,
        upstream_model: None,
        system_fingerprint: None,
        service_tier: None,
    });
    if let Some(prompt) = stated.or_else(|| counted.map(whole)) {
        out.push(ChatEvent::Usage(Usage { prompt, requests: 1, ..Usage::default() }));
    }
    let embedding = |(index, vector): (usize, Vector)| Embedding {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        values: vector.values,
    };
    out.push(ChatEvent::Embeddings(vectors.into_iter().enumerate().map(embedding).collect()));
    out.push(ChatEvent::Finished {
        choice: 0,
        reason: FinishReason::Stop,
        native_reason: None,
        stop_sequence: None,
    });
    Ok(())
}

/// Vertex writes counts with a decimal point.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion that saturates is what is meant"
)]
fn whole(count: f64) -> u64 {
    count.clamp(0.0, 1e9) as u64
}
