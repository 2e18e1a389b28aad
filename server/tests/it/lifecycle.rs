//! Starting, starting again, and stopping in the middle of things.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::json;
use server::boot::Server;
use server::config::Config;

use crate::app::{Options, TestApp, question};

/// Why a server did not start.
async fn refusal(options: &Options) -> String {
    let environment = options.environment();
    let config = Config::parse(None, &environment).unwrap();
    match Server::start(config, &environment).await {
        Ok(_) => panic!("the server started"),
        Err(error) => format!("{error:#}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_address_is_said_with_its_remedy() {
    let app = TestApp::start().await;
    let options = Options::new().set("ENTREPOT__HTTP__ADDRESS", &app.address.to_string());
    let error = refusal(&options).await;
    assert!(error.contains("ENTREPOT__HTTP__ADDRESS"), "{error}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_do_not_share_a_data_directory() {
    let app = TestApp::start().await;
    let dir = app.dir.path().join("data");
    let options = Options::new().set("ENTREPOT__DATA__DIR", &dir.to_string_lossy());
    let error = refusal(&options).await;
    assert!(error.contains("ENTREPOT__DATA__DIR"), "{error}");
    app.finish().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_data_directory_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let app = TestApp::start().await;
    let mode = std::fs::metadata(app.dir.path().join("data")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_makes_no_second_demo_account() {
    let options = Options::new();
    let environment = options.environment();
    let config = Config::parse(None, &environment).unwrap();
    let app = options.start().await;
    let mut app = app;
    app.stop_server().await;
    let again = Server::start(config, &environment).await.unwrap();
    assert!(again.demo.is_none());
    let stop = tokio_util::sync::CancellationToken::new();
    stop.cancel();
    assert!(again.run(stop).await.clean);
    app.finish_stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_account_can_sign_in() {
    let app = TestApp::start().await;
    let password = domain::secret::Secret::new(app.password.clone());
    let accounts = app.state.control.accounts();
    let signed_in = accounts.sign_in(&app.email, &password, "192.0.2.1").await.unwrap();
    assert_eq!(signed_in.user.email, app.email);
    app.finish().await;
}

/// A stream under way when the server is told to stop is finished; new callers are not taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_under_way_is_finished() {
    let mut app = Options::new().set("ENTREPOT__SANDBOX__SPEED", "4").start().await;
    let mut body = question("test/small");
    body["stream"] = json!(true);
    let request = app.request(Method::POST, "/api/v1/chat/completions").body(body.to_string());
    let mut pieces = request.send().await.unwrap().bytes_stream();
    let first = pieces.next().await.unwrap().unwrap();
    let reading = async {
        let mut text = first.to_vec();
        while let Some(piece) = pieces.next().await {
            text.extend_from_slice(&piece.unwrap());
        }
        String::from_utf8(text).unwrap()
    };
    let (text, ()) = tokio::join!(reading, app.stop_server());
    assert!(text.trim_end().ends_with("data: [DONE]"), "{text}");
    let refused =
        app.http.get(app.url("/health/live")).timeout(Duration::from_secs(2)).send().await;
    assert!(refused.is_err());
    app.finish_stopped().await;
}

/// A stream that takes longer than the server waits is cut, and still paid for.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_takes_too_long_is_cut_and_settled() {
    let app = Options::new()
        .with_catalog_file(
            "models/test/faulty.toml",
            &crate::catalog::model_served_by(&[("alpha", "fault/hang-after-3")]),
        )
        .set("ENTREPOT__HTTP__DRAIN_TIMEOUT", "1s")
        .start()
        .await;
    let mut body = question("test/faulty");
    body["stream"] = json!(true);
    let request = app.request(Method::POST, "/api/v1/chat/completions").body(body.to_string());
    let mut pieces = request.send().await.unwrap().bytes_stream();
    pieces.next().await.unwrap().unwrap();
    let reading = async { while let Some(Ok(_)) = pieces.next().await {} };
    let ((), ()) = tokio::join!(reading, app.finish_unclean());
}
