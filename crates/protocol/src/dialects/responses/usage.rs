//! What an answer used and cost.

use bytes::BytesMut;
use domain::money::Usd;

use super::wire::put;
use crate::dialects::Summary;
use crate::json::{write_u64, write_usd};

/// Totals contain their details, as in OpenAI's shape; ours are disjoint.
pub(super) fn write_usage(out: &mut BytesMut, summary: &Summary) {
    let usage = &summary.usage;
    let count = |out: &mut BytesMut, name: &str, number: u64| {
        put(out, &[name]);
        write_u64(out, number);
    };
    let amount = |out: &mut BytesMut, name: &str, usd: Usd| {
        put(out, &[name]);
        write_usd(out, usd);
    };
    let cache_write = usage.cache_write_5m.saturating_add(usage.cache_write_1h);
    let (input, output) = (summary.upstream_prompt_cost, summary.upstream_completion_cost);
    count(out, "{\"input_tokens\":", usage.prompt_total());
    count(out, ",\"input_tokens_details\":{\"cached_tokens\":", usage.cache_read);
    count(out, ",\"cache_write_tokens\":", cache_write);
    count(out, "},\"output_tokens\":", usage.completion_total());
    count(out, ",\"output_tokens_details\":{\"reasoning_tokens\":", usage.reasoning);
    count(out, "},\"total_tokens\":", usage.total());
    amount(out, ",\"cost\":", summary.cost);
    put(out, &[",\"is_byok\":false"]);
    let upstream = input.saturating_add(output);
    amount(out, ",\"cost_details\":{\"upstream_inference_cost\":", upstream);
    amount(out, ",\"upstream_inference_input_cost\":", input);
    amount(out, ",\"upstream_inference_output_cost\":", output);
    put(out, &["}}"]);
}
