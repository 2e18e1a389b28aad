//! Answers that must be JSON.

use sandbox::{ResponseFormat, ToolChoice, Understood};
use serde_json::Value;

use super::tools::{same_schema, schema};
use super::{Check, PLAIN, Proof, Row, ensure};
use crate::dialects::ask::{Ask, Format};
use crate::dialects::read::{Finish, Said};

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "json_object",
        title: "`json_object`: any object",
        ask: || Ask { format: Some(Format::JsonObject), ..Ask::question("List a fruit as JSON.") },
        proof: Proof::Said(PLAIN, |said| object(said).map(drop)),
    },
    Row {
        id: "json_schema",
        title: "`json_schema`: an object of that schema",
        ask: structured,
        proof: Proof::Said(PLAIN, |said| {
            let value = object(said)?;
            ensure(value["city"].is_string(), || value.to_string())
        }),
    },
    Row {
        id: "json_schema_strict",
        title: "`json_schema`: the provider is held to it",
        ask: structured,
        proof: Proof::Understood(held),
    },
    Row {
        id: "json_schema_required",
        title: "`json_schema` under `require_parameters`",
        ask: || structured().requiring_parameters(),
        proof: Proof::Understood(held),
    },
];

fn structured() -> Ask {
    let format = Format::Schema { name: "weather", schema: schema(), strict: true };
    Ask { format: Some(format), ..Ask::question("Describe the weather in Oslo as JSON.") }
}

fn object(said: &Said) -> Result<Value, String> {
    let [choice] = said.choices.as_slice() else { return Err("several choices".to_owned()) };
    ensure(choice.calls.is_empty(), || format!("a call is seen: {:?}", choice.calls))?;
    ensure(choice.finish == Finish::Stop, || format!("{:?}", choice.finish))?;
    let value: Value = serde_json::from_str(&choice.text)
        .map_err(|error| format!("{error} in `{}`", choice.text))?;
    ensure(value.is_object(), || format!("not an object: {value}"))?;
    Ok(value)
}

/// By the provider's own means, or by a tool that must be called.
fn held(seen: &Understood) -> Check {
    match (&seen.response_format, &seen.tool_choice) {
        (Some(ResponseFormat::JsonSchema { schema: found, strict, .. }), _) => {
            ensure(*strict != Some(false), || "it is not strict".to_owned())?;
            same_schema(Some(found), &schema())
        }
        (None, Some(ToolChoice::Named(name))) => {
            let tool = seen.tools.iter().find(|tool| tool.name == *name);
            same_schema(tool.and_then(|tool| tool.schema.as_ref()), &schema())
        }
        (None, Some(ToolChoice::Required)) if seen.tools.len() == 1 => {
            same_schema(seen.tools[0].schema.as_ref(), &schema())
        }
        other => Err(format!("{other:?}")),
    }
}
