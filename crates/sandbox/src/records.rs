//! The last requests, so that tests can see what an upstream was sent.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use hyper::HeaderMap;
use serde_json::{Map, Value, json};

use crate::refusal::Refusal;
use crate::understood::Understood;

/// How many requests are kept, and how much of their bodies.
const REQUESTS_MAX: usize = 256;
const BYTES_MAX: usize = 32 * 1024 * 1024;

/// Headers that may carry a credential: that they were there is told, their value is not.
const CREDENTIALS: [&str; 7] = [
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-amz-security-token",
    "proxy-authorization",
    "cookie",
];

#[derive(Debug, Default)]
pub(crate) struct Records(Mutex<Ring>);

#[derive(Debug, Default)]
struct Ring {
    records: VecDeque<Record>,
    bytes: usize,
    count: u64,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) provider: String,
    pub(crate) dialect: &'static str,
    pub(crate) method: String,
    pub(crate) address: String,
    pub(crate) headers: Value,
    pub(crate) body: Bytes,
    pub(crate) understood: Result<Value, String>,
}

impl Record {
    pub(crate) fn outcome(understood: Result<&Understood, &Refusal>) -> Result<Value, String> {
        match understood {
            Ok(understood) => Ok(serde_json::to_value(understood).unwrap_or_default()),
            Err(refusal) => Err(format!("{}: {}", refusal.path, refusal.plain())),
        }
    }

    fn to_json(&self, number: u64) -> Value {
        let body = serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&self.body).into_owned()));
        let mut record = json!({"number": number, "provider": self.provider,
            "dialect": self.dialect, "method": self.method, "address": self.address,
            "headers": self.headers, "body": body});
        match &self.understood {
            Ok(understood) => record["understood"] = understood.clone(),
            Err(refusal) => record["refusal"] = refusal.as_str().into(),
        }
        record
    }
}

impl Records {
    pub(crate) fn add(&self, record: Record) {
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ring.bytes += record.body.len();
        ring.count += 1;
        ring.records.push_back(record);
        while ring.records.len() > REQUESTS_MAX || ring.bytes > BYTES_MAX {
            let Some(oldest) = ring.records.pop_front() else { break };
            ring.bytes -= oldest.body.len();
        }
    }

    /// The last ones, oldest first, only those of `provider` when one is named.
    pub(crate) fn last(&self, count: usize, provider: Option<&str>) -> Value {
        let ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = ring.count.saturating_sub(ring.records.len() as u64);
        let numbered = ring.records.iter().enumerate();
        let mut found: Vec<Value> = numbered
            .rev()
            .filter(|(_, record)| provider.is_none_or(|provider| record.provider == provider))
            .take(count)
            .map(|(index, record)| record.to_json(first + index as u64))
            .collect();
        found.reverse();
        json!({"count": ring.count, "requests": found})
    }
}

/// Headers by name, without what is secret in them.
pub(crate) fn harmless(headers: &HeaderMap) -> Value {
    let members = headers.iter().map(|(name, value)| {
        let value = if CREDENTIALS.contains(&name.as_str()) {
            "(a credential)".into()
        } else {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        (name.as_str().to_owned(), Value::String(value))
    });
    Value::Object(members.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(provider: &str, body: Bytes) -> Record {
        Record {
            provider: provider.to_owned(),
            dialect: "chat",
            method: "POST".to_owned(),
            address: "/".to_owned(),
            headers: Value::Null,
            body,
            understood: Err("no".to_owned()),
        }
    }

    #[test]
    fn the_last_requests_are_kept_and_no_more() {
        let records = Records::default();
        for _ in 0..REQUESTS_MAX + 5 {
            records.add(record("a", Bytes::from_static(b"{}")));
        }
        records.add(record("b", Bytes::from_static(b"text")));
        let all = records.last(usize::MAX, None);
        assert_eq!(all["requests"].as_array().unwrap().len(), REQUESTS_MAX);
        let last = records.last(5, Some("b"));
        assert_eq!(last["requests"][0]["number"], REQUESTS_MAX + 5);
        assert_eq!(last["requests"][0]["body"], "text");
        records.add(record("c", Bytes::from(vec![b'x'; BYTES_MAX])));
        assert_eq!(records.last(9, None)["requests"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn credentials_are_not_kept() {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", "sk-secret".parse().unwrap());
        headers.insert("x-title", "test".parse().unwrap());
        let kept = harmless(&headers);
        assert!(!kept.to_string().contains("secret"));
        assert_eq!(kept["x-title"], "test");
    }
}
