//! What callers see when providers fail, and how a provider is added.

use std::net::SocketAddr;

use domain::money::Usd;
use sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};

use crate::app::{Options, TestApp, question};
use crate::catalog::model_served_by;

const FAULTY: &str = "models/test/faulty.toml";

async fn app_with(upstreams: &[(&str, &str)]) -> TestApp {
    Options::new()
        .with_catalog_file(FAULTY, &model_served_by(upstreams))
        .set("ENTREPOT__GATEWAY__FIRST_EVENT_TIMEOUT", "2s")
        .set("ENTREPOT__GATEWAY__IDLE_TIMEOUT", "2s")
        .start()
        .await
}

/// Asks for the providers in the order given, so that the first is tried first.
fn ordered(stream: bool) -> Value {
    let mut body = question("test/faulty");
    body["provider"] = json!({ "order": ["alpha", "beta"] });
    body["stream"] = json!(stream);
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_before_the_first_event_is_hidden() {
    let faults = [
        "fault/500",
        "fault/503",
        "fault/429-retry-after-7",
        "fault/refuse",
        "fault/malformed-first",
        "fault/error-body",
        "fault/empty",
        "fault/hang",
    ];
    for fault in faults {
        let app = app_with(&[("alpha", fault), ("beta", "fine")]).await;
        let reply = app.chat(&ordered(false)).await;
        assert_eq!(reply.status, 200, "{fault}: {}", reply.text);
        assert_eq!(reply.json()["provider"], "Beta", "{fault}");
        let id = reply.json()["id"].as_str().unwrap().to_owned();
        let record = app.get(&format!("/api/v1/generation?id={id}")).await.json();
        let attempts = record["data"]["provider_responses"].as_array().unwrap().clone();
        let providers: Vec<_> =
            attempts.iter().filter_map(|attempt| attempt["provider_name"].as_str()).collect();
        assert_eq!(providers.first().copied(), Some("Alpha"), "{fault}: {record}");
        assert_eq!(providers.last().copied(), Some("Beta"), "{fault}: {record}");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_everyone_is_an_error_that_costs_nothing() {
    for (fault, status, error_type) in [
        ("fault/500", 502, "provider_unavailable"),
        ("fault/429-retry-after-7", 429, "rate_limit_exceeded"),
        ("fault/refuse", 502, "provider_unavailable"),
    ] {
        let app = app_with(&[("alpha", fault), ("beta", fault)]).await;
        for stream in [false, true] {
            let reply = app.chat(&ordered(stream)).await;
            reply.error(status, error_type);
            assert!(reply.header("content-type").starts_with("application/json"));
            if status == 429 {
                assert_eq!(reply.header("retry-after"), "7");
            }
        }
        assert_eq!(app.balance().await.used, Usd::ZERO);
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_at_fault_is_not_tried_elsewhere() {
    let app = app_with(&[("alpha", "fault/400"), ("beta", "fine")]).await;
    app.chat(&ordered(false)).await.error(400, "invalid_request");
    app.finish().await;
}

/// Another endpoint may have room for what the first had none for.
#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_too_long_for_one_endpoint_is_tried_at_another() {
    let app = app_with(&[("alpha", "fault/400-context"), ("beta", "fine")]).await;
    let reply = app.chat(&ordered(false)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json()["provider"], "Beta");
    app.finish().await;
    let fault = "fault/400-context";
    let app = app_with(&[("alpha", fault), ("beta", fault)]).await;
    app.chat(&ordered(false)).await.error(400, "context_length_exceeded");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_in_the_middle_is_said_in_the_stream() {
    for fault in ["fault/error-midstream-3", "fault/abort-after-3", "fault/truncate-after-3"] {
        let app = app_with(&[("alpha", fault), ("beta", "fine")]).await;
        let reply = app.chat(&ordered(true)).await;
        assert_eq!(reply.status, 200);
        let chunks = reply.chunks();
        let failed: Vec<_> = chunks.iter().filter(|chunk| chunk["error"].is_object()).collect();
        let [failed] = failed.as_slice() else { panic!("{fault}: {}", reply.text) };
        assert_eq!(failed["choices"][0]["finish_reason"], "error", "{fault}: {failed}");
        let unary = app.chat(&ordered(false)).await;
        assert_eq!(unary.status, 200, "{fault}: {}", unary.text);
        assert_eq!(unary.json()["choices"][0]["finish_reason"], "error", "{fault}: {}", unary.text);
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_that_a_provider_does_not_report_is_estimated() {
    let app = app_with(&[("alpha", "fault/no-usage")]).await;
    let reply = app.chat(&ordered(false)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let usage = reply.json()["usage"].clone();
    assert!(usage["completion_tokens"].as_u64().unwrap() > 0, "{usage}");
    assert!(usage["cost"].as_f64().unwrap() > 0.0, "{usage}");
    app.finish().await;
}

/// A provider that speaks OpenAI's dialect is one file.
#[tokio::test(flavor = "multi_thread")]
async fn one_file_adds_a_provider() {
    let options =
        SandboxOptions { address: SocketAddr::from(([127, 0, 0, 1], 0)), seed: 3, speed: 0.0 };
    // Stands for a llama.cpp, vLLM or Ollama of the operator's own.
    let local = Sandbox::start(options).await.unwrap();
    let file = format!(
        "name = \"Workshop\"\n\
         base_url = \"{}/workshop/v1\"\n\
         auth = \"none\"\n\
         \n\
         [[models]]\n\
         model = \"workshop/bench\"\n\
         upstream = \"bench-q4.gguf\"\n\
         context_length = 4096\n",
        local.base_url()
    );
    let app = Options::new().with_catalog_file("providers/workshop.toml", &file).start().await;
    let reply = app.ask("workshop/bench").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json()["provider"], "Workshop");
    let listed = app.get("/api/v1/models").await.json();
    let listed = listed["data"].as_array().unwrap();
    assert!(listed.iter().any(|model| model["id"] == "workshop/bench"));
    let endpoints = app.get("/api/v1/models/workshop/bench/endpoints").await.json();
    assert_eq!(endpoints["data"]["endpoints"][0]["provider_name"], "Workshop");
    app.finish().await;
    local.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_with_mistakes_is_not_served_and_all_are_named() {
    let options = Options::new()
        .with_catalog_file("providers/broken.toml", "base_url = \"ftp://x\"\nauth = \"magic\"\n")
        .with_catalog_file("models/test/broken.toml", "context_length = \"long\"\nodd = 1\n");
    let environment = options.environment();
    let config = server::config::Config::parse(None, &environment).unwrap();
    let error = match server::boot::Server::start(config, &environment).await {
        Ok(_) => panic!("a broken catalog was served"),
        Err(error) => format!("{error:#}"),
    };
    for place in ["broken.toml:1: ", "broken.toml:2: "] {
        assert!(error.matches(place).count() >= 2, "{error}");
    }
}
