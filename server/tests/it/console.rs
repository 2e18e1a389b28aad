//! The web app as this server mounts it: pages, sessions, cookies.
#![cfg(feature = "web")]

use reqwest::header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};

use crate::app::{Options, Reply, TestApp};

/// The pages that anyone may see.
const PUBLIC: [&str; 6] = ["/", "/models", "/models/test/small", "/docs", "/sign-in", "/sign-up"];
const PRIVATE: [&str; 4] = ["/keys", "/credits", "/activity", "/settings"];

#[tokio::test(flavor = "multi_thread")]
async fn public_pages_are_rendered_for_anyone() {
    let app = TestApp::start().await;
    for path in PUBLIC {
        let reply = Reply::of(app.http.get(app.url(path)).send().await.unwrap()).await;
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.header("content-type").starts_with("text/html"), "{path}");
        assert!(reply.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert!(reply.text.contains("<main"), "{path}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_pages_send_strangers_to_sign_in() {
    let app = TestApp::start().await;
    for path in PRIVATE {
        let reply = Reply::of(app.http.get(app.url(path)).send().await.unwrap()).await;
        assert!(reply.status.is_redirection(), "{path}: {}", reply.status);
        assert!(reply.header("location").starts_with("/sign-in"), "{path}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_does_not_exist_is_404() {
    let app = TestApp::start().await;
    let reply = Reply::of(app.http.get(app.url("/nothing")).send().await.unwrap()).await;
    assert_eq!(reply.status, 404);
    assert!(reply.header("content-type").starts_with("text/html"));
    app.finish().await;
}

async fn sign_in(app: &TestApp, origin: &str) -> Reply {
    // Neither holds anything that a form would have to encode but the `@`.
    let form = format!("email={}&password={}&next=", app.email.replace('@', "%40"), app.password);
    let request = app
        .http
        .post(app.url("/console/sign-in"))
        .header(ORIGIN, origin)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form);
    Reply::of(request.send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_gives_a_cookie_that_opens_private_pages() {
    let app = TestApp::start().await;
    let reply = sign_in(&app, &app.url("")).await;
    assert!(reply.status.is_redirection() || reply.status.is_success(), "{}", reply.text);
    let cookie = reply.headers.get(SET_COOKIE).expect("a cookie").to_str().unwrap().to_owned();
    for part in ["entrepot_session=", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    for path in PRIVATE {
        let request = app.http.get(app.url(path)).header(COOKIE, pair);
        let reply = Reply::of(request.send().await.unwrap()).await;
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.header("cache-control").contains("no-store"), "{path}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_cannot_send_our_forms() {
    let app = TestApp::start().await;
    let reply = sign_in(&app, "https://evil.example").await;
    assert_eq!(reply.status, 403, "{}", reply.text);
    assert!(reply.headers.get(SET_COOKIE).is_none());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_https_the_cookie_is_secure() {
    let app = Options::new()
        .set("ENTREPOT__HTTP__PUBLIC_URL", "https://models.example.com")
        .start()
        .await;
    let reply = sign_in(&app, &app.url("")).await;
    let cookie = reply.headers.get(SET_COOKIE).expect("a cookie").to_str().unwrap();
    assert!(cookie.contains("Secure"), "{cookie}");
    app.finish().await;
}
