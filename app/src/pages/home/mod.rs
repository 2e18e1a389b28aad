//! What this is, in one look.

mod data;

use domain::catalog::Model;
use domain::pricing::Unit;
use domain::time::Timestamp;
use leptos::prelude::*;
use std::sync::Arc;

use crate::format;
use crate::layouts::{Layout, Place};
use crate::pages::{samples, show};
use crate::ui::{Cell, Fact, Facts, Samples, Section, Table};
use data::Home;

#[component]
pub(crate) fn HomePage() -> impl IntoView {
    Suspend::new(async move { show(data::load().await, page).await })
}

fn page(home: Home) -> AnyView {
    let signed_in = home.viewer.is_some();
    let example = home
        .newest
        .first()
        .map_or_else(|| "author/model".to_owned(), |model| model.slug.to_string());
    let samples = samples::first_call(&home.public_url, &example);
    let cheapest = home.cheapest.first().and_then(|model| {
        let price = format::per_million(model.cheapest()?.prices.price(Unit::Prompt));
        Some(("Lowest price, /M", price, Arc::clone(model)))
    });
    let longest = home
        .longest
        .clone()
        .map(|model| ("Longest context", format::tokens(u64::from(model.context_length)), model));
    let extremes = [cheapest, longest].map(|extreme| {
        extreme.map(|(caption, figure, model)| {
            let (address, name) = (format!("/models/{}", model.slug), model.name.clone());
            view! { <Fact caption>{figure} " " <a href=address>{name}</a></Fact> }
        })
    });
    view! {
        <Layout title="Entrepot: one address for every model" place=Place::Home viewer=home.viewer>
            <div class="hero">
                <div class="hero__text">
                    <p class="caption">"Bonded warehouse for inference"</p>
                    <h1>"One address," <br /> "every model," <br /> "to the nanodollar."</h1>
                    <p class="lead">
                        "Call any model with the OpenAI client you already have. Entrepot picks the provider, falls back when one fails, streams the answer, and writes what it cost in a double-entry ledger that you own."
                    </p>
                    <p class="hero__actions">
                        {if signed_in {
                            view! {
                                <a class="button button--primary" href="/keys">
                                    "Your keys"
                                </a>
                            }
                        } else {
                            view! {
                                <a class="button button--primary" href="/sign-up">
                                    "Get a key"
                                </a>
                            }
                        }} <a class="button" href="/models">
                            "Browse models"
                        </a>
                    </p>
                </div>
                <div class="hero__manifest facts-stack">
                    <Facts>
                        <Fact caption="Models" main=true>
                            {figure(home.models)}
                        </Fact>
                        <Fact caption="Providers" main=true>
                            {figure(home.providers)}
                        </Fact>
                        <Fact caption="Endpoints" main=true>
                            {figure(home.endpoints)}
                        </Fact>
                    </Facts>
                    <Facts>{extremes}</Facts>
                    <Facts>
                        <Fact caption="Address" wide=true>
                            <code>{format!("{}/api/v1", home.public_url)}</code>
                        </Fact>
                        <Fact caption="Served by" wide=true>
                            {if home.sandboxed {
                                "sandbox providers, where no credential is set"
                            } else {
                                "providers, with this server’s credentials"
                            }}
                        </Fact>
                    </Facts>
                </div>
            </div>
            <Section title="First call" id="first-call" note="works with the OpenAI clients">
                <Samples id="first" samples />
            </Section>
            <div class="columns">
                <Section title="Newest" id="newest">
                    <ShortList label="Newest models" models=home.newest dated=true />
                    <p class="more">
                        <a href="/models">"All models"</a>
                    </p>
                </Section>
                <Section title="Cheapest" id="cheapest">
                    <ShortList label="Cheapest models" models=home.cheapest dated=false />
                    <p class="more">
                        <a href="/models?sort=price-low">"All by price"</a>
                    </p>
                </Section>
            </div>
        </Layout>
    }
    .into_any()
}

fn figure(number: usize) -> String {
    format::count(u64::try_from(number).unwrap_or(u64::MAX))
}

#[component]
fn ShortList(label: &'static str, models: Vec<Arc<Model>>, dated: bool) -> impl IntoView {
    let mut columns = vec![("Model", false), ("In /M", true), ("Out /M", true)];
    if dated {
        columns.push(("Released", true));
    }
    let prices = |unit| {
        let price = |model: &Arc<Model>| {
            model.cheapest().map_or_else(
                || format::NONE.to_owned(),
                |endpoint| format::per_million(endpoint.prices.price(unit)),
            )
        };
        format::align(models.iter().map(price).collect())
    };
    let prices = prices(Unit::Prompt).into_iter().zip(prices(Unit::Completion));
    let rows = models
        .iter()
        .zip(prices)
        .map(|(model, (input, output))| {
            let (address, name) = (format!("/models/{}", model.slug), model.name.clone());
            let released = format::date(Timestamp::from_seconds(model.created));
            view! {
                <tr>
                    <Cell label="">
                        <a class="row-link" href=address>
                            {name}
                        </a>
                    </Cell>
                    <Cell label="In /M" figure=true>
                        {input}
                    </Cell>
                    <Cell label="Out /M" figure=true>
                        {output}
                    </Cell>
                    {dated
                        .then(|| {
                            view! {
                                <Cell label="Released" figure=true>
                                    {released}
                                </Cell>
                            }
                        })}
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table label columns>
            {rows}
        </Table>
    }
}
