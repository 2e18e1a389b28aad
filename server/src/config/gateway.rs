//! `[gateway]`: the bounds of a generation, as the gateway takes them.

use gateway::Settings;

use super::section::Section;

pub(super) fn read(section: &Section<'_>) -> Settings {
    let count = |key, range| usize::try_from(section.count(key, range)).unwrap_or(usize::MAX);
    let settings = Settings {
        attempts_max: section.count("attempts_max", 1..=20),
        deadline: section.duration("deadline"),
        connect_timeout: section.duration("connect_timeout"),
        first_event_timeout: section.duration("first_event_timeout"),
        idle_timeout: section.duration("idle_timeout"),
        downstream_stall_timeout: section.duration("stall_timeout"),
        keep_alive_interval: section.duration("keep_alive_interval"),
        downstream_chunks: count("downstream_chunks", 1..=10_000),
        generations_max: count("generations_max", 1..=1_000_000),
        fetch_timeout: section.duration("fetch_timeout"),
        fetch_bytes_max: section.bytes("fetch_bytes_max"),
        fetch_total_bytes_max: section.bytes("fetch_total_bytes_max"),
        allow_private_addresses: section.flag("allow_private_addresses"),
        unary_body_bytes_max: section.bytes("answer_bytes_max"),
        demotion: section.duration("demotion"),
        key_cache_ttl: section.duration("key_cache_ttl"),
        key_cache_stale: section.duration("key_cache_stale"),
        key_cache_capacity: section.count("key_cache_max", 1..=10_000_000).into(),
        lease_ttl: section.duration("lease_ttl"),
        lease_idle: section.duration("lease_idle"),
        lease_min: section.usd("lease_min"),
        lease_max: section.usd("lease_max"),
        open_output_tokens: section.count("open_output_tokens", 1..=1_000_000),
        settle_delay: section.duration("settle_delay"),
        settle_batch_max: count("settle_batch_max", 1..=10_000),
        settle_queue_max: count("settle_queue_max", 1..=10_000_000),
    };
    if settings.lease_min > settings.lease_max {
        section.reject("lease_min", "must not be more than `gateway.lease_max`");
    }
    if settings.lease_idle >= settings.lease_ttl {
        section.reject("lease_idle", "must be shorter than `gateway.lease_ttl`");
    }
    settings
}
