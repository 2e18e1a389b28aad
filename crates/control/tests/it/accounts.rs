use control::{ControlError, NewUser};
use domain::money::Usd;
use domain::time::{Clock, Timestamp};
use domain::workspace::Role;
use std::time::Duration;

use crate::world::{CLIENT, PASSWORD, World, refused, secret, settings, sign_up};

#[tokio::test]
async fn signing_up_makes_a_person_with_a_workspace_who_can_sign_in() {
    let world = World::new().await;
    let accounts = world.control.accounts();
    let new =
        accounts.sign_up(sign_up(" Ada@Example.com ", "Ada", PASSWORD), CLIENT).await.unwrap();
    assert_eq!(new.user.email, "ada@example.com");
    assert_eq!(new.workspace.owner, new.user.id);
    assert_eq!(new.user.created_at, world.clock.now());
    assert!(!new.user.is_operator);

    let known = accounts.sign_in("ADA@example.com", &secret(PASSWORD), CLIENT).await.unwrap();
    assert_eq!(known, new);
    let actor = accounts.actor(new.user.id).await.unwrap().unwrap();
    assert_eq!((actor.workspace_id, actor.role), (new.workspace.id, Role::Owner));
    assert_eq!(world.control.credits().balance(&actor).await.unwrap().available(), Usd::ZERO);
}

#[tokio::test]
async fn an_address_has_one_account() {
    let world = World::new().await;
    world.person("ada").await;
    let again = sign_up("Ada@EXAMPLE.com", "Other", "another password");
    let error = world.control.accounts().sign_up(again, CLIENT).await.unwrap_err();
    assert_eq!(error.status(), 409);
    assert!(error.public_message().contains("sign in instead"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_right_is_refused_by_field() {
    let world = World::new().await;
    let accounts = world.control.accounts();
    let long = "x".repeat(100);
    for (email, name, password, field) in [
        ("nobody", "Ada", PASSWORD, "email"),
        ("ada@example.com", long.as_str(), PASSWORD, "name"),
        ("ada@example.com", "Ada", "short", "password"),
        ("ada@example.com", "Ada", "Ada@example.com", "password"),
    ] {
        let result = accounts.sign_up(sign_up(email, name, password), CLIENT).await;
        assert_eq!(refused(result), field, "{email} {password}");
    }
    assert_eq!(store::users::count(&world.db).await.unwrap(), 0);
}

#[tokio::test]
async fn sign_up_can_be_closed_and_an_operator_still_makes_accounts() {
    let closed = control::Settings { sign_up: false, ..settings() };
    let world = World::with(closed, domain::catalog::Catalog::default()).await;
    let accounts = world.control.accounts();
    let result = accounts.sign_up(sign_up("ada@example.com", "", PASSWORD), CLIENT).await;
    assert_eq!(result, Err(ControlError::Denied));
    let made = accounts
        .create_user(NewUser {
            email: "ada@example.com".to_owned(),
            name: String::new(),
            password: secret(PASSWORD),
            is_operator: true,
        })
        .await
        .unwrap();
    assert!(made.user.is_operator);
    assert_eq!(made.user.name, "ada");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let world = World::new().await;
    world.person("ada").await;
    let accounts = world.control.accounts();
    let wrong = accounts.sign_in("ada@example.com", &secret("wrong password"), CLIENT).await;
    let unknown = accounts.sign_in("bob@example.com", &secret("wrong password"), CLIENT).await;
    let impossible = accounts.sign_in("nonsense", &secret("wrong password"), CLIENT).await;
    assert_eq!(refused(wrong.clone()), "password");
    assert_eq!(wrong, unknown);
    assert_eq!(wrong, impossible);
}

#[tokio::test]
async fn guessing_at_an_account_is_slowed_down_from_wherever_it_comes() {
    let world = World::new().await;
    world.person("ada").await;
    let accounts = world.control.accounts();
    for guess in 0..10 {
        let client = format!("192.0.2.{guess}");
        let result = accounts.sign_in("ada@example.com", &secret("wrong password"), &client).await;
        assert_eq!(refused(result), "password");
    }
    let right = accounts.sign_in("Ada@example.com", &secret(PASSWORD), "198.51.100.1").await;
    assert_eq!(right, Err(ControlError::Throttled { retry_after_seconds: 30 }));
    world.advance(30);
    accounts.sign_in("ada@example.com", &secret(PASSWORD), "198.51.100.1").await.unwrap();
}

#[tokio::test]
async fn guessing_from_an_address_is_slowed_down_whatever_the_account() {
    let world = World::new().await;
    let accounts = world.control.accounts();
    let mut throttled = 0;
    for guess in 0..70 {
        let email = format!("person{guess}@example.com");
        let result = accounts.sign_in(&email, &secret("wrong password"), "2001:db8::1").await;
        throttled += usize::from(matches!(result, Err(ControlError::Throttled { .. })));
    }
    assert_eq!(throttled, 10);
    let neighbour = accounts.sign_in("x@example.com", &secret("wrong one"), "2001:db8::2").await;
    assert_eq!(neighbour.unwrap_err().status(), 429, "one network is one client");
    let other = accounts.sign_in("x@example.com", &secret("wrong one"), "2001:db8:0:1::2").await;
    assert_eq!(refused(other), "password");
}

#[tokio::test]
async fn changing_the_password_needs_the_current_one() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let accounts = world.control.accounts();
    let new = secret("a new password");
    let wrong = accounts.change_password(&ada, &secret("not the password"), &new).await;
    assert_eq!(refused(wrong), "current");
    let short = accounts.change_password(&ada, &secret(PASSWORD), &secret("short")).await;
    assert_eq!(refused(short), "password");
    accounts.change_password(&ada, &secret(PASSWORD), &new).await.unwrap();
    let old = accounts.sign_in("ada@example.com", &secret(PASSWORD), CLIENT).await;
    assert_eq!(refused(old), "password");
    accounts.sign_in("ada@example.com", &new, CLIENT).await.unwrap();
}

#[tokio::test]
async fn guessing_the_current_password_is_slowed_down() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let accounts = world.control.accounts();
    let new = secret("a new password");
    let mut last = Ok(());
    for _ in 0..11 {
        last = accounts.change_password(&ada, &secret("not the password"), &new).await;
    }
    assert_eq!(last.unwrap_err().status(), 429);
}

#[tokio::test]
async fn other_sessions_end_and_the_one_kept_stays() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let expires = world.clock.now().plus(Duration::from_secs(60));
    for (id, user) in [("a1", ada.user_id), ("a2", ada.user_id), ("b1", bob.user_id)] {
        store::sessions::save(&world.db, id, "{}", Some(user), expires).await.unwrap();
    }
    world.control.accounts().end_other_sessions(&ada, Some("a2")).await.unwrap();
    let mut left = Vec::new();
    for id in ["a1", "a2", "b1"] {
        let found = store::sessions::load(&world.db, id, Timestamp::EPOCH).await.unwrap();
        left.push(found.is_some());
    }
    assert_eq!(left, [false, true, true]);
}

#[tokio::test]
async fn nobody_is_an_actor_without_an_account() {
    let world = World::new().await;
    let stranger = domain::id::UserId::new(world.clock.now(), world.random.as_ref());
    assert_eq!(world.control.accounts().actor(stranger).await, Ok(None));
}

#[tokio::test]
async fn the_demo_is_made_once_and_works() {
    let world = World::new().await;
    let accounts = world.control.accounts();
    let demo = accounts.create_demo().await.unwrap().unwrap();
    assert!(!format!("{demo:?}").contains(demo.key.expose()));
    let signed_in = accounts.sign_in(&demo.email, &demo.password, CLIENT).await.unwrap();
    assert_eq!(demo.email, "demo@entrepot.localhost");

    let hash = control::keys::hash_secret(demo.key.expose());
    let found = store::api_keys::find_by_hash(&world.db, &hash).await.unwrap().unwrap();
    assert_eq!(found.key.name, "Demo key");
    assert_eq!(found.key.workspace_id, signed_in.workspace.id);
    let actor = accounts.actor(signed_in.user.id).await.unwrap().unwrap();
    let balance = world.control.credits().balance(&actor).await.unwrap();
    assert_eq!(balance.available(), Usd::from_dollars(5));
    assert!(accounts.create_demo().await.unwrap().is_none());
    world.assert_balanced().await;
}
