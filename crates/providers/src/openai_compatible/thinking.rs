//! `reasoning` in the words of an upstream.

use bytes::BytesMut;
use domain::catalog::{Endpoint, ReasoningForm};
use protocol::chat::reasoning::{Effort, Reasoning};
use protocol::chat::request::ChatRequest;
use protocol::json::{write_string, write_u64};

use crate::body::Body;
use crate::dropped::Dropped;
use crate::error::EncodeError;

const EFFORT: &str = "reasoning_effort";

pub(super) fn write(
    body: &mut Body<'_>,
    request: &ChatRequest,
    endpoint: &Endpoint,
    dropped: &mut Dropped,
) -> Result<(), EncodeError> {
    let Some(reasoning) = Reasoning::of(request) else { return Ok(()) };
    if !reasoning.is_on() && !reasoning.is_off() {
        return Ok(());
    }
    let public_name = if request.parameter(EFFORT).is_some() { EFFORT } else { "reasoning" };
    let known = endpoint.supports(EFFORT) || endpoint.supports("reasoning");
    if !known || body.quirks.refuses(EFFORT) || body.quirks.refuses("reasoning") {
        return dropped.add(public_name);
    }
    let output_max = request.max_tokens.unwrap_or_else(|| endpoint.output_tokens_max());
    let wanted = reasoning.effort(output_max).unwrap_or(Effort::Medium);
    let efforts = body.quirks.efforts();
    let effort = nearest(wanted, &efforts);
    let is_on = reasoning.is_on();
    let states_how_much = reasoning.effort.is_some() || reasoning.max_tokens.is_some();
    match body.quirks.reasoning() {
        ReasoningForm::Effort => match effort {
            Some(effort) => body.text(body.quirks.renamed(EFFORT), effort.as_str()),
            // It always thinks: that cannot be switched off.
            None => return dropped.add(public_name),
        },
        ReasoningForm::Object => write_object(body, &reasoning, effort),
        ReasoningForm::Enabled => write_flag(body, "reasoning", "enabled", is_on),
        form @ (ReasoningForm::Thinking | ReasoningForm::Adaptive) => {
            let word = match (is_on, form) {
                (false, _) => "disabled",
                (true, ReasoningForm::Adaptive) => "adaptive",
                (true, _) => "enabled",
            };
            body.raw("thinking", &format!("{{\"type\":\"{word}\"}}"));
            if let Some(effort) = effort.filter(|_| is_on && states_how_much && !efforts.is_empty())
            {
                body.text(body.quirks.renamed(EFFORT), effort.as_str());
            }
        }
        ReasoningForm::EnableThinking => {
            body.raw("enable_thinking", if is_on { "true" } else { "false" });
        }
        ReasoningForm::TemplateEnableThinking => {
            write_template(body, request, "enable_thinking", is_on);
        }
        ReasoningForm::TemplateThinking => write_template(body, request, "thinking", is_on),
        ReasoningForm::Fixed if is_on && !states_how_much => {}
        ReasoningForm::Fixed => return dropped.add(public_name),
    }
    if let Some(name) = body.quirks.reasoning_budget()
        && states_how_much
        && let Some(budget) = reasoning.budget(output_max)
        && !body.is_set(name)
    {
        body.begin(name);
        write_u64(&mut body.out, u64::from(budget));
    }
    Ok(())
}

/// The effort to name: the nearest of those that are known, where some are. None when thinking is
/// to be switched off and there is no word for that.
fn nearest(wanted: Effort, known: &[Effort]) -> Option<Effort> {
    if known.is_empty() || known.contains(&wanted) {
        return Some(wanted);
    }
    if wanted == Effort::None {
        return None;
    }
    let thinking: Vec<Effort> =
        known.iter().copied().filter(|effort| *effort != Effort::None).collect();
    wanted.nearest(&thinking)
}

fn write_object(body: &mut Body<'_>, reasoning: &Reasoning, effort: Option<Effort>) {
    if body.is_set("reasoning") {
        return;
    }
    body.begin("reasoning");
    let out = &mut body.out;
    if let Some(budget) = reasoning.max_tokens.filter(|_| reasoning.is_on()) {
        out.extend_from_slice(b"{\"max_tokens\":");
        write_u64(out, u64::from(budget));
    } else if let Some(effort) = effort.filter(|_| reasoning.effort.is_some()) {
        out.extend_from_slice(b"{\"effort\":");
        write_string(out, effort.as_str());
    } else {
        out.extend_from_slice(b"{\"enabled\":");
        write_bool(out, reasoning.is_on());
    }
    out.extend_from_slice(b"}");
}

fn write_flag(body: &mut Body<'_>, member: &str, inner: &str, flag: bool) {
    if body.is_set(member) {
        return;
    }
    body.begin(member);
    body.out.extend_from_slice(b"{");
    write_string(&mut body.out, inner);
    body.out.extend_from_slice(b":");
    write_bool(&mut body.out, flag);
    body.out.extend_from_slice(b"}");
}

/// A caller who sets the template's arguments knows better.
fn write_template(body: &mut Body<'_>, request: &ChatRequest, inner: &str, flag: bool) {
    const MEMBER: &str = "chat_template_kwargs";
    if request.parameter(MEMBER).is_none() {
        write_flag(body, MEMBER, inner, flag);
    }
}

fn write_bool(out: &mut BytesMut, flag: bool) {
    out.extend_from_slice(if flag { b"true" } else { b"false" });
}
