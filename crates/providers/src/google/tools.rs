//! Functions that the model may call, and how it may.

use domain::catalog::Endpoint;
use protocol::chat::request::ChatRequest;
use protocol::chat::view::{FunctionTool, Tool as AskedTool, ToolChoice};

use super::generation::{may_call, takes};
use super::schema;
use super::wire::{FunctionCallingConfig, FunctionDeclaration, Tool, ToolConfig};
use crate::dropped::Dropped;
use crate::error::EncodeError;

#[derive(Debug, Default)]
pub(super) struct Tools<'a> {
    pub(super) tools: Vec<Tool<'a>>,
    pub(super) config: Option<ToolConfig<'a>>,
}

impl Tools<'_> {
    pub(super) fn has_functions(&self) -> bool {
        self.tools.iter().any(|tool| matches!(tool, Tool::FunctionDeclarations(_)))
    }

    pub(super) fn has_search(&self) -> bool {
        self.tools.iter().any(|tool| matches!(tool, Tool::GoogleSearch {}))
    }
}

pub(super) fn write<'a>(
    request: &'a ChatRequest,
    endpoint: &Endpoint,
    dropped: &mut Dropped,
) -> Result<Tools<'a>, EncodeError> {
    let mut functions = Vec::new();
    for tool in request.tools() {
        match tool {
            AskedTool::Function(function) if takes(endpoint, "tools") => functions.push(function),
            AskedTool::Function(_) | AskedTool::Other { .. } => dropped.add("tools")?,
        }
    }
    let mut tools = Tools::default();
    if functions.is_empty() {
        if request.parameter("tool_choice").is_some() && may_call(request) {
            dropped.add("tool_choice")?;
        }
        write_search(&mut tools, request, endpoint, dropped)?;
        return Ok(tools);
    }
    if request.bool_parameter("parallel_tool_calls") == Some(false) {
        dropped.add("parallel_tool_calls")?;
    }
    if request.parameter("web_search_options").is_some() {
        // Its search cannot stand beside functions.
        dropped.add("web_search_options")?;
    }
    // Without its functions a model can still read the calls in the conversation, and may be
    // asked for JSON.
    if !may_call(request) && request.parameter("response_format").is_some() {
        return Ok(tools);
    }
    tools.config = config(request, endpoint, &functions, dropped)?;
    tools.tools =
        vec![Tool::FunctionDeclarations(functions.into_iter().map(declaration).collect())];
    Ok(tools)
}

fn write_search(
    tools: &mut Tools<'_>,
    request: &ChatRequest,
    endpoint: &Endpoint,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    if request.parameter("web_search_options").is_none() {
        return Ok(());
    }
    if !takes(endpoint, "web_search_options") {
        return dropped.add("web_search_options");
    }
    tools.tools.push(Tool::GoogleSearch {});
    Ok(())
}

fn config<'a>(
    request: &'a ChatRequest,
    endpoint: &Endpoint,
    functions: &[FunctionTool<'a>],
    dropped: &mut Dropped,
) -> Result<Option<ToolConfig<'a>>, EncodeError> {
    let mut choice = request.tool_choice();
    if choice.is_some() && !takes(endpoint, "tool_choice") {
        dropped.add("tool_choice")?;
        choice = None;
    }
    let is_strict = functions.iter().any(|function| function.strict == Some(true));
    let (mode, allowed) = match choice {
        Some(ToolChoice::None) => ("NONE", None),
        Some(ToolChoice::Required) => ("ANY", None),
        Some(ToolChoice::Function(name)) => ("ANY", Some(name)),
        Some(ToolChoice::Other) => {
            dropped.add("tool_choice")?;
            return Ok(None);
        }
        // Calls that keep to their schemas, where the model makes any.
        Some(ToolChoice::Auto) | None if is_strict => ("VALIDATED", None),
        Some(ToolChoice::Auto) => ("AUTO", None),
        None => return Ok(None),
    };
    let allowed_function_names = allowed.into_iter().collect();
    let function_calling_config = FunctionCallingConfig { mode, allowed_function_names };
    Ok(Some(ToolConfig { function_calling_config }))
}

fn declaration(function: FunctionTool<'_>) -> FunctionDeclaration<'_> {
    FunctionDeclaration {
        name: function.name,
        description: function.description,
        parameters_json_schema: function.parameters.map(schema::write),
    }
}
