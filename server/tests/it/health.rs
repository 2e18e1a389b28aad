//! What operators look at.

use reqwest::header::HeaderMap;

use crate::app::{Options, Reply, TestApp};

fn check_headers(headers: &HeaderMap) {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!(header("referrer-policy"), "same-origin");
    assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
    assert!(header("x-request-id").starts_with("req-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_live_and_ready_and_counts() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/health/live").await.json()["status"], "live");
    assert_eq!(app.get("/health/ready").await.json()["status"], "ready");
    assert_eq!(app.ask("test/small").await.status, 200);
    let metrics = app.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(
        metrics.text.contains("entrepot_http_requests_total{status=\"2xx\"}"),
        "{}",
        metrics.text
    );
    assert!(metrics.text.contains("entrepot_active_generations 0"), "{}", metrics.text);
    // Somebody else's request, passed on by a proxy on this machine.
    let request = app.http.get(app.url("/metrics")).header("x-forwarded-for", "192.0.2.1");
    assert_eq!(request.send().await.unwrap().status(), 404);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_shown_to_whom_the_operator_says() {
    let app = Options::new().set("ENTREPOT__TELEMETRY__METRICS", "nobody").start().await;
    assert_eq!(app.get("/metrics").await.status, 404);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_security_headers() {
    let app = TestApp::start().await;
    for path in ["/health/live", "/api/v1/models", "/api/v1/nothing", "/api/v1/key", "/metrics"] {
        let reply = Reply::of(app.http.get(app.url(path)).send().await.unwrap()).await;
        check_headers(&reply.headers);
        assert!(reply.headers.get("strict-transport-security").is_none());
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_https_browsers_are_told_to_stay_there() {
    let app = Options::new()
        .set("ENTREPOT__HTTP__PUBLIC_URL", "https://models.example.com")
        .start()
        .await;
    let reply = app.get("/api/v1/models").await;
    assert!(reply.header("strict-transport-security").starts_with("max-age="));
    app.finish().await;
}
