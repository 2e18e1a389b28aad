//! Token counts, to buckets that never overlap.

use domain::usage::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

/// No answer has more tokens than this: what claims to is a mistake.
const TOKENS_MAX: u64 = 1_000_000_000;

/// The counts so far. `message_start` states them, `message_delta` states some of them again,
/// and later ones replace earlier ones.
#[derive(Debug, Default)]
pub(super) struct Counts {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    cache_write_5m: Option<u64>,
    cache_write_1h: Option<u64>,
    thinking: Option<u64>,
    web_searches: Option<u64>,
}

/// Everything is verbatim first: a count of the wrong type is no reason to lose an answer.
#[derive(Deserialize)]
struct WireUsage<'a> {
    #[serde(borrow)]
    input_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    output_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_read_input_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_creation_input_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_creation: Option<&'a RawValue>,
    #[serde(borrow)]
    output_tokens_details: Option<&'a RawValue>,
    #[serde(borrow)]
    server_tool_use: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireDetails<'a> {
    #[serde(borrow)]
    ephemeral_5m_input_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    ephemeral_1h_input_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    web_search_requests: Option<&'a RawValue>,
}

fn count(raw: Option<&RawValue>) -> Option<u64> {
    let count: u64 = serde_json::from_str(raw?.get()).ok()?;
    Some(count.min(TOKENS_MAX))
}

impl Counts {
    pub(super) fn add(&mut self, raw: &RawValue) {
        let Ok(wire) = serde_json::from_str::<WireUsage<'_>>(raw.get()) else { return };
        let details = |raw: Option<&RawValue>, of: fn(&WireDetails<'_>) -> Option<u64>| {
            let details: WireDetails<'_> = serde_json::from_str(raw?.get()).ok()?;
            of(&details)
        };
        let later = |earlier: &mut Option<u64>, count: Option<u64>| *earlier = count.or(*earlier);
        later(&mut self.input, count(wire.input_tokens));
        later(&mut self.output, count(wire.output_tokens));
        later(&mut self.cache_read, count(wire.cache_read_input_tokens));
        later(&mut self.cache_write, count(wire.cache_creation_input_tokens));
        let writes = wire.cache_creation;
        later(
            &mut self.cache_write_5m,
            details(writes, |wire| count(wire.ephemeral_5m_input_tokens)),
        );
        later(
            &mut self.cache_write_1h,
            details(writes, |wire| count(wire.ephemeral_1h_input_tokens)),
        );
        let thinking = details(wire.output_tokens_details, |wire| count(wire.thinking_tokens));
        later(&mut self.thinking, thinking);
        let searches = details(wire.server_tool_use, |wire| count(wire.web_search_requests));
        later(&mut self.web_searches, searches);
    }

    /// None while nothing was counted at all.
    pub(super) fn usage(&self) -> Option<Usage> {
        let (input, output) = (self.input, self.output);
        if input.is_none() && output.is_none() {
            return None;
        }
        let output = output.unwrap_or(0);
        let reasoning = self.thinking.unwrap_or(0).min(output);
        let long = self.cache_write_1h.unwrap_or(0);
        let short = self.cache_write_5m.unwrap_or(0);
        // Older answers state the sum only, which was all short then.
        let unstated = self.cache_write.unwrap_or(0).saturating_sub(long.saturating_add(short));
        Some(Usage {
            prompt: input.unwrap_or(0),
            cache_read: self.cache_read.unwrap_or(0),
            cache_write_5m: short.saturating_add(unstated),
            cache_write_1h: long,
            completion: output - reasoning,
            reasoning,
            requests: 1,
            web_searches: self.web_searches.unwrap_or(0),
            ..Usage::default()
        })
    }
}
