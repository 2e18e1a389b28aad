//! Documents in order.

use std::borrow::Cow;

use domain::catalog::Endpoint;
use protocol::chat::event::ChatEvent;
use protocol::chat::request::ChatRequest;
use protocol::json::{write_string, write_u64};
use protocol::rerank::{Ranked, RerankRequest};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::usage::WireUsage;
use super::{classify, embed};
use crate::adapter::Encoded;
use crate::body::{Body, post, write_list};
use crate::document::{Document, unreadable};
use crate::dropped::Dropped;
use crate::error::{DecodeError, EncodeError};

pub(super) fn encode(
    request: &ChatRequest,
    wanted: &RerankRequest,
    endpoint: &Endpoint,
    address: String,
) -> Result<Encoded, EncodeError> {
    let mut dropped = Dropped::translated(request)?;
    let mut body = Body::new(256, request, endpoint);
    let quirks = body.quirks;
    body.begin("model");
    write_string(&mut body.out, &endpoint.upstream_model);
    body.begin("query");
    write_string(&mut body.out, &wanted.query);
    body.begin("documents");
    write_list(&mut body.out, &wanted.documents, |out, document| {
        write_string(out, &text(document));
    });
    if let Some(top) = wanted.top_n
        && !body.is_set("top_n")
    {
        body.begin("top_n");
        write_u64(&mut body.out, u64::from(top));
    }
    for (name, value) in &wanted.parameters {
        match name.as_str() {
            "max_tokens_per_doc" | "priority" => body.raw(name, value.get()),
            _ => dropped.add(name)?,
        }
    }
    let request = post(address, body.finish()?, "application/json", quirks)?;
    let count = wanted.documents.len();
    let decoder =
        Document::new(move |json: &[u8], out: &mut Vec<ChatEvent>| read(json, count, out));
    Ok(Encoded { request, decoder: Box::new(decoder), dropped: dropped.into_names() })
}

/// Documents are text here: an object's `text` where it has nothing else, otherwise its JSON.
fn text(document: &RawValue) -> Cow<'_, str> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Only<'a> {
        #[serde(borrow)]
        text: Cow<'a, str>,
    }
    let json = document.get();
    serde_json::from_str::<Text<'_>>(json)
        .map(|Text(text)| text)
        .or_else(|_| serde_json::from_str::<Only<'_>>(json).map(|only| only.text))
        .unwrap_or(Cow::Borrowed(json))
}

#[derive(Deserialize)]
struct Answer {
    id: Option<String>,
    results: Option<Vec<Entry>>,
    meta: Option<WireUsage>,
}

#[derive(Deserialize)]
struct Entry {
    index: u32,
    relevance_score: f64,
}

fn read(json: &[u8], count: usize, out: &mut Vec<ChatEvent>) -> Result<(), DecodeError> {
    let answer: Answer = serde_json::from_slice(json).map_err(|error| unreadable(&error))?;
    let Some(results) = answer.results else {
        return Err(DecodeError::Upstream(classify::in_band(json)));
    };
    let mut seen = vec![false; count];
    for entry in &results {
        let place = usize::try_from(entry.index).ok().and_then(|index| seen.get_mut(index));
        match place {
            Some(seen) if !*seen && entry.relevance_score.is_finite() => *seen = true,
            _ => {
                let problem = "it numbers its results wrongly".to_owned();
                return Err(DecodeError::Malformed(problem));
            }
        }
    }
    let mut order: Vec<Ranked> = results
        .iter()
        .map(|entry| Ranked { index: entry.index, relevance_score: entry.relevance_score })
        .collect();
    order.sort_by(|a, b| b.relevance_score.total_cmp(&a.relevance_score));
    embed::say(answer.id, ChatEvent::Ranking(order), answer.meta, out);
    Ok(())
}
