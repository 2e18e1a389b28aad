use store::sessions::{create, delete, delete_expired, delete_for_user, load, save};

use crate::fixture::{NOW, fixtures, new_user, seconds};

#[tokio::test]
async fn a_session_lasts_until_it_ends() {
    for fixture in fixtures().await {
        let db = fixture.db();
        let end = NOW.plus(seconds(60));
        save(db, "s1", "one", Some(fixture.user.id), end).await.unwrap();
        assert_eq!(load(db, "s1", NOW).await.unwrap(), Some(("one".to_owned(), end)));
        assert_eq!(load(db, "s1", end).await.unwrap(), None);
        save(db, "s1", "two", None, end.plus(seconds(1))).await.unwrap();
        assert_eq!(load(db, "s1", end).await.unwrap().unwrap().0, "two");
        delete(db, "s1").await.unwrap();
        delete(db, "s1").await.unwrap();
        assert_eq!(load(db, "s1", NOW).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_session_identifier_is_never_reused() {
    for fixture in fixtures().await {
        let db = fixture.db();
        let end = NOW.plus(seconds(60));
        assert!(create(db, "s1", "one", None, end).await.unwrap());
        assert!(!create(db, "s1", "two", None, end).await.unwrap());
        assert_eq!(load(db, "s1", NOW).await.unwrap().unwrap().0, "one");
    }
}

#[tokio::test]
async fn all_sessions_of_a_person_can_be_ended_but_one() {
    for fixture in fixtures().await {
        let db = fixture.db();
        let end = NOW.plus(seconds(60));
        let other = new_user(&*fixture.random, "bob@example.com");
        store::users::insert(db, &other).await.unwrap();
        for (id, user) in [
            ("a1", Some(fixture.user.id)),
            ("a2", Some(fixture.user.id)),
            ("a3", Some(fixture.user.id)),
            ("b1", Some(other.user.id)),
            ("n1", None),
        ] {
            save(db, id, "", user, end).await.unwrap();
        }
        assert_eq!(delete_for_user(db, fixture.user.id, Some("a2")).await.unwrap(), 2);
        for (id, alive) in [("a1", false), ("a2", true), ("a3", false), ("b1", true), ("n1", true)]
        {
            assert_eq!(load(db, id, NOW).await.unwrap().is_some(), alive, "{id}");
        }
        assert_eq!(delete_for_user(db, fixture.user.id, None).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn sessions_that_ended_are_removed() {
    for fixture in fixtures().await {
        let db = fixture.db();
        save(db, "old", "", None, NOW).await.unwrap();
        save(db, "new", "", None, NOW.plus(seconds(1))).await.unwrap();
        assert_eq!(delete_expired(db, NOW).await.unwrap(), 1);
        assert!(load(db, "new", NOW).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn an_identifier_is_not_in_the_database() {
    for fixture in fixtures().await {
        save(fixture.db(), "s1", "one", None, NOW.plus(seconds(60))).await.unwrap();
        let stored = fixture.database.texts("SELECT session_id FROM sessions").await.unwrap();
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].len(), 64);
    }
}
