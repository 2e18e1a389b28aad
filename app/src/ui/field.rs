//! Form fields: a label, what may be written, and what is wrong with it.

use leptos::prelude::*;

#[component]
pub(crate) fn Field(
    /// Unique on the page.
    #[prop(into)]
    id: String,
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] value: String,
    /// The input's type; `text` when left out.
    #[prop(optional, into)]
    kind: Option<String>,
    #[prop(optional, into)] autocomplete: Option<String>,
    #[prop(optional, into)] inputmode: Option<String>,
    #[prop(optional, into)] placeholder: Option<String>,
    /// The id of the suggestions.
    #[prop(optional, into)]
    list: Option<String>,
    /// What helps to fill it in.
    #[prop(optional, into)]
    hint: Option<String>,
    /// Why it was not accepted.
    #[prop(optional_no_strip)]
    error: Option<String>,
    #[prop(optional, into)] maxlength: Option<u32>,
    #[prop(optional, into)] minlength: Option<u32>,
    /// What the browser checks while it is being filled in.
    #[prop(optional, into)]
    pattern: Option<String>,
    #[prop(optional)] required: bool,
) -> impl IntoView {
    let note_id = format!("{id}-note");
    let has_note = hint.is_some() || error.is_some();
    // Where something is to be corrected, one can begin to type.
    let focused = error.is_some();
    let invalid = focused.then_some("true");
    view! {
        <div class="field">
            <label class="caption" for=id.clone()>
                {label}
            </label>
            <input
                id=id
                name=name
                r#type=kind.unwrap_or_else(|| "text".to_owned())
                value=value
                autocomplete=autocomplete
                inputmode=inputmode
                placeholder=placeholder
                list=list
                maxlength=maxlength.map(|length| length.to_string())
                minlength=minlength.map(|length| length.to_string())
                pattern=pattern
                required=required
                autofocus=focused
                aria-invalid=invalid
                aria-describedby=has_note.then(|| note_id.clone())
            />
            <FieldNote id=note_id hint error />
        </div>
    }
}

/// One value that a [`Select`] offers.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
}

impl Choice {
    pub(crate) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

#[component]
pub(crate) fn Select(
    /// Unique on the page.
    #[prop(into)]
    id: String,
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] value: String,
    choices: Vec<Choice>,
    #[prop(optional, into)] hint: Option<String>,
    #[prop(optional_no_strip)] error: Option<String>,
) -> impl IntoView {
    let note_id = format!("{id}-note");
    let has_note = hint.is_some() || error.is_some();
    let options = choices
        .into_iter()
        .map(|choice| {
            let selected = choice.value == value;
            view! {
                <option value=choice.value selected=selected>
                    {choice.label}
                </option>
            }
        })
        .collect_view();
    view! {
        <div class="field">
            <label class="caption" for=id.clone()>
                {label}
            </label>
            <select id=id name=name aria-describedby=has_note.then(|| note_id.clone())>
                {options}
            </select>
            <FieldNote id=note_id hint error />
        </div>
    }
}

#[component]
fn FieldNote(id: String, hint: Option<String>, error: Option<String>) -> impl IntoView {
    match (error, hint) {
        (Some(error), _) => view! {
            <p class="field__error" id=id>
                {error}
            </p>
        }
        .into_any(),
        (None, Some(hint)) => view! {
            <p class="field__hint" id=id>
                {hint}
            </p>
        }
        .into_any(),
        (None, None) => ().into_any(),
    }
}
