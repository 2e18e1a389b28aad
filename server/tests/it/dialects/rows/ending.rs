//! How answers end, what they cost, and what goes wrong.

use super::{PLAIN, Proof, Row, ensure};
use crate::dialects::ask::Ask;
use crate::dialects::read::Finish;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "length",
        title: "cut at the bound on output",
        ask: || Ask { max_tokens: 32, ..Ask::question("Name three rivers.") },
        proof: Proof::Said(PLAIN, |said| {
            let choice = &said.choices[0];
            ensure(choice.finish == Finish::Length, || format!("{choice:?}"))
        }),
    },
    Row {
        id: "stop_sequence",
        title: "ended by a stop sequence",
        ask: || Ask { stop: vec!["END"], ..Ask::question("Name three rivers.") },
        proof: Proof::Said("show/stop-sequence", |said| {
            let choice = &said.choices[0];
            ensure(choice.finish == Finish::Stop, || format!("{choice:?}"))
        }),
    },
    Row {
        id: "content_filter",
        title: "ended by a content filter",
        ask: || Ask::question("Say something bad."),
        proof: Proof::Said("show/content-filter", |said| {
            let choice = &said.choices[0];
            ensure(choice.finish == Finish::ContentFilter, || format!("{choice:?}"))
        }),
    },
    Row {
        id: "refusal",
        title: "a refusal",
        ask: || Ask::question("Say something bad."),
        // Said in words of its own, or as the reason for which the answer ended.
        proof: Proof::Said("show/refusal", |said| {
            let choice = &said.choices[0];
            let is_refusal = !choice.refusal.is_empty() || choice.finish == Finish::ContentFilter;
            ensure(is_refusal, || format!("{choice:?}"))
        }),
    },
    Row {
        id: "citations",
        title: "citations",
        ask: || Ask::question("What does the web say of harbours?"),
        proof: Proof::Said("show/citations", |said| {
            let citations = &said.choices[0].citations;
            let are_urls = citations.iter().all(|url| url.starts_with("http"));
            ensure(!citations.is_empty() && are_urls, || format!("{citations:?}"))
        }),
    },
    Row {
        id: "usage",
        title: "usage: prompt and answer",
        ask: || Ask::question("Name three rivers."),
        proof: Proof::Said(PLAIN, |said| {
            let usage = said.usage;
            ensure(usage.prompt > 0 && usage.completion > 0, || format!("{usage:?}"))?;
            let cached =
                usage.cache_read.unwrap_or_default() + usage.cache_write.unwrap_or_default();
            ensure(cached <= usage.prompt, || format!("{usage:?}"))
        }),
    },
    Row {
        id: "service_tier",
        title: "`service_tier`",
        ask: || Ask { service_tier: Some("flex"), ..Ask::question("Name three rivers.") },
        proof: Proof::Understood(|seen| {
            let tier = seen.service_tier.as_deref();
            ensure(tier == Some("flex"), || format!("{tier:?}"))
        }),
    },
    Row {
        id: "rate_limited",
        title: "an error before the answer: a rate limit",
        ask: || Ask::question("Name three rivers."),
        proof: Proof::Fails("fault/429-retry-after-7", "rate_limit_exceeded"),
    },
    Row {
        id: "overloaded",
        title: "an error before the answer: the provider is down",
        ask: || Ask::question("Name three rivers."),
        proof: Proof::Fails("fault/500", "provider_unavailable"),
    },
    Row {
        id: "context_exceeded",
        title: "an error before the answer: the prompt is too long",
        ask: || Ask::question("Name three rivers."),
        proof: Proof::Fails("fault/400-context", "context_length_exceeded"),
    },
    Row {
        id: "error_inside",
        title: "an error inside the answer",
        ask: || Ask::question("Name three rivers."),
        proof: Proof::Breaks("fault/error-midstream-3"),
    },
    Row {
        id: "cut_off",
        title: "an answer that is cut off",
        ask: || Ask::question("Name three rivers."),
        proof: Proof::Breaks("fault/truncate-after-3"),
    },
];
