//! Every model: search, filters, order. A plain form that the server answers; where scripts run,
//! an island does the same while one types. Rows that were not asked for are there but hidden,
//! so that the island can bring them back.

mod data;

use domain::catalog::Model;
use domain::pricing::Unit;
use leptos::prelude::*;
use std::sync::Arc;

use crate::format;
use crate::islands::ModelFilter;
use crate::layouts::{Layout, Place};
use crate::model_query::{MODALITIES, ModelQuery, ModelRow, ModelSort};
use crate::pages::show;
use crate::ui::{Badge, Cell, Choice, Empty, Field, PageHead, Select, Table, Tone};
use data::Models;

/// The context lengths that the filter offers.
const CONTEXTS: [(u32, &str); 5] = [
    (16_000, "16K and more"),
    (64_000, "64K and more"),
    (128_000, "128K and more"),
    (200_000, "200K and more"),
    (1_000_000, "1M and more"),
];

#[component]
pub(crate) fn ModelsPage() -> impl IntoView {
    Suspend::new(async move { show(data::load().await, page).await })
}

fn page(models: Models) -> AnyView {
    let Models { viewer, query, rows, authors, providers, parameters } = models;
    let shown = rows.iter().filter(|(shown, _, _)| *shown).count();
    let found = shown > 0;
    let columns = vec![
        ("Model", false),
        ("Takes", false),
        ("Context", true),
        ("Input /M", true),
        ("Output /M", true),
        ("Endpoints", true),
        ("Released", true),
    ];
    let prices = |unit| {
        let price = |model: &Arc<Model>| {
            model.cheapest().map_or_else(
                || format::NONE.to_owned(),
                |endpoint| format::per_million(endpoint.prices.price(unit)),
            )
        };
        format::align(rows.iter().map(|(_, _, model)| price(model)).collect())
    };
    let prices = prices(Unit::Prompt).into_iter().zip(prices(Unit::Completion));
    let list = rows
        .iter()
        .zip(prices)
        .map(|((shown, row, model), prices)| row_view(*shown, row, model, prices))
        .collect_view();
    view! {
        <Layout title="Models" place=Place::Models viewer>
            <PageHead
                title="Models"
                lead="Prices are dollars per million tokens at the cheapest endpoint."
            >
                <output id="model-count" class="count" for="model-filter" aria-live="polite">
                    {format::plural(shown, "model", "models")}
                </output>
            </PageHead>
            <div class="with-aside">
                <ModelFilter>{filter_form(query, authors, providers, parameters)}</ModelFilter>
                <div class="models-list">
                    <Table label="Models" columns>
                        {list}
                    </Table>
                    <div id="model-none" hidden=found>
                        <Empty title="No model answers all of that">
                            <a class="button" href="/models">
                                "Show every model"
                            </a>
                        </Empty>
                    </div>
                </div>
            </div>
        </Layout>
    }
    .into_any()
}

fn filter_form(
    query: ModelQuery,
    authors: Vec<String>,
    providers: Vec<(String, String)>,
    parameters: Vec<String>,
) -> AnyView {
    let any = |label: &str| vec![Choice::new("", label)];
    let inputs = any("Anything")
        .into_iter()
        .chain(MODALITIES.iter().map(|kind| Choice::new(kind.as_str(), kind.as_str())));
    let authors = any("Anyone").into_iter().chain(authors.iter().map(|a| Choice::new(a, a)));
    let providers = any("Any provider")
        .into_iter()
        .chain(providers.iter().map(|(slug, name)| Choice::new(slug, name)));
    let parameters = any("Any parameter")
        .into_iter()
        .chain(parameters.iter().map(|name| Choice::new(name, name)));
    let contexts = any("Any length")
        .into_iter()
        .chain(CONTEXTS.iter().map(|(tokens, label)| Choice::new(tokens.to_string(), *label)));
    let sorts = ModelSort::ALL.iter().map(|sort| Choice::new(sort.as_str(), sort.label()));
    // Closed on a phone until something in it is in use; on a wide screen it is always shown.
    let narrowed = query.is_narrowed();
    let context =
        if query.context_min == 0 { String::new() } else { query.context_min.to_string() };
    view! {
        <form id="model-filter" class="filter" method="get" action="/models" role="search">
            <Field
                id="q"
                name="q"
                label="Search"
                kind="search"
                value=query.words
                placeholder="name or author"
                maxlength=100_u32
            />
            <details class="filter__more" open=narrowed>
                <summary>"Filters"</summary>
                <div class="filter__fields">
                    <Select
                        id="sort"
                        name="sort"
                        label="Order"
                        value=query.sort.as_str()
                        choices=sorts.collect()
                    />
                    <Select
                        id="input"
                        name="input"
                        label="Takes"
                        value=query.input
                        choices=inputs.collect()
                    />
                    <Select
                        id="context"
                        name="context"
                        label="Context"
                        value=context
                        choices=contexts.collect()
                    />
                    <Field
                        id="max_price"
                        name="max_price"
                        label="Input price, at most"
                        value=query.price_max
                        inputmode="decimal"
                        pattern="[0-9]*[.]?[0-9]*"
                        placeholder="0.50"
                        maxlength=20_u32
                        hint="dollars per million"
                    />
                    <Select
                        id="author"
                        name="author"
                        label="Made by"
                        value=query.author
                        choices=authors.collect()
                    />
                    <Select
                        id="provider"
                        name="provider"
                        label="Served by"
                        value=query.provider
                        choices=providers.collect()
                    />
                    <Select
                        id="parameter"
                        name="parameter"
                        label="Supports"
                        value=query.parameter
                        choices=parameters.collect()
                    />
                    <label class="check">
                        <input type="checkbox" name="free" value="1" checked=query.free />
                        "Free only"
                    </label>
                </div>
            </details>
            <div class="filter__actions">
                <button class="button button--primary">"Show"</button>
                <a class="button button--quiet" href="/models">
                    "Clear"
                </a>
            </div>
        </form>
    }
    .into_any()
}

fn row_view(
    shown: bool,
    row: &ModelRow,
    model: &Arc<Model>,
    (input, output): (String, String),
) -> AnyView {
    let takes: Vec<&str> = model.input_modalities.iter().map(|kind| kind.as_str()).collect();
    let takes = takes.join(", ");
    let context = format::tokens(u64::from(model.context_length));
    let released = format::date(domain::time::Timestamp::from_seconds(model.created));
    let (name, free, open) = (model.name.clone(), row.free, model.open_weights);
    let endpoints = model.endpoints.iter().filter(|endpoint| !endpoint.hidden).count();
    let slug = model.slug.to_string();
    view! {
        <tr data-model=row.to_attribute() hidden=!shown>
            <Cell label="">
                <a class="row-link" href=format!("/models/{slug}")>
                    {name}
                </a>
                {free.then(|| view! { <Badge text="free" tone=Tone::Good /> })}
                {open.then(|| view! { <Badge text="open" title="Its weights are published" /> })}
                <code class="slug">{slug}</code>
            </Cell>
            <Cell label="Takes">{takes}</Cell>
            <Cell label="Context" figure=true>
                {context}
            </Cell>
            <Cell label="Input /M" figure=true>
                {input}
            </Cell>
            <Cell label="Output /M" figure=true>
                {output}
            </Cell>
            <Cell label="Endpoints" figure=true>
                {endpoints}
            </Cell>
            <Cell label="Released" figure=true>
                {released}
            </Cell>
        </tr>
    }
    .into_any()
}
