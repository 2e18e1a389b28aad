//! What every test of a dialect needs: asking, and reading streams back.

use std::sync::LazyLock;
use std::time::Duration;

use sandbox::{Sandbox, SandboxOptions, Understood};
use serde_json::Value;

/// A sandbox without waits.
pub(crate) async fn start() -> Sandbox {
    let address = "127.0.0.1:0".parse().unwrap();
    Sandbox::start(SandboxOptions { address, seed: 42, speed: 0.0 }).await.unwrap()
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The data of server-sent events, checking that names are those in the data.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = self.text().replace("\r\n", "\n");
        let mut found = Vec::new();
        for event in text.split("\n\n").filter(|event| !event.is_empty()) {
            let (name, data) = match event.split_once('\n') {
                Some((name, data)) => (name.strip_prefix("event: "), data),
                None => (None, event),
            };
            let data = data.strip_prefix("data: ").unwrap_or_else(|| panic!("{event}"));
            if data == "[DONE]" {
                continue;
            }
            let data: Value = serde_json::from_str(data).unwrap_or_else(|_| panic!("{event}"));
            if let Some(name) = name {
                assert_eq!(data["type"], name);
            }
            found.push(data);
        }
        found
    }
}

/// One for all tests, because making one reads the certificates of the machine. It keeps no
/// connections, which would belong to the runtime of some other test.
pub(crate) fn client() -> reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        let builder = reqwest::Client::builder().pool_max_idle_per_host(0);
        builder.timeout(Duration::from_secs(20)).build().unwrap()
    });
    CLIENT.clone()
}

pub(crate) async fn post(sandbox: &Sandbox, path: &str, body: &Value) -> Got {
    send(sandbox, path, &[("anthropic-version", "2023-06-01")], body.to_string()).await
}

pub(crate) async fn send(
    sandbox: &Sandbox,
    path: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Got {
    let mut request = client().post(format!("{}{path}", sandbox.base_url())).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let reply = request.send().await.unwrap();
    let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
    Got { status, headers, bytes: reply.bytes().await.unwrap().to_vec() }
}

pub(crate) async fn get(sandbox: &Sandbox, path: &str) -> Value {
    let url = format!("{}{path}", sandbox.base_url());
    client().get(url).send().await.unwrap().json().await.unwrap()
}

/// What the sandbox understood of the last request.
pub(crate) async fn last_understood(sandbox: &Sandbox) -> Understood {
    let records = get(sandbox, "/_sandbox/requests?last=1").await;
    serde_json::from_value(records["requests"][0]["understood"].clone()).unwrap()
}

/// Replaces one member, or takes it away when the value is null.
pub(crate) fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match body.pointer_mut(parent).unwrap() {
        Value::Array(values) => match name.parse::<usize>() {
            Ok(index) => values[index] = value,
            Err(_) => values.push(value),
        },
        Value::Object(members) if value.is_null() => drop(members.remove(name)),
        Value::Object(members) => drop(members.insert(name.to_owned(), value)),
        other => panic!("{other} has no members"),
    }
    body
}

/// Sends each wrong request and looks for the words in what is said about it.
pub(crate) async fn check_refusals(
    sandbox: &Sandbox,
    path: &str,
    body: &Value,
    message: &str,
    wrong: Vec<(&str, Value, &str)>,
) {
    let fine = post(sandbox, path, body).await;
    assert_eq!(fine.status, 200, "{}", fine.text());
    for (pointer, value, words) in wrong {
        let got = post(sandbox, path, &with(body.clone(), pointer, value)).await;
        assert_eq!(got.status, 400, "{pointer}: {}", got.text());
        let said = got.json();
        let said = said.pointer(message).and_then(Value::as_str).unwrap_or_default();
        assert!(said.contains(words), "{pointer}: {said}");
    }
}

/// Every list of features that all dialects can show in some way.
pub(crate) const SHOWN: [&str; 13] = [
    "text",
    "unicode",
    "reasoning",
    "reasoning-redacted+text",
    "tool",
    "text+tools-parallel",
    "tool-noargs",
    "reasoning+text+tool",
    "refusal",
    "text+content-filter",
    "text+length",
    "citations",
    "text+image",
];
