//! Bytes to a canonical request, or a 400 that says where and why.

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::echo::Echo;
use super::input::Conversation;
use super::reasoning;
use super::rules::{self, Fate};
use super::tools;
use crate::chat::reasoning::Reasoning;
use crate::chat::request::{ChatRequest, Native, Role};
use crate::dialects::Dialect;
use crate::dialects::check::{
    Rule, boolean, integer, invalid, list, members, read_body, read_count, read_model, read_models,
    read_provider, read_provider_options, read_text, text,
};
use crate::error::PublicError;

const EXAMPLE: &str = "{\"model\": …, \"input\": …}";
/// More items than this are a mistake.
const ITEMS_MAX: usize = 16_384;

/// A body that was read, before its items are understood: a response that is continued has items
/// to add first.
#[derive(Debug)]
pub struct Draft {
    members: Vec<(String, Box<RawValue>)>,
    /// Of the responses that this one continues, oldest first.
    earlier: Vec<Box<RawValue>>,
    previous_response_id: Option<String>,
    stores: bool,
}

/// A request, and what its answer says about it.
#[derive(Debug)]
pub struct Decoded {
    pub request: ChatRequest,
    pub echo: Echo,
    /// The items of `input`, where the response is to be kept.
    pub stored_input: Option<Vec<Box<RawValue>>>,
    pub previous_response_id: Option<String>,
}

/// Reads the body of a request that continues nothing.
pub fn decode(body: &[u8]) -> Result<Decoded, PublicError> {
    read(body)?.finish()
}

/// Reads a body as far as is needed to know whether it continues an earlier response.
pub fn read(body: &[u8]) -> Result<Draft, PublicError> {
    let mut members = read_body(body, EXAMPLE)?;
    // For every member that is known, null means that it is absent.
    members.retain(|(_, raw)| raw.get() != "null");
    let (mut previous_response_id, mut stores) = (None, false);
    for (name, raw) in &members {
        match name.as_str() {
            "previous_response_id" => {
                let id = read_text(name, raw, 128)?;
                if id.is_empty() {
                    return Err(invalid(name, "must be the `id` of a stored response"));
                }
                previous_response_id = Some(id);
            }
            "store" => {
                Rule::Boolean.check(name, raw)?;
                stores = boolean(raw).unwrap_or(false);
            }
            _ => rules::refuse(name, raw)?,
        }
    }
    Ok(Draft { members, earlier: Vec::new(), previous_response_id, stores })
}

impl Draft {
    /// The stored response that this request continues.
    pub fn previous_response_id(&self) -> Option<&str> {
        self.previous_response_id.as_deref()
    }

    /// Whether the answer is to be kept.
    pub const fn stores(&self) -> bool {
        self.stores
    }

    /// Puts what was said before in front of the input.
    pub fn continue_from(&mut self, items: Vec<Box<RawValue>>) {
        self.earlier = items;
    }

    /// Values are checked for type and range; what this version does not know is kept verbatim for
    /// an upstream that speaks this dialect.
    pub fn finish(self) -> Result<Decoded, PublicError> {
        let Self { members, earlier, previous_response_id, stores } = self;
        let echo = Echo::of(&members);
        let mut draft = Reading::default();
        let mut input = None;
        let (mut tools, mut choice) = (None, None);
        for (name, raw) in members {
            match name.as_str() {
                "input" => input = Some(raw),
                "tools" => tools = Some(raw),
                "tool_choice" => choice = Some(raw),
                _ => draft.member(name, raw)?,
            }
        }
        let read = tools::read(tools.as_deref(), choice.as_deref())?;
        draft.take_tools(read, (tools, choice));
        let input = input
            .ok_or_else(|| invalid("input", "is missing and must be text or a list of items"))?;
        let own = items(&input)?;
        draft.take_items(&earlier, &own, &input)?;
        let stored_input = stores.then(|| own.into_iter().map(Items::keep).collect());
        draft.settle_reasoning();
        draft.settle_logprobs();
        let Reading { mut request, native, .. } = draft;
        request.native = Some(native);
        Ok(Decoded { request, echo, stored_input, previous_response_id })
    }
}

/// An item of the input: as it was written, or the message that bare text stands for.
enum Items<'a> {
    Given(&'a RawValue),
    Made(Box<RawValue>),
}

impl Items<'_> {
    fn raw(&self) -> &RawValue {
        match self {
            Self::Given(raw) => raw,
            Self::Made(raw) => raw,
        }
    }

    fn keep(self) -> Box<RawValue> {
        match self {
            Self::Given(raw) => raw.to_owned(),
            Self::Made(raw) => raw,
        }
    }
}

fn items(input: &RawValue) -> Result<Vec<Items<'_>>, PublicError> {
    if let Some(said) = text(input) {
        if said.is_empty() {
            return Err(invalid("input", "must not be empty"));
        }
        let message = serde_json::json!({ "type": "message", "role": "user", "content": said });
        let made = to_raw_value(&message).map_err(|_| invalid("input", "cannot be read"))?;
        return Ok(vec![Items::Made(made)]);
    }
    let Some(items) = list(input).filter(|items| items.len() <= ITEMS_MAX) else {
        let demand = format!("must be text or a list of at most {ITEMS_MAX} items");
        return Err(invalid("input", &demand));
    };
    Ok(items.into_iter().map(Items::Given).collect())
}

/// The request while it is put together.
struct Reading {
    request: ChatRequest,
    native: Native,
    conversation: Conversation,
    logprobs: bool,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            request: ChatRequest::default(),
            native: Native {
                dialect: Dialect::Responses,
                members: Vec::new(),
                unconverted: Vec::new(),
            },
            conversation: Conversation::default(),
            logprobs: false,
        }
    }
}

impl Reading {
    fn member(&mut self, name: String, raw: Box<RawValue>) -> Result<(), PublicError> {
        let request = &mut self.request;
        match name.as_str() {
            "model" => request.model = Some(read_model(&name, &raw)?),
            "models" => request.models = read_models(&name, &raw)?,
            "stream" => {
                Rule::Boolean.check(&name, &raw)?;
                request.stream = boolean(&raw).unwrap_or(false);
            }
            "provider" => {
                request.provider = read_provider(&raw)?;
                request.provider_options = read_provider_options(&raw)?;
            }
            "user" => request.user = Some(read_text(&name, &raw, 1024)?),
            "session_id" => request.session_id = Some(read_text(&name, &raw, 256)?),
            "store" | "previous_response_id" | "background" => {}
            "max_output_tokens" => {
                request.max_tokens = Some(read_count(&name, &raw, i64::from(u32::MAX))?);
                self.native.members.push((name, raw));
            }
            "instructions" => {
                rules::INSTRUCTIONS.check(&name, &raw)?;
                if let Some(said) = text(&raw).filter(|said| !said.is_empty()) {
                    self.conversation.say(Role::System, said.into_owned());
                }
                self.native.members.push((name, raw));
            }
            "text" => {
                let settings = tools::read_text_settings(&raw)?;
                request
                    .parameters
                    .extend(settings.into_iter().map(|(name, raw)| (name.to_owned(), raw)));
                self.native.members.push((name, raw));
            }
            "reasoning" => {
                rules::check_reasoning(&name, &raw)?;
                request.parameters.push((name, raw));
            }
            "include" => {
                self.logprobs = rules::includes_logprobs(&name, &raw)?;
                self.native.members.push((name, raw));
            }
            "truncation" => {
                Rule::OneOf(&["auto", "disabled"]).check(&name, &raw)?;
                if raw.get() == "\"auto\"" {
                    self.native.unconverted.push(name.clone());
                }
                self.native.members.push((name, raw));
            }
            _ => match rules::check(&name, &raw)? {
                Fate::Shared => {
                    self.native.members.push((name.clone(), raw.clone()));
                    request.parameters.push((name, raw));
                }
                Fate::Added => request.parameters.push((name, raw)),
                Fate::Native => {
                    self.native.unconverted.push(name.clone());
                    self.native.members.push((name, raw));
                }
                Fate::Dropped => {}
            },
        }
        Ok(())
    }

    fn take_tools(
        &mut self,
        read: tools::Converted,
        (tools, choice): (Option<Box<RawValue>>, Option<Box<RawValue>>),
    ) {
        let parameters = &mut self.request.parameters;
        if read.tools.is_none() {
            parameters.retain(|(name, _)| name != "parallel_tool_calls");
        }
        let choice_read = read.choice.filter(|_| read.tools.is_some());
        for (name, written, raw) in
            [("tools", read.tools, tools), ("tool_choice", choice_read, choice)]
        {
            parameters.extend(written.map(|written| (name.to_owned(), written)));
            self.native.members.extend(raw.map(|raw| (name.to_owned(), raw)));
        }
        self.native.unconverted.extend(read.unconverted);
    }

    fn take_items(
        &mut self,
        earlier: &[Box<RawValue>],
        own: &[Items<'_>],
        input: &RawValue,
    ) -> Result<(), PublicError> {
        let conversation = &mut self.conversation;
        for item in earlier {
            conversation.add("previous_response_id", item)?;
        }
        for (index, item) in own.iter().enumerate() {
            conversation.add(&format!("input[{index}]"), item.raw())?;
        }
        if conversation.natives.is_empty() {
            return Err(invalid("input", "must hold at least one item"));
        }
        self.request.messages = conversation.finish();
        self.request.origins = std::mem::take(&mut conversation.media);
        // The conversation that an upstream is sent must hold something.
        if self.request.messages.is_empty() {
            return Err(invalid("input", "holds nothing that a model could answer"));
        }
        let is_as_written = earlier.is_empty()
            && conversation.natives.iter().all(|it| matches!(it, reasoning::Native::Verbatim));
        let written = if is_as_written {
            input.to_owned()
        } else {
            let all = earlier.iter().map(|raw| &**raw).chain(own.iter().map(Items::raw));
            let kept: Vec<&RawValue> = all
                .zip(&conversation.natives)
                .filter_map(|(raw, native)| match native {
                    reasoning::Native::Verbatim => Some(raw),
                    reasoning::Native::Rewritten(raw) => Some(&**raw),
                    reasoning::Native::Left => None,
                })
                .collect();
            to_raw_value(&kept).map_err(|_| invalid("input", "cannot be read"))?
        };
        self.native.members.push(("input".to_owned(), written));
        self.native.unconverted.append(&mut conversation.unconverted);
        Ok(())
    }

    fn settle_reasoning(&mut self) {
        if let Some(raw) = self.request.parameter("reasoning") {
            let written = openai_reasoning(raw, &self.request);
            self.native.members.push(("reasoning".to_owned(), written));
        }
    }

    /// Probabilities are asked for by one name here and by another there.
    fn settle_logprobs(&mut self) {
        let top = self.request.parameter("top_logprobs").and_then(integer).unwrap_or(0);
        if (self.logprobs || top > 0)
            && let Ok(raw) = to_raw_value(&true)
        {
            self.request.parameters.push(("logprobs".to_owned(), raw));
            return;
        }
        // No alternatives of no probabilities is what every response says of itself, and what
        // other dialects take for half a demand.
        self.request.parameters.retain(|(name, _)| name != "top_logprobs");
    }
}

/// `reasoning` without what OpenAI would refuse. A budget is said as the effort that is nearest.
fn openai_reasoning(raw: &RawValue, request: &ChatRequest) -> Box<RawValue> {
    /// What a budget is a share of where the answer has no bound.
    const OUTPUT: u32 = 32_768;
    let has_added = members(raw)
        .is_some_and(|it| rules::REASONING_ADDED.iter().any(|name| it.find(name).is_some()));
    if has_added && let Ok(Value::Object(mut reasoning)) = serde_json::from_str(raw.get()) {
        reasoning.retain(|name, _| !rules::REASONING_ADDED.contains(&name.as_str()));
        let effort = Reasoning::of(request)
            .and_then(|asked| asked.effort(request.max_tokens.unwrap_or(OUTPUT)));
        if let Some(effort) = effort {
            reasoning.insert("effort".to_owned(), effort.as_str().into());
        }
        if let Ok(kept) = to_raw_value(&reasoning) {
            return kept;
        }
    }
    raw.to_owned()
}
