//! Converse over the wire.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_eventstream::frame::read_message_from;
use serde_json::{Value, json};

use crate::wire::{Got, SHOWN, check_refusals, post, send, start};

fn whole(model: &str) -> String {
    format!("/p/model/{}/converse", model.replace('/', "%2F"))
}

fn streamed(model: &str) -> String {
    format!("{}-stream", whole(model))
}

fn ask() -> Value {
    json!({"messages": [{"role": "user", "content": [{"text": "Is it dark at the harbour?"}]}]})
}

/// The messages of a stream: the kind and name of each, and what it carries.
fn messages(bytes: &[u8]) -> Vec<(String, String, Value)> {
    let mut rest = bytes;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let message = read_message_from(&mut rest).unwrap();
        let header = |name: &str| {
            let header = message.headers().iter().find(|header| header.name().as_str() == name);
            header.map(|header| header.value().as_string().unwrap().as_str().to_owned())
        };
        let kind = header(":message-type").unwrap();
        let name = header(&format!(":{kind}-type")).unwrap();
        assert_eq!(header(":content-type").unwrap(), "application/json");
        let mut payload: Value = serde_json::from_slice(message.payload()).unwrap();
        payload.as_object_mut().unwrap().remove("p");
        found.push((kind, name, payload));
    }
    found
}

/// The document that a stream amounts to.
fn accumulated(got: &Got) -> Value {
    let mut blocks: Vec<Value> = Vec::new();
    let mut arguments = String::new();
    let mut document = json!({"output": {"message": {"role": "assistant"}}});
    for (kind, name, payload) in messages(&got.bytes) {
        assert_eq!(kind, "event");
        let index = payload["contentBlockIndex"].as_u64().unwrap_or(0);
        let index = usize::try_from(index).unwrap();
        match name.as_str() {
            "messageStart" => assert_eq!(payload, json!({"role": "assistant"})),
            "contentBlockStart" => {
                assert_eq!(blocks.len(), index);
                blocks.push(payload["start"].clone());
                arguments.clear();
            }
            "contentBlockDelta" => {
                if blocks.len() == index {
                    blocks.push(json!({}));
                }
                add(&mut blocks[index], &payload["delta"], &mut arguments);
            }
            "contentBlockStop" => {
                let block = &mut blocks[index];
                if block["toolUse"].is_object() {
                    let text = if arguments.is_empty() { "{}" } else { &arguments };
                    block["toolUse"]["input"] = serde_json::from_str(text).unwrap();
                }
            }
            "messageStop" => document["stopReason"] = payload["stopReason"].clone(),
            "metadata" => {
                document["usage"] = payload["usage"].clone();
                document["metrics"] = payload["metrics"].clone();
            }
            other => panic!("{other}"),
        }
    }
    document["output"]["message"]["content"] = blocks.into();
    document
}

fn add(block: &mut Value, delta: &Value, arguments: &mut String) {
    let longer = |old: &Value, new: &Value| {
        json!(format!("{}{}", old.as_str().unwrap_or(""), new.as_str().unwrap()))
    };
    let (member, value) = delta.as_object().unwrap().iter().next().unwrap();
    match member.as_str() {
        "text" => block["text"] = longer(&block["text"], value),
        "toolUse" => arguments.push_str(value["input"].as_str().unwrap()),
        "reasoningContent" => match value.as_object().unwrap().iter().next().unwrap() {
            (name, value) if name == "redactedContent" => {
                block["reasoningContent"] = json!({"redactedContent": value});
            }
            (name, value) => {
                let inner = &mut block["reasoningContent"]["reasoningText"][name];
                *inner = longer(inner, value);
            }
        },
        "citation" => {
            let citations = &mut block["citations"];
            if !citations.is_array() {
                *citations = json!([]);
            }
            citations.as_array_mut().unwrap().push(value.clone());
        }
        "image" => block["image"]["source"] = value["source"].clone(),
        other => panic!("{other}"),
    }
    if block["citations"].is_array() && block["text"].is_string() {
        let citations = block["citations"].clone();
        *block = json!({"citationsContent": {"content": [{"text": block["text"]}],
            "citations": citations}});
    } else if block["citations"].is_array() {
        let more = block["citations"].clone();
        block.as_object_mut().unwrap().remove("citations");
        let all = block["citationsContent"]["citations"].as_array_mut().unwrap();
        all.extend(more.as_array().unwrap().iter().cloned());
    }
}

#[tokio::test]
async fn streams_amount_to_the_document() {
    let sandbox = start().await;
    let models = SHOWN.iter().map(|features| format!("show/{features}"));
    for model in models.chain(["claude".to_owned(), "fast/8".to_owned()]) {
        let document = post(&sandbox, &whole(&model), &ask()).await.json();
        let stream = post(&sandbox, &streamed(&model), &ask()).await;
        assert_eq!(stream.headers["content-type"], "application/vnd.amazon.eventstream");
        assert_eq!(accumulated(&stream), document, "{model}");
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn what_amazon_refuses_is_refused() {
    let sandbox = start().await;
    let answer = post(&sandbox, &whole("show/reasoning+tool"), &ask()).await.json();
    let content = answer["output"]["message"]["content"].clone();
    let id = content[1]["toolUse"]["toolUseId"].clone();
    let result = json!({"toolResult": {"toolUseId": id, "content": [{"json": {"degrees": 18}}],
        "status": "error"}});
    let mut fine = ask();
    fine["messages"] = json!([fine["messages"][0], {"role": "assistant", "content": content},
        {"role": "user", "content": [result]}]);
    fine["toolConfig"] = json!({"tools": [{"toolSpec": {"name": "get_weather",
        "inputSchema": {"json": {"type": "object"}}}}, {"cachePoint": {"type": "default"}}]});
    fine["inferenceConfig"] = json!({"maxTokens": 3000});
    let signature = "/messages/1/content/0/reasoningContent/reasoningText/signature";
    let document = |name: &str| {
        json!([{"text": "x"}, {"document": {"format": "pdf", "name": name,
            "source": {"bytes": "QQ=="}}}])
    };
    let wrong = vec![
        ("/foo", json!(1), "extraneous key [foo]"),
        ("/messages/0/role", json!("assistant"), "must start with a user message"),
        ("/messages/1/role", json!("user"), "must alternate"),
        ("/messages/0/content", json!([]), "is empty"),
        ("/messages/0/content", json!([{"text": " "}]), "is blank"),
        ("/messages/0/content", json!([{"text": "a", "image": {}}]), "exactly one member"),
        ("/messages/0/content", document("a_b.pdf"), "file name can only contain"),
        ("/messages/0/content", json!([document("a")[1]]), "must have a text block"),
        ("/messages/2/content", json!([{"text": "18"}]), "Expected toolResult blocks"),
        ("/messages/2/content/0/toolResult/toolUseId", json!("t2"), "exceeds the number"),
        ("/messages/2/content/0/toolResult/toolUseId", json!("a b"), "regular expression"),
        (signature, json!("c2ln"), "Invalid `signature`"),
        ("/toolConfig", Value::Null, "toolConfig field must be defined"),
        ("/toolConfig/toolChoice", json!({"tool": {"name": "x"}}), "not one of"),
        ("/toolConfig/toolChoice", json!({"auto": {}, "any": {}}), "exactly one"),
        ("/toolConfig/tools/0/toolSpec/description", json!(""), "length greater"),
        ("/inferenceConfig/temperature", json!(1.5), "between 0 and 1"),
        ("/inferenceConfig/topK", json!(3), "extraneous key"),
        ("/system", json!([{"cachePoint": {"type": "default"}}]), "nothing before"),
    ];
    check_refusals(&sandbox, &whole("claude"), &fine, "/message", wrong).await;
    let got = post(&sandbox, &whole("fault/429"), &ask()).await;
    assert_eq!(got.status, 429);
    let name = got.headers["x-amzn-errortype"].to_str().unwrap();
    assert!(name.starts_with("ThrottlingException"), "{name}");
    sandbox.shutdown().await;
}

#[tokio::test]
async fn broken_streams_are_broken_in_binary() {
    let sandbox = start().await;
    let error = post(&sandbox, &streamed("fault/error-midstream-2"), &ask()).await;
    let found = messages(&error.bytes);
    assert_eq!(found.len(), 4);
    assert_eq!(
        (found[3].0.as_str(), found[3].1.as_str()),
        ("exception", "internalServerException")
    );
    let bad = post(&sandbox, &streamed("fault/malformed-first"), &ask()).await;
    assert!(read_message_from(&mut bad.bytes.as_slice()).is_err());
    sandbox.shutdown().await;
}

#[tokio::test]
async fn cache_points_count() {
    let sandbox = start().await;
    let mut body = ask();
    body["system"] = json!([{"text": "Rules. ".repeat(200)}, {"cachePoint": {"type": "default"}}]);
    let mut usage = Vec::new();
    for _ in 0..2 {
        usage.push(post(&sandbox, &whole("claude"), &body).await.json()["usage"].clone());
    }
    assert_eq!(usage[0]["cacheWriteInputTokens"], 350);
    assert_eq!(usage[1]["cacheReadInputTokens"], 350);
    assert_eq!(usage[0]["totalTokens"], usage[1]["totalTokens"]);
    let counted = json!({"input": {"converse": body}});
    let counted = post(&sandbox, "/p/model/claude/count-tokens", &counted).await.json();
    assert_eq!(counted["inputTokens"], usage[0]["inputTokens"].as_u64().unwrap() + 350);
    sandbox.shutdown().await;
}

/// Headers that AWS's own crate makes for this request.
fn signed(url: &str, key: &str, secret: &str, body: &str) -> Vec<(String, String)> {
    let identity = Credentials::new(key, secret, None, None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("bedrock")
        .time(UNIX_EPOCH + Duration::from_secs(1_780_000_000))
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let headers = [("content-type", "application/json")].into_iter();
    let body = SignableBody::Bytes(body.as_bytes());
    let request = SignableRequest::new("POST", url, headers, body).unwrap();
    let (instructions, _) = sign(request, &params).unwrap().into_parts();
    let mut found = vec![("content-type".to_owned(), "application/json".to_owned())];
    found.extend(
        instructions
            .headers()
            .filter(|(name, _)| *name != "host")
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    found
}

#[tokio::test]
async fn signatures_are_checked() {
    let sandbox = start().await;
    let path = "/p/model/anthropic.claude-3%3A0/converse";
    let body = ask().to_string();
    let url = format!("{}{path}", sandbox.base_url());
    let cases = [
        ("AKIASANDBOX", "sandbox-secret", body.clone(), 200, ""),
        ("AKIASANDBOX", "wrong", body.clone(), 403, "does not match the signature"),
        ("AKIASANDBOX", "sandbox-secret", ask().to_string() + " ", 403, "does not match"),
        ("AKIAOTHER", "sandbox-secret", body.clone(), 403, "security token"),
    ];
    for (key, secret, signed_body, status, words) in cases {
        let headers = signed(&url, key, secret, &signed_body);
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let got = send(&sandbox, path, &headers, body.clone()).await;
        assert_eq!(got.status, status, "{}", got.text());
        assert!(got.text().contains(words), "{}", got.text());
    }
    sandbox.shutdown().await;
}
