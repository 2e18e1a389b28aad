//! The older text completions: a prompt and nothing around it.

use serde_json::{Map, Value, json};

use super::{NoForm, object, refuse_if};
use crate::dialects::ask::{Ask, Part, Turn};

pub(super) fn write(ask: &Ask) -> Result<Map<String, Value>, NoForm> {
    refuse_if(!ask.system.is_empty() || ask.developer.is_some(), "a prompt has no roles")?;
    refuse_if(!ask.tools.is_empty() || ask.choice.is_some(), "a prompt has no tools")?;
    refuse_if(ask.parallel.is_some(), "a prompt has no tools")?;
    refuse_if(ask.format.is_some(), "there is no `response_format`")?;
    refuse_if(ask.thinking.is_some(), "there is no place for reasoning")?;
    refuse_if(!ask.modalities.is_empty(), "answers are text")?;
    refuse_if(ask.cache_all, "a prompt has no cache marks")?;
    refuse_if(ask.service_tier.is_some(), "there is no `service_tier`")?;
    let [Turn::User { parts, name: None }] = ask.turns.as_slice() else {
        return Err("a prompt has no roles");
    };
    let [Part::Text(text)] = parts.as_slice() else { return Err("a prompt is text") };
    refuse_if(text.mark.is_some(), "a prompt has no cache marks")?;
    let mut body = object(json!({
        "prompt": text.text,
        "max_tokens": ask.max_tokens,
        "n": ask.choices,
    }));
    if !ask.stop.is_empty() {
        body.insert("stop".to_owned(), json!(ask.stop));
    }
    for (name, value) in &ask.sampling {
        refuse_if(*name == "top_logprobs", "`logprobs` is a number here, without alternatives")?;
        let value = if *name == "logprobs" { json!(2) } else { value.clone() };
        body.insert((*name).to_owned(), value);
    }
    Ok(body)
}
