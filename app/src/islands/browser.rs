//! The few things that islands ask of the browser.

use leptos::prelude::document;
use std::cell::RefCell;
use wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlDocument, HtmlElement, HtmlFormElement, UrlSearchParams};

use crate::format;
use crate::model_query::{ModelQuery, ModelRow};

/// Puts the text of the element with this id on the clipboard and says whether it did. Where it
/// could not, the text is selected, so that a key press copies it.
pub(super) fn copy_text_of(id: &str) -> bool {
    let (Some(element), Some(window)) = (document().get_element_by_id(id), web_sys::window())
    else {
        return false;
    };
    // Behind plain http, other than on this very machine, browsers have no clipboard to offer.
    if window.is_secure_context() {
        let text = element.text_content().unwrap_or_default();
        let _ = window.navigator().clipboard().write_text(&text);
        return true;
    }
    if let Ok(Some(selection)) = window.get_selection() {
        let _ = selection.select_all_children(&element);
    }
    document()
        .dyn_into::<HtmlDocument>()
        .is_ok_and(|page| page.exec_command("copy").unwrap_or(false))
}

/// Shows a theme at once and remembers it for a year. `auto` follows the system again.
pub(super) fn choose_theme(theme: &str) {
    let Some(root) = document().document_element() else { return };
    let chosen = matches!(theme, "light" | "dark");
    let _ = if chosen {
        root.set_attribute("data-theme", theme)
    } else {
        root.remove_attribute("data-theme")
    };
    if let Ok(page) = document().dyn_into::<HtmlDocument>() {
        let age = if chosen { 31_536_000 } else { 0 };
        let cookie = super::THEME_COOKIE;
        let _ = page.set_cookie(&format!("{cookie}={theme}; path=/; max-age={age}; samesite=lax"));
    }
}

thread_local! {
    /// The rows of the models table, read once from their attributes.
    static ROWS: RefCell<Vec<(ModelRow, HtmlElement)>> = const { RefCell::new(Vec::new()) };
}

/// Shows the rows that the filter form asks for, in its order, and says so in the address.
pub(super) fn filter_models() {
    let Some(query) = read_form() else { return };
    ROWS.with_borrow_mut(|rows| {
        if rows.is_empty() {
            *rows = read_rows();
        }
        // The list is always in the order of the document, so an order that holds is left alone.
        let in_order = rows.is_sorted_by(|(a, _), (b, _)| query.compare(a, b).is_le());
        if !in_order {
            rows.sort_by(|(a, _), (b, _)| query.compare(a, b));
        }
        let mut shown = 0;
        for (row, element) in rows.iter() {
            let matches = query.matches(row);
            shown += usize::from(matches);
            element.set_hidden(!matches);
            // Appending a child that is already there moves it: after the loop they are in order.
            if let (false, Some(parent)) = (in_order, element.parent_node()) {
                let _ = parent.append_child(element);
            }
        }
        say_count(shown);
    });
    if let Some(window) = web_sys::window() {
        let address = format!("/models{}", query.to_query());
        let _ = window.history().and_then(|history| {
            history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address))
        });
    }
}

fn read_form() -> Option<ModelQuery> {
    let form = document().get_element_by_id("model-filter")?.dyn_into::<HtmlFormElement>().ok()?;
    let fields = FormData::new_with_form(&form).ok()?;
    let text = UrlSearchParams::new_with_str_sequence_sequence(&fields).ok()?;
    Some(ModelQuery::parse(&String::from(text.to_string())))
}

fn read_rows() -> Vec<(ModelRow, HtmlElement)> {
    let Ok(list) = document().query_selector_all("[data-model]") else { return Vec::new() };
    (0..list.length())
        .filter_map(|index| {
            let element = list.item(index)?.dyn_into::<HtmlElement>().ok()?;
            let row = ModelRow::from_attribute(&element.get_attribute("data-model")?)?;
            Some((row, element))
        })
        .collect()
}

fn say_count(shown: usize) {
    if let Some(output) = document().get_element_by_id("model-count") {
        output.set_text_content(Some(&format::plural(shown, "model", "models")));
    }
    if let Some(empty) = document().get_element_by_id("model-none")
        && let Ok(empty) = empty.dyn_into::<HtmlElement>()
    {
        empty.set_hidden(shown > 0);
    }
}
