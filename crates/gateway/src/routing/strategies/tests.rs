//! Candidates in, order out.

use std::sync::Arc;
use std::time::Duration;

use domain::money::Usd;
use domain::routing::{ProviderPreferences, Sort, SortBy};
use domain::time::Timestamp;
use protocol::error::ErrorType;
use providers::error::{Retry, UpstreamError};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::routing::stats::Stats;
use crate::testing::endpoint;

/// Candidates from `(provider, dollars)`, sharing one set of statistics.
fn candidates(list: &[(&str, i64)]) -> Vec<Candidate> {
    let stats = Stats::new(Duration::from_secs(30));
    list.iter()
        .map(|(slug, dollars)| {
            let endpoint = endpoint(slug);
            Candidate {
                stats: stats.of(&endpoint),
                endpoint: Arc::new(endpoint),
                price: Usd::from_dollars(*dollars),
                quote: Usd::from_dollars(*dollars),
            }
        })
        .collect()
}

fn down() -> UpstreamError {
    UpstreamError {
        kind: ErrorType::ProviderUnavailable,
        retry: Retry::Other,
        status: Some(502),
        provider_code: None,
        raw: None,
        message: "down".into(),
    }
}

fn rank(
    strategy: &dyn Strategy,
    mut candidates: Vec<Candidate>,
    order: &[String],
    seed: u64,
) -> Vec<String> {
    let rng = ChaCha8Rng::seed_from_u64(seed);
    strategy.rank(&mut candidates, &mut RouteContext { order, rng });
    candidates.into_iter().map(|candidate| candidate.endpoint.provider.slug.clone()).collect()
}

#[test]
fn price_puts_the_cheapest_first() {
    let list = candidates(&[("b", 2), ("c", 3), ("a", 1)]);
    assert_eq!(rank(&price::Price, list, &[], 0), ["a", "b", "c"]);
}

#[test]
fn balanced_draws_with_the_inverse_square_of_the_price() {
    let draws = 10_000_u64;
    let cheap = (0..draws)
        .filter(|seed| {
            let list = candidates(&[("dear", 3), ("cheap", 1)]);
            rank(&balanced::Balanced, list, &[], *seed)[0] == "cheap"
        })
        .count();
    // Nine in ten; four standard deviations of a binomial are 120.
    assert!((8_880..=9_120).contains(&cheap), "{cheap}");
}

#[test]
fn balanced_keeps_what_was_not_drawn_in_order_of_price() {
    for seed in 0..100 {
        let list = candidates(&[("c", 4), ("a", 2), ("b", 3)]);
        let order = rank(&balanced::Balanced, list, &[], seed);
        let mut rest = order[1..].to_vec();
        rest.sort();
        assert_eq!(rest, order[1..], "{order:?}");
    }
}

#[test]
fn balanced_is_the_same_for_the_same_seed() {
    let once = |seed| rank(&balanced::Balanced, candidates(&[("a", 1), ("b", 1)]), &[], seed);
    assert!((0..50).all(|seed| once(seed) == once(seed)));
    assert!((0..50).any(|seed| once(seed) != once(0)));
}

#[test]
fn balanced_takes_what_is_free() {
    for seed in 0..50 {
        let list = candidates(&[("paid", 1), ("free", 0)]);
        assert_eq!(rank(&balanced::Balanced, list, &[], seed)[0], "free");
    }
}

#[test]
fn latency_and_throughput_put_measured_endpoints_first() {
    let now = Timestamp::from_seconds(1_000);
    let list = candidates(&[("unknown", 1), ("slow", 2), ("quick", 3)]);
    list[1].stats.answered(now, 900);
    list[1].stats.produced(now, 100, 10_000);
    list[2].stats.answered(now, 100);
    list[2].stats.produced(now, 100, 1_000);
    let expected = ["quick", "slow", "unknown"];
    assert_eq!(rank(&latency::Latency, list.clone(), &[], 0), expected);
    assert_eq!(rank(&throughput::Throughput, list, &[], 0), expected);
}

#[test]
fn an_order_matches_providers_and_tags_and_keeps_the_rest() {
    let list = candidates(&[("a", 1), ("b", 2), ("c", 3)]);
    let order = ["c/fast".to_owned(), "b".to_owned()];
    assert_eq!(rank(&ordered::Ordered, list, &order, 0), ["c", "b", "a"]);
}

#[test]
fn a_request_chooses_its_strategy() {
    let mut preferences = ProviderPreferences::default();
    assert_eq!(choose(&preferences, &[]).id(), "balanced");
    assert_eq!(choose(&preferences, &[Variant::Nitro]).id(), "throughput");
    assert_eq!(choose(&preferences, &[Variant::Floor]).id(), "price");
    preferences.sort = Some(Sort::By(SortBy::Latency));
    assert_eq!(choose(&preferences, &[Variant::Nitro]).id(), "latency");
    preferences.order = Some(vec!["a".into()]);
    assert_eq!(choose(&preferences, &[]).id(), "ordered");
}

#[test]
fn an_endpoint_that_failed_is_demoted_for_a_while() {
    let list = candidates(&[("a", 1)]);
    let now = Timestamp::from_seconds(1_000);
    assert!(!list[0].stats.is_demoted(now));
    list[0].stats.failed(now, &down());
    assert!(list[0].stats.is_demoted(now.plus(Duration::from_secs(29))));
    assert!(!list[0].stats.is_demoted(now.plus(Duration::from_secs(31))));
    list[0].stats.failed(now, &down());
    let later = now.plus(Duration::from_secs(31));
    assert!(list[0].stats.claim(later));
    list[0].stats.answered(later, 10);
    assert!(!list[0].stats.is_demoted(later));
}

/// `docs/ROUTING.md` tells users how requests are shared out.
#[test]
fn the_worked_example_is_true() {
    const PAGE: &str = include_str!("../../../../../docs/ROUTING.md");
    let list = candidates(&[("one", 1), ("two", 2), ("three", 3)]);
    for (candidate, dollars) in list.iter().zip(1..) {
        let percent = share(candidate, list.iter()) * 100.0;
        let line =
            format!("| {} | ${dollars} | {percent:.1} % |", candidate.endpoint.provider.slug);
        assert!(PAGE.contains(&line), "{line}");
    }
}
