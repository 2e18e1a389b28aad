//! Messages to `contents`: roles, parts, calls and their results, and signatures in their places.

use std::borrow::Cow;
use std::collections::HashMap;

use protocol::chat::request::{ChatRequest, Content as Said, Message, Role};
use protocol::chat::view::{PartView, ReasoningDetail, Source, ToolCall};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use super::encode::object;
use super::generation::takes;
use super::wire::{Content, FunctionCall, FunctionResponse, Outcome, Part, Said as Result_};
use super::{FORMAT, Flavour, media, thinking};
use crate::adapter::Target;
use crate::error::EncodeError;

/// Stands in `unsupported` where a model takes no instructions but as the user's words.
const NO_SYSTEM: &str = "messages.system";

/// Stands for the signature of a call that another model made. Without one the third generation
/// refuses the conversation.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

#[derive(Debug)]
pub(super) struct Conversation<'a> {
    pub(super) system: Option<Content<'a>>,
    pub(super) contents: Vec<Content<'a>>,
}

pub(super) fn write<'a>(
    request: &'a ChatRequest,
    target: &Target<'_>,
    flavour: Flavour,
) -> Result<Conversation<'a>, EncodeError> {
    let mut writer = Writer {
        flavour,
        base_url: target.base_url,
        needs_signatures: thinking::takes_levels(target.endpoint),
        takes_system: takes(target.endpoint, NO_SYSTEM),
        system: Vec::new(),
        contents: Vec::new(),
        was_result: false,
        names: HashMap::new(),
        calls: Vec::new(),
        places: Vec::new(),
    };
    for (index, message) in request.messages.iter().enumerate() {
        writer.message(index, message)?;
    }
    Ok(writer.finish())
}

struct Writer<'a, 't> {
    flavour: Flavour,
    base_url: &'t str,
    /// Whether calls without a signature are refused.
    needs_signatures: bool,
    /// Whether instructions have a place of their own.
    takes_system: bool,
    system: Vec<Part<'a>>,
    contents: Vec<Content<'a>>,
    /// Whether the last content holds results of calls, which nothing else may join.
    was_result: bool,
    /// Id → name of every call so far: results must name what they answer.
    names: HashMap<Cow<'a, str>, Cow<'a, str>>,
    /// Ids of the last message's calls: results without ids are told apart by their order.
    calls: Vec<Cow<'a, str>>,
    /// The places of the results in a row so far, among those calls.
    places: Vec<usize>,
}

impl<'a> Writer<'a, '_> {
    fn finish(mut self) -> Conversation<'a> {
        // An instruction alone is no conversation, and some models take none.
        if !self.system.is_empty() && (self.contents.is_empty() || !self.takes_system) {
            let mut parts = std::mem::take(&mut self.system);
            match self.contents.first_mut() {
                Some(first) if first.role == Some("user") => {
                    parts.append(&mut first.parts);
                    first.parts = parts;
                }
                _ => self.contents.insert(0, Content { role: Some("user"), parts }),
            }
        }
        let system =
            (!self.system.is_empty()).then_some(Content { role: None, parts: self.system });
        Conversation { system, contents: self.contents }
    }

    fn message(&mut self, index: usize, message: &'a Message) -> Result<(), EncodeError> {
        match message.role {
            Role::System | Role::Developer => {
                let mut parts = self.parts(index, message)?;
                self.system.append(&mut parts);
            }
            Role::User => {
                let parts = self.parts(index, message)?;
                self.add("user", parts);
            }
            Role::Assistant => {
                let parts = self.answer(index, message)?;
                self.add("model", parts);
            }
            Role::Tool => self.result(index, message)?,
        }
        Ok(())
    }

    /// Joins what one side says in a row.
    fn add(&mut self, role: &'static str, mut parts: Vec<Part<'a>>) {
        if parts.is_empty() {
            return;
        }
        let was_result = std::mem::take(&mut self.was_result);
        match self.contents.last_mut() {
            Some(last) if last.role == Some(role) && !was_result => last.parts.append(&mut parts),
            _ => self.contents.push(Content { role: Some(role), parts }),
        }
    }

    /// What a message says, with the name of who says it.
    fn parts(&self, index: usize, message: &'a Message) -> Result<Vec<Part<'a>>, EncodeError> {
        let mut parts = match &message.content {
            Said::None => Vec::new(),
            Said::Text(text) if text.is_empty() => Vec::new(),
            Said::Text(text) => vec![Part::text(text.as_str())],
            Said::Parts(list) => {
                let mut parts = Vec::with_capacity(list.len());
                for (position, part) in list.iter().enumerate() {
                    let path = || format!("messages[{index}].content[{position}]");
                    parts.extend(self.part(part.view(), path)?);
                }
                parts
            }
        };
        if let (Some(name), false) = (message.name(), parts.is_empty()) {
            match parts.first_mut().and_then(|part| part.text.as_mut()) {
                Some(text) => *text = format!("{name}: {text}").into(),
                None => parts.insert(0, Part::text(format!("{name}:"))),
            }
        }
        Ok(parts)
    }

    fn part(
        &self,
        view: PartView<'a>,
        path: impl FnOnce() -> String,
    ) -> Result<Option<Part<'a>>, EncodeError> {
        match view {
            PartView::Text(text) | PartView::Refusal(text) if text.is_empty() => Ok(None),
            PartView::Text(text) | PartView::Refusal(text) => Ok(Some(Part::text(text))),
            other => match media::write(other, self.flavour, self.base_url) {
                Some(part) => Ok(Some(part)),
                None => Err(EncodeError::Unsupported { parameter: path() }),
            },
        }
    }

    /// An earlier answer: thoughts, words, images, calls, each with the signature that it had.
    fn answer(&mut self, index: usize, message: &'a Message) -> Result<Vec<Part<'a>>, EncodeError> {
        let details = message.reasoning_details();
        let mut signatures = Signatures::default();
        let mut parts = Vec::new();
        for detail in details.into_iter().filter(|detail| detail.format.as_deref() == Some(FORMAT))
        {
            parts.extend(signatures.take(detail));
        }
        let mut words = self.parts(index, message)?;
        if words.is_empty()
            && let Some(refusal) = message.refusal().filter(|text| !text.is_empty())
        {
            words.push(Part::text(refusal));
        }
        signatures.sign_words(&mut words);
        parts.append(&mut words);
        for (position, image) in images(message).into_iter().enumerate() {
            let id = format!("image_{position}");
            parts.push(Part { thought_signature: signatures.of(&id), ..image });
        }
        let calls = message.tool_calls();
        self.calls.clear();
        let first = parts.len();
        for call in calls {
            self.names.insert(call.id.clone(), call.name.clone());
            self.calls.push(call.id.clone());
            parts.push(self.call(call, &mut signatures));
        }
        // Of calls that were made together, the first is signed.
        if let Some(part) = parts.get_mut(first).filter(|_| self.needs_signatures) {
            part.thought_signature.get_or_insert(Cow::Borrowed(NO_SIGNATURE));
        }
        Ok(parts)
    }

    fn call(&self, call: ToolCall<'a>, signatures: &mut Signatures<'a>) -> Part<'a> {
        let thought_signature = signatures.of(&call.id);
        let function_call = FunctionCall {
            args: arguments(&call.arguments),
            id: self.id(call.id),
            name: call.name,
        };
        Part { function_call: Some(function_call), thought_signature, ..Part::default() }
    }

    /// Older versions of Vertex refuse ids, and need none: results are in the order of calls.
    fn id(&self, id: Cow<'a, str>) -> Option<Cow<'a, str>> {
        match self.flavour {
            Flavour::AiStudio => Some(id).filter(|id| !id.is_empty()),
            Flavour::Vertex => None,
        }
    }

    /// What came of a call. Results of one answer's calls stand together, in the calls' order,
    /// and what they show follows them.
    fn result(&mut self, index: usize, message: &'a Message) -> Result<(), EncodeError> {
        let id = message.tool_call_id().unwrap_or_default();
        let name = self.names.get(&id).cloned().or_else(|| message.name());
        let mut shown = Vec::new();
        if let Said::Parts(list) = &message.content {
            for (position, part) in list.iter().enumerate() {
                let path = || format!("messages[{index}].content[{position}]");
                shown.extend(self.part(part.view(), path)?.filter(|part| part.text.is_none()));
            }
        }
        let said = said(message.plain_text());
        let response =
            if message.is_error() { Outcome::Error(said) } else { Outcome::Output(said) };
        let place = self.calls.iter().position(|call| *call == id).unwrap_or(usize::MAX);
        let function_response = FunctionResponse {
            name: name.unwrap_or_else(|| id.clone()),
            id: self.id(id),
            response,
        };
        let part = Part { function_response: Some(function_response), ..Part::default() };
        if !self.was_result {
            self.contents.push(Content { role: Some("user"), parts: Vec::new() });
            self.was_result = true;
            self.places.clear();
        }
        let position = self.places.partition_point(|known| *known <= place);
        self.places.insert(position, place);
        if let Some(content) = self.contents.last_mut() {
            content.parts.insert(position, part);
            content.parts.append(&mut shown);
        }
        Ok(())
    }
}

/// JSON as it is, anything else as text.
fn said(text: Cow<'_, str>) -> Result_<'_> {
    match object(&text) {
        Some(json) => Result_::Json(json),
        None => Result_::Text(text),
    }
}

/// Arguments must be an object; what is none is kept under a name of its own.
fn arguments(json: &str) -> Box<RawValue> {
    #[derive(serde::Serialize)]
    struct Kept<'a> {
        arguments: Result_<'a>,
    }
    if let Some(object) = object(json) {
        return object;
    }
    let said = match serde_json::from_str(json) {
        Ok(other) => Result_::Json(other),
        Err(_) => Result_::Text(json.into()),
    };
    to_raw_value(&Kept { arguments: said }).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Images that the model made.
fn images(message: &Message) -> Vec<Part<'_>> {
    #[derive(Deserialize)]
    struct Image<'a> {
        #[serde(borrow)]
        image_url: Address<'a>,
    }
    #[derive(Deserialize)]
    struct Address<'a> {
        #[serde(borrow)]
        url: Cow<'a, str>,
    }
    let list: Vec<Image<'_>> = message
        .member("images")
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    let inline = list.into_iter().filter_map(|image| match Source::of_url(image.image_url.url) {
        Source::Inline { media_type, base64 } => Some(Part::inline(media_type, base64)),
        Source::Url(_) | Source::Id(_) => None,
    });
    inline.collect()
}

/// Signatures that wait for the part that they belong to.
#[derive(Debug, Default)]
struct Signatures<'a> {
    /// Of calls and images, by id.
    named: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Of the words.
    words: Vec<Cow<'a, str>>,
}

impl<'a> Signatures<'a> {
    /// Keeps a signature, or gives a thought as the part that it was.
    fn take(&mut self, detail: ReasoningDetail<'a>) -> Option<Part<'a>> {
        match (&*detail.kind, detail.data) {
            ("reasoning.encrypted", Some(data)) => {
                match detail.id {
                    Some(id) => self.named.push((id, data)),
                    None => self.words.push(data),
                }
                None
            }
            ("reasoning.text" | "reasoning.summary", _) => {
                let text = detail.text.or(detail.summary).filter(|text| !text.is_empty());
                let is_empty = text.is_none() && detail.signature.is_none();
                let part = Part {
                    text: Some(text.unwrap_or_default()),
                    thought: true,
                    thought_signature: detail.signature,
                    ..Part::default()
                };
                (!is_empty).then_some(part)
            }
            _ => None,
        }
    }

    fn of(&mut self, id: &str) -> Option<Cow<'a, str>> {
        let position = self.named.iter().position(|(known, _)| known == id)?;
        Some(self.named.remove(position).1)
    }

    /// The first belongs to the last of the words; further ones came in parts without words.
    fn sign_words(&mut self, words: &mut Vec<Part<'a>>) {
        let mut signatures = std::mem::take(&mut self.words).into_iter();
        let last = words.iter_mut().rev().find(|part| part.text.is_some());
        if let Some(part) = last {
            part.thought_signature = signatures.next();
        }
        words.extend(signatures.map(|signature| Part {
            text: Some(Cow::Borrowed("")),
            thought_signature: Some(signature),
            ..Part::default()
        }));
    }
}
