//! An [`Ask`] in the form of each dialect that callers speak.

mod chat;
mod completions;
mod messages;
mod responses;

use serde_json::{Map, Value};

use super::ask::Ask;
use super::cell::Inbound;

/// What a dialect has no form for.
pub(super) type NoForm = &'static str;

/// The body of a request, or what of it the dialect cannot say.
pub(super) fn body(
    ask: &Ask,
    inbound: Inbound,
    model: &str,
    stream: bool,
) -> Result<Value, NoForm> {
    let mut members = match inbound {
        Inbound::Chat => chat::write(ask)?,
        Inbound::Completions => completions::write(ask)?,
        Inbound::Responses => responses::write(ask)?,
        Inbound::Messages => messages::write(ask)?,
    };
    members.insert("model".to_owned(), model.into());
    members.insert("stream".to_owned(), stream.into());
    if let Some(provider) = &ask.provider {
        members.insert("provider".to_owned(), provider.clone());
    }
    for (name, value) in &ask.extra {
        members.insert((*name).to_owned(), value.clone());
    }
    Ok(Value::Object(members))
}

/// Members to insert, without those that are null.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => {
            members.into_iter().filter(|(_, value)| !value.is_null()).collect()
        }
        other => panic!("not an object: {other}"),
    }
}

/// A text as it is, or in parts where something else stands beside it.
fn refuse_if(condition: bool, what: NoForm) -> Result<(), NoForm> {
    if condition { Err(what) } else { Ok(()) }
}
