use control::ActivityFilter;
use domain::money::Usd;
use domain::time::Clock;

use crate::world::{World, refused};

#[tokio::test]
async fn generations_are_listed_newest_first_and_narrowed() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let activity = world.control.activity();
    world.control.credits().sandbox_top_up(&ada, Usd::from_dollars(10), "r1").await.unwrap();
    let (one, two) = (world.key(&ada, "one").await.key.id, world.key(&ada, "two").await.key.id);
    let cost = Usd::from_nanos(1_000);
    let first = world.generate(&ada, one, cost).await;
    world.advance(60);
    let between = world.clock.now();
    let second = world.generate(&ada, two, cost).await;
    world.advance(60);
    let third = world.generate(&ada, one, cost).await;

    let list = async |filter: ActivityFilter| {
        let page = activity.list(&ada, filter, None, 50).await.unwrap();
        page.items.into_iter().map(|generation| generation.id).collect::<Vec<_>>()
    };
    let all = [third.clone(), second.clone(), first.clone()];
    let none = ActivityFilter::default;
    assert_eq!(list(none()).await, all);
    let by_key = ActivityFilter { api_key: Some(one), ..none() };
    assert_eq!(list(by_key).await, [third.clone(), first.clone()]);
    let since = ActivityFilter { since: Some(between), ..none() };
    assert_eq!(list(since).await, [third, second]);
    let until = ActivityFilter { until: Some(between), ..none() };
    assert_eq!(list(until).await, [first]);
    let by_model = |model: &str| ActivityFilter { model: Some(model.to_owned()), ..none() };
    assert_eq!(list(by_model("openai/gpt-4o-mini")).await, all);
    assert!(list(by_model("openai/gpt-4o")).await.is_empty());
    assert!(list(by_model("no slug")).await.is_empty());

    let page = activity.list(&ada, none(), None, 2).await.unwrap();
    assert_eq!(page.items.len(), 2);
    let rest = activity.list(&ada, none(), page.next.as_deref(), 2).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
    assert_eq!(refused(activity.list(&ada, none(), Some("nonsense"), 2).await), "cursor");
}

#[tokio::test]
async fn another_workspaces_generation_is_not_found() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    let activity = world.control.activity();
    world.control.credits().sandbox_top_up(&ada, Usd::from_dollars(10), "r1").await.unwrap();
    let key = world.key(&ada, "laptop").await.key.id;
    let id = world.generate(&ada, key, Usd::from_nanos(1_000)).await;

    let found = activity.find(&ada, &id).await.unwrap().unwrap();
    assert_eq!(found.cost, Usd::from_nanos(1_000));
    assert_eq!(activity.find(&eve, &id).await.unwrap(), None);
    let filter = ActivityFilter { api_key: Some(key), ..ActivityFilter::default() };
    assert!(activity.list(&eve, filter, None, 50).await.unwrap().items.is_empty());
    // Deleting the key leaves the record of what it did.
    world.control.keys().delete(&ada, key).await.unwrap();
    assert!(activity.find(&ada, &id).await.unwrap().is_some());
}
