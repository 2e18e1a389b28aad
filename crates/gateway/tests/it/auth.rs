use std::sync::Arc;
use std::time::Duration;

use gateway::GatewayError;

use crate::world::{World, secret};

#[tokio::test]
async fn a_known_key_is_asked_for_once_until_it_is_old() {
    let world = World::new().await;
    let asked = world.keys.asked();
    for _ in 0..5 {
        world.gateway.authenticate(Some(secret())).await.unwrap();
    }
    assert_eq!(world.keys.asked(), asked + 1);
    world.clock.advance(Duration::from_secs(11));
    world.gateway.authenticate(Some(secret())).await.unwrap();
    assert_eq!(world.keys.asked(), asked + 2);
}

#[tokio::test]
async fn a_key_seen_lately_works_while_the_store_is_down_and_others_are_not_called_wrong() {
    let world = World::new().await;
    world.gateway.authenticate(Some(secret())).await.unwrap();
    world.keys.set_down(true);
    world.clock.advance(Duration::from_secs(60));
    world.gateway.authenticate(Some(secret())).await.unwrap();
    let stranger = format!("sk-ep-v1-{}", "0".repeat(64));
    let error = world.gateway.authenticate(Some(&stranger)).await.unwrap_err();
    assert!(matches!(error, GatewayError::Unavailable(_)));
    assert_eq!(error.to_public().status, 503);
}

#[tokio::test]
async fn disabling_takes_effect_at_once() {
    let world = World::new().await;
    let caller = world.gateway.authenticate(Some(secret())).await.unwrap();
    let mut disabled = Arc::unwrap_or_clone(caller);
    disabled.disabled = true;
    world.keys.insert(disabled.clone());
    world.gateway.forget_key(&disabled.key_hash);
    let error = world.gateway.authenticate(Some(secret())).await.unwrap_err();
    assert!(matches!(error, GatewayError::KeyDisabled));
}

#[tokio::test]
async fn what_is_no_key_never_reaches_the_store() {
    let world = World::new().await;
    let asked = world.keys.asked();
    for wrong in [None, Some(""), Some("  "), Some("sk-or-v1-abc"), Some(&"x".repeat(10_000))] {
        let error = world.gateway.authenticate(wrong).await.unwrap_err();
        assert_eq!(error.to_public().status, 401);
    }
    assert_eq!(world.keys.asked(), asked);
}
