//! How tokens are chosen. What a provider has no parameter for must be reported as dropped.

use sandbox::Understood;
use serde_json::{Value, json};

use super::{Check, Proof, Row, ensure};
use crate::dialects::ask::Ask;

/// A row for a parameter that is passed under a name of the provider's own.
macro_rules! parameter {
    ($name:literal, $value:expr) => {
        Row {
            id: $name,
            title: concat!("`", $name, "`"),
            ask: || Ask::question("Name three rivers.").sampling($name, $value),
            proof: Proof::Understood(|seen| is(seen, $name, &$value)),
        }
    };
}

pub(super) const ROWS: &[Row] = &[
    parameter!("temperature", json!(0.5)),
    parameter!("top_p", json!(0.75)),
    parameter!("top_k", json!(40)),
    parameter!("min_p", json!(0.25)),
    parameter!("top_a", json!(0.25)),
    parameter!("frequency_penalty", json!(0.5)),
    parameter!("presence_penalty", json!(0.5)),
    parameter!("repetition_penalty", json!(1.5)),
    parameter!("logit_bias", json!({ "1734": -5 })),
    parameter!("seed", json!(7)),
    Row {
        id: "max_tokens",
        title: "`max_tokens`",
        ask: || Ask { max_tokens: 321, ..Ask::question("Name three rivers.") },
        proof: Proof::Understood(|seen| {
            ensure(seen.max_tokens == Some(321), || format!("{:?}", seen.max_tokens))
        }),
    },
    Row {
        id: "stop",
        title: "`stop`",
        ask: || Ask { stop: vec!["END", "###"], ..Ask::question("Name three rivers.") },
        proof: Proof::Understood(|seen| {
            ensure(seen.stop == ["END", "###"], || format!("{:?}", seen.stop))
        }),
    },
    Row {
        id: "logprobs",
        title: "`logprobs`, in the answer",
        ask: || {
            Ask::question("Name three rivers.")
                .sampling("logprobs", json!(true))
                .sampling("top_logprobs", json!(2))
        },
        proof: Proof::Said("show/logprobs", |said| {
            let logprobs = &said.choices[0].logprobs;
            ensure(!logprobs.is_empty(), || "there are none".to_owned())
        }),
    },
    Row {
        id: "logprobs_alone",
        title: "`logprobs` without `top_logprobs`",
        ask: || Ask::question("Name three rivers.").sampling("logprobs", json!(true)),
        proof: Proof::Said("show/logprobs", |said| {
            let logprobs = &said.choices[0].logprobs;
            ensure(!logprobs.is_empty(), || "there are none".to_owned())
        }),
    },
];

fn is(seen: &Understood, name: &str, value: &Value) -> Check {
    let found = seen.sampling.get(name);
    let same = match (found, value.as_f64()) {
        (Some(found), Some(number)) => found.as_f64() == Some(number),
        (Some(found), None) => found == value,
        (None, _) => false,
    };
    ensure(same, || format!("{found:?}, sampling {:?}", seen.sampling))
}
