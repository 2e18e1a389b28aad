use domain::api_key::{ApiKey, LimitReset, SpendLimit};
use domain::id::ApiKeyId;
use domain::workspace::Billing;
use store::api_keys::{
    delete, find, find_by_hash, insert, list, rename, set_disabled, set_limit, touch,
};
use store::{Constraint, StoreError};
use tokio::task::JoinSet;

use crate::fixture::{NOW, fixtures, new_key, new_user, seconds, usd};

#[tokio::test]
async fn a_key_is_found_by_its_hash_with_how_its_workspace_pays() {
    for fixture in fixtures().await {
        let (db, key) = (fixture.db(), &fixture.key);
        let found = find_by_hash(db, &key.hash).await.unwrap().unwrap();
        assert_eq!((&found.key, found.billing), (key, Billing::Prepaid));
        store::workspaces::set_billing(db, key.workspace_id, Billing::Unmetered).await.unwrap();
        let found = find_by_hash(db, &key.hash).await.unwrap().unwrap();
        assert_eq!(found.billing, Billing::Unmetered);
        let other = new_key(&*fixture.random, fixture.user.id, fixture.workspace.id);
        assert_eq!(find_by_hash(db, &other.hash).await.unwrap(), None);
    }
}

#[tokio::test]
async fn keys_are_listed_newest_first() {
    for fixture in fixtures().await {
        let db = fixture.db();
        let mut keys = vec![fixture.key.clone()];
        for age in 1..4 {
            let limit = SpendLimit { amount: usd(5), reset: LimitReset::Monthly };
            let key = ApiKey {
                created_at: NOW.plus(seconds(age)),
                limit: Some(limit),
                disabled: true,
                updated_at: Some(NOW),
                last_used_at: Some(NOW),
                ..new_key(&*fixture.random, fixture.user.id, fixture.workspace.id)
            };
            insert(db, &key, 10).await.unwrap();
            keys.insert(0, key);
        }
        assert_eq!(list(db, fixture.workspace.id).await.unwrap(), keys);
    }
}

#[tokio::test]
async fn a_hash_is_unique() {
    for fixture in fixtures().await {
        let twin = ApiKey {
            hash: fixture.key.hash.clone(),
            ..new_key(&*fixture.random, fixture.user.id, fixture.workspace.id)
        };
        let refused = insert(fixture.db(), &twin, 10).await;
        assert!(matches!(refused, Err(StoreError::Conflict(Constraint::KeyHash))));
    }
}

#[tokio::test]
async fn a_key_is_renamed_disabled_and_limited_by_its_workspace_only() {
    for fixture in fixtures().await {
        let (db, ws, id) = (fixture.db(), fixture.workspace.id, fixture.key.id);
        let other = new_user(&*fixture.random, "bob@example.com");
        store::users::insert(db, &other).await.unwrap();
        let theirs = other.workspace.id;
        let later = NOW.plus(seconds(9));
        let limit = Some(SpendLimit { amount: usd(7), reset: LimitReset::Weekly });

        assert!(!rename(db, theirs, id, "stolen", later).await.unwrap());
        assert!(!set_disabled(db, theirs, id, true, later).await.unwrap());
        assert!(!set_limit(db, theirs, id, limit, later).await.unwrap());
        assert_eq!(delete(db, theirs, id, later).await.unwrap(), None);
        assert_eq!(find(db, theirs, id).await.unwrap(), None);
        assert_eq!(find(db, ws, id).await.unwrap().as_ref(), Some(&fixture.key));

        assert!(rename(db, ws, id, "mine", later).await.unwrap());
        assert!(set_disabled(db, ws, id, true, later).await.unwrap());
        assert!(set_limit(db, ws, id, limit, later).await.unwrap());
        let expected = ApiKey {
            name: "mine".to_owned(),
            disabled: true,
            limit,
            updated_at: Some(later),
            ..fixture.key.clone()
        };
        assert_eq!(find(db, ws, id).await.unwrap(), Some(expected));
        assert!(set_limit(db, ws, id, None, later).await.unwrap());
        assert_eq!(find(db, ws, id).await.unwrap().unwrap().limit, None);
    }
}

#[tokio::test]
async fn a_deleted_key_is_gone_and_its_hash_is_free() {
    for fixture in fixtures().await {
        let (db, ws, key) = (fixture.db(), fixture.workspace.id, &fixture.key);
        assert_eq!(delete(db, ws, key.id, NOW).await.unwrap().as_ref(), Some(&key.hash));
        assert_eq!(delete(db, ws, key.id, NOW).await.unwrap(), None);
        assert_eq!(find(db, ws, key.id).await.unwrap(), None);
        assert_eq!(find_by_hash(db, &key.hash).await.unwrap(), None);
        assert_eq!(list(db, ws).await.unwrap(), []);
        assert!(!rename(db, ws, key.id, "x", NOW).await.unwrap());
        let again = ApiKey { id: ApiKeyId::new(NOW, &*fixture.random), ..key.clone() };
        insert(db, &again, 10).await.unwrap();
        assert_eq!(find_by_hash(db, &key.hash).await.unwrap().unwrap().key.id, again.id);
    }
}

#[tokio::test]
async fn last_use_only_moves_forward() {
    for fixture in fixtures().await {
        let (db, ws, id) = (fixture.db(), fixture.workspace.id, fixture.key.id);
        let later = NOW.plus(seconds(5));
        touch(db, &[(id, later)]).await.unwrap();
        touch(db, &[(id, NOW)]).await.unwrap();
        touch(db, &[]).await.unwrap();
        assert_eq!(find(db, ws, id).await.unwrap().unwrap().last_used_at, Some(later));
    }
}

#[tokio::test]
async fn keys_made_at_once_are_not_more_than_allowed() {
    for fixture in fixtures().await {
        let mut tasks = JoinSet::new();
        for _ in 0..12 {
            let db = fixture.db().clone();
            let key = new_key(&*fixture.random, fixture.user.id, fixture.workspace.id);
            tasks.spawn(async move { insert(&db, &key, 5).await.unwrap() });
        }
        let made = tasks.join_all().await;
        // The fixture has one already.
        assert_eq!(made.into_iter().filter(|made| *made).count(), 4);
    }
}
