//! What can be read: the catalog without a key, one's own account with one.

use domain::api_key::{LimitReset, SpendLimit};
use domain::money::Usd;
use reqwest::Method;
use serde_json::Value;

use crate::app::{Reply, TestApp, question};

fn ids(reply: &Reply) -> Vec<String> {
    let body = reply.json();
    let data = body["data"].as_array().unwrap_or_else(|| panic!("{body}"));
    data.iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect()
}

async fn anonymous(app: &TestApp, path: &str) -> Reply {
    Reply::of(app.http.get(app.url(path)).send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_newest_first_and_cached() {
    let app = TestApp::start().await;
    let reply = anonymous(&app, "/api/v1/models").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(ids(&reply), ["test/large", "test/small", "test/free"]);
    insta::assert_json_snapshot!("models", reply.json());
    let tag = reply.header("etag").to_owned();
    let request = app.http.get(app.url("/api/v1/models")).header("if-none-match", &tag);
    let again = Reply::of(request.send().await.unwrap()).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    let request = app.http.get(app.url("/api/v1/models")).header("if-none-match", "W/\"x\"");
    assert_eq!(request.send().await.unwrap().status(), 200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_filtered_by_what_the_catalog_knows() {
    let app = TestApp::start().await;
    for (query, expected) in [
        ("q=answers", &["test/large", "test/small"][..]),
        ("q=costs%20nothing", &["test/free"]),
        ("input_modalities=image", &["test/large"]),
        ("input_modalities=text,image", &["test/large"]),
        ("output_modalities=image", &[]),
        ("output_modalities=all", &["test/large", "test/small", "test/free"]),
        ("supported_parameters=tools", &["test/large"]),
        ("supported_parameters=tools,seed", &[]),
        ("providers=beta", &["test/large", "test/free"]),
        ("model_authors=nobody", &[]),
        ("model_authors=nobody,test", &["test/large", "test/small", "test/free"]),
        ("arch=Llama3", &["test/large"]),
        ("context=8192", &["test/large", "test/small"]),
        ("max_price=0.5", &["test/small", "test/free"]),
        ("min_price=0.5&max_price=2", &["test/large", "test/small"]),
        ("max_output_price=0", &["test/free"]),
        ("zdr=true", &["test/large", "test/small"]),
        ("region=eu", &["test/large", "test/small"]),
        ("region=us", &[]),
        ("sort=pricing-low-to-high", &["test/free", "test/small", "test/large"]),
        ("sort=pricing-high-to-low", &["test/large", "test/small", "test/free"]),
        ("sort=context-high-to-low", &["test/large", "test/small", "test/free"]),
        ("sort=top-weekly", &["test/large", "test/small", "test/free"]),
        ("min_age_days=100000", &[]),
        ("max_age_days=100000", &["test/large", "test/small", "test/free"]),
        ("category=programming&unknown=1&q=", &["test/large", "test/small", "test/free"]),
    ] {
        let reply = anonymous(&app, &format!("/api/v1/models?{query}")).await;
        assert_eq!(reply.status, 200, "{query}: {}", reply.text);
        assert_eq!(ids(&reply), expected, "{query}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_mean_nothing_are_refused_by_name() {
    let app = TestApp::start().await;
    for (query, field) in [
        ("sort=best", "sort"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("offset=-1", "offset"),
        ("context=many", "context"),
        ("max_price=1e3", "max_price"),
        ("input_modalities=smell", "input_modalities"),
        ("zdr=perhaps", "zdr"),
        ("region=moon", "region"),
        ("min_intelligence_index=5", "min_intelligence_index"),
        ("distillable=true", "distillable"),
    ] {
        let reply = anonymous(&app, &format!("/api/v1/models?{query}")).await;
        let message = reply.error(400, "invalid_request");
        assert!(message.contains(field), "{query}: {message}");
        assert_eq!(reply.json()["error"]["metadata"]["field"], field);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_come_in_pages_that_lead_on() {
    let app = TestApp::start().await;
    let mut path = "/api/v1/models?limit=2&q=%54est%20".to_owned();
    let mut found = Vec::new();
    for _ in 0..3 {
        let reply = anonymous(&app, &path).await;
        found.extend(ids(&reply));
        let body = reply.json();
        assert_eq!(body["total_count"], 3);
        match body["links"]["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(found, ["test/large", "test/small", "test/free"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_model_its_endpoints_the_count_and_the_providers() {
    let app = TestApp::start().await;
    let model = anonymous(&app, "/api/v1/model/test/large:nitro").await.json();
    assert_eq!(model["data"]["id"], "test/large");
    let endpoints = anonymous(&app, "/api/v1/models/test/large/endpoints").await.json();
    insta::assert_json_snapshot!("endpoints", endpoints);
    let count = anonymous(&app, "/api/v1/models/count").await.json();
    assert_eq!(count["data"]["count"], 3);
    let count = anonymous(&app, "/api/v1/models/count?output_modalities=image").await.json();
    assert_eq!(count["data"]["count"], 0);
    let providers = anonymous(&app, "/api/v1/providers").await.json();
    insta::assert_json_snapshot!("providers", providers);
    for path in ["/api/v1/model/test/none", "/api/v1/models/test/none/endpoints"] {
        anonymous(&app, path).await.error(404, "not_found");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_can_be_read_as_soon_as_it_has_ended() {
    let app = TestApp::start().await;
    let mut body = question("test/small");
    body["stream"] = serde_json::json!(true);
    body["user"] = serde_json::json!("someone");
    let reply = app.chat(&body).await;
    let usage = reply.chunks().last().unwrap()["usage"].clone();
    let id = reply.header("x-generation-id").to_owned();
    let record = app.get(&format!("/api/v1/generation?id={id}")).await;
    assert_eq!(record.status, 200, "{}", record.text);
    let mut record = record.json();
    let data = &mut record["data"];
    assert_eq!(data["id"], id.as_str());
    assert_eq!(data["total_cost"], usage["cost"]);
    assert_eq!(data["usage"], usage["cost"]);
    assert_eq!(data["native_tokens_prompt"], usage["prompt_tokens"]);
    assert_eq!(data["native_tokens_completion"], usage["completion_tokens"]);
    assert_eq!(data["streamed"], true);
    assert_eq!(data["cancelled"], false);
    assert_eq!(data["external_user"], "someone");
    // What differs from run to run.
    for name in ["id", "created_at", "upstream_id", "latency", "generation_time", "workspace_id"] {
        data[name] = Value::from(format!("[{name}]"));
    }
    data["provider_responses"][0]["latency"] = Value::from("[latency]");
    insta::assert_json_snapshot!("generation", record);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_of_another_workspace_does_not_exist() {
    let app = TestApp::start().await;
    let id = app.ask("test/small").await.header("x-generation-id").to_owned();
    let new = control::SignUp {
        email: "other@example.com".to_owned(),
        name: "Other".to_owned(),
        password: domain::secret::Secret::new("correct horse battery".to_owned()),
    };
    let other = app.state.control.accounts().sign_up(new, "192.0.2.1").await.unwrap();
    let actor = app.state.control.accounts().actor(other.user.id).await.unwrap().unwrap();
    let new = control::NewKey { name: "Other".to_owned(), limit: None };
    let key = app.state.control.keys().create(&actor, new).await.unwrap();
    for id in [id.as_str(), "gen-1-unknown", "nonsense", "gen-%27"] {
        let path = app.url(&format!("/api/v1/generation?id={id}"));
        let request = app.http.request(Method::GET, path).bearer_auth(key.secret.expose());
        let reply = Reply::of(request.send().await.unwrap()).await;
        reply.error(404, "not_found");
    }
    app.get("/api/v1/generation").await.error(400, "invalid_request");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn key_and_credits_tell_what_was_spent() {
    let app = TestApp::start().await;
    let limit = SpendLimit { amount: Usd::from_dollars(2), reset: LimitReset::Daily };
    let created = app.new_key(Some(limit)).await;
    let ask = async |method: Method, path: &str, body: String| {
        let request = app.http.request(method, app.url(path)).bearer_auth(created.secret.expose());
        Reply::of(request.body(body).send().await.unwrap()).await
    };
    let body = question("test/large").to_string();
    let answer = ask(Method::POST, "/api/v1/chat/completions", body).await.json();
    let cost: Usd = answer["usage"]["cost"].to_string().parse().unwrap();
    assert!(cost.is_positive());
    let key = ask(Method::GET, "/api/v1/key", String::new()).await.json();
    let data = &key["data"];
    for name in ["usage", "usage_daily", "usage_weekly", "usage_monthly"] {
        assert_eq!(data[name], answer["usage"]["cost"], "{name}");
    }
    assert_eq!(data["limit"].to_string(), "2");
    let left = limit.amount.saturating_sub(cost).to_string();
    assert_eq!(data["limit_remaining"].to_string(), left);
    assert_eq!(data["limit_reset"], "daily");
    assert_eq!(data["label"], created.key.label.as_str());
    assert!(data["effective_budget"]["resets_at"].as_str().unwrap().ends_with("T00:00:00.000Z"));
    let credits = ask(Method::GET, "/api/v1/credits", String::new()).await.json();
    assert_eq!(credits["data"]["total_credits"].to_string(), "5");
    assert_eq!(credits["data"]["total_usage"], answer["usage"]["cost"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_names_every_route() {
    let app = TestApp::start().await;
    let document = anonymous(&app, "/api/v1/openapi.json").await;
    assert_eq!(document.status, 200);
    assert_eq!(document.text, server::http::openapi::text());
    let paths = document.json()["paths"].clone();
    let names: Vec<&String> = paths.as_object().unwrap().keys().collect();
    insta::assert_json_snapshot!("openapi_paths", names);
    for (path, methods) in paths.as_object().unwrap() {
        let path = path.replace("{author}", "test").replace("{slug}", "small");
        for method in methods.as_object().unwrap().keys() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let reply = Reply::of(app.request(method, &path).send().await.unwrap()).await;
            // A route may know its path and not what the path names.
            let is_routed = reply.status != 405 && !reply.text.contains("there is nothing at");
            assert!(is_routed, "{path} is documented, not routed: {}", reply.text);
        }
    }
    app.finish().await;
}
