//! `logprobs` as text completions have them: columns instead of rows.

use std::borrow::Cow;

use bytes::BytesMut;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Log probabilities in the form of chat completions.
#[derive(Deserialize)]
struct Logprobs<'a> {
    #[serde(borrow)]
    content: Option<Vec<Token<'a>>>,
}

#[derive(Deserialize)]
struct Token<'a> {
    #[serde(borrow, rename = "token")]
    text: Cow<'a, str>,
    logprob: Option<f64>,
    #[serde(borrow, default)]
    top_logprobs: Vec<Alternative<'a>>,
}

#[derive(Deserialize)]
struct Alternative<'a> {
    #[serde(borrow)]
    token: Cow<'a, str>,
    logprob: Option<f64>,
}

/// Writes them, or `null` where there are none. `offset` is the place of the first token in the
/// text, in characters, and becomes that of the next.
pub(super) fn write(out: &mut BytesMut, chat: &str, offset: &mut usize) {
    use std::fmt::Write as _;
    let Some(content) = serde_json::from_str::<Logprobs<'_>>(chat).ok().and_then(|l| l.content)
    else {
        out.extend_from_slice(b"null");
        return;
    };
    let mut offsets = Vec::with_capacity(content.len());
    let mut tops = Vec::with_capacity(content.len());
    let (mut tokens, mut logprobs) = (Vec::new(), Vec::new());
    for token in content {
        offsets.push(*offset);
        *offset += token.text.chars().count();
        let top: Map<String, Value> = token
            .top_logprobs
            .into_iter()
            .map(|other| (other.token.into_owned(), other.logprob.into()))
            .collect();
        tops.push(if top.is_empty() { Value::Null } else { top.into() });
        tokens.push(token.text.into_owned());
        logprobs.push(token.logprob);
    }
    let columns = json!({
        "tokens": tokens,
        "token_logprobs": logprobs,
        "top_logprobs": tops,
        "text_offset": offsets,
    });
    // A buffer that grows refuses nothing.
    let _ = write!(out, "{columns}");
}
