use serde_json::{Value, json};

use super::{decode, encoder};
use crate::error::{ErrorType, PublicError};

mod reading;
mod refusals;
mod robustness;
mod writing;

/// A valid request with some members added or replaced.
fn with(members: &Value) -> String {
    let mut request = json!({"model": "a/b", "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in members.as_object().unwrap() {
        request[name] = value.clone();
    }
    request.to_string()
}

fn refusal(body: &str) -> PublicError {
    let error = decode(body.as_bytes()).expect_err(body);
    assert_eq!((error.status, error.error_type), (400, ErrorType::InvalidRequest), "{body}");
    error
}

/// The members are refused, and the refusal names the field.
fn check_refused(members: &Value, field: &str) {
    let error = refusal(&with(members));
    assert_eq!(error.metadata["field"], field, "{members} → {}", error.message);
    assert!(error.message.starts_with(&format!("`{field}` ")), "{}", error.message);
}
