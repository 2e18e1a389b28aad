//! A request for an answer, as Cohere takes it.

use domain::catalog::{Endpoint, PARAMETERS};
use protocol::chat::reasoning::Reasoning;
use protocol::chat::request::ChatRequest;
use protocol::chat::view::{FunctionTool, ResponseFormat, Tool, ToolChoice};
use protocol::json::{write_string, write_u64};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::decode::AnswerDecoder;
use super::messages;
use crate::adapter::Encoded;
use crate::body::{Body, post};
use crate::dropped::Dropped;
use crate::error::EncodeError;
use crate::quirks::Effective;

/// More sequences are refused.
const STOP_SEQUENCES_MAX: usize = 5;

/// Parameters that are written elsewhere, or say nothing that Cohere would have to know.
const ELSEWHERE: [&str; 12] = [
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning",
    "reasoning_effort",
    "include_reasoning",
    "structured_outputs",
    "metadata",
    "cache_control",
    "prompt_cache_key",
    "stream_options",
];

pub(super) fn encode(
    request: &ChatRequest,
    endpoint: &Endpoint,
    address: String,
) -> Result<Encoded, EncodeError> {
    let mut dropped = Dropped::translated(request)?;
    dropped.note_marks(request);
    let mut body = Body::new(1024, request, endpoint);
    body.begin("model");
    write_string(&mut body.out, &endpoint.upstream_model);
    let thinks = takes(endpoint, "reasoning");
    body.json("messages", &messages::write(request, thinks)?)?;
    body.raw("stream", "true");
    let mut writer = Writer { body, request, endpoint, dropped: &mut dropped };
    let has_functions = writer.tools()?;
    writer.format(has_functions)?;
    writer.thinking(thinks)?;
    writer.limits()?;
    writer.parameters()?;
    let quirks = writer.body.quirks;
    let upstream = post(address, writer.body.finish()?, "text/event-stream", quirks)?;
    let decoder = AnswerDecoder::new(request.messages.len());
    Ok(Encoded { request: upstream, decoder: Box::new(decoder), dropped: dropped.into_names() })
}

fn takes(endpoint: &Endpoint, name: &str) -> bool {
    if Effective::of(endpoint).refuses(name) {
        return false;
    }
    if !PARAMETERS.contains(&name) || endpoint.supports(name) {
        return true;
    }
    match name {
        "tool_choice" => endpoint.supports("tools"),
        "response_format" => endpoint.supports("structured_outputs"),
        "max_tokens" => endpoint.supports("max_completion_tokens"),
        _ => false,
    }
}

struct Writer<'a, 'd> {
    body: Body<'a>,
    request: &'a ChatRequest,
    endpoint: &'a Endpoint,
    dropped: &'d mut Dropped,
}

impl<'a> Writer<'a, '_> {
    /// Writes the functions that may be called; says whether there are any.
    fn tools(&mut self) -> Result<bool, EncodeError> {
        let mut functions = Vec::new();
        for tool in self.request.tools() {
            match tool {
                Tool::Function(function) if takes(self.endpoint, "tools") => {
                    functions.push(function);
                }
                Tool::Function(_) | Tool::Other { .. } => self.dropped.add("tools")?,
            }
        }
        let choice = self.request.tool_choice();
        if functions.is_empty() {
            if choice.is_some_and(|choice| choice != ToolChoice::None) {
                self.dropped.add("tool_choice")?;
            }
            return Ok(false);
        }
        if self.request.bool_parameter("parallel_tool_calls") == Some(false) {
            self.dropped.add("parallel_tool_calls")?;
        }
        let is_asked_for_json = self.request.parameter("response_format").is_some();
        if choice == Some(ToolChoice::None) && is_asked_for_json {
            // JSON is refused beside functions, and these must not be called.
            return Ok(false);
        }
        let forced = match choice {
            Some(choice) if takes(self.endpoint, "tool_choice") => {
                self.choice(choice, &mut functions)?
            }
            Some(ToolChoice::Auto) | None => None,
            Some(_) => {
                self.dropped.add("tool_choice")?;
                None
            }
        };
        let wire: Vec<WireTool<'_>> = functions.iter().map(WireTool::of).collect();
        self.body.json("tools", &wire)?;
        if let Some(word) = forced {
            self.body.text("tool_choice", word);
        }
        if is_strict(&functions) {
            self.body.raw("strict_tools", "true");
        }
        Ok(true)
    }

    /// Cohere knows «none» and «any of them»: to force one function, only that one is shown.
    fn choice(
        &mut self,
        choice: ToolChoice<'a>,
        functions: &mut Vec<FunctionTool<'a>>,
    ) -> Result<Option<&'static str>, EncodeError> {
        Ok(match choice {
            ToolChoice::Auto => None,
            ToolChoice::None => Some("NONE"),
            ToolChoice::Required => Some("REQUIRED"),
            ToolChoice::Function(name) => {
                functions.retain(|function| function.name == name);
                Some("REQUIRED")
            }
            ToolChoice::Other => {
                self.dropped.add("tool_choice")?;
                None
            }
        })
    }

    /// JSON, with or without a schema, which Cohere refuses beside functions.
    fn format(&mut self, has_functions: bool) -> Result<(), EncodeError> {
        #[derive(Serialize)]
        struct Format<'a> {
            r#type: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            json_schema: Option<&'a RawValue>,
        }
        let Some(format) = self.request.response_format() else { return Ok(()) };
        let json_schema = match format {
            ResponseFormat::Text => return Ok(()),
            ResponseFormat::Other(_) => return self.dropped.add("response_format"),
            ResponseFormat::JsonObject => None,
            ResponseFormat::JsonSchema { schema, .. } => schema,
        };
        if has_functions || !takes(self.endpoint, "response_format") {
            return self.dropped.add("response_format");
        }
        self.body.json("response_format", &Format { r#type: "json_object", json_schema })
    }

    fn thinking(&mut self, thinks: bool) -> Result<(), EncodeError> {
        let Some(asked) = Reasoning::of(self.request) else { return Ok(()) };
        if !thinks {
            if !asked.is_on() {
                return Ok(());
            }
            let has_object = self.request.parameter("reasoning").is_some();
            return self.dropped.add(if has_object { "reasoning" } else { "reasoning_effort" });
        }
        if asked.is_off() {
            self.body.raw("thinking", r#"{"type":"disabled"}"#);
            return Ok(());
        }
        let output_max =
            self.request.max_tokens.unwrap_or_else(|| self.endpoint.output_tokens_max());
        if let Some(budget) = asked.budget(output_max) {
            let json = format!(r#"{{"type":"enabled","token_budget":{}}}"#, budget.max(1));
            self.body.raw("thinking", &json);
        }
        Ok(())
    }

    fn limits(&mut self) -> Result<(), EncodeError> {
        if self.request.n.is_some_and(|choices| choices > 1) {
            self.dropped.add("n")?;
        }
        let Some(limit) = self.request.max_tokens else { return Ok(()) };
        if !takes(self.endpoint, "max_tokens") {
            return self.dropped.add("max_tokens");
        }
        if !self.body.is_set("max_tokens") {
            self.body.begin("max_tokens");
            write_u64(&mut self.body.out, u64::from(limit));
        }
        Ok(())
    }

    fn parameters(&mut self) -> Result<(), EncodeError> {
        for (name, value) in &self.request.parameters {
            if ELSEWHERE.contains(&name.as_str()) || value.get() == "null" {
                continue;
            }
            if !takes(self.endpoint, name) {
                self.dropped.add(name)?;
                continue;
            }
            match name.as_str() {
                "temperature" => self.body.raw("temperature", value.get()),
                "top_p" => self.number(name, "p", value, 0.01, 0.99)?,
                "top_k" => self.number(name, "k", value, 0.0, 500.0)?,
                "frequency_penalty" | "presence_penalty" => {
                    self.number(name, name, value, 0.0, 1.0)?;
                }
                "seed" if !value.get().starts_with('-') => self.body.raw("seed", value.get()),
                "stop" => self.stop()?,
                "logprobs" => self.body.raw("logprobs", value.get()),
                // Nothing but the token that was chosen is told.
                "top_logprobs" if value.get() == "0" => {}
                _ => self.dropped.add(name)?,
            }
        }
        Ok(())
    }

    /// A number, moved to the bound that Cohere sets where it is beyond, which is reported.
    fn number(
        &mut self,
        name: &str,
        wire_name: &str,
        value: &RawValue,
        min: f64,
        max: f64,
    ) -> Result<(), EncodeError> {
        match value.get().parse::<f64>() {
            Ok(number) if number < min || number > max => {
                self.dropped.add(name)?;
                self.body.raw(wire_name, &number.clamp(min, max).to_string());
            }
            _ => self.body.raw(wire_name, value.get()),
        }
        Ok(())
    }

    fn stop(&mut self) -> Result<(), EncodeError> {
        let mut sequences = self.request.stop_sequences();
        sequences.retain(|sequence| !sequence.is_empty());
        if sequences.len() > STOP_SEQUENCES_MAX {
            self.dropped.add("stop")?;
            sequences.truncate(STOP_SEQUENCES_MAX);
        }
        if sequences.is_empty() { Ok(()) } else { self.body.json("stop_sequences", &sequences) }
    }
}

/// Whether calls can be made to keep to their schemas: Cohere does so for all functions or none,
/// and only where each demands something.
fn is_strict(functions: &[FunctionTool<'_>]) -> bool {
    #[derive(Deserialize)]
    struct Schema<'a> {
        #[serde(borrow)]
        required: Option<Vec<&'a RawValue>>,
    }
    let demands = |function: &FunctionTool<'_>| {
        let schema = function.parameters.and_then(|raw| serde_json::from_str(raw.get()).ok());
        schema
            .and_then(|schema: Schema<'_>| schema.required)
            .is_some_and(|required| !required.is_empty())
    };
    functions.iter().any(|function| function.strict == Some(true)) && functions.iter().all(demands)
}

#[derive(Serialize)]
struct WireTool<'a> {
    r#type: &'static str,
    function: WireFunction<'a>,
}

#[derive(Serialize)]
struct WireFunction<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    parameters: Parameters<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Parameters<'a> {
    Stated(&'a RawValue),
    /// A function without arguments must say so.
    Nothing {
        r#type: &'static str,
        properties: Empty,
    },
}

#[derive(Serialize)]
struct Empty {}

impl<'a> WireTool<'a> {
    fn of(function: &'a FunctionTool<'a>) -> Self {
        let nothing = Parameters::Nothing { r#type: "object", properties: Empty {} };
        let function = WireFunction {
            name: &function.name,
            description: function.description.as_deref(),
            parameters: function.parameters.map_or(nothing, Parameters::Stated),
        };
        Self { r#type: "function", function }
    }
}
