//! Gemini over the wire.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::wire::{SHOWN, check_refusals, post, send, start};

fn whole(model: &str) -> String {
    format!("/p/v1beta/models/{model}:generateContent")
}

fn streamed(model: &str) -> String {
    format!("/p/v1beta/models/{model}:streamGenerateContent?alt=sse")
}

fn ask() -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "Is it dark at the harbour?"}]}]})
}

/// The response that parts of a stream amount to: neighbouring texts of a kind are one.
fn accumulated(events: &[Value]) -> Value {
    let mut response = events.last().unwrap().clone();
    let mut parts: Vec<Value> = Vec::new();
    let found = events
        .iter()
        .flat_map(|event| event["candidates"][0]["content"]["parts"].as_array().unwrap());
    for part in found {
        match parts.last_mut() {
            Some(last)
                if last["text"].is_string()
                    && part["text"].is_string()
                    && last["thought"] == part["thought"]
                    && part.get("thoughtSignature").is_none() =>
            {
                let text =
                    format!("{}{}", last["text"].as_str().unwrap(), part["text"].as_str().unwrap());
                last["text"] = text.into();
            }
            _ => parts.push(part.clone()),
        }
    }
    // A last part without a word only carries the end.
    parts.retain(|part| part["text"] != "" || part.get("thoughtSignature").is_some());
    let candidate = response["candidates"][0].as_object_mut().unwrap();
    candidate.insert("content".into(), json!({"role": "model", "parts": parts}));
    response
}

#[tokio::test]
async fn streams_amount_to_the_document() {
    let sandbox = start().await;
    let models = SHOWN.iter().map(|features| format!("show/{features}"));
    let others = ["gemini", "fast/8", "show/text+tools-parallel@gemini-3-pro"].map(str::to_owned);
    for model in models.chain(others) {
        let document = post(&sandbox, &whole(&model), &ask()).await.json();
        let stream = post(&sandbox, &streamed(&model), &ask()).await;
        assert_eq!(stream.headers["content-type"], "text/event-stream");
        assert_eq!(accumulated(&stream.events()), document, "{model}");
        let path = streamed(&model).replace("?alt=sse", "");
        let array = post(&sandbox, &path, &ask()).await;
        assert_eq!(array.headers["content-type"], "application/json");
        assert_eq!(array.json(), json!(stream.events()), "{model}");
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn thoughts_are_shown_when_asked_for_and_signed_always() {
    let sandbox = start().await;
    let path = whole("show/reasoning+tool");
    let parts = async |shown: bool| {
        let mut body = ask();
        body["generationConfig"] = json!({"thinkingConfig": {"includeThoughts": shown}});
        let answer = post(&sandbox, &path, &body).await.json();
        assert!(answer["usageMetadata"]["thoughtsTokenCount"].as_u64().unwrap() > 5);
        answer["candidates"][0]["content"]["parts"].clone()
    };
    let shown = parts(true).await;
    assert_eq!(shown[0]["thought"], true);
    assert!(shown[1]["functionCall"].is_object());
    let hidden = parts(false).await;
    assert!(hidden[0]["functionCall"].is_object());

    let mut again = ask();
    let mut contents = vec![again["contents"][0].clone()];
    contents.push(json!({"role": "model", "parts": [shown[1]]}));
    contents.push(json!({"role": "user", "parts": [{"functionResponse": {"name": "get_weather",
        "response": {"output": "18"}}}]}));
    again["contents"] = contents.into();
    let signature = "/contents/1/parts/0/thoughtSignature";
    let wrong = vec![(signature, json!("c2lnbmF0dXJl"), "Corrupted thought signature")];
    check_refusals(&sandbox, &whole("gemini"), &again, "/error/message", wrong).await;
    sandbox.shutdown().await;
}

#[tokio::test]
async fn calls_are_signed_since_the_third_generation() {
    let sandbox = start().await;
    let signature = async |model: &str| {
        let answer = post(&sandbox, &whole(model), &ask()).await.json();
        let parts = answer["candidates"][0]["content"]["parts"].clone();
        assert_eq!(parts.as_array().unwrap().len(), 2, "{parts}");
        assert!(parts[1].get("thoughtSignature").is_none());
        parts[0].get("thoughtSignature").cloned()
    };
    assert_eq!(signature("show/tools-parallel@gemini-2.5-pro").await, None);
    let ours = signature("show/tools-parallel@google/gemini-3.1-pro").await.unwrap();
    let result = json!({"functionResponse": {"name": "get_weather", "response": {"output": "18"}}});
    let call = json!({"functionCall": {"name": "get_weather", "args": {}}});
    for (value, status) in
        [(ours, 200), (json!("skip_thought_signature_validator"), 200), (Value::Null, 400)]
    {
        let mut body = ask();
        let mut call = call.clone();
        call["thoughtSignature"] = value;
        let turns = [json!({"role": "model", "parts": [call]}), json!({"parts": [result]})];
        body["contents"].as_array_mut().unwrap().extend(turns);
        let got = post(&sandbox, &whole("gemini-3-flash"), &body).await;
        assert_eq!(got.status, status, "{}", got.text());
        assert_eq!(post(&sandbox, &whole("gemini-2.5-pro"), &body).await.status, 200);
        // What was called before the person spoke again no longer matters.
        let more = json!({"role": "user", "parts": [{"text": "And now?"}]});
        body["contents"].as_array_mut().unwrap().push(more);
        assert_eq!(post(&sandbox, &whole("gemini-3-flash"), &body).await.status, 200);
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn what_google_refuses_is_refused() {
    let sandbox = start().await;
    let mut fine = ask();
    fine["tools"] = json!([{"functionDeclarations": [{"name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
            "required": ["city"]}}]}]);
    fine["contents"] = json!([{"role": "user", "parts": [{"text": "weather?"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "get_weather",
            "response": {"error": "fog"}}}]}]);
    fine["generationConfig"] = json!({"topK": 3});
    let parameters = "/tools/0/functionDeclarations/0/parameters";
    let wrong = vec![
        ("/foo", json!(1), "Unknown name \"foo\""),
        ("/generationConfig/foo", json!(1), "Unknown name \"foo\" at 'generationConfig'"),
        ("/contents", json!([]), "contents is not specified"),
        ("/contents/0/role", json!("system"), "valid role"),
        ("/contents/0/parts", json!([]), "must not be empty"),
        ("/contents/0/parts/0", json!({}), "oneof field 'data'"),
        ("/contents/0/parts/0/inlineData", json!({"mimeType": "a/b", "data": "QQ=="}), "already"),
        ("/contents/2/parts", json!([{"text": "18"}]), "number of function response parts"),
        ("/contents/2/parts/0/functionResponse/name", json!("other"), "`other`"),
        (parameters, json!({"type": "object", "additionalProperties": false}), "Unknown name"),
        (parameters, json!({"type": ["object", "null"]}), "Invalid value"),
        (parameters, json!({"type": "object", "required": ["x"]}), "property is not defined"),
        ("/tools/0/functionDeclarations/0/name", json!("1x"), "Invalid function name"),
        ("/generationConfig/temperature", json!(2.5), "between 0 and 2"),
        ("/generationConfig/responseSchema", json!({"type": "object"}), "response_mime_type"),
        ("/generationConfig/stopSequences", json!(["a", "b", "c", "d", "e", "f"]), "at most 5"),
        ("/generationConfig/thinkingConfig", json!({"thinkingBudget": -2}), "budget is invalid"),
        (
            "/toolConfig",
            json!({"functionCallingConfig": {"allowedFunctionNames": ["get_weather"]}}),
            "mode is ANY",
        ),
    ];
    check_refusals(&sandbox, &whole("gemini"), &fine, "/error/message", wrong).await;
    let got = post(&sandbox, &whole("fault%2F429"), &ask()).await;
    assert_eq!((got.status, &got.json()["error"]["status"]), (429, &json!("RESOURCE_EXHAUSTED")));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn several_candidates_and_probabilities_are_told_apart() {
    let sandbox = start().await;
    let mut body = ask();
    body["generationConfig"] =
        json!({"candidateCount": 2, "responseLogprobs": true, "logprobs": 2});
    let answer = post(&sandbox, &whole("gemini"), &body).await.json();
    let candidates = answer["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 2);
    assert_ne!(candidates[0]["content"], candidates[1]["content"]);
    let logprobs = &candidates[1]["logprobsResult"];
    let chosen = logprobs["chosenCandidates"].as_array().unwrap();
    assert_eq!(chosen.len(), logprobs["topCandidates"].as_array().unwrap().len());
    let text: String = chosen.iter().map(|token| token["token"].as_str().unwrap()).collect();
    assert_eq!(text, candidates[1]["content"]["parts"][0]["text"]);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn vectors_and_counts_are_given() {
    let sandbox = start().await;
    let content = |text: &str| json!({"parts": [{"text": text}]});
    let base = "/p/v1beta/models/embed";
    let body = json!({"requests": [{"model": "models/embed", "content": content("one")},
        {"model": "models/embed", "content": content("two"), "outputDimensionality": 8}]});
    let got = post(&sandbox, &format!("{base}:batchEmbedContents"), &body).await.json();
    assert_eq!(got["embeddings"][0]["values"].as_array().unwrap().len(), 64);
    assert_eq!(got["embeddings"][1]["values"].as_array().unwrap().len(), 8);
    let body = json!({"content": content("one"), "taskType": "CLUSTERING"});
    let one = post(&sandbox, &format!("{base}:embedContent"), &body).await.json();
    assert_eq!(one["embedding"], got["embeddings"][0]);
    let wrong = json!({"requests": [{"model": "models/other", "content": content("one")}]});
    let path = format!("{base}:batchEmbedContents");
    assert_eq!(post(&sandbox, &path, &wrong).await.status, 400);
    let vertex = "/p/v1/projects/x/locations/y/publishers/google/models/embed:predict";
    let body = json!({"instances": [{"content": "one"}]});
    let predicted = post(&sandbox, vertex, &body).await.json();
    let values = &predicted["predictions"][0]["embeddings"]["values"];
    assert_eq!(values, &one["embedding"]["values"]);
    let counted = post(&sandbox, "/p/v1beta/models/gemini:countTokens", &ask()).await.json();
    assert_eq!(counted["totalTokens"], 14);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn vertex_takes_our_tokens_and_no_others() {
    let sandbox = start().await;
    let path = "/p/v1/projects/x/locations/y/publishers/google/models/gemini:generateContent";
    let body = ask().to_string();
    assert_eq!(send(&sandbox, path, &[], body.clone()).await.status, 200);
    let refused = send(&sandbox, path, &[("authorization", "Bearer ya29.x")], body.clone()).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["error"]["status"], "UNAUTHENTICATED");
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let assertion = format!(
        "{}.{}.{}",
        part(json!({"alg": "RS256", "typ": "JWT"})),
        part(json!({"iss": "robot@example.com", "scope": "cloud-platform", "iat": 1, "exp": 3601,
            "aud": "https://oauth2.googleapis.com/token"})),
        URL_SAFE_NO_PAD.encode([1_u8; 256])
    );
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    let form = format!("{grant}&assertion={assertion}");
    let token = send(&sandbox, "/_sandbox/token", &[], form).await.json();
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    assert_eq!(send(&sandbox, path, &[("authorization", &bearer)], body).await.status, 200);
    sandbox.shutdown().await;
}
