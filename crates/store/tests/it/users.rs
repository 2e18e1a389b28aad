use store::testing::databases;
use store::users::{count, find, find_by_email, find_password, insert, set_password};
use store::{Constraint, StoreError};

use crate::fixture::{NOW, fixtures, new_user};
use domain::id::UserId;
use domain::random::Counting;

#[tokio::test]
async fn a_person_is_found_by_id_and_by_address() {
    for fixture in fixtures().await {
        let (db, user) = (fixture.db(), &fixture.user);
        assert_eq!(find(db, user.id).await.unwrap().as_ref(), Some(user));
        let found = find_by_email(db, "ada@example.com").await.unwrap().unwrap();
        assert_eq!(&found.user, user);
        assert_eq!(found.password_hash, "$argon2id$…");
        assert!(find_by_email(db, "eve@example.com").await.unwrap().is_none());
        assert_eq!(find(db, UserId::new(NOW, &*fixture.random)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_address_signs_up_once_and_leaves_nothing_behind() {
    for fixture in fixtures().await {
        let again = new_user(&*fixture.random, "ada@example.com");
        let refused = insert(fixture.db(), &again).await;
        assert!(matches!(refused, Err(StoreError::Conflict(Constraint::UserEmail))));
        assert_eq!(count(fixture.db()).await.unwrap(), 1);
        let workspace = store::workspaces::find(fixture.db(), again.workspace.id).await.unwrap();
        assert_eq!(workspace, None);
    }
}

#[tokio::test]
async fn a_password_is_replaced() {
    for fixture in fixtures().await {
        let (db, id) = (fixture.db(), fixture.user.id);
        assert!(set_password(db, id, "$new", NOW).await.unwrap());
        assert_eq!(find_password(db, id).await.unwrap().as_deref(), Some("$new"));
        let stranger = UserId::new(NOW, &*fixture.random);
        assert!(!set_password(db, stranger, "$new", NOW).await.unwrap());
        assert_eq!(find_password(db, stranger).await.unwrap(), None);
    }
}

#[tokio::test]
async fn people_are_counted() {
    for database in databases().await {
        let random = Counting::new();
        assert_eq!(count(&database.db).await.unwrap(), 0);
        for email in ["a@example.com", "b@example.com"] {
            insert(&database.db, &new_user(&random, email)).await.unwrap();
        }
        assert_eq!(count(&database.db).await.unwrap(), 2);
    }
}
