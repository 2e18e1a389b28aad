//! One test per thing that can happen to a generation.

use std::time::Duration;

use domain::generation::Outcome;
use domain::money::Usd;
use domain::usage::UsageSource;

use crate::world::{MODEL, World, rich};

#[tokio::test]
async fn an_answer_is_charged_what_its_usage_costs() {
    let world = rich().await;
    let text = world.ask("fast/8", 100, true).await.unwrap();
    assert!(text.trim_end().ends_with("data: [DONE]"), "{text}");
    world.is_at_rest().await;
    let settled = world.ledger.settled();
    let [settlement] = settled.as_slice() else { panic!("{settled:?}") };
    let generation = &settlement.generation;
    assert_eq!(generation.outcome, Outcome::Finished);
    assert_eq!(generation.usage_source, UsageSource::Provider);
    assert_eq!(generation.cost, generation.upstream_cost);
    assert_eq!(generation.cost, world.spent());
    assert!(generation.cost.is_positive());
    assert_eq!(generation.attempts.len(), 1);
}

#[tokio::test]
async fn falls_back_before_the_first_event() {
    // One internal error is forgiven: it is asked once more.
    for (fault, attempts) in [
        ("fault/500", 3),
        ("fault/429", 2),
        ("fault/refuse", 2),
        ("fault/error-body", 2),
        ("fault/malformed-first", 2),
    ] {
        let world = rich().await;
        world.endpoints(&[fault, "fast/4"]);
        let text = world.ask_model(Some(50), false).await.unwrap();
        assert!(text.contains("\"finish_reason\":\"stop\""), "{fault}: {text}");
        world.is_at_rest().await;
        let settled = world.ledger.settled();
        assert_eq!(settled.len(), 1, "{fault}");
        assert_eq!(settled[0].generation.attempts.len(), attempts, "{fault}");
    }
}

#[tokio::test]
async fn does_not_fall_back_after_the_first_event() {
    for fault in ["fault/truncate-after-3", "fault/malformed-after-2"] {
        let world = rich().await;
        world.endpoints(&[fault, "fast/4"]);
        let text = world.ask_model(Some(50), true).await.unwrap();
        assert!(text.contains("\"finish_reason\":\"error\""), "{fault}: {text}");
        world.is_at_rest().await;
        let settled = world.ledger.settled();
        assert_eq!(settled[0].generation.outcome, Outcome::Failed, "{fault}");
        assert_eq!(settled[0].generation.cost, Usd::ZERO, "{fault}");
    }
}

#[tokio::test]
async fn when_every_attempt_fails_the_last_failure_is_told_and_nothing_is_charged() {
    let world = rich().await;
    world.endpoints(&["fault/500", "fault/503"]);
    let error = world.ask_model(Some(50), false).await.unwrap_err();
    let public = error.to_public();
    assert!(matches!(public.status, 502 | 503), "{public:?}");
    assert!(public.metadata.contains_key("provider_name"));
    assert!(public.metadata.contains_key("previous_errors"));
    world.is_at_rest().await;
    assert_eq!(world.spent(), Usd::ZERO);
    let settled = world.ledger.settled();
    assert_eq!(settled[0].generation.outcome, Outcome::Failed);
    assert_eq!(settled[0].generation.attempts.len(), 3);
}

#[tokio::test]
async fn a_silent_endpoint_is_given_up_in_time() {
    let world = rich().await;
    world.endpoints(&["fault/hang", "fast/4"]);
    let text = world.ask_model(Some(50), false).await.unwrap();
    assert!(text.contains("\"finish_reason\":\"stop\""), "{text}");
    world.is_at_rest().await;
}

#[tokio::test]
async fn a_stream_that_falls_silent_ends_with_an_error() {
    let world = rich().await;
    world.endpoints(&["fault/hang-after-3"]);
    let text = world.ask_model(Some(50), true).await.unwrap();
    assert!(text.contains("\"finish_reason\":\"error\""), "{text}");
    world.is_at_rest().await;
    assert_eq!(world.spent(), Usd::ZERO);
}

#[tokio::test]
async fn an_upstream_that_counts_nothing_is_counted_here() {
    let world = rich().await;
    world.endpoints(&["fault/no-usage"]);
    world.ask_model(Some(200), true).await.unwrap();
    world.is_at_rest().await;
    let settled = world.ledger.settled();
    assert_eq!(settled[0].generation.usage_source, UsageSource::Estimated);
    assert!(settled[0].generation.usage.completion > 0);
    assert_eq!(settled[0].generation.cost, world.spent());
}

#[tokio::test]
async fn a_caller_that_leaves_pays_for_what_was_sent() {
    let world = rich().await;
    world.endpoints(&["fault/hang-after-3"]);
    let mut outbound = world.open(Some(50), true).await.unwrap();
    outbound.body.recv().await.unwrap();
    drop(outbound);
    world.is_at_rest().await;
    let settled = world.ledger.settled();
    assert_eq!(settled[0].generation.outcome, Outcome::Cancelled);
    assert_eq!(settled[0].generation.usage_source, UsageSource::Estimated);
    assert!(world.spent().is_positive());
    assert_eq!(settled[0].generation.cost, world.spent());
}

#[tokio::test]
async fn a_caller_that_leaves_before_the_first_event_pays_nothing() {
    let world = rich().await;
    world.endpoints(&["fault/hang"]);
    let asking = world.open(Some(50), true);
    let left = tokio::time::timeout(Duration::from_millis(50), asking).await;
    assert!(left.is_err(), "the upstream never answers");
    world.is_at_rest().await;
    assert_eq!(world.spent(), Usd::ZERO);
    assert_eq!(world.ledger.settled()[0].generation.outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn an_unknown_model_and_no_model_are_refused_without_a_hold() {
    let world = rich().await;
    let error = world.ask_for("nobody/nothing").await.unwrap_err();
    assert_eq!(error.to_public().status, 400);
    assert_eq!(error.to_public().message, "nobody/nothing is not a valid model ID");
    let error = world.ask_for("").await.unwrap_err();
    assert_eq!(error.to_public().status, 400);
    world.is_at_rest().await;
}

#[tokio::test]
async fn draining_ends_what_is_under_way() {
    let world = rich().await;
    world.endpoints(&["fault/hang-after-3"]);
    let mut outbound = world.open(Some(50), true).await.unwrap();
    let first = outbound.body.recv().await.unwrap();
    assert!(!first.is_empty());
    world.gateway.drain().await;
    let mut rest = Vec::new();
    while let Some(bytes) = outbound.body.recv().await {
        rest.extend_from_slice(&bytes);
    }
    let rest = String::from_utf8(rest).unwrap();
    assert!(rest.contains("shutting down"), "{rest}");
    assert_eq!(world.ledger.open_leases(), 0);
}

#[tokio::test]
async fn a_credential_that_a_provider_repeats_is_not_passed_on() {
    let world = rich().await;
    let error = world.ask("fault/echo-of-plaincredential", 10, false).await.unwrap_err();
    let text = format!("{:?}", error.to_public());
    assert!(text.contains("echo-of-[redacted]"), "{text}");
    assert!(!text.contains("plaincredential"), "{text}");
    world.is_at_rest().await;
}

#[tokio::test]
async fn models_are_fallbacks_although_providers_are_not() {
    let world = rich().await;
    world.endpoints(&["fault/500", "fast/4"]);
    // The second endpoint answers, so it is known to be fast; the failure is forgotten.
    world.ask_model(Some(10), false).await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    let mut body = World::body(MODEL, Some(10), false);
    body["provider"] = serde_json::json!({ "allow_fallbacks": false });
    assert!(world.ask_with(&body).await.is_err(), "one provider is tried");
    world.clock.advance(Duration::from_secs(60));
    body["models"] = serde_json::json!([format!("{MODEL}:nitro")]);
    world.ask_with(&body).await.unwrap();
    world.is_at_rest().await;
}

#[tokio::test]
async fn reasoning_is_left_out_where_the_caller_asks_for_that() {
    let world = rich().await;
    world.endpoints(&["some-model"]);
    for (stream, parameters, is_shown) in [
        (false, serde_json::json!({ "reasoning": { "effort": "low" } }), true),
        (false, serde_json::json!({ "reasoning": { "effort": "low", "exclude": true } }), false),
        (true, serde_json::json!({ "reasoning": { "effort": "low" } }), true),
        (true, serde_json::json!({ "reasoning_effort": "low", "include_reasoning": false }), false),
    ] {
        let mut body = World::body(MODEL, Some(400), stream);
        for (name, value) in parameters.as_object().unwrap() {
            body[name] = value.clone();
        }
        let text = world.ask_with(&body).await.unwrap();
        let has_reasoning = text.contains("\"reasoning\":\"");
        assert_eq!(has_reasoning, is_shown, "{parameters}: {text}");
    }
    world.is_at_rest().await;
}
