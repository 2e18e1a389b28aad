//! Bytes to a canonical request for an order.

use serde_json::value::RawValue;

use crate::chat::media;
use crate::chat::request::{ChatRequest, Kind};
use crate::dialects::check::{
    ANY_TEXT, Rule, allow, boolean, invalid, list, members, read_body, read_count, read_models,
    read_text, take_ours, text,
};
use crate::error::PublicError;
use crate::rerank::RerankRequest;

/// What is ranked: each a JSON string, or an object.
pub type Documents = Vec<Box<RawValue>>;

/// No provider orders more at once.
const DOCUMENTS_MAX: usize = 10_000;

/// Reads the body of a request for an order. Gives the documents too, where the answer repeats
/// them.
pub fn decode(body: &[u8]) -> Result<(ChatRequest, Option<Documents>), PublicError> {
    let mut request = ChatRequest::default();
    // The answer repeats the documents unless it is told not to.
    let mut asked = RerankRequest { return_documents: true, ..RerankRequest::default() };
    let (mut has_query, mut documents) = (false, None);
    let example = "{\"model\": …, \"query\": …, \"documents\": […]}";
    for (name, raw) in read_body(body, example)? {
        match name.as_str() {
            "top_n" | "return_documents" | "models" if raw.get() == "null" => {}
            "query" => {
                asked.query = read_text(&name, &raw, usize::MAX)?;
                has_query = !asked.query.trim().is_empty();
            }
            "documents" => documents = Some(read_documents(&raw)?),
            "top_n" => asked.top_n = Some(read_count(&name, &raw, i64::from(u32::MAX))?),
            "return_documents" => {
                Rule::Boolean.check(&name, &raw)?;
                asked.return_documents = boolean(&raw).unwrap_or(true);
            }
            "models" => request.models = read_models(&name, &raw)?,
            _ if take_ours(&mut request, &name, &raw)? => {}
            _ => asked.parameters.push((name, raw)),
        }
    }
    if !has_query {
        return Err(invalid("query", "is missing and must be text"));
    }
    asked.documents = documents.ok_or_else(|| {
        invalid("documents", "is missing and must be a list of texts, or of objects with `text`")
    })?;
    let repeated = asked.return_documents.then(|| asked.documents.clone());
    request.kind = Kind::Rerank(Box::new(asked));
    Ok((request, repeated))
}

fn read_documents(raw: &RawValue) -> Result<Documents, PublicError> {
    let Some(documents) = list(raw) else {
        return Err(invalid("documents", "must be a list of texts, or of objects with `text`"));
    };
    if documents.is_empty() || documents.len() > DOCUMENTS_MAX {
        return Err(invalid(
            "documents",
            &format!("must hold from 1 to {DOCUMENTS_MAX} documents"),
        ));
    }
    for (index, document) in documents.iter().enumerate() {
        check_document(&format!("documents[{index}]"), document)?;
    }
    Ok(documents.into_iter().map(RawValue::to_owned).collect())
}

fn check_document(field: &str, raw: &RawValue) -> Result<(), PublicError> {
    if text(raw).is_some() {
        return Ok(());
    }
    let Some(document) = members(raw) else {
        return Err(invalid(field, "must be text or an object with `text`"));
    };
    allow(&document, field, "text", &ANY_TEXT)?;
    allow(
        &document,
        field,
        "image",
        &Rule::Custom(|field, raw| match text(raw) {
            Some(url) => media::check_image(field, &url),
            None => Err(invalid(field, "must be text")),
        }),
    )?;
    match (document.find("text"), document.find("image")) {
        (None, None) => Err(invalid(field, "must have `text` or `image`")),
        _ => Ok(()),
    }
}
