//! One model: what it is, who serves it for how much, how to call it.

mod data;
pub(crate) mod endpoints;

use domain::catalog::{Model, Purpose};
use domain::pricing::Unit;
use domain::time::Timestamp;
use http::StatusCode;
use leptos::prelude::*;
use std::sync::Arc;

use crate::format;
use crate::islands::CopyButton;
use crate::layouts::{Layout, Place};
use crate::pages::{path_value, samples, show};
use crate::server;
use crate::ui::{Badge, Crumbs, Empty, Fact, Facts, PageHead, Samples, Section, Tone};
use data::Found;
use endpoints::Endpoints;

#[component]
pub(crate) fn ModelPage() -> impl IntoView {
    let slug = format!("{}/{}", path_value("author"), path_value("name"));
    Suspend::new(async move { show(data::load(slug).await, page).await })
}

fn page(found: Found) -> AnyView {
    match found {
        Found::Model { viewer, model, public_url } => view! {
            <Layout title=model.name.clone() place=Place::Models viewer>
                <ModelView model public_url />
            </Layout>
        }
        .into_any(),
        Found::Nothing { viewer, asked, near } => {
            server::set_status(StatusCode::NOT_FOUND);
            view! {
                <Layout title="No such model" place=Place::Models viewer>
                    <Missing asked near />
                </Layout>
            }
            .into_any()
        }
    }
}

#[component]
fn Missing(asked: String, near: Vec<Arc<Model>>) -> impl IntoView {
    let title = if near.is_empty() { "Nothing has a similar name" } else { "Perhaps one of these" };
    view! {
        <PageHead title="No such model" lead=format!("404. The catalog has no “{asked}”.") />
        <Empty title>
            <ul class="suggestions">
                {near
                    .into_iter()
                    .map(|model| {
                        view! {
                            <li>
                                <a href=format!("/models/{}", model.slug)>{model.name.clone()}</a>
                                " "
                                <code class="slug">{model.slug.to_string()}</code>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
            <a class="button" href="/models">
                "Every model"
            </a>
        </Empty>
    }
}

#[component]
fn ModelView(model: Arc<Model>, public_url: String) -> impl IntoView {
    let slug = model.slug.to_string();
    let author = model.slug.author().to_owned();
    let steps = vec![
        ("/models".to_owned(), "Models".to_owned()),
        (format!("/models?author={author}"), author),
    ];
    let shown = model.endpoints.iter().filter(|endpoint| !endpoint.hidden).count();
    let free = model.endpoints.iter().any(|e| !e.hidden && e.prices.is_free());
    let description = (!model.description.is_empty()).then(|| model.description.clone());
    let samples = match model.purpose() {
        Purpose::Chat => samples::first_call(&public_url, &slug),
        Purpose::Embeddings => samples::embeddings_call(&public_url, &slug),
        Purpose::Rerank => samples::rerank_call(&public_url, &slug),
    };
    let (here, name) = (model.slug.name().to_owned(), model.name.clone());
    let parameters = model
        .supported_parameters()
        .into_iter()
        .map(|name| {
            view! {
                <li>
                    <code>{name}</code>
                </li>
            }
        })
        .collect_view();
    let open_weights = model.open_weights;
    let withdrawn = model.expiration_date.clone();
    let facts = Arc::clone(&model);
    view! {
        <Crumbs steps here />
        <PageHead title=name>
            <p class="slug-line">
                <code id="slug">{slug}</code>
                <CopyButton target="slug".to_owned() />
            </p>
        </PageHead>
        <p class="badges">
            {free.then(|| view! { <Badge text="free endpoint" tone=Tone::Good /> })}
            {open_weights.then(|| view! { <Badge text="open weights" /> })}
            {withdrawn
                .map(|date| {
                    view! { <Badge text=format!("withdrawn {date}") tone=Tone::Warning /> }
                })}
        </p>
        {description.map(|text| view! { <p class="prose">{text}</p> })}
        <ModelFacts model=facts />
        <Section
            title="Endpoints"
            id="endpoints"
            note=format!("{}, dollars per million tokens", format::plural(shown, "offer", "offers"))
        >
            <Endpoints model />
        </Section>
        <Section title="Call it" id="call">
            <Samples id="call-sample" samples />
        </Section>
        <Section title="Parameters" id="parameters" note="supported by at least one endpoint">
            <ul class="chips">{parameters}</ul>
        </Section>
    }
}

#[component]
fn ModelFacts(model: Arc<Model>) -> impl IntoView {
    let price = |unit| {
        model.cheapest().map_or_else(
            || format::NONE.to_owned(),
            |endpoint| format::per_million(endpoint.prices.price(unit)),
        )
    };
    let longest = model
        .endpoints
        .iter()
        .filter(|endpoint| !endpoint.hidden)
        .map(|endpoint| endpoint.output_tokens_max())
        .max()
        .unwrap_or(0);
    let kinds = |list: &[domain::catalog::Modality]| {
        list.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
    };
    let figures = [
        ("Input from, /M", price(Unit::Prompt)),
        ("Output from, /M", price(Unit::Completion)),
        ("Context", format::tokens(u64::from(model.context_length))),
        ("Max output", format::tokens(u64::from(longest))),
    ];
    let others = [
        ("Takes", kinds(&model.input_modalities)),
        ("Makes", kinds(&model.output_modalities)),
        ("Released", format::date(Timestamp::from_seconds(model.created))),
        ("Knows until", model.knowledge_cutoff.clone().unwrap_or_else(|| format::NONE.to_owned())),
        ("Tokenizer", model.tokenizer.clone()),
    ];
    let figure = |(caption, value): (&'static str, String)| {
        view! {
            <Fact caption main=true>
                {value}
            </Fact>
        }
    };
    let other = |(caption, value): (&'static str, String)| view! { <Fact caption>{value}</Fact> };
    let weights = model.hugging_face_id.clone().map(|id| {
        let address = format!("https://huggingface.co/{id}");
        view! {
            <Fact caption="Weights" wide=true>
                <a href=address rel="external">
                    <code>{id}</code>
                </a>
            </Fact>
        }
    });
    view! {
        <div class="facts-stack">
            <Facts>{figures.map(figure)}</Facts>
            <Facts>{others.map(other)} {weights}</Facts>
        </div>
    }
}
