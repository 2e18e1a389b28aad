//! What is wrong with a request is said with the right status, in the envelope, and costs nothing.

use std::time::Duration;

use domain::api_key::{LimitReset, SpendLimit};
use domain::money::Usd;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::app::{Options, Reply, TestApp, question};

const PATH: &str = "/api/v1/chat/completions";

/// Nothing of a test may have cost anything.
async fn finish_free_of_charge(app: TestApp) {
    let balance = app.balance().await;
    assert_eq!(balance.used, Usd::ZERO);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_request_names_the_field_and_the_remedy() {
    let app = TestApp::start().await;
    let message = json!([{ "role": "user", "content": "Hello" }]);
    let cases: [(String, &str); 16] = [
        (String::new(), "body"),
        ("   ".to_owned(), "body"),
        ("{".to_owned(), ""),
        ("[]".to_owned(), ""),
        ("\"text\"".to_owned(), ""),
        ("null".to_owned(), ""),
        ("{\"model\":\"test/small\",\"messages\":[".to_owned(), ""),
        (json!({ "messages": message }).to_string(), "model"),
        (json!({ "model": 7, "messages": message }).to_string(), "model"),
        (json!({ "model": "test/small" }).to_string(), "messages"),
        (json!({ "model": "test/small", "messages": [] }).to_string(), "messages"),
        (json!({ "model": "test/small", "messages": "Hello" }).to_string(), "messages"),
        (
            json!({ "model": "test/small", "messages": [{ "role": "wizard", "content": "x" }] })
                .to_string(),
            "role",
        ),
        (
            json!({ "model": "test/small", "messages": [{ "role": "user", "content": 5 }] })
                .to_string(),
            "content",
        ),
        (
            json!({ "model": "test/small", "messages": message, "temperature": "hot" }).to_string(),
            "temperature",
        ),
        (
            json!({ "model": "test/small", "messages": message, "max_tokens": -1 }).to_string(),
            "max_tokens",
        ),
    ];
    for (body, field) in cases {
        let reply = app.post(PATH, body.clone()).await;
        let message = reply.error(400, "invalid_request");
        assert!(reply.text.contains(field), "{body}: {message}");
    }
    finish_free_of_charge(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_are_refused() {
    let app = TestApp::start().await;
    let reply = app.post(PATH, vec![0xff, 0xfe, b'{', 0]).await;
    reply.error(400, "invalid_request");
    let deep = "[".repeat(200_000);
    app.post(PATH, deep).await.error(400, "invalid_request");
    finish_free_of_charge(app).await;
}

/// What is wrong with an address is said like everything else, and to pages of any origin.
#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_mean_nothing_are_refused_in_the_envelope() {
    let app = TestApp::start().await;
    for (path, status, error_type) in [
        ("/api/v1/generation?id=a&id=b", 400, "invalid_request"),
        ("/api/v1/models/%FF/x/endpoints", 404, "not_found"),
        ("/api/v1/model/a/%FF", 404, "not_found"),
        ("/api/v1/none", 404, "not_found"),
        ("/api/v1/models/", 404, "not_found"),
        ("/v1/none", 404, "not_found"),
        ("/v1", 404, "not_found"),
        ("/api", 404, "not_found"),
        ("/api/", 404, "not_found"),
    ] {
        let reply = app.get(path).await;
        reply.error(status, error_type);
        assert_eq!(reply.header("access-control-allow-origin"), "*", "{path}");
    }
    finish_free_of_charge(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_model_is_named() {
    let app = TestApp::start().await;
    for model in ["test/none", "nonsense", "", "a/b/c", "test/small:warp"] {
        let reply = app.ask(model).await;
        assert!(reply.error(400, "invalid_request").contains(model));
    }
    finish_free_of_charge(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_not_read() {
    let app = Options::new().set("ENTREPOT__HTTP__BODY_BYTES_MAX", "1 KiB").start().await;
    let mut body = question("test/small");
    body["messages"][0]["content"] = json!("x".repeat(2_000));
    app.chat(&body).await.error(413, "payload_too_large");
    // The same without saying beforehand how long it is.
    let pieces = futures_util::stream::iter(
        (0..200).map(|_| Ok::<_, std::io::Error>(bytes::Bytes::from(vec![b'x'; 100]))),
    );
    let reply = app.post(PATH, reqwest::Body::wrap_stream(pieces)).await;
    reply.error(413, "payload_too_large");
    finish_free_of_charge(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_wrong_key_is_refused() {
    let app = TestApp::start().await;
    let wrong = format!("sk-ep-v1-{}", "0".repeat(64));
    let headers = [
        None,
        Some("Bearer ".to_owned()),
        Some(format!("Bearer {wrong}")),
        Some("Bearer nonsense".to_owned()),
        Some("Basic dXNlcjpwYXNz".to_owned()),
        Some(format!("Bearer {}x", app.key)),
    ];
    for header in headers {
        for (method, path) in [
            (Method::POST, PATH),
            (Method::GET, "/api/v1/key"),
            (Method::GET, "/api/v1/credits"),
            (Method::GET, "/api/v1/generation?id=gen-1-a"),
        ] {
            let mut request = app.http.request(method, app.url(path)).body("{}");
            if let Some(header) = &header {
                request = request.header("authorization", header);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.headers()["www-authenticate"], "Bearer");
            Reply::of(response).await.error(401, "authentication");
        }
    }
    let reply = app.http.post(app.url(PATH)).body("{").send().await.unwrap();
    let body = Reply::of(reply).await.json();
    insta::assert_json_snapshot!("no_key", body);
    finish_free_of_charge(app).await;
}

/// A caller that sends its headers and then waits is answered: nobody waits for its body.
#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_body_is_never_read() {
    let app = TestApp::start().await;
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-ep-v1-wrong\r\n\
         Content-Type: application/json\r\nContent-Length: 15000000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let waiting = stream.read(&mut answer);
    let length = tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.contains("\"error_type\":\"authentication\""), "{answer}");
    drop(stream);
    finish_free_of_charge(app).await;
}

/// Over HTTP/2 the answer to a stranger who is still sending would be lost: it is not spoken, and
/// a caller that tries is told at once.
#[tokio::test(flavor = "multi_thread")]
async fn http2_is_refused_at_once() {
    let app = TestApp::start().await;
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let waiting = stream.read_to_end(&mut answer);
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 4") || answer.is_empty(), "{answer}");
    finish_free_of_charge(app).await;
}

/// Nor is one asked for by a caller that waits to be told to go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_not_told_to_continue() {
    let app = TestApp::start().await;
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let waiting = stream.read(&mut answer);
    let length = tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 401 "));
    drop(stream);
    finish_free_of_charge(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_key_stops_at_once_and_a_deleted_one_is_unknown() {
    let app = TestApp::start().await;
    let (actor, created) = (app.actor().await, app.new_key(None).await);
    let ask = async || {
        let request = app.http.post(app.url(PATH)).bearer_auth(created.secret.expose());
        // A body that is refused later, so that nothing is charged.
        Reply::of(request.body("{}").send().await.unwrap()).await
    };
    ask().await.error(400, "invalid_request");
    let keys = app.state.control.keys();
    keys.set_disabled(&actor, created.key.id, true).await.unwrap();
    assert!(ask().await.error(401, "authentication").contains("disabled"));
    keys.set_disabled(&actor, created.key.id, false).await.unwrap();
    ask().await.error(400, "invalid_request");
    keys.delete(&actor, created.key.id).await.unwrap();
    ask().await.error(401, "authentication");
    finish_free_of_charge(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_key_is_told_what_it_can_afford() {
    let app = TestApp::start().await;
    let limit = SpendLimit { amount: Usd::from_nanos(1_000), reset: LimitReset::Never };
    let created = app.new_key(Some(limit)).await;
    let request = app.http.post(app.url(PATH)).bearer_auth(created.secret.expose());
    let body = question("test/large").to_string();
    let reply = Reply::of(request.body(body).send().await.unwrap()).await;
    let message = reply.error(402, "payment_required");
    assert!(message.contains("limit"), "{message}");
    finish_free_of_charge(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credit_is_402_with_the_affordable_number() {
    let app = TestApp::start().await;
    let mut body = question("test/large");
    // 8,192 tokens at $15 a million are 12 cents; a balance of $5 affords that, so many choices.
    body["max_tokens"] = json!(8192);
    body["messages"][0]["content"] = json!("x ".repeat(60_000));
    let new = control::SignUp {
        email: "poor@example.com".to_owned(),
        name: String::new(),
        password: domain::secret::Secret::new("correct horse battery".to_owned()),
    };
    let poor = app.state.control.accounts().sign_up(new, "192.0.2.1").await.unwrap();
    let actor = app.state.control.accounts().actor(poor.user.id).await.unwrap().unwrap();
    let new = control::NewKey { name: "Poor".to_owned(), limit: None };
    let key = app.state.control.keys().create(&actor, new).await.unwrap();
    let request = app.http.post(app.url(PATH)).bearer_auth(key.secret.expose());
    let reply = Reply::of(request.body(body.to_string()).send().await.unwrap()).await;
    let message = reply.error(402, "payment_required");
    assert!(message.contains("credit"), "{message}");
    finish_free_of_charge(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_is_said_in_the_envelope() {
    let app = TestApp::start().await;
    for path in ["/api/v1/nothing", "/api/nothing", "/api", "/v1/nothing", "/api/v1", "/api/v1/"] {
        app.get(path).await.error(404, "not_found");
    }
    let reply = app.get(PATH).await;
    assert!(reply.error(405, "invalid_request").contains("GET"));
    assert_eq!(reply.header("allow"), "POST");
    app.post("/api/v1/models", "{}").await.error(405, "invalid_request");
    finish_free_of_charge(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_that_nobody_meets_are_named() {
    let app = TestApp::start().await;
    let mut body = question("test/small");
    body["provider"] = json!({ "only": ["beta"] });
    let reply = app.chat(&body).await;
    reply.error(404, "not_found");
    let error: Value = reply.json()["error"].clone();
    assert_eq!(error["availability"]["code"], "constraint_filtered", "{error}");
    finish_free_of_charge(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_bodies_and_endless_headers_are_refused() {
    let app = TestApp::start().await;
    let request = app.request(Method::POST, PATH).header("content-encoding", "gzip").body("x");
    let reply = Reply::of(request.send().await.unwrap()).await;
    assert!(reply.error(400, "invalid_request").contains("compressed"));
    let mut request = app.request(Method::GET, "/api/v1/models");
    for index in 0..200 {
        request = request.header(format!("x-header-{index}"), "x");
    }
    let status = request.send().await.unwrap().status();
    assert_eq!(status, 431);
    finish_free_of_charge(app).await;
}
