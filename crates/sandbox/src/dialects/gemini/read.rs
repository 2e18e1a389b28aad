//! Requests to generate content.

use serde_json::{Value, json};

use super::super::{Asked, Incoming};
use super::{content, schema};
use crate::answer::prompt_tokens;
use crate::fields::Fields;
use crate::refusal::{Problem, Refusal};
use crate::understood::{Reasoning, ResponseFormat, Tool, ToolChoice, Understood};

type Result<T> = std::result::Result<T, Refusal>;

pub(super) fn read(incoming: &Incoming<'_>) -> Result<Asked> {
    let fields = Fields::root(incoming.body)?.into_proto();
    Ok(Asked { understood: request(incoming, fields)?, with_usage: true })
}

/// How long a prompt is: contents alone or a whole request.
pub(super) fn count(incoming: &Incoming<'_>) -> Result<usize> {
    let mut fields = Fields::root(incoming.body)?.into_proto();
    if let Some(mut inner) = fields.object("generateContentRequest")? {
        fields.deny_rest()?;
        inner.required_text("model")?;
        return request(incoming, inner).map(|asked| prompt_tokens(&asked));
    }
    request(incoming, fields).map(|asked| prompt_tokens(&asked))
}

fn request(incoming: &Incoming<'_>, mut fields: Fields) -> Result<Understood> {
    let model = incoming.route.model.clone().unwrap_or_default();
    let stream = incoming.route.stream.unwrap_or(false);
    let mut asked = Understood { model, stream, ..Understood::default() };
    fields.take("model");
    if let Some(system) = fields.object("systemInstruction")? {
        asked.system = content::system(system)?;
    }
    let contents = fields.objects("contents")?.unwrap_or_default();
    if contents.is_empty() {
        return Err(Refusal::rule("contents", "contents is not specified"));
    }
    content::contents(&mut asked, contents)?;
    tools(&mut fields, &mut asked)?;
    tool_config(&mut fields, &mut asked)?;
    if let Some(config) = fields.object("generationConfig")? {
        generation_config(config, &mut asked)?;
    }
    for (index, mut setting) in
        fields.objects("safetySettings")?.unwrap_or_default().into_iter().enumerate()
    {
        let category = setting.required_text("category")?;
        let threshold = setting.required_text("threshold")?;
        setting.take("method");
        setting.deny_rest()?;
        let setting = json!({"category": category, "threshold": threshold});
        asked.unknown.insert(format!("safetySettings.{index}"), setting);
    }
    asked.service_tier = fields.text("serviceTier")?;
    for name in ["cachedContent", "labels", "store"] {
        if let Some(value) = fields.take(name) {
            asked.unknown.insert(name.to_owned(), value);
        }
    }
    fields.deny_rest()?;
    Ok(asked)
}

fn tools(fields: &mut Fields, asked: &mut Understood) -> Result<()> {
    const HOSTED: [&str; 8] = [
        "googleSearch",
        "googleSearchRetrieval",
        "codeExecution",
        "urlContext",
        "googleMaps",
        "computerUse",
        "fileSearch",
        "retrieval",
    ];
    for mut tool in fields.objects("tools")?.unwrap_or_default() {
        for declaration in tool.objects("functionDeclarations")?.unwrap_or_default() {
            let tool = function(declaration)?;
            if asked.tools.iter().any(|known| known.name == tool.name) {
                let sentence = format!("Duplicate function declaration found: {}", tool.name);
                return Err(Refusal::rule("", sentence));
            }
            asked.tools.push(tool);
        }
        for name in HOSTED {
            if let Some(value) = tool.take(name) {
                asked.tools.push(Tool {
                    name: name.to_owned(),
                    description: None,
                    schema: Some(value).filter(|value| value != &json!({})),
                    strict: None,
                    cache: None,
                    hosted: Some(name.to_owned()),
                });
            }
        }
        tool.deny_rest()?;
    }
    Ok(())
}

fn function(mut fields: Fields) -> Result<Tool> {
    let name = fields.required_text("name")?;
    content::check_name(&fields.at("name"), &name)?;
    let at = fields.at("parameters");
    let parameters =
        fields.take("parameters").map(|value| schema::check(value, &at)).transpose()?;
    let json_schema = fields.take("parametersJsonSchema");
    if parameters.is_some() && json_schema.is_some() {
        let sentence = "parameters and parametersJsonSchema cannot both be set";
        return Err(Refusal::rule(at, sentence));
    }
    let description = fields.text("description")?;
    for name in ["response", "responseJsonSchema", "behavior"] {
        fields.take(name);
    }
    fields.deny_rest()?;
    let schema = parameters.or(json_schema);
    Ok(Tool { name, description, schema, strict: None, cache: None, hosted: None })
}

fn tool_config(fields: &mut Fields, asked: &mut Understood) -> Result<()> {
    let Some(mut config) = fields.object("toolConfig")? else { return Ok(()) };
    config.take("retrievalConfig");
    config.take("includeServerSideToolInvocations");
    if let Some(mut calling) = config.object("functionCallingConfig")? {
        let modes = ["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"];
        let mode = calling.one_of("mode", &modes)?.unwrap_or_else(|| "AUTO".to_owned());
        let mut names = calling.texts("allowedFunctionNames")?;
        calling.take("streamFunctionCallArguments");
        calling.deny_rest()?;
        if !names.is_empty() && !["ANY", "VALIDATED"].contains(&mode.as_str()) {
            let sentence = "Allowed function names should only be set when function calling mode \
                            is ANY.";
            return Err(Refusal::rule("", sentence));
        }
        let is_known = |name: &&String| asked.tools.iter().any(|tool| tool.name == **name);
        if let Some(name) = names.iter().find(|name| !is_known(name)) {
            let sentence = format!("Function `{name}` is not among the declared functions.");
            return Err(Refusal::rule("tool_config.function_calling_config", sentence));
        }
        if mode == "ANY" && !asked.tools.iter().any(|tool| tool.hosted.is_none()) {
            let sentence = "Function calling mode is set to ANY without function declarations.";
            return Err(Refusal::rule("", sentence));
        }
        if mode == "VALIDATED" {
            // Every call keeps to its schema.
            for tool in asked.tools.iter_mut().filter(|tool| tool.hosted.is_none()) {
                tool.strict = Some(true);
            }
        }
        asked.tool_choice = Some(match (mode.as_str(), names.len()) {
            ("NONE", _) => ToolChoice::None,
            ("ANY", 0) => ToolChoice::Required,
            ("ANY", 1) => ToolChoice::Named(names.pop().unwrap_or_default()),
            ("ANY", _) => ToolChoice::Among { names, required: true },
            ("VALIDATED", 1..) => ToolChoice::Among { names, required: false },
            _ => ToolChoice::Auto,
        });
    }
    config.deny_rest()
}

fn generation_config(mut config: Fields, asked: &mut Understood) -> Result<()> {
    asked.stop = config.texts("stopSequences")?;
    if asked.stop.len() > 5 {
        let at = config.at("stopSequences");
        return Err(Refusal::rule(at, "at most 5 stop sequences are allowed"));
    }
    asked.max_tokens = config.integer("maxOutputTokens", 1..=u64::MAX)?;
    asked.choices = config.integer("candidateCount", 1..=8)?;
    let numbers = [
        ("temperature", "temperature", 0.0, 2.0),
        ("topP", "top_p", 0.0, 1.0),
        ("topK", "top_k", 0.0, 1_000_000.0),
        ("presencePenalty", "presence_penalty", -2.0, 2.0),
        ("frequencyPenalty", "frequency_penalty", -2.0, 2.0),
    ];
    for (name, ours, low, high) in numbers {
        if let Some(number) = config.number(name, low..=high)? {
            asked.sampling.insert(ours.to_owned(), number);
        }
    }
    if let Some(seed) = config.take("seed") {
        if seed.as_i64().and_then(|seed| i32::try_from(seed).ok()).is_none() {
            return Err(Refusal::new(config.at("seed"), Problem::Type("TYPE_INT32")));
        }
        asked.sampling.insert("seed".to_owned(), seed);
    }
    let logprobs = config.boolean("responseLogprobs")?;
    if let Some(flag) = logprobs {
        asked.sampling.insert("logprobs".to_owned(), flag.into());
    }
    if let Some(top) = config.integer("logprobs", 0..=20)? {
        if logprobs != Some(true) {
            let at = config.at("logprobs");
            return Err(Refusal::rule(at, "logprobs is only allowed with responseLogprobs"));
        }
        asked.sampling.insert("top_logprobs".to_owned(), top.into());
    }
    let modalities = config.texts("responseModalities")?;
    asked.modalities = modalities.iter().map(|name| name.to_lowercase()).collect();
    response_format(&mut config, asked)?;
    if let Some(thinking) = config.object("thinkingConfig")? {
        asked.reasoning = Some(thinking_config(thinking)?);
    }
    for name in
        ["speechConfig", "imageConfig", "mediaResolution", "audioTimestamp", "routingConfig"]
    {
        if let Some(value) = config.take(name) {
            asked.unknown.insert(config.at(name), value);
        }
    }
    config.take("enableEnhancedCivicAnswers");
    config.deny_rest()
}

fn response_format(config: &mut Fields, asked: &mut Understood) -> Result<()> {
    let mime = config.text("responseMimeType")?;
    let at = config.at("responseSchema");
    let own = config.take("responseSchema").map(|value| schema::check(value, &at)).transpose()?;
    let json = config.take("responseJsonSchema").or_else(|| config.take("_responseJsonSchema"));
    if own.is_some() && json.is_some() {
        return Err(Refusal::rule(at, "only one of the two kinds of response schema may be set"));
    }
    let schema = own.or(json);
    asked.response_format = match (mime.as_deref(), schema) {
        (None | Some("text/plain"), None) => None,
        (Some("application/json"), None) => Some(ResponseFormat::JsonObject),
        (Some("application/json" | "text/x.enum"), Some(schema)) => {
            Some(ResponseFormat::JsonSchema { schema, name: None, strict: None })
        }
        (None | Some("text/plain"), Some(_)) => {
            let sentence = "only supported when response_mime_type is `application/json`";
            return Err(Refusal::rule(at, sentence));
        }
        (Some(other), _) => {
            let sentence = format!(
                "allowed mimetypes are `text/plain`, `application/json`, `application/xml`, \
                 `application/yaml` and `text/x.enum`, not `{other}`."
            );
            return Err(Refusal::rule("generation_config.response_mime_type", sentence));
        }
    };
    Ok(())
}

fn thinking_config(mut config: Fields) -> Result<Reasoning> {
    let shown = config.boolean("includeThoughts")?;
    let level = config.one_of(
        "thinkingLevel",
        &["minimal", "low", "medium", "high", "MINIMAL", "LOW", "MEDIUM", "HIGH"],
    )?;
    let at = config.at("thinkingBudget");
    let budget = match config.take("thinkingBudget") {
        None => None,
        Some(value) => match value.as_i64() {
            // -1 leaves it to the model.
            Some(budget) if (-1..=32_768).contains(&budget) => Some(budget),
            Some(_) => {
                let sentence = "The thinking budget is invalid. Please choose a value between 0 \
                                and 32768.";
                return Err(Refusal::rule("", sentence));
            }
            None => return Err(Refusal::new(at, Problem::Type("TYPE_INT32"))),
        },
    };
    if budget.is_some() && level.is_some() {
        let sentence = "You can only set only one of thinking budget and thinking level.";
        return Err(Refusal::rule("", sentence));
    }
    config.deny_rest()?;
    Ok(Reasoning {
        enabled: budget != Some(0),
        effort: level.map(|level| level.to_lowercase()),
        budget: budget.and_then(|budget| u64::try_from(budget).ok()),
        shown,
        encrypted: false,
    })
}

/// The text of a content, where nothing else may be.
pub(crate) fn plain_content(mut fields: Fields) -> Result<String> {
    fields.take("role");
    let mut text = String::new();
    for mut part in fields.objects("parts")?.unwrap_or_default() {
        text.push_str(&part.required_text("text")?);
        part.deny_rest()?;
    }
    fields.deny_rest()?;
    if text.is_empty() {
        return Err(Refusal::rule("content", "content is empty"));
    }
    Ok(text)
}

/// `models/name` in a body must be the one in the address.
pub(crate) fn same_model(incoming: &Incoming<'_>, value: Option<&Value>, at: &str) -> Result<()> {
    let model = incoming.route.model.as_deref().unwrap_or_default();
    match value.map(|value| value.as_str().unwrap_or_default()) {
        None => Ok(()),
        Some(name) if name.strip_prefix("models/") == Some(model) => Ok(()),
        Some(name) => {
            let sentence = format!("model `{name}` is not `models/{model}`");
            Err(Refusal::rule(at, sentence))
        }
    }
}
