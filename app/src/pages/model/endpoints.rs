//! Who serves a model, and on what terms.

use domain::catalog::{DataPolicy, Endpoint, Model};
use domain::pricing::{Price, PriceSheet, Unit};
use leptos::prelude::*;
use std::sync::Arc;

use crate::format;
use crate::ui::{Badge, Cell, Table, Tone};

/// Units that are counted singly and quoted each, not per million.
pub(crate) const SINGLE: [Unit; 4] =
    [Unit::ImageInput, Unit::ImageOutput, Unit::Request, Unit::WebSearch];

#[component]
pub(super) fn Endpoints(model: Arc<Model>) -> impl IntoView {
    let columns = vec![
        ("Provider", false),
        ("Context", true),
        ("Max output", true),
        ("Input", true),
        ("Output", true),
        ("Other prices", false),
        ("Weights", false),
        ("Prompts", false),
    ];
    let mut shown: Vec<Arc<Endpoint>> =
        model.endpoints.iter().filter(|endpoint| !endpoint.hidden).cloned().collect();
    shown.sort_by(|a, b| total(&a.prices).cmp(&total(&b.prices)).then_with(|| a.tag.cmp(&b.tag)));
    let prices = |unit| {
        let price = |endpoint: &Arc<Endpoint>| format::per_million(endpoint.prices.price(unit));
        format::align(shown.iter().map(price).collect())
    };
    let prices = prices(Unit::Prompt).into_iter().zip(prices(Unit::Completion));
    let rows =
        shown.iter().zip(prices).map(|(endpoint, prices)| row(endpoint, prices)).collect_view();
    view! {
        <Table label="Endpoints" columns>
            {rows}
        </Table>
    }
}

fn total(prices: &PriceSheet) -> i64 {
    let of = |unit| prices.price(unit).nanos_per_million();
    of(Unit::Prompt).saturating_add(of(Unit::Completion))
}

fn row(endpoint: &Arc<Endpoint>, (input, output): (String, String)) -> AnyView {
    let provider = &endpoint.provider;
    let regions = endpoint.regions.join(", ");
    let (name, tag) = (provider.name.clone(), endpoint.tag.clone());
    let sandboxed = provider.is_sandboxed();
    let context = format::tokens(u64::from(endpoint.context_length));
    let longest = format::tokens(u64::from(endpoint.output_tokens_max()));
    let others = other_prices(&endpoint.prices);
    let weights = endpoint.quantization.clone().map_or_else(
        || view! { <span class="none">{format::NONE}</span> }.into_any(),
        |name| view! { <code>{name}</code> }.into_any(),
    );
    let policy = policy(&provider.data_policy);
    view! {
        <tr>
            <Cell label="">
                <span class="provider">{name}</span>
                {sandboxed
                    .then(|| {
                        view! {
                            <Badge
                                text="sandbox"
                                tone=Tone::Warning
                                title="This server has no credential for the provider; a simulation answers"
                            />
                        }
                    })}
                <code class="slug">{tag}</code>
                {(!regions.is_empty()).then(|| view! { <span class="muted">{regions}</span> })}
            </Cell>
            <Cell label="Context" figure=true>
                {context}
            </Cell>
            <Cell label="Max output" figure=true>
                {longest}
            </Cell>
            <Cell label="Input" figure=true>
                {input}
            </Cell>
            <Cell label="Output" figure=true>
                {output}
            </Cell>
            <Cell label="Other prices">{others}</Cell>
            <Cell label="Weights">{weights}</Cell>
            <Cell label="Prompts">{policy}</Cell>
        </tr>
    }
    .into_any()
}

/// What is stated besides input and output.
fn other_prices(prices: &PriceSheet) -> AnyView {
    let lines: Vec<(Unit, Price)> = Unit::ALL
        .into_iter()
        .filter(|unit| !matches!(unit, Unit::Prompt | Unit::Completion))
        .filter_map(|unit| Some((unit, prices.stated(unit)?)))
        .filter(|(_, price)| !price.is_free())
        .collect();
    if lines.is_empty() {
        return view! { <span class="none">{format::NONE}</span> }.into_any();
    }
    let items = lines
        .into_iter()
        .map(|(unit, price)| {
            let text = if SINGLE.contains(&unit) {
                format!("{} each", format::per_unit(price))
            } else {
                format::per_million(price)
            };
            view! {
                <li>
                    <span class="caption">{format::unit(unit)}</span>
                    " "
                    <span class="num">{text}</span>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="lines">{items}</ul> }.into_any()
}

fn policy(policy: &DataPolicy) -> AnyView {
    if policy.zero_data_retention() {
        return view! { <Badge text="not kept" tone=Tone::Good title="Zero data retention" /> }
            .into_any();
    }
    let kept = match (policy.retains, policy.retention_days) {
        (true, Some(days)) => format!("kept {days} days"),
        (true, None) => "kept".to_owned(),
        (false, _) => "not kept".to_owned(),
    };
    view! {
        <Badge text=kept />
        {policy.training.then(|| view! { <Badge text="trains on them" tone=Tone::Bad /> })}
        {policy.publishes.then(|| view! { <Badge text="publishes them" tone=Tone::Bad /> })}
    }
    .into_any()
}
