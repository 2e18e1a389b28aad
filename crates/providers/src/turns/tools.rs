//! Tools, which of them is to be called, and answers in a form that only a tool can hold.

use std::borrow::Cow;

use protocol::chat::request::ChatRequest;
use protocol::chat::view::{CacheMark, FunctionTool, ResponseFormat, Tool, ToolChoice};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Conversation;
use super::ability::Ability;
use super::names::Names;
use crate::dropped::Dropped;
use crate::error::EncodeError;

/// What a tool without arguments takes.
pub(crate) const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;
/// The tool whose input is the answer.
const ANSWER: &str = "answer_json";
/// What an answer is that must be JSON and no more.
const ANY_OBJECT: &str = r#"{"type":"object","additionalProperties":true}"#;

pub(crate) struct ToolSpec<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) description: Option<Cow<'a, str>>,
    /// Text of a JSON Schema whose type is `object`.
    pub(crate) schema: Cow<'a, str>,
    pub(crate) is_strict: bool,
    pub(crate) mark: Option<CacheMark>,
}

impl ToolSpec<'_> {
    pub(crate) fn bytes(&self) -> usize {
        self.name.len() + self.description.as_deref().map_or(0, str::len) + self.schema.len()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice<'a> {
    Unstated,
    Auto,
    Any,
    None,
    Named(Cow<'a, str>),
}

impl Choice<'_> {
    pub(crate) const fn is_forced(&self) -> bool {
        matches!(self, Self::Any | Self::Named(_))
    }
}

/// What a request asks of the form of its answer.
pub(crate) enum Format<'a> {
    /// None in particular.
    Free,
    /// This schema, which the endpoint holds itself to.
    Native { name: Cow<'a, str>, description: Option<Cow<'a, str>>, schema: &'a RawValue },
    /// Input of a tool that stands for the answer.
    Tool { description: Option<Cow<'a, str>>, schema: Cow<'a, str> },
}

/// How the answer's form is to be had.
pub(crate) fn format<'a>(
    request: &'a ChatRequest,
    ability: Ability<'_>,
    dropped: &mut Dropped,
) -> Result<Format<'a>, EncodeError> {
    let asked = request.response_format();
    let (description, schema) = match asked {
        None | Some(ResponseFormat::Text) => return Ok(Format::Free),
        Some(ResponseFormat::JsonSchema { name, schema: Some(schema), description, .. }) => {
            if ability.takes("structured_outputs") {
                return Ok(Format::Native { name, description, schema });
            }
            (description, object_schema(schema))
        }
        Some(ResponseFormat::JsonObject | ResponseFormat::JsonSchema { .. }) => {
            (None, Some(Cow::Borrowed(ANY_OBJECT)))
        }
        Some(ResponseFormat::Other(_)) => (None, None),
    };
    match schema {
        Some(schema) if ability.takes("tools") && ability.quirks.takes_tool_choice("required") => {
            Ok(Format::Tool { description, schema })
        }
        _ => {
            dropped.add("response_format")?;
            Ok(Format::Free)
        }
    }
}

/// A schema as tools must have it: of an object. Nothing for any other type.
fn object_schema(schema: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Wire<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<&'a RawValue>,
    }
    let text = schema.get();
    let wire: Wire<'_> = serde_json::from_str(text).ok()?;
    match wire.kind.map(RawValue::get) {
        Some("\"object\"") => Some(Cow::Borrowed(text)),
        None => {
            let members = text.trim().strip_prefix('{')?.trim_start();
            if members.starts_with('}') {
                return Some(Cow::Borrowed(NO_ARGUMENTS));
            }
            Some(Cow::Owned(format!("{{\"type\":\"object\",{members}")))
        }
        Some(_) => None,
    }
}

/// Tools as they are sent.
pub(crate) struct Plan<'a> {
    pub(crate) tools: Vec<ToolSpec<'a>>,
    pub(crate) choice: Choice<'a>,
    pub(crate) one_at_a_time: bool,
    /// The upstream's name of the tool whose input is the answer.
    pub(crate) answer: Option<String>,
}

/// Plans tools. `thinks` says that no call can be forced.
pub(crate) fn plan<'a>(
    request: &'a ChatRequest,
    ability: Ability<'_>,
    format: &Format<'a>,
    thinks: bool,
    names: &mut Names,
    dropped: &mut Dropped,
) -> Result<Plan<'a>, EncodeError> {
    let mut tools = Vec::new();
    for tool in request.tools() {
        match tool {
            _ if !ability.takes("tools") => dropped.add("tools")?,
            Tool::Function(function) => tools.push(spec(function, ability, names, dropped)?),
            Tool::Other { kind, .. } => dropped.add(&format!("tools.{kind}"))?,
        }
    }
    let mut choice = if tools.is_empty() {
        Choice::Unstated
    } else {
        choice_of(request, ability, names, dropped)?
    };
    if choice.is_forced() && thinks {
        dropped.add("tool_choice")?;
        choice = Choice::Auto;
    }
    let one_at_a_time =
        !tools.is_empty() && request.bool_parameter("parallel_tool_calls") == Some(false);
    let mut answer = None;
    if let Format::Tool { description, schema } = format
        && !choice.is_forced()
    {
        let name = answer_name(&tools);
        choice = match (tools.is_empty(), choice) {
            // Who may call something else is made to call something.
            (false, Choice::Unstated | Choice::Auto) => Choice::Any,
            (_, _) => Choice::Named(name.clone().into()),
        };
        let words = "The answer, in full. Call this and say nothing else.";
        let description = match description {
            Some(text) => Cow::Owned(format!("{text}\n\n{words}")),
            None => Cow::Borrowed(words),
        };
        tools.push(ToolSpec {
            name: name.clone().into(),
            description: Some(description),
            schema: schema.clone(),
            is_strict: false,
            mark: None,
        });
        answer = Some(name);
    }
    Ok(Plan { tools, choice, one_at_a_time, answer })
}

/// A name that none of the caller's tools has.
fn answer_name(tools: &[ToolSpec<'_>]) -> String {
    let mut name = ANSWER.to_owned();
    while tools.iter().any(|tool| tool.name == name) {
        name.push('_');
    }
    name
}

fn spec<'a>(
    function: FunctionTool<'a>,
    ability: Ability<'_>,
    names: &mut Names,
    dropped: &mut Dropped,
) -> Result<ToolSpec<'a>, EncodeError> {
    let schema = match function.parameters {
        None => Cow::Borrowed(NO_ARGUMENTS),
        // What is not of an object is for the upstream to refuse: it says why.
        Some(raw) => object_schema(raw).unwrap_or(Cow::Borrowed(raw.get())),
    };
    let asks_strictness = function.strict == Some(true);
    let is_strict = asks_strictness
        && ability.takes("structured_outputs")
        && !ability.quirks.refuses("tools.strict");
    if asks_strictness && !is_strict {
        dropped.add("tools.strict")?;
    }
    Ok(ToolSpec {
        name: names.upstream(function.name),
        description: function.description.filter(|text| !text.trim().is_empty()),
        schema,
        is_strict,
        mark: function.cache_mark,
    })
}

fn choice_of<'a>(
    request: &'a ChatRequest,
    ability: Ability<'_>,
    names: &mut Names,
    dropped: &mut Dropped,
) -> Result<Choice<'a>, EncodeError> {
    let (choice, form) = match request.tool_choice() {
        None => return Ok(Choice::Unstated),
        Some(ToolChoice::Auto) => (Choice::Auto, "auto"),
        Some(ToolChoice::None) => return Ok(Choice::None),
        Some(ToolChoice::Required) => (Choice::Any, "required"),
        Some(ToolChoice::Function(name)) => (Choice::Named(names.upstream(name)), "named"),
        Some(ToolChoice::Other) => (Choice::Auto, "other"),
    };
    if form == "other" || !ability.quirks.takes_tool_choice(form) {
        dropped.add("tool_choice")?;
        return Ok(Choice::Auto);
    }
    Ok(choice)
}

/// Tools that were called earlier in a conversation that offers none any more: an upstream that
/// sees calls wants to know what was called.
pub(crate) fn of_history(conversation: &Conversation<'_>) -> Vec<ToolSpec<'static>> {
    let known = |name: &str| ToolSpec {
        name: Cow::Owned(name.to_owned()),
        description: None,
        schema: Cow::Borrowed(NO_ARGUMENTS),
        is_strict: false,
        mark: None,
    };
    conversation.called().into_iter().map(known).collect()
}
