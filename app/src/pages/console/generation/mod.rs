//! The record of one generation: what was asked, who was tried, what was counted and charged.

mod data;

use domain::generation::{Attempt, Generation};
use domain::pricing::Unit;
use domain::usage::UsageSource;
use leptos::prelude::*;

use crate::format;
use crate::islands::CopyButton;
use crate::layouts::{Layout, Place};
use crate::pages::console::activity::status;
use crate::pages::model::endpoints::SINGLE;
use crate::pages::{path_value, show};
use crate::ui::{Badge, Cell, Crumbs, Empty, Fact, Facts, PageHead, Section, Table, Tone};
use data::Record;

#[component]
pub(crate) fn GenerationPage() -> impl IntoView {
    let id = path_value("id");
    Suspend::new(async move { show(data::load(id).await, page).await })
}

fn page(record: Record) -> AnyView {
    let Record { viewer, generation, key_name, endpoint } = record;
    let id = generation.id.to_string();
    let model = generation.model.to_string();
    let prices = endpoint.map(|endpoint| endpoint.prices);
    let attempts = generation.attempts.clone();
    let steps = vec![("/activity".to_owned(), "Activity".to_owned())];
    let headline = headline(&generation);
    let usage = usage(&generation, prices.as_ref());
    let request = request(&generation, key_name);
    let note = source(generation.usage_source);
    view! {
        <Layout title=model.clone() place=Place::Activity viewer=Some(viewer)>
            <Crumbs steps here="Generation" />
            <PageHead title=model.clone()>
                <p class="slug-line">
                    <code id="generation-id">{id}</code>
                    <CopyButton target="generation-id".to_owned() />
                </p>
            </PageHead>
            {headline}
            <div class="columns">
                <Section title="Counted" id="usage" note=note>
                    {usage}
                </Section>
                <Section title="Request" id="request">
                    {request}
                </Section>
            </div>
            <Section
                title="Attempts"
                id="attempts"
                note=format::plural(attempts.len(), "attempt", "attempts")
            >
                {attempts_table(attempts)}
            </Section>
        </Layout>
    }
    .into_any()
}

fn headline(generation: &Generation) -> AnyView {
    let none = || format::NONE.to_owned();
    let usage = &generation.usage;
    let figures = [
        ("Cost", format::usd(generation.cost)),
        ("Tokens in", format::count(usage.prompt_total())),
        ("Tokens out", format::count(usage.completion_total())),
    ]
    .map(|(caption, value)| {
        view! {
            <Fact caption main=true>
                {value}
            </Fact>
        }
    });
    let others = [
        ("Time to first token", generation.ttft_ms.map_or_else(none, format::milliseconds)),
        ("Time in all", format::milliseconds(generation.generation_ms)),
        ("Tokens a second", generation.throughput().map_or_else(none, format::rate)),
        ("Provider", generation.provider_name.clone().unwrap_or_else(none)),
    ]
    .map(|(caption, value)| view! { <Fact caption>{value}</Fact> });
    let status = status(generation);
    let error = generation.error_code.clone().map(|code| {
        view! {
            " "
            <code>{code}</code>
        }
    });
    view! {
        <div class="facts-stack">
            <Facts>{figures}</Facts>
            <Facts>{others} <Fact caption="Status">{status} {error}</Fact></Facts>
        </div>
    }
    .into_any()
}

const fn source(source: UsageSource) -> &'static str {
    match source {
        UsageSource::Provider => "as the provider reported",
        UsageSource::Estimated => "estimated here",
        UsageSource::None => "nothing was used",
    }
}

/// Every quantity, with the price that applies today where the endpoint still exists.
fn usage(generation: &Generation, prices: Option<&domain::pricing::PriceSheet>) -> AnyView {
    let lines: Vec<(Unit, u64)> = Unit::ALL
        .into_iter()
        .map(|unit| (unit, generation.usage.quantity(unit)))
        .filter(|(_, quantity)| *quantity > 0)
        // Every generation is one request: worth a line only where that costs something.
        .filter(|(unit, _)| {
            *unit != Unit::Request || prices.is_some_and(|p| !p.price(Unit::Request).is_free())
        })
        .collect();
    if lines.is_empty() {
        return view! {
            <Empty title="Nothing was counted">
                <p>"Nothing was charged."</p>
            </Empty>
        }
        .into_any();
    }
    let columns = vec![("Unit", false), ("Quantity", true), ("List price /M", true)];
    let rows = lines
        .into_iter()
        .map(|(unit, quantity)| {
            let price = prices.map_or_else(
                || format::NONE.to_owned(),
                |prices| match prices.price(unit) {
                    price if SINGLE.contains(&unit) => format!("{} each", format::per_unit(price)),
                    price => format::per_million(price),
                },
            );
            view! {
                <tr>
                    <Cell label="">{format::unit(unit)}</Cell>
                    <Cell label="Quantity" figure=true>
                        {format::count(quantity)}
                    </Cell>
                    <Cell label="List price /M" figure=true>
                        {price}
                    </Cell>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table label="Usage" columns>
            {rows}
        </Table>
    }
    .into_any()
}

fn request(generation: &Generation, key_name: Option<String>) -> AnyView {
    let finish = generation.finish_reason.map(|reason| reason.as_str().to_owned());
    let optional = [
        ("Finish reason", finish),
        ("Provider’s reason", generation.native_finish_reason.clone()),
        ("Endpoint", generation.endpoint_id.clone()),
        ("App", generation.app_title.clone()),
        ("Referer", generation.http_referer.clone()),
        ("User agent", generation.user_agent.clone()),
        ("End user", generation.external_user.clone()),
        ("Session", generation.session_id.clone()),
    ];
    let rest = optional
        .into_iter()
        .filter_map(|(caption, value)| Some((caption, value?)))
        .map(|(caption, value)| {
            view! {
                <div>
                    <dt class="caption">{caption}</dt>
                    <dd>{value}</dd>
                </div>
            }
        })
        .collect_view();
    view! {
        <dl class="record">
            <div>
                <dt class="caption">"Asked for"</dt>
                <dd>
                    <code>{generation.requested_model.clone()}</code>
                    {if generation.streamed { ", streamed" } else { ", in one piece" }}
                </dd>
            </div>
            <div>
                <dt class="caption">"Received"</dt>
                <dd class="num">{format!("{} UTC", format::date_time(generation.created_at))}</dd>
            </div>
            <div>
                <dt class="caption">"Key"</dt>
                <dd>{key_name.unwrap_or_else(|| "deleted".to_owned())}</dd>
            </div>
            {rest}
        </dl>
    }
    .into_any()
}

fn attempts_table(attempts: Vec<Attempt>) -> AnyView {
    if attempts.is_empty() {
        return view! {
            <Empty title="No provider was called">
                <p>"The request ended before it was sent anywhere."</p>
            </Empty>
        }
        .into_any();
    }
    let columns = vec![
        ("Endpoint", false),
        ("Provider", false),
        ("HTTP", true),
        ("To the first event", true),
        ("Result", false),
    ];
    let rows = attempts
        .into_iter()
        .map(|attempt| {
            let status =
                attempt.status.map_or_else(|| format::NONE.to_owned(), |code| code.to_string());
            let result = match attempt.error {
                Some(error) => view! { <Badge text=error tone=Tone::Bad /> }.into_any(),
                None => view! { <Badge text="answered" tone=Tone::Good /> }.into_any(),
            };
            view! {
                <tr>
                    <Cell label="">
                        <code>{attempt.endpoint_id}</code>
                    </Cell>
                    <Cell label="Provider">{attempt.provider_name}</Cell>
                    <Cell label="HTTP" figure=true>
                        {status}
                    </Cell>
                    <Cell label="To the first event" figure=true>
                        {format::milliseconds(attempt.latency_ms)}
                    </Cell>
                    <Cell label="Result">{result}</Cell>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Table label="Attempts" columns>
            {rows}
        </Table>
    }
    .into_any()
}
