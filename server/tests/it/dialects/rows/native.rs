//! What only the dialect itself knows.

use serde_json::json;

use super::{Proof, Row, ensure};
use crate::dialects::ask::Ask;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "unknown_member",
        title: "a member of the request that we do not know",
        ask: || Ask {
            extra: vec![("x_harbour", json!({ "kept": [1, "two", null] }))],
            ..Ask::question("Hi.")
        },
        proof: Proof::Understood(|seen| {
            let kept =
                seen.unknown.values().any(|value| *value == json!({ "kept": [1, "two", null] }));
            ensure(kept, || format!("{:?}", seen.unknown))
        }),
    },
    Row {
        id: "user_is_hidden",
        title: "the caller's name for its user, never as it is",
        ask: || Ask { extra: vec![("user", json!("ada@example.com"))], ..Ask::question("Hi.") },
        proof: Proof::Understood(|seen| {
            let user = seen.user.as_deref();
            ensure(user.is_none_or(|user| !user.contains("ada")), || format!("{user:?}"))
        }),
    },
];
