//! Prefixes that providers remember.

use sandbox::{CacheMark, Part, Understood};

use super::tools::weather;
use super::{Check, Proof, Row, ensure};
use crate::dialects::ask::{Ask, Mark, Part as AskPart, Text, Tool, Turn};

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "mark_system",
        title: "a mark on a system message",
        ask: || Ask { system: vec![Text::marked(LONG, Mark::FiveMinutes)], ..Ask::question("Hi.") },
        proof: Proof::Understood(|seen| {
            let marks: Vec<_> = seen.system.iter().filter_map(Part::cache).collect();
            is_marked(&marks, false)
        }),
    },
    Row {
        id: "mark_message",
        title: "a mark in the conversation, for an hour",
        ask: || {
            let parts =
                vec![AskPart::Text(Text::marked(LONG, Mark::OneHour)), AskPart::text("Hi.")];
            Ask { turns: vec![Turn::User { parts, name: None }], ..Ask::question("") }
        },
        proof: Proof::Understood(|seen| is_marked(&marks(seen), true)),
    },
    Row {
        id: "mark_tool",
        title: "a mark on a tool",
        ask: || {
            let tool = Tool { mark: Some(Mark::FiveMinutes), ..weather() };
            Ask::question("What is the weather in Oslo?").with_tools(vec![tool])
        },
        proof: Proof::Understood(|seen| {
            let marks: Vec<_> = seen.tools.iter().filter_map(|tool| tool.cache.as_ref()).collect();
            is_marked(&marks, false)
        }),
    },
    Row {
        id: "mark_request",
        title: "a mark on the request as a whole",
        ask: || Ask { cache_all: true, system: vec![Text::plain(LONG)], ..Ask::question("Hi.") },
        proof: Proof::Understood(|seen| {
            let found = seen.automatic_cache.is_some()
                || !marks(seen).is_empty()
                || seen.system.iter().any(|part| part.cache().is_some());
            ensure(found, || "there is no mark".to_owned())
        }),
    },
    Row {
        id: "automatic_mark",
        title: "a long system message, marked for those who did not",
        ask: || {
            Ask {
                system: vec![Text { text: LONG.repeat(400), mark: None }],
                ..Ask::question("One?")
            }
            .after(Turn::assistant("Two."))
            .after(Turn::user("Three?"))
        },
        proof: Proof::Understood(|seen| {
            let found = seen.automatic_cache.is_some()
                || seen.system.iter().any(|part| part.cache().is_some());
            ensure(found, || "there is no mark".to_owned())
        }),
    },
    Row {
        id: "cache_counts",
        title: "tokens read from a cache, in the usage",
        ask: || Ask {
            system: vec![Text { text: LONG.repeat(400), mark: Some(Mark::FiveMinutes) }],
            ..Ask::question("Hi.")
        },
        proof: Proof::Said("show/cache", |said| {
            let read = said.usage.cache_read.unwrap_or_default();
            ensure(read > 0 && read <= said.usage.prompt, || format!("{:?}", said.usage))
        }),
    },
];

const LONG: &str = "You answer questions about harbours, ships and their cargo. ";

fn marks(seen: &Understood) -> Vec<&CacheMark> {
    seen.turns.iter().flat_map(|turn| &turn.parts).filter_map(Part::cache).collect()
}

/// Marked once, for as long as was asked where the provider knows of hours.
fn is_marked(marks: &[&CacheMark], for_an_hour: bool) -> Check {
    let [mark] = marks else { return Err(format!("{marks:?}")) };
    let is_hour = mark.ttl.as_deref() == Some("1h");
    ensure(is_hour == for_an_hour, || format!("{mark:?}"))
}
