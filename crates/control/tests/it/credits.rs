use control::{ControlError, Settings};
use domain::catalog::Catalog;
use domain::money::Usd;

use crate::world::{World, refused, settings};

fn dollars(amount: i64) -> Usd {
    Usd::from_dollars(amount)
}

#[tokio::test]
async fn a_top_up_counts_once_by_its_request() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let credits = world.control.credits();
    assert_eq!(credits.sandbox_top_up(&ada, dollars(5), "r1").await.unwrap().credits, dollars(5));
    assert_eq!(credits.sandbox_top_up(&ada, dollars(5), "r1").await.unwrap().credits, dollars(5));
    assert_eq!(credits.sandbox_top_up(&ada, dollars(2), "r2").await.unwrap().credits, dollars(7));
    // The same request of somebody else is another request.
    assert_eq!(credits.sandbox_top_up(&bob, dollars(3), "r1").await.unwrap().credits, dollars(3));
    assert_eq!(credits.balance(&ada).await.unwrap().available(), dollars(7));
    world.assert_balanced().await;
}

#[tokio::test]
async fn a_top_up_has_bounds_and_an_identity() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let credits = world.control.credits();
    for amount in [Usd::ZERO, dollars(-1), Usd::from_nanos(999_999_999), dollars(101), Usd::MAX] {
        assert_eq!(refused(credits.sandbox_top_up(&ada, amount, "r").await), "amount");
    }
    let long = "x".repeat(101);
    for request in ["", "a b", "é", "a\n", long.as_str()] {
        assert_eq!(refused(credits.sandbox_top_up(&ada, dollars(1), request).await), "request_id");
    }
    credits.sandbox_top_up(&ada, dollars(100), "r").await.unwrap();
}

#[tokio::test]
async fn a_switched_off_top_up_is_not_found() {
    let off = Settings { sandbox_top_up: false, ..settings() };
    let world = World::with(off, Catalog::default()).await;
    let ada = world.person("ada").await;
    let result = world.control.credits().sandbox_top_up(&ada, dollars(5), "r1").await;
    assert_eq!(result, Err(ControlError::NotFound));
    assert_eq!(world.control.credits().balance(&ada).await.unwrap().credits, Usd::ZERO);
}

#[tokio::test]
async fn history_is_the_workspaces_own_in_pages() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    let credits = world.control.credits();
    for request in ["r1", "r2", "r3"] {
        credits.sandbox_top_up(&ada, dollars(2), request).await.unwrap();
        world.advance(1);
    }
    let key = world.key(&ada, "laptop").await.key.id;
    world.generate(&ada, key, dollars(1)).await;

    let first = credits.history(&ada, None, 3).await.unwrap();
    let changes: Vec<Usd> = first.items.iter().map(|entry| entry.change).collect();
    assert_eq!(changes, [dollars(-1), dollars(2), dollars(2)]);
    assert_eq!(first.items[0].code, "settle");
    assert_eq!(first.items[1].code, "top_up");
    let rest = credits.history(&ada, first.next.as_deref(), 3).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
    // No limit asks for everything at once, and none asks for nothing.
    assert_eq!(credits.history(&ada, None, u32::MAX).await.unwrap().items.len(), 4);
    assert_eq!(credits.history(&ada, None, 0).await.unwrap().items.len(), 1);
    assert!(credits.history(&eve, None, 10).await.unwrap().items.is_empty());
    assert_eq!(refused(credits.history(&ada, Some("nonsense"), 3).await), "cursor");

    let balance = credits.balance(&ada).await.unwrap();
    assert_eq!((balance.credits, balance.used), (dollars(6), dollars(1)));
    world.assert_balanced().await;
}
