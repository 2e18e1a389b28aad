//! Contents and their parts.

use serde_json::Value;

use crate::fields::Fields;
use crate::media;
use crate::refusal::{Problem, Refusal};
use crate::seal::{self, Maker};
use crate::understood::{Media, Part, Role, Understood};

type Result<T> = std::result::Result<T, Refusal>;

pub(super) fn system(mut fields: Fields) -> Result<Vec<Part>> {
    // A role is accepted here and means nothing.
    fields.text("role")?;
    let parts = parts(&mut fields)?;
    fields.deny_rest()?;
    if parts.iter().any(|part| !matches!(part, Part::Text { .. })) {
        return Err(Refusal::rule("systemInstruction", "only text is supported"));
    }
    Ok(parts)
}

/// What Google's documentation gives to those who have no signature.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// Whether calls must carry signatures: since the third generation.
pub(super) fn signs_calls(model: &str) -> bool {
    let (_, rest) = model.rsplit_once("gemini-").unwrap_or_default();
    let digits = rest.split(|character: char| !character.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse::<u32>().ok()).is_some_and(|generation| generation >= 3)
}

pub(super) fn contents(asked: &mut Understood, contents: Vec<Fields>) -> Result<()> {
    let mut before: Option<Vec<String>> = None;
    let mut last = None;
    // The first call without a signature since the person last said something.
    let mut unsigned: Option<Refusal> = None;
    for (index, mut content) in contents.into_iter().enumerate() {
        let role = match content.text("role")?.as_deref() {
            None | Some("user" | "function") => Role::User,
            Some("model") => Role::Assistant,
            Some(_) => return Err(Refusal::rule("", "Please use a valid role: user, model.")),
        };
        let parts = parts(&mut content)?;
        content.deny_rest()?;
        let results = parts.iter().filter(|part| matches!(part, Part::ToolResult { .. })).count();
        match before.take() {
            Some(names) if results != names.len() => return Err(unequal()),
            Some(names) => {
                ordered(&names, &parts)?;
            }
            None if results > 0 => return Err(unequal()),
            None => {}
        }
        let called = calls(&parts);
        if !called.is_empty() {
            if last != Some(Role::User) {
                let sentence = "Please ensure that function call turn comes immediately after a \
                                user turn or after a function response turn.";
                return Err(Refusal::rule("", sentence));
            }
            before = Some(called);
        }
        check_signatures(&parts, index)?;
        let speaks = |part: &Part| !matches!(part, Part::ToolResult { .. });
        if role == Role::User && parts.iter().any(speaks) {
            unsigned = None;
        }
        unsigned = unsigned.or_else(|| unsigned_call(&parts, index));
        last = Some(role);
        asked.say(role, parts);
    }
    if let Some(refusal) = unsigned.filter(|_| signs_calls(&asked.model)) {
        return Err(refusal);
    }
    match before {
        // Nothing is left to say after a call that was not answered.
        Some(_) if last == Some(Role::Assistant) => Err(unequal()),
        _ => Ok(()),
    }
}

fn unequal() -> Refusal {
    let sentence = "Please ensure that the number of function response parts is equal to the \
                    number of function call parts of the function call turn.";
    Refusal::rule("", sentence)
}

fn calls(parts: &[Part]) -> Vec<String> {
    let name = |part: &Part| match part {
        Part::ToolCall { name, .. } => Some(name.clone()),
        _ => None,
    };
    parts.iter().filter_map(name).collect()
}

/// Every response is of a function that was called.
fn ordered(names: &[String], parts: &[Part]) -> Result<()> {
    let mut left: Vec<&String> = names.iter().collect();
    for part in parts {
        let Part::ToolResult { name: Some(name), .. } = part else { continue };
        let Some(place) = left.iter().position(|called| *called == name) else {
            let sentence = format!("Function response `{name}` has no function call before it.");
            return Err(Refusal::rule("", sentence));
        };
        left.remove(place);
    }
    Ok(())
}

/// Of calls that were made together, the first is signed.
fn unsigned_call(parts: &[Part], index: usize) -> Option<Refusal> {
    let first = parts.iter().find(|part| matches!(part, Part::ToolCall { .. }))?;
    let Part::ToolCall { name, signature: None, .. } = first else { return None };
    let sentence = format!(
        "Function call is missing a thought_signature in functionCall parts. This is required for \
         tools to work correctly, and missing thought_signature may lead to degraded model \
         performance. Additional data, function call `default_api:{name}`, position {index}."
    );
    Some(Refusal::rule("", sentence))
}

/// A signature must be one of ours.
fn check_signatures(parts: &[Part], index: usize) -> Result<()> {
    for part in parts {
        let (Part::Text { signature: Some(signature), .. }
        | Part::ToolCall { signature: Some(signature), .. }
        | Part::Reasoning { signature: Some(signature), .. }) = part
        else {
            continue;
        };
        if signature != NO_SIGNATURE && seal::open(Maker::Gemini, signature).is_none() {
            let at = format!("contents.{index}.parts");
            return Err(Refusal::rule(at, "Corrupted thought signature."));
        }
    }
    Ok(())
}

fn parts(content: &mut Fields) -> Result<Vec<Part>> {
    let at = content.at("parts");
    let parts = content.objects("parts")?.unwrap_or_default();
    if parts.is_empty() {
        return Err(Refusal::rule(at, "contents.parts must not be empty."));
    }
    parts.into_iter().map(part).collect()
}

fn part(mut fields: Fields) -> Result<Part> {
    let path = fields.path().to_owned();
    let is_thought = fields.boolean("thought")?.unwrap_or(false);
    let signature = fields.text("thoughtSignature")?;
    fields.take("videoMetadata");
    fields.take("mediaResolution");
    fields.take("partMetadata");
    let mut found = Vec::new();
    if let Some(text) = fields.text("text")? {
        found.push(if is_thought {
            Part::Reasoning { text, signature: signature.clone() }
        } else {
            Part::Text { text, name: None, cache: None, signature: signature.clone() }
        });
    }
    if let Some(data) = fields.object("inlineData")? {
        found.push(inline(data)?);
    }
    if let Some(mut file) = fields.object("fileData")? {
        let media_type = file.text("mimeType")?;
        let url = file.required_text("fileUri")?;
        file.take("displayName");
        file.deny_rest()?;
        found.push(of_type(Media { media_type, url: Some(url), ..Media::default() }, None));
    }
    if let Some(mut call) = fields.object("functionCall")? {
        let name = call.required_text("name")?;
        check_name(&call.at("name"), &name)?;
        let id = call.text("id")?;
        let at = call.at("args");
        let arguments = call.take("args").unwrap_or_else(|| serde_json::json!({}));
        if !arguments.is_object() {
            return Err(Refusal::new(at, Problem::Type("Struct")));
        }
        call.deny_rest()?;
        let signature = signature.clone();
        found.push(Part::ToolCall { id, name, arguments, signature, cache: None });
    }
    if let Some(response) = fields.object("functionResponse")? {
        found.push(self::response(response)?);
    }
    for name in ["executableCode", "codeExecutionResult", "toolCall", "toolResponse"] {
        if let Some(value) = fields.take(name) {
            found.push(Part::Other { kind: name.to_owned(), value });
        }
    }
    fields.deny_rest()?;
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(part), None) => Ok(part),
        (None, _) => Err(Refusal::rule(
            format!("{path}.data"),
            "required oneof field 'data' must have one initialized field",
        )),
        (Some(_), Some(_)) => {
            Err(Refusal::rule(path, "oneof field 'data' is already set. Cannot set another."))
        }
    }
}

fn inline(mut data: Fields) -> Result<Part> {
    let media_type = data.required_text("mimeType")?;
    let text = data.required_text("data")?;
    let filename = data.text("displayName")?;
    let media = media::inline(&data.at("data"), Some(media_type), &text)?;
    data.deny_rest()?;
    Ok(of_type(media, filename))
}

/// Gemini tells media apart by their type alone.
fn of_type(media: Media, filename: Option<String>) -> Part {
    let kind = media.media_type.as_deref().and_then(|kind| kind.split('/').next());
    match kind {
        Some("image") => Part::Image { media, detail: None, cache: None },
        Some("audio") => Part::Audio { media },
        Some("video") => Part::Video { media },
        _ => Part::File { media, filename, cache: None },
    }
}

fn response(mut fields: Fields) -> Result<Part> {
    let name = fields.required_text("name")?;
    check_name(&fields.at("name"), &name)?;
    let id = fields.text("id")?;
    let at = fields.at("response");
    let value = fields.required("response")?;
    let Value::Object(members) = &value else {
        return Err(Refusal::new(at, Problem::Type("Struct")));
    };
    // `output` and `error` are the names that the documentation gives to a result that is a text.
    let one = |name: &str| match members.get(name) {
        Some(Value::String(text)) if members.len() == 1 => Some(text.clone()),
        _ => None,
    };
    let (text, is_error) = match (one("output").or_else(|| one("result")), one("error")) {
        (Some(text), _) => (text, false),
        (None, Some(text)) => (text, true),
        (None, None) => (crate::canonical::canonical(&value), false),
    };
    let mut parts = vec![Part::text(text)];
    for part in fields.objects("parts")?.unwrap_or_default() {
        parts.push(self::part(part)?);
    }
    fields.take("willContinue");
    fields.take("scheduling");
    fields.deny_rest()?;
    Ok(Part::ToolResult { id, name: Some(name), parts, is_error, cache: None })
}

pub(super) fn check_name(path: &str, name: &str) -> Result<()> {
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    if starts && name.len() <= 64 && name.bytes().all(is_good) {
        return Ok(());
    }
    let sentence = "Invalid function name. Must start with a letter or an underscore. Must be \
                    alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes \
                    (-), with a maximum length of 64.";
    Err(Refusal::rule(path, sentence))
}
