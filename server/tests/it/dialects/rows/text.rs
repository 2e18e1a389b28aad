//! Who says what.

use sandbox::{Part, Role, Understood};

use super::{PLAIN, Proof, Row, ensure};
use crate::dialects::ask::{Ask, Part as AskPart, Text, Turn};
use crate::dialects::read::Finish;

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "text",
        title: "a question, to the last character",
        ask: || Ask::question(ODD),
        proof: Proof::Understood(|seen| {
            let expected = [(Role::User, ODD)];
            ensure(said(seen) == expected, || format!("{:?}", seen.turns))
        }),
    },
    Row {
        id: "answer",
        title: "an answer",
        ask: || Ask::question("Name three rivers."),
        proof: Proof::Said(PLAIN, |said| match said.choices.as_slice() {
            [choice] => {
                ensure(choice.text.len() > 20, || format!("`{}`", choice.text))?;
                ensure(choice.finish == Finish::Stop, || format!("{:?}", choice.finish))
            }
            several => Err(format!("{} choices", several.len())),
        }),
    },
    Row {
        id: "several_choices",
        title: "several choices",
        ask: || Ask { choices: Some(2), ..Ask::question("Name three rivers.") },
        proof: Proof::Said(PLAIN, |said| match said.choices.as_slice() {
            [one, other] => ensure(!one.text.is_empty() && !other.text.is_empty(), || {
                format!("`{}` and `{}`", one.text, other.text)
            }),
            choices => Err(format!("{} choices", choices.len())),
        }),
    },
    Row {
        id: "system",
        title: "a system message",
        ask: || Ask { system: vec![Text::plain("Be brief.")], ..Ask::question("Hi.") },
        proof: Proof::Understood(|seen| {
            ensure(system(seen) == "Be brief.", || format!("{:?}", seen.system))?;
            ensure(said(seen) == [(Role::User, "Hi.")], || format!("{:?}", seen.turns))
        }),
    },
    Row {
        id: "developer",
        title: "a developer message",
        ask: || Ask { developer: Some("Be exact."), ..Ask::question("Hi.") },
        proof: Proof::Understood(|seen| {
            ensure(system(seen) == "Be exact.", || format!("{:?}", seen.system))?;
            ensure(said(seen) == [(Role::User, "Hi.")], || format!("{:?}", seen.turns))
        }),
    },
    Row {
        id: "turns",
        title: "a conversation, in its order",
        ask: || Ask::question("One?").after(Turn::assistant("Two.")).after(Turn::user("Three?")),
        proof: Proof::Understood(|seen| {
            let expected =
                [(Role::User, "One?"), (Role::Assistant, "Two."), (Role::User, "Three?")];
            ensure(said(seen) == expected, || format!("{:?}", seen.turns))
        }),
    },
    Row {
        id: "parts",
        title: "text in several parts",
        ask: || {
            let parts = vec![AskPart::text("One. "), AskPart::text("Two.")];
            Ask { turns: vec![Turn::User { parts, name: None }], ..Ask::question("") }
        },
        proof: Proof::Understood(|seen| {
            let joined: String = said(seen).into_iter().map(|(_, text)| text).collect();
            ensure(joined == "One. Two.", || format!("{:?}", seen.turns))
        }),
    },
    Row {
        id: "prefill",
        title: "the beginning of the answer (prefill)",
        ask: || Ask::question("Name a river.").after(Turn::assistant("The river is")),
        proof: Proof::Understood(|seen| {
            let last = said(seen).pop();
            ensure(last == Some((Role::Assistant, "The river is")), || format!("{last:?}"))
        }),
    },
    Row {
        id: "names",
        title: "names of speakers",
        ask: || {
            let parts = vec![AskPart::text("Who am I?")];
            Ask { turns: vec![Turn::User { parts, name: Some("Ada") }], ..Ask::question("") }
        },
        proof: Proof::Understood(|seen| match seen.turns.first().map(|turn| &turn.parts[..]) {
            Some([Part::Text { text, name: Some(name), .. }])
                if text == "Who am I?" && name == "Ada" =>
            {
                Ok(())
            }
            // Folded into the text, as is done where there are no names.
            other => {
                let joined: String = said(seen).into_iter().map(|(_, text)| text).collect();
                ensure(joined == "Ada: Who am I?", || format!("{other:?}"))
            }
        }),
    },
];

/// Nothing that JSON, form encodings or line ends could trip over is left out.
const ODD: &str = "Say “é漢字🙂” — \"quoted\", back\\slash,\n\ttabbed\u{7f} </s> data: [DONE]";

/// Who said which text.
fn said(seen: &Understood) -> Vec<(Role, &str)> {
    fn text_of(part: &Part) -> Option<&str> {
        match part {
            Part::Text { text, .. } => Some(text),
            _ => None,
        }
    }
    seen.turns
        .iter()
        .flat_map(|turn| turn.parts.iter().filter_map(text_of).map(|text| (turn.role, text)))
        .collect()
}

fn system(seen: &Understood) -> String {
    let text = |part: &Part| match part {
        Part::Text { text, .. } => text.clone(),
        other => format!("{other:?}"),
    };
    seen.system.iter().map(text).collect()
}
