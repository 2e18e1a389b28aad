use serde_json::{Value, json};

use super::*;
use crate::understood::{Part, Reasoning, Role};

fn ask(question: &str) -> Understood {
    let mut asked = Understood { model: "llama".into(), ..Understood::default() };
    asked.say(Role::User, vec![Part::text(question)]);
    asked
}

fn answered(asked: &Understood) -> Answer {
    answer(asked, 7, "groq")
}

fn tool(name: &str, schema: Value) -> Tool {
    Tool {
        name: name.into(),
        description: None,
        schema: Some(schema),
        strict: None,
        cache: None,
        hosted: None,
    }
}

#[test]
fn an_answer_says_what_it_is_and_is_reproducible() {
    let said = answered(&ask("How do tides work?")).choices[0].content();
    assert!(said.contains("sandbox") && said.contains("How do tides work"), "{said}");
    assert_eq!(said, answered(&ask("How do tides work?")).choices[0].content());
    assert_ne!(said, answered(&ask("How do ships float?")).choices[0].content());
    for question in ["Hi", "", "Tell me about the harbour of Rotterdam at night"] {
        let length = answered(&ask(question)).usage.completion;
        assert!((60..=200).contains(&length), "{length}");
    }
}

#[test]
fn bounds_and_stops_are_kept() {
    let mut asked = ask("Hi");
    asked.max_tokens = Some(5);
    let cut = answered(&asked);
    assert_eq!((cut.usage.completion, &cut.choices[0].finish), (5, &Finish::Length));
    asked.max_tokens = None;
    asked.stop = vec!["sandbox".into()];
    asked.choices = Some(2);
    let stopped = answered(&asked);
    assert_eq!(stopped.choices.len(), 2);
    assert!(!stopped.choices[0].content().contains("sandbox"));
    assert_eq!(stopped.choices[0].finish, Finish::StopSequence("sandbox".into()));
}

#[test]
fn tools_are_called_when_asked_for() {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}},
        "required": ["city"]});
    let mut asked = ask("What is the weather in Kyoto?");
    asked.tools = vec![tool("get_weather", schema)];
    let called = answered(&asked);
    assert_eq!(called.choices[0].finish, Finish::Calls);
    let (_, name, arguments) = &called.choices[0].calls()[0];
    assert_eq!(*name, "get_weather");
    assert!(serde_json::from_str::<Value>(arguments).unwrap()["city"].is_string());

    asked.tool_choice = Some(ToolChoice::None);
    assert_eq!(answered(&asked).choices[0].finish, Finish::Stop);
    asked.tool_choice = Some(ToolChoice::Auto);
    let result = Part::ToolResult {
        id: None,
        name: None,
        parts: vec![Part::text("18 degrees")],
        is_error: false,
        cache: None,
    };
    asked.say(Role::User, vec![result]);
    assert!(answered(&asked).choices[0].content().contains("18 degrees"));
}

#[test]
fn several_tools_are_called_at_once_unless_that_is_forbidden() {
    let mut asked = ask("Tell me the weather and the clock");
    asked.tools = vec![tool("get_weather", json!({})), tool("read_clock", json!({}))];
    assert_eq!(answered(&asked).choices[0].calls().len(), 2);
    asked.parallel_tool_calls = Some(false);
    assert_eq!(answered(&asked).choices[0].calls().len(), 1);
    asked.tool_choice = Some(ToolChoice::Named("read_clock".into()));
    assert_eq!(answered(&asked).choices[0].calls()[0].1, "read_clock");
}

#[test]
fn structured_answers_are_json() {
    let mut asked = ask("List a fruit");
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}});
    asked.response_format = Some(ResponseFormat::JsonSchema { schema, name: None, strict: None });
    let text = answered(&asked).choices[0].content();
    assert!(serde_json::from_str::<Value>(&text).unwrap()["name"].is_string());
    asked.response_format = Some(ResponseFormat::JsonObject);
    let text = answered(&asked).choices[0].content();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["source"], "Entrepot sandbox");
}

#[test]
fn reasoning_and_media_are_counted() {
    let mut asked = ask("word");
    asked.reasoning = Some(Reasoning { enabled: true, ..Reasoning::default() });
    asked.modalities = vec!["text".into(), "image".into(), "audio".into()];
    let usage = answered(&asked).usage;
    assert!(usage.reasoning > 10 && usage.image == 256 && usage.audio == 64);
    assert!(usage.completion > usage.reasoning + usage.image + usage.audio);
}
