//! Faults, speed and what can be looked at, which are the same in every dialect.

use serde_json::{Value, json};

use crate::wire::{client, get, post, send, start};

/// The address and body of a streamed request in each dialect.
fn streams(model: &str) -> Vec<(&'static str, String, Value)> {
    let encoded = model.replace('/', "%2F");
    let messages = json!([{"role": "user", "content": "Hi"}]);
    vec![
        (
            "chat",
            "/p/v1/chat/completions".to_owned(),
            json!({"model": model, "stream": true, "messages": messages}),
        ),
        (
            "chat",
            format!("/p/openai/deployments/{encoded}/chat/completions?api-version=1"),
            json!({"stream": true, "messages": messages}),
        ),
        (
            "anthropic",
            "/p/v1/messages".to_owned(),
            json!({"model": model, "stream": true, "max_tokens": 500, "messages": messages}),
        ),
        (
            "gemini",
            format!("/p/v1beta/models/{encoded}:streamGenerateContent?alt=sse"),
            json!({"contents": [{"parts": [{"text": "Hi"}]}]}),
        ),
        (
            "bedrock",
            format!("/p/model/{encoded}/converse-stream"),
            json!({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}),
        ),
        (
            "responses",
            "/p/v1/responses".to_owned(),
            json!({"model": model, "stream": true, "input": "Hi"}),
        ),
        (
            "cohere",
            "/p/v2/chat".to_owned(),
            json!({"model": model, "stream": true, "messages": messages}),
        ),
    ]
}

/// How many words of a benchmark's answer are there on their own.
fn tokens(text: &str) -> usize {
    let count = |word: &str| text.matches(&format!(":\" {word}\"")).count();
    ["ships", "come", "and", "go"].iter().map(|word| count(word)).sum()
}

#[tokio::test]
async fn benchmarks_have_as_many_chunks_as_asked_for_in_every_dialect() {
    let sandbox = start().await;
    for model in ["fast/4", "burst/4"] {
        for (dialect, path, body) in streams(model) {
            for _ in 0..2 {
                let got = post(&sandbox, &path, &body).await;
                assert_eq!(got.status, 200, "{dialect}");
                let text = String::from_utf8_lossy(&got.bytes);
                assert_eq!(tokens(&text), 4, "{dialect}: {text}");
            }
        }
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn statuses_are_said_in_every_dialect() {
    let sandbox = start().await;
    for (status, kinds) in [
        (401, ["invalid_api_key", "authentication_error", "UNAUTHENTICATED", "Unrecognized"]),
        (429, ["rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED", "Throttling"]),
        (503, ["overloaded", "overloaded_error", "UNAVAILABLE", "ServiceUnavailable"]),
    ] {
        for (dialect, path, body) in streams(&format!("fault/{status}-retry-after-3")) {
            let got = post(&sandbox, &path, &body).await;
            let expected = if dialect == "bedrock" && status == 401 { 403 } else { status };
            assert_eq!(got.status, expected, "{dialect}");
            assert_eq!(got.headers["retry-after"], "3");
            let said = format!("{:?} {}", got.headers, got.text());
            let kind = match dialect {
                "anthropic" => kinds[1],
                "gemini" => kinds[2],
                "bedrock" => kinds[3],
                "cohere" => "message",
                _ => kinds[0],
            };
            assert!(said.contains(kind), "{dialect}: {said}");
        }
    }
    for (dialect, path, body) in streams("fault/400-context") {
        let got = post(&sandbox, &path, &body).await;
        assert_eq!(got.status, 400, "{dialect}");
        let said = got.text();
        let words = ["context_length", "too long", "exceeds the maximum", "too many tokens"];
        assert!(words.iter().any(|words| said.contains(words)), "{dialect}: {said}");
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn filters_stop_prompts_in_every_dialect() {
    let sandbox = start().await;
    for (dialect, path, body) in streams("fault/prompt-blocked") {
        let got = post(&sandbox, &path, &body).await;
        if dialect == "gemini" {
            assert_eq!(got.events()[0]["promptFeedback"]["blockReason"], "PROHIBITED_CONTENT");
            let array = post(&sandbox, path.trim_end_matches("?alt=sse"), &body).await;
            assert_eq!(array.json()[0], got.events()[0]);
        } else {
            assert_eq!(got.status, 400, "{dialect}");
            assert!(got.text().contains("content"), "{dialect}: {}", got.text());
        }
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn streams_break_where_asked_in_every_dialect() {
    let sandbox = start().await;
    let read = async |path: &str, body: &Value| {
        let url = format!("{}{path}", sandbox.base_url());
        let request = client().post(url).header("anthropic-version", "1").body(body.to_string());
        match request.send().await {
            Ok(reply) => reply.bytes().await.ok(),
            Err(_) => None,
        }
    };
    let ordinary = streams("plain");
    for (index, (dialect, path, body)) in ordinary.iter().enumerate() {
        let whole = read(path, body).await.unwrap();
        let broken = async |fault: &str| {
            let (_, path, body) = streams(&format!("fault/{fault}")).swap_remove(index);
            read(&path, &body).await
        };
        let cut = broken("truncate-after-3").await.unwrap();
        assert!(!cut.is_empty() && cut.len() < whole.len() / 2, "{dialect}");
        assert!(broken("abort-after-3").await.is_none(), "{dialect}");
        assert!(broken("refuse").await.is_none(), "{dialect}");
        assert!(broken("empty").await.unwrap().is_empty(), "{dialect}");
        let failed = broken("error-midstream-3").await.unwrap();
        let words = String::from_utf8_lossy(&failed).into_owned();
        assert!(words.contains("asked to fail here") && failed.len() > cut.len(), "{words}");
        for fault in ["malformed-first", "malformed-after-3", "error-body"] {
            assert!(!broken(fault).await.unwrap().is_empty(), "{dialect}");
        }
        let quiet = broken("no-usage").await.unwrap();
        let words = String::from_utf8_lossy(&quiet).to_lowercase();
        let usage = ["totaltokencount\":1", "prompt_tokens\":", "\"input_tokens\":"];
        // A message begins by saying what its prompt took.
        if !["anthropic", "gemini"].contains(dialect) {
            assert!(!usage.iter().any(|name| words.contains(name)), "{dialect}: {words}");
        }
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn requests_are_counted_and_kept_by_provider() {
    let sandbox = start().await;
    for (_, path, body) in streams("plain") {
        let path = path.replacen("/p/", "/q/", 1);
        assert_eq!(post(&sandbox, &path, &body).await.status, 200);
    }
    let (_, path, body) = streams("plain").swap_remove(0);
    let headers = [("authorization", "Bearer sk-secret"), ("x-title", "here")];
    send(&sandbox, &path, &headers, body.to_string()).await;
    let stats = get(&sandbox, "/_sandbox/stats").await;
    assert_eq!((&stats["requests"], &stats["finished"]), (&json!(8), &json!(8)));
    assert_eq!(stats["dialects"]["chat"]["requests"], 3);
    assert_eq!(stats["dialects"]["cohere"]["finished"], 1);
    let kept = get(&sandbox, "/_sandbox/requests?last=100&provider=q").await;
    assert_eq!(kept["requests"].as_array().unwrap().len(), 7);
    let last = &get(&sandbox, "/_sandbox/requests").await["requests"][0];
    assert_eq!((&last["provider"], &last["dialect"]), (&json!("p"), &json!("chat")));
    assert_eq!(last["headers"]["authorization"], "(a credential)");
    assert_eq!(last["headers"]["x-title"], "here");
    assert_eq!(last["body"], body);
    assert_eq!(last["understood"]["turns"][0]["parts"][0]["text"], "Hi");
    sandbox.shutdown().await;
}

#[tokio::test]
async fn bytes_that_are_nothing_are_refused_in_every_dialect() {
    let sandbox = start().await;
    let deep = "[".repeat(5_000);
    for (dialect, path, _) in streams("plain") {
        for body in ["", "{", "null", "[]", "\u{0}", "{\"model\":5}", deep.as_str()] {
            let got = send(&sandbox, &path, &[], body.to_owned()).await;
            assert_eq!(got.status, 400, "{dialect}: {body:.20}");
            assert!(got.json().is_object(), "{dialect}");
        }
    }
    assert_eq!(send(&sandbox, "/p/v9/unknown", &[], String::new()).await.status, 404);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn vectors_orders_and_counts_fail_as_asked() {
    let sandbox = start().await;
    let content = json!({"parts": [{"text": "Hi"}]});
    for fault in ["429", "truncate-after-1", "error-midstream-1", "empty"] {
        let model = format!("fault/{fault}");
        let cases = [
            ("/p/v1/embeddings".to_owned(), json!({"model": model, "input": "Hi"})),
            (
                "/p/v1/rerank".to_owned(),
                json!({"model": model, "query": "Hi", "documents": ["Hi"]}),
            ),
            (
                "/p/v2/embed".to_owned(),
                json!({"model": model, "texts": ["Hi"], "input_type": "image"}),
            ),
            (
                format!("/p/v1beta/models/{model}:embedContent"),
                json!({"model": format!("models/{model}"), "content": content}),
            ),
            (format!("/p/v1beta/models/{model}:countTokens"), json!({"contents": [content]})),
        ];
        for (path, body) in cases {
            let got = post(&sandbox, &path, &body).await;
            let is_json = serde_json::from_slice::<Value>(&got.bytes).is_ok();
            let expected = match fault {
                "429" => (429, true),
                "error-midstream-1" => (500, true),
                _ => (200, false),
            };
            assert_eq!((got.status, is_json), expected, "{fault}: {path}");
        }
    }
    sandbox.shutdown().await;
}
