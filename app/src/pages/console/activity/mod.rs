//! Every generation of the workspace, newest first.

mod data;

use domain::generation::{Generation, Outcome};
use domain::id::ApiKeyId;
use leptos::prelude::*;
use std::collections::HashMap;

use crate::format;
use crate::layouts::{Layout, Place};
use crate::model_query::escape;
use crate::pages::show;
use crate::ui::{At, Badge, Cell, Choice, Empty, Field, PageHead, Pager, Select, Table, Tone};
use data::Activity;

#[component]
pub(crate) fn ActivityPage() -> impl IntoView {
    Suspend::new(async move { show(data::load().await, page).await })
}

fn page(activity: Activity) -> AnyView {
    let Activity { viewer, page, is_first_page, key, model, keys, names, models } = activity;
    let filtered = !key.is_empty() || !model.is_empty();
    let address = |cursor: &str| {
        let mut pairs = vec![("key", &*key), ("model", &*model), ("after", cursor)];
        pairs.retain(|(_, value)| !value.is_empty());
        let query: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        if query.is_empty() {
            "/activity".to_owned()
        } else {
            format!("/activity?{}", query.join("&"))
        }
    };
    let next = page.next.as_deref().map(address);
    let first = (!is_first_page).then(|| address(""));
    let empty = page.items.is_empty();
    let costs = format::align(page.items.iter().map(|item| format::usd(item.cost)).collect());
    let rows = page
        .items
        .iter()
        .zip(costs)
        .map(|(generation, cost)| row(generation, cost, &names))
        .collect_view();
    let columns = vec![
        ("Model", false),
        ("Time, UTC", false),
        ("Provider", false),
        ("Key", false),
        ("In", true),
        ("Out", true),
        ("Cost", true),
        ("TTFT", true),
        ("Tokens/s", true),
        ("Status", false),
    ];
    view! {
        <Layout title="Activity" place=Place::Activity viewer=Some(viewer)>
            <PageHead
                title="Activity"
                lead="One line a generation. Prompts and answers are stored only where a request asks for it."
            />
            {filter(key.clone(), model.clone(), keys, models)}
            {match (empty, filtered || !is_first_page) {
                (false, _) => {
                    view! {
                        <Table label="Generations" columns>
                            {rows}
                        </Table>
                    }
                        .into_any()
                }
                (true, true) => {
                    view! {
                        <Empty title="Nothing matches">
                            <a class="button" href="/activity">
                                "Show everything"
                            </a>
                        </Empty>
                    }
                        .into_any()
                }
                (true, false) => {
                    view! {
                        <Empty title="Nothing generated yet">
                            <a class="button" href="/docs">
                                "Make a first call"
                            </a>
                        </Empty>
                    }
                        .into_any()
                }
            }}
            <Pager first next />
        </Layout>
    }
    .into_any()
}

fn filter(key: String, model: String, keys: Vec<(String, String)>, models: Vec<String>) -> AnyView {
    let mut choices = vec![Choice::new("", "Any key")];
    choices.extend(keys.into_iter().map(|(id, name)| Choice::new(id, name)));
    view! {
        <form class="form form--row filter-row" method="get" action="/activity">
            <Select id="key" name="key" label="Key" value=key choices />
            <Field
                id="model"
                name="model"
                label="Model"
                value=model
                placeholder="author/name"
                list="models"
                maxlength=128_u32
            />
            <datalist id="models">
                {models
                    .into_iter()
                    .map(|slug| view! { <option value=slug></option> })
                    .collect_view()}
            </datalist>
            <button class="button">"Show"</button>
        </form>
    }
    .into_any()
}

fn row(generation: &Generation, cost: String, names: &HashMap<ApiKeyId, String>) -> AnyView {
    let none = || format::NONE.to_owned();
    let address = format!("/activity/{}", generation.id);
    let model = generation.model.to_string();
    let at = generation.created_at;
    let provider = generation.provider_name.clone().unwrap_or_else(none);
    let key = names.get(&generation.api_key_id).cloned().unwrap_or_else(|| "deleted".to_owned());
    let figures = [
        ("In", format::count(generation.usage.prompt_total())),
        ("Out", format::count(generation.usage.completion_total())),
        ("Cost", cost),
        ("TTFT", generation.ttft_ms.map_or_else(none, format::milliseconds)),
        ("Tokens/s", generation.throughput().map_or_else(none, format::rate)),
    ]
    .map(|(label, figure)| {
        view! {
            <Cell label figure=true>
                {figure}
            </Cell>
        }
    });
    let status = status(generation);
    view! {
        <tr>
            <Cell label="">
                <a class="row-link" href=address>
                    {model}
                </a>
            </Cell>
            <Cell label="Time, UTC">
                <At at />
            </Cell>
            <Cell label="Provider">{provider}</Cell>
            <Cell label="Key">{key}</Cell>
            {figures}
            <Cell label="Status">{status}</Cell>
        </tr>
    }
    .into_any()
}

/// How a generation ended, as a mark.
pub(crate) fn status(generation: &Generation) -> AnyView {
    let (text, tone, title) = match generation.outcome {
        Outcome::Finished => ("done", Tone::Good, "The answer was complete"),
        Outcome::Cut => ("cut", Tone::Warning, "The credit held for it was used up"),
        Outcome::Cancelled => ("cancelled", Tone::Plain, "The caller left before the end"),
        Outcome::Failed => ("failed", Tone::Bad, "No provider gave an answer, or it broke off"),
    };
    view! { <Badge text tone title /> }.into_any()
}
