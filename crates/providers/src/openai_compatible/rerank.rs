//! Documents in order: `POST …/rerank`, as Jina and others write it after Cohere's first version.

use domain::catalog::Endpoint;
use domain::usage::Usage;
use protocol::chat::event::ChatEvent;
use protocol::chat::request::ChatRequest;
use protocol::json::{write_string, write_u64};
use protocol::rerank::{Ranked, RerankRequest};
use serde::Deserialize;

use super::usage::{Count, WireUsage};
use super::whole;
use crate::adapter::Encoded;
use crate::body::{Body, post, write_list};
use crate::document::Document;
use crate::dropped::Dropped;
use crate::error::{DecodeError, EncodeError};

pub(super) fn encode(
    request: &ChatRequest,
    wanted: &RerankRequest,
    endpoint: &Endpoint,
    address: String,
) -> Result<Encoded, EncodeError> {
    let mut dropped = Dropped::new(request);
    let mut body = Body::new(256, request, endpoint);
    let quirks = body.quirks;
    body.begin("model");
    write_string(&mut body.out, &endpoint.upstream_model);
    body.begin("query");
    write_string(&mut body.out, &wanted.query);
    body.begin("documents");
    write_list(&mut body.out, &wanted.documents, |out, document| {
        out.extend_from_slice(document.get().as_bytes());
    });
    if let Some(top) = wanted.top_n
        && !body.is_set("top_n")
    {
        body.begin(quirks.renamed("top_n"));
        write_u64(&mut body.out, u64::from(top));
    }
    // The documents are the caller's own: whoever wants them back is given them by us.
    body.raw("return_documents", "false");
    for (name, value) in &wanted.parameters {
        if quirks.refuses(name) {
            dropped.add(name)?;
        } else {
            body.raw(quirks.renamed(name), value.get());
        }
    }
    let request = post(address, body.finish()?, "application/json", quirks)?;
    let count = wanted.documents.len();
    let decoder = Document::new(move |json: &[u8], out: &mut Vec<ChatEvent>| {
        whole::answer(json, out, |json, out| read(json, count, out))
    });
    Ok(Encoded { request, decoder: Box::new(decoder), dropped: dropped.into_names() })
}

#[derive(Deserialize)]
struct Answer {
    #[serde(alias = "data")]
    results: Vec<Entry>,
    usage: Option<WireUsage>,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Entry {
    index: u32,
    #[serde(alias = "score")]
    relevance_score: f64,
}

/// Where Cohere and those who follow it count.
#[derive(Deserialize)]
struct Meta {
    billed_units: Option<Billed>,
    tokens: Option<Billed>,
}

#[derive(Deserialize)]
struct Billed {
    #[serde(default)]
    search_units: Count,
    #[serde(default)]
    input_tokens: Count,
}

/// Reads an answer about so many documents.
fn read(json: &[u8], count: usize, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
    let wrong = |what: &str| DecodeError::Malformed(what.to_owned());
    let answer: Answer =
        serde_json::from_slice(json).map_err(|_| wrong("it has no list of results"))?;
    let mut seen = vec![false; count];
    for entry in &answer.results {
        let place = usize::try_from(entry.index).ok().and_then(|index| seen.get_mut(index));
        match place {
            Some(seen) if !*seen && entry.relevance_score.is_finite() => *seen = true,
            _ => return Err(wrong("it numbers its results wrongly")),
        }
    }
    let ranked =
        |entry: &Entry| Ranked { index: entry.index, relevance_score: entry.relevance_score };
    let mut order: Vec<Ranked> = answer.results.iter().map(ranked).collect();
    order.sort_by(|a, b| b.relevance_score.total_cmp(&a.relevance_score));
    out.push(ChatEvent::Ranking(order));
    let meta = answer.meta.as_ref();
    let billed = meta.and_then(|meta| meta.billed_units.as_ref());
    let counted = meta.and_then(|meta| meta.tokens.as_ref()).or(billed);
    let tokens = answer
        .usage
        .and_then(|usage| usage.input_total())
        .or_else(|| counted.and_then(|tokens| tokens.input_tokens.known()));
    let searches = billed.and_then(|billed| billed.search_units.known());
    if tokens.is_some() || searches.is_some() {
        let prompt = tokens.unwrap_or_default();
        let requests = searches.unwrap_or(1);
        out.push(ChatEvent::Usage(Usage { prompt, requests, ..Usage::default() }));
    }
    Ok(())
}
