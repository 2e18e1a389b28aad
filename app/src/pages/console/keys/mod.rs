//! API keys: make, name, limit, disable, delete.

mod data;
mod row;

use domain::api_key::LimitReset;
use leptos::prelude::*;

use crate::flash::{FormState, NewSecret};
use crate::format;
use crate::islands::CopyButton;
use crate::layouts::{Layout, Place};
use crate::pages::show;
use crate::ui::{Choice, Code, Empty, Field, Notice, PageHead, Refusal, Section, Select};
use data::{CREATE, Listing};

#[component]
pub(crate) fn KeysPage() -> impl IntoView {
    Suspend::new(async move { show(data::load().await, page).await })
}

fn page(listing: Listing) -> AnyView {
    let Listing { viewer, keys, flash, now, public_url } = listing;
    let count = keys.len();
    let create = flash.failure_of(CREATE);
    let none = keys.is_empty();
    let rows = keys.into_iter().map(|key| row::view(&key, &flash, now)).collect_view();
    view! {
        <Layout title="Keys" place=Place::Keys viewer=Some(viewer)>
            <PageHead title="Keys" lead="Whoever holds a key spends this workspace’s credit." />
            {flash.notice.clone().map(|text| view! { <Notice text /> })}
            {flash.secret.clone().map(|secret| view! { <Secret secret public_url /> })}
            <div class="with-aside with-aside--right">
                <Section title="In use" id="keys" note=format::plural(count, "key", "keys")>
                    {if none {
                        view! {
                            <Empty title="No key yet">
                                <a class="button" href="#create">
                                    "Create the first"
                                </a>
                            </Empty>
                        }
                            .into_any()
                    } else {
                        view! { <ul class="keys">{rows}</ul> }.into_any()
                    }}
                </Section>
                <Section title="Create" id="create">
                    <CreateForm state=create />
                </Section>
            </div>
        </Layout>
    }
    .into_any()
}

/// A new key's secret, the only time that it is shown.
#[component]
fn Secret(secret: NewSecret, public_url: String) -> impl IntoView {
    let NewSecret { name, secret } = secret;
    let check = format!("curl {public_url}/api/v1/key -H \"Authorization: Bearer {secret}\"");
    view! {
        <section class="secret" aria-labelledby="secret-heading">
            <h2 id="secret-heading">{format!("Key “{name}”")}</h2>
            <p>"Copy it now. It is not stored and cannot be shown again."</p>
            <p class="secret__line">
                <code id="secret">{secret}</code>
                <CopyButton target="secret".to_owned() />
            </p>
            <Code id="secret-check" caption="Try it" text=check />
        </section>
    }
}

#[component]
fn CreateForm(state: FormState) -> impl IntoView {
    view! {
        {state.general(&["name", "limit", "reset"]).map(|text| view! { <Refusal text /> })}
        <form class="form" method="post" action="/console/keys/create">
            <Field
                id="create-name"
                name="name"
                label="Name"
                autocomplete="off"
                placeholder="laptop"
                maxlength=80_u32
                required=true
                value=state.value("name")
                error=state.error("name")
            />
            {limit_fields("create", state.value("limit"), state.value("reset"), &state)}
            <button class="button button--primary">"Create key"</button>
        </form>
    }
}

/// The two fields of a spending limit, with ids that begin with `prefix`.
fn limit_fields(prefix: &str, limit: String, reset: String, state: &FormState) -> AnyView {
    view! {
        <div class="form__pair">
            <Field
                id=format!("{prefix}-limit")
                name="limit"
                label="Spending limit, $"
                inputmode="decimal"
                autocomplete="off"
                placeholder="none"
                maxlength=24_u32
                value=limit
                error=state.error("limit")
            />
            <Select
                id=format!("{prefix}-reset")
                name="reset"
                label="Resets"
                value=reset
                choices=reset_choices()
                error=state.error("reset")
            />
        </div>
    }
    .into_any()
}

fn reset_choices() -> Vec<Choice> {
    LimitReset::ALL
        .into_iter()
        .map(|reset| Choice::new(reset.as_str(), reset_name(reset)))
        .collect()
}

const fn reset_name(reset: LimitReset) -> &'static str {
    match reset {
        LimitReset::Never => "never",
        LimitReset::Daily => "every day",
        LimitReset::Weekly => "every Monday",
        LimitReset::Monthly => "every month",
    }
}
