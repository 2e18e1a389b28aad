use control::keys::hash_secret;
use control::{Actor, ControlError, NewKey};
use domain::api_key::{LimitReset, SpendLimit};
use domain::money::Usd;
use domain::workspace::Role;

use crate::world::{World, refused};

fn limit(dollars: i64) -> SpendLimit {
    SpendLimit { amount: Usd::from_dollars(dollars), reset: LimitReset::Daily }
}

#[tokio::test]
async fn a_key_is_shown_once_and_found_by_its_hash() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let keys = world.control.keys();
    let new = NewKey { name: "  laptop ".to_owned(), limit: Some(limit(5)) };
    let created = keys.create(&ada, new).await.unwrap();
    assert_eq!(created.key.name, "laptop");
    assert!(!format!("{created:?}").contains(created.secret.expose()));

    let hash = hash_secret(created.secret.expose());
    let found = store::api_keys::find_by_hash(&world.db, &hash).await.unwrap().unwrap();
    assert_eq!(found.key, created.key);
    let [overview] = keys.list(&ada).await.unwrap().try_into().unwrap();
    assert_eq!(overview.key, created.key);
    assert_eq!(overview.spend, control::KeySpend::default());
}

#[tokio::test]
async fn what_was_spent_is_counted_by_key_and_window() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let dollar = Usd::from_dollars(1);
    world.control.credits().sandbox_top_up(&ada, Usd::from_dollars(10), "r1").await.unwrap();
    let (first, second) = (world.key(&ada, "first").await, world.key(&ada, "second").await);
    world.generate(&ada, first.key.id, dollar).await;
    world.advance(86_400);
    world.generate(&ada, first.key.id, dollar).await;

    let list = world.control.keys().list(&ada).await.unwrap();
    let spend = |id| list.iter().find(|overview| overview.key.id == id).unwrap().spend;
    assert_eq!(spend(first.key.id).total, Usd::from_dollars(2));
    assert_eq!(spend(first.key.id).daily, dollar);
    // The first was spent on a Sunday, the second on the Monday after.
    assert_eq!(spend(first.key.id).weekly, dollar);
    assert_eq!(spend(first.key.id).monthly, Usd::from_dollars(2));
    assert_eq!(spend(second.key.id).total, Usd::ZERO);
    world.assert_balanced().await;
}

#[tokio::test]
async fn every_change_is_written_and_announced() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let key = world.key(&ada, "old").await.key;
    let keys = world.control.keys();
    assert!(world.changed().is_empty(), "nobody can have cached a new key");
    world.advance(5);

    keys.rename(&ada, key.id, " new ").await.unwrap();
    keys.set_disabled(&ada, key.id, true).await.unwrap();
    keys.set_limit(&ada, key.id, Some(limit(2))).await.unwrap();
    assert_eq!(world.changed(), vec![key.hash.clone(); 3]);
    let [found] = keys.list(&ada).await.unwrap().try_into().unwrap();
    assert_eq!((found.key.name.as_str(), found.key.disabled), ("new", true));
    assert_eq!(found.key.limit, Some(limit(2)));
    assert!(found.key.updated_at > Some(key.created_at));

    keys.set_disabled(&ada, key.id, false).await.unwrap();
    keys.set_limit(&ada, key.id, None).await.unwrap();
    let [found] = keys.list(&ada).await.unwrap().try_into().unwrap();
    assert_eq!((found.key.disabled, found.key.limit), (false, None));
    world.changed();

    keys.delete(&ada, key.id).await.unwrap();
    assert_eq!(world.changed(), std::slice::from_ref(&key.hash));
    assert!(keys.list(&ada).await.unwrap().is_empty());
    assert!(store::api_keys::find_by_hash(&world.db, &key.hash).await.unwrap().is_none());
    assert_eq!(keys.delete(&ada, key.id).await, Err(ControlError::NotFound));
    assert_eq!(keys.rename(&ada, key.id, "x").await, Err(ControlError::NotFound));
}

#[tokio::test]
async fn another_workspaces_key_is_not_found() {
    let world = World::new().await;
    let (ada, eve) = (world.person("ada").await, world.person("eve").await);
    let key = world.key(&ada, "mine").await.key;
    let keys = world.control.keys();
    for result in [
        keys.rename(&eve, key.id, "stolen").await,
        keys.set_disabled(&eve, key.id, true).await,
        keys.set_limit(&eve, key.id, None).await,
        keys.delete(&eve, key.id).await,
    ] {
        assert_eq!(result, Err(ControlError::NotFound));
    }
    assert!(world.changed().is_empty());
    assert!(keys.list(&eve).await.unwrap().is_empty());
    assert_eq!(keys.list(&ada).await.unwrap()[0].key, key);
}

#[tokio::test]
async fn names_and_limits_are_checked() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let key = world.key(&ada, "laptop").await.key;
    let keys = world.control.keys();
    let long = "x".repeat(81);
    for name in ["", "  ", "a\nb", long.as_str()] {
        let new = NewKey { name: name.to_owned(), limit: None };
        assert_eq!(refused(keys.create(&ada, new).await), "name", "{name:?}");
        assert_eq!(refused(keys.rename(&ada, key.id, name).await), "name", "{name:?}");
    }
    for dollars in [0, -1] {
        let new = NewKey { name: "x".to_owned(), limit: Some(limit(dollars)) };
        assert_eq!(refused(keys.create(&ada, new).await), "limit");
        assert_eq!(refused(keys.set_limit(&ada, key.id, Some(limit(dollars))).await), "limit");
    }
}

#[tokio::test]
async fn a_member_makes_keys_and_does_not_administer_them() {
    let world = World::new().await;
    let owner = world.person("ada").await;
    let member = Actor { role: Role::Member, ..owner.clone() };
    let keys = world.control.keys();
    let key = world.key(&member, "mine").await.key;
    assert_eq!(keys.list(&member).await.unwrap().len(), 1);
    for result in [
        keys.rename(&member, key.id, "x").await,
        keys.set_disabled(&member, key.id, true).await,
        keys.set_limit(&member, key.id, None).await,
        keys.delete(&member, key.id).await,
    ] {
        assert_eq!(result, Err(ControlError::Denied));
    }
    let top_up = world.control.credits().sandbox_top_up(&member, Usd::from_dollars(1), "r").await;
    assert_eq!(top_up, Err(ControlError::Denied));
}

#[tokio::test]
async fn a_workspace_does_not_have_keys_without_end() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let first = world.key(&ada, "first").await.key;
    for n in 1_u8..=249 {
        for half in 0_u8..2 {
            let mut digest = [0; 32];
            digest[..2].copy_from_slice(&[n, half]);
            let mut key = first.clone();
            key.id = domain::id::ApiKeyId::new(key.created_at, world.random.as_ref());
            key.hash = domain::api_key::KeyHash::from_digest(digest);
            assert!(store::api_keys::insert(&world.db, &key, 500).await.unwrap());
        }
    }
    world.key(&ada, "the last").await;
    let new = NewKey { name: "one more".to_owned(), limit: None };
    let error = world.control.keys().create(&ada, new.clone()).await.unwrap_err();
    assert_eq!(error.status(), 409);
    world.control.keys().delete(&ada, first.id).await.unwrap();
    world.control.keys().create(&ada, new).await.unwrap();
}
