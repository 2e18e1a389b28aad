//! Functions that the model may call.

use sandbox::{Part, ToolChoice, Understood};
use serde_json::{Value, json};

use super::{Check, Proof, Row, ensure};
use crate::dialects::ask::{Ask, Call, Choice, Tool, Turn};
use crate::dialects::read::{Finish, Said};

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "tool_definition",
        title: "a definition: name, description, schema",
        ask: || tools(),
        proof: Proof::Understood(|seen| {
            let tool = seen.tools.first().ok_or("there is no tool")?;
            ensure(tool.name == "get_weather", || tool.name.clone())?;
            ensure(tool.description.as_deref() == Some(DESCRIPTION), || {
                format!("{:?}", tool.description)
            })?;
            same_schema(tool.schema.as_ref(), &schema())
        }),
    },
    Row {
        id: "tool_without_arguments",
        title: "a function without arguments",
        ask: || Ask::question(QUESTION).with_tools(vec![clock()]),
        proof: Proof::Understood(|seen| {
            let tool = seen.tools.first().ok_or("there is no tool")?;
            ensure(tool.name == "get_time", || tool.name.clone())?;
            let properties = tool.schema.as_ref().map(|schema| &schema["properties"]);
            let is_empty = properties.is_none_or(|p| p.is_null() || *p == json!({}));
            ensure(is_empty, || format!("{:?}", tool.schema))
        }),
    },
    Row {
        id: "strict_tool",
        title: "a strict schema",
        ask: || {
            let tool = Tool { strict: true, ..weather() };
            Ask::question(QUESTION).with_tools(vec![tool])
        },
        proof: Proof::Understood(|seen| {
            let strict = seen.tools.first().and_then(|tool| tool.strict);
            ensure(strict == Some(true), || format!("{strict:?}"))
        }),
    },
    Row {
        id: "choice_auto",
        title: "`tool_choice`: auto",
        ask: || tools().choosing(Choice::Auto),
        proof: Proof::Understood(|seen| {
            // Saying nothing means the same.
            let choice = seen.tool_choice.as_ref();
            ensure(choice.is_none_or(|choice| *choice == ToolChoice::Auto), || {
                format!("{choice:?}")
            })?;
            ensure(!seen.tools.is_empty(), || "the tools are gone".to_owned())
        }),
    },
    Row {
        id: "choice_none",
        title: "`tool_choice`: none",
        ask: || tools().choosing(Choice::None),
        // A provider that is not told of any tool calls none.
        proof: Proof::Understood(|seen| {
            let is_none = seen.tool_choice == Some(ToolChoice::None) || seen.tools.is_empty();
            ensure(is_none, || format!("{:?}", seen.tool_choice))
        }),
    },
    Row {
        id: "choice_required",
        title: "`tool_choice`: required",
        ask: || tools().choosing(Choice::Required),
        proof: Proof::Understood(|seen| {
            let choice = seen.tool_choice.as_ref();
            ensure(choice == Some(&ToolChoice::Required), || format!("{choice:?}"))
        }),
    },
    Row {
        id: "choice_named",
        title: "`tool_choice`: one function",
        ask: || tools().choosing(Choice::Function("get_time")),
        proof: Proof::Understood(|seen| match &seen.tool_choice {
            Some(ToolChoice::Named(name)) if name == "get_time" => Ok(()),
            Some(ToolChoice::Among { names, required: true }) if names[..] == ["get_time"] => {
                Ok(())
            }
            // Where a provider can only be made to call something, there must be one thing to call.
            Some(ToolChoice::Required) => match seen.tools.as_slice() {
                [tool] if tool.name == "get_time" => Ok(()),
                several => Err(format!("required among {}", several.len())),
            },
            other => Err(format!("{other:?}")),
        }),
    },
    Row {
        id: "one_call_at_a_time",
        title: "parallel calls switched off",
        ask: || Ask { parallel: Some(false), ..tools() },
        proof: Proof::Understood(|seen| {
            let parallel = seen.parallel_tool_calls;
            ensure(parallel == Some(false), || format!("{parallel:?}"))
        }),
    },
    Row {
        id: "tool_results",
        title: "calls and their results",
        ask: || conversation(false),
        proof: Proof::Understood(calls_and_results),
    },
    Row {
        id: "tool_errors",
        title: "a result that is an error",
        ask: || conversation(true),
        proof: Proof::Understood(|seen| {
            calls_and_results(seen)?;
            // Words say so where there is no mark.
            let says = |part: &Part| match part {
                Part::Text { text, .. } => {
                    text == "Error: no clock" || text == r#"{"error":"no clock"}"#
                }
                _ => false,
            };
            let errors: Vec<bool> = parts(seen)
                .filter_map(|part| match part {
                    Part::ToolResult { is_error, parts, .. } => {
                        Some(*is_error || parts.iter().any(says))
                    }
                    _ => None,
                })
                .collect();
            ensure(errors == [false, true], || format!("{errors:?}"))
        }),
    },
    Row {
        id: "call",
        title: "a call, its arguments streamed",
        ask: || tools().choosing(Choice::Function("get_weather")),
        proof: Proof::Said("plain", |said| {
            let calls = calls(said)?;
            ensure(calls.len() == 1 && calls[0].0 == "get_weather", || format!("{calls:?}"))?;
            ensure(calls[0].1["city"].is_string(), || format!("{calls:?}"))
        }),
    },
    Row {
        id: "parallel_calls",
        title: "several calls in one answer",
        ask: || tools(),
        proof: Proof::Said("show/tools-parallel", |said| {
            let calls = calls(said)?;
            ensure(calls.len() >= 2, || format!("{calls:?}"))
        }),
    },
    Row {
        id: "call_without_arguments",
        title: "a call without arguments",
        ask: || Ask::question(QUESTION).with_tools(vec![clock()]),
        proof: Proof::Said("show/tool-noargs", |said| {
            let calls = calls(said)?;
            ensure(calls == [("get_time".to_owned(), json!({}))], || format!("{calls:?}"))
        }),
    },
    Row {
        id: "call_replayed",
        title: "a call that is answered in the next turn",
        ask: || tools().choosing(Choice::Function("get_weather")),
        proof: Proof::Replayed("plain", |said, seen| {
            let call = said.choices[0].calls.first().ok_or("nothing was called")?;
            let result = parts(seen).find_map(|part| match part {
                Part::ToolResult { id, name, parts, .. } => Some((id, name, parts)),
                _ => None,
            });
            let (id, name, _) = result.ok_or("the result did not arrive")?;
            let is_named = id.as_deref() == Some(&call.id) || name.as_deref() == Some(&call.name);
            ensure(is_named, || format!("{id:?} {name:?} is not {call:?}"))
        }),
    },
];

const QUESTION: &str = "What is the weather in Oslo?";
const DESCRIPTION: &str = "Tells the weather of a city.";

pub(super) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "city": { "type": "string", "description": "Where" },
            "days": { "type": "integer" },
        },
        "required": ["city", "days"],
        "additionalProperties": false,
    })
}

pub(super) fn weather() -> Tool {
    Tool {
        name: "get_weather",
        description: DESCRIPTION,
        schema: Some(schema()),
        strict: false,
        mark: None,
    }
}

fn clock() -> Tool {
    Tool {
        name: "get_time",
        description: "Tells the time.",
        schema: None,
        strict: false,
        mark: None,
    }
}

fn tools() -> Ask {
    Ask::question(QUESTION).with_tools(vec![weather(), clock()])
}

fn conversation(fails: bool) -> Ask {
    let calls = vec![
        Call { id: "call_one", name: "get_weather", arguments: json!({ "city": "Oslo" }) },
        Call { id: "call_two", name: "get_time", arguments: json!({}) },
    ];
    tools()
        .after(Turn::Assistant { text: Some("I will look."), calls })
        .after(Turn::Result { id: "call_one", text: "4 degrees", is_error: false })
        .after(Turn::Result { id: "call_two", text: "no clock", is_error: fails })
}

fn parts(seen: &Understood) -> impl Iterator<Item = &Part> {
    seen.turns.iter().flat_map(|turn| &turn.parts)
}

fn calls_and_results(seen: &Understood) -> Check {
    let mut calls = Vec::new();
    let mut results = Vec::new();
    for part in parts(seen) {
        match part {
            Part::ToolCall { id, name, arguments, .. } => {
                calls.push((id.clone(), name.as_str(), arguments.clone()));
            }
            Part::ToolResult { id, name, parts, .. } => {
                results.push((id.clone(), name.as_deref(), format!("{parts:?}")));
            }
            _ => {}
        }
    }
    let names: Vec<_> = calls.iter().map(|(_, name, _)| *name).collect();
    ensure(names == ["get_weather", "get_time"], || format!("{calls:?}"))?;
    ensure(calls[0].2 == json!({ "city": "Oslo" }), || format!("{calls:?}"))?;
    ensure(calls[1].2 == json!({}), || format!("{calls:?}"))?;
    ensure(results.len() == 2, || format!("{results:?}"))?;
    for ((id, name, _), (result_id, result_name, _)) in calls.iter().zip(&results) {
        let by_id = id.is_some() && id == result_id;
        let by_name = id.is_none() && *result_name == Some(name);
        ensure(by_id || by_name, || format!("{results:?} are not of {calls:?}"))?;
    }
    ensure(results[0].2.contains("4 degrees"), || format!("{results:?}"))?;
    ensure(results[1].2.contains("no clock"), || format!("{results:?}"))
}

/// What was called, with arguments that are an object and ids that differ.
fn calls(said: &Said) -> Result<Vec<(String, Value)>, String> {
    let [choice] = said.choices.as_slice() else { return Err("several choices".to_owned()) };
    ensure(choice.finish == Finish::ToolCalls, || format!("{:?}", choice.finish))?;
    let mut ids: Vec<&str> = choice.calls.iter().map(|call| call.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let are_ids = ids.len() == choice.calls.len() && ids.iter().all(|id| !id.is_empty());
    ensure(are_ids, || format!("ids {ids:?}"))?;
    let call = |call: &crate::dialects::read::Call| {
        let arguments: Value = serde_json::from_str(&call.arguments)
            .map_err(|error| format!("{error} in `{}`", call.arguments))?;
        ensure(arguments.is_object(), || format!("arguments {arguments}"))?;
        Ok((call.name.clone(), arguments))
    };
    choice.calls.iter().map(call).collect()
}

/// A schema with every constraint of the one that was asked for.
pub(super) fn same_schema(found: Option<&Value>, asked: &Value) -> Check {
    let found = found.ok_or("there is no schema")?;
    for member in ["type", "properties", "required"] {
        ensure(found[member] == asked[member], || format!("{found} is not {asked}"))?;
    }
    Ok(())
}
