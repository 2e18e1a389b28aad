//! Who is asked first, and what is said about it.

use gateway::explain::Explanation;
use protocol::dialects::chat_completions;
use serde_json::{Value, json};

use crate::world::{World, rich, secret};

async fn explain(world: &World, members: &Value) -> Explanation {
    let mut body = World::body(crate::world::MODEL, Some(50), false);
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    let caller = world.gateway.authenticate(Some(secret())).await.unwrap();
    let request = chat_completions::decode(body.to_string().as_bytes()).unwrap();
    world.gateway.explain(&caller, &request).unwrap()
}

fn tags(explanation: &Explanation) -> Vec<(&str, bool)> {
    explanation.endpoints.iter().map(|e| (e.tag.as_str(), e.rank.is_some())).collect()
}

#[tokio::test]
async fn a_plan_names_every_endpoint_once_and_calls_nobody() {
    let world = rich().await;
    world.endpoints(&["fast/1", "fast/1", "fast/1"]);
    let plan = explain(&world, &json!({"provider": {"ignore": ["p1"]}})).await;
    assert_eq!(tags(&plan), [("p0", true), ("p2", true), ("p1", false)]);
    let out = plan.endpoints[2].excluded.as_ref().unwrap();
    assert_eq!(out.constraint, "allowed_providers");
    let shares: f64 = plan.endpoints.iter().filter_map(|e| e.score.as_ref()?.share).sum();
    assert!((shares - 1.0).abs() < 1e-9, "{shares}");
    assert_eq!(plan.strategy, "balanced");
    assert_eq!(world.upstream_requests().await, 0);
    world.is_at_rest().await;
}

#[tokio::test]
async fn without_fallbacks_one_is_left() {
    let world = rich().await;
    world.endpoints(&["fast/1", "fast/1"]);
    let plan = explain(&world, &json!({"provider": {"allow_fallbacks": false}})).await;
    assert_eq!(tags(&plan), [("p0", true), ("p1", false)]);
    world.is_at_rest().await;
}

#[tokio::test]
async fn what_failed_goes_to_the_back_and_one_request_finds_out() {
    let world = rich().await;
    world.endpoints(&["fault/503", "fast/1"]);
    world.ask_model(Some(50), false).await.unwrap();
    let plan = explain(&world, &json!({})).await;
    assert_eq!(tags(&plan), [("p1", true), ("p0", true)]);
    assert_eq!(plan.endpoints[1].score.as_ref().unwrap().standing, "demoted");
    assert!(plan.endpoints[1].score.as_ref().unwrap().share.is_none());
    // While it is at the back nobody pays for it.
    let before = world.upstream_requests().await;
    world.ask_model(Some(50), false).await.unwrap();
    assert_eq!(world.upstream_requests().await, before + 1);
    world.clock.advance(std::time::Duration::from_secs(31));
    let plan = explain(&world, &json!({})).await;
    assert_eq!(plan.endpoints[0].score.as_ref().unwrap().standing, "half_open");
    world.ask_model(Some(50), false).await.unwrap();
    assert_eq!(world.upstream_requests().await, before + 3, "one found out that it is still down");
    world.ask_model(Some(50), false).await.unwrap();
    assert_eq!(world.upstream_requests().await, before + 4);
    world.is_at_rest().await;
}

#[tokio::test]
async fn a_stated_order_is_kept_whatever_failed() {
    let world = rich().await;
    world.endpoints(&["fault/503", "fast/1"]);
    world.ask_model(Some(50), false).await.unwrap();
    let plan = explain(&world, &json!({"provider": {"order": ["p0"]}})).await;
    assert_eq!(tags(&plan), [("p0", true), ("p1", true)]);
    world.is_at_rest().await;
}

#[tokio::test]
async fn names_that_stand_for_a_choice_lead_to_a_model() {
    let world = rich().await;
    world.endpoints(&["fast/1"]);
    let plan = explain(&world, &json!({"model": "~test/model-latest"})).await;
    assert_eq!(plan.models, [crate::world::MODEL]);
    let plan = explain(&world, &json!({"model": "openrouter/auto"})).await;
    assert_eq!(plan.models, [crate::world::MODEL]);
    let router = plan.router.unwrap();
    assert_eq!((router.name, router.task_type), ("entrepot/auto", "conversation"));
    assert!(router.why.contains(crate::world::MODEL), "{}", router.why);
    let body = World::body("entrepot/auto", Some(50), false);
    assert!(world.ask_with(&body).await.unwrap().contains("\"model\":\"test/model\""));
    for nobody in ["~test/other-latest", "~test/model", "entrepot/free", "test/model:extended"] {
        let body = World::body(nobody, Some(50), false);
        let error = world.ask_with(&body).await.unwrap_err().to_public();
        assert!(matches!(error.status, 400 | 404), "{nobody}: {error:?}");
    }
    world.is_at_rest().await;
}

#[tokio::test]
async fn thinking_is_switched_on_by_name() {
    let world = rich().await;
    world.endpoints(&["sandbox/ordinary"]);
    let body = World::body("test/model:thinking", Some(200), false);
    let answer: Value = serde_json::from_str(&world.ask_with(&body).await.unwrap()).unwrap();
    assert!(answer["choices"][0]["message"]["reasoning"].is_string(), "{answer}");
    world.is_at_rest().await;
}
