//! Probabilities of tokens, in the form of chat completions.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Logprobs {
    chosen_candidates: Vec<Token>,
    top_candidates: Vec<Top>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Token {
    token: String,
    log_probability: f64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Top {
    candidates: Vec<Token>,
}

#[derive(Serialize)]
struct Written<'a> {
    content: Vec<Chosen<'a>>,
    refusal: (),
}

#[derive(Serialize)]
struct Chosen<'a> {
    #[serde(flatten)]
    token: Likely<'a>,
    top_logprobs: Vec<Likely<'a>>,
}

#[derive(Serialize)]
struct Likely<'a> {
    token: &'a str,
    logprob: f64,
    bytes: &'a [u8],
}

impl Logprobs {
    pub(super) fn write(self) -> Option<Box<RawValue>> {
        if self.chosen_candidates.is_empty() {
            return None;
        }
        let tops = self.top_candidates.iter().map(Some).chain(std::iter::repeat(None));
        let content = self.chosen_candidates.iter().zip(tops).map(|(token, top)| Chosen {
            token: likely(token),
            top_logprobs: top
                .map_or_else(Vec::new, |top| top.candidates.iter().map(likely).collect()),
        });
        to_raw_value(&Written { content: content.collect(), refusal: () }).ok()
    }
}

fn likely(token: &Token) -> Likely<'_> {
    Likely { token: &token.token, logprob: token.log_probability, bytes: token.token.as_bytes() }
}
