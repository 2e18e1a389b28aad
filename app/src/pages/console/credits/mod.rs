//! Credit: what there is, where it came from, where it went.

mod data;

use domain::ledger_entry::{Balance, LedgerEntry};
use domain::money::Usd;
use leptos::prelude::*;

use crate::flash::FormState;
use crate::format;
use crate::layouts::{Layout, Place};
use crate::model_query::escape;
use crate::pages::show;
use crate::ui::{
    At, Cell, Empty, Fact, Facts, Field, Notice, PageHead, Pager, Refusal, Section, Table,
};
use data::{Credits, TOP_UP, TopUp};

/// Amounts, in dollars, that one press adds.
const PRESETS: [i64; 4] = [1, 5, 20, 100];

#[component]
pub(crate) fn CreditsPage() -> impl IntoView {
    Suspend::new(async move { show(data::load().await, page).await })
}

fn page(credits: Credits) -> AnyView {
    let Credits { viewer, balance, history, is_first_page, flash, top_up } = credits;
    let state = flash.failure_of(TOP_UP);
    let next = history.next.map(|cursor| format!("/credits?after={}", escape(&cursor)));
    let first = (!is_first_page).then(|| "/credits".to_owned());
    let empty = history.items.is_empty();
    let changes = history.items.iter().map(|entry| format::signed_usd(entry.change)).collect();
    let rows = history
        .items
        .into_iter()
        .zip(format::align(changes))
        .map(|(entry, change)| {
            let (name, gained) = (entry_name(&entry), entry.change.is_positive());
            let at = entry.created_at;
            view! {
                <tr>
                    <Cell label="">{name}</Cell>
                    <Cell label="Time, UTC">
                        <At at />
                    </Cell>
                    <Cell label="Reference">
                        <code class="slug">{entry.reference}</code>
                    </Cell>
                    <Cell label="Change" figure=true>
                        <span class:gain=gained>{change}</span>
                    </Cell>
                </tr>
            }
        })
        .collect_view();
    let columns =
        vec![("Entry", false), ("Time, UTC", false), ("Reference", false), ("Change", true)];
    view! {
        <Layout title="Credits" place=Place::Credits viewer=Some(viewer)>
            <PageHead
                title="Credits"
                lead="Prepaid dollars. Nothing is spent that was not held first."
            />
            {flash.notice.map(|text| view! { <Notice text /> })}
            <BalanceFacts balance />
            {top_up.map(|top_up| view! { <SandboxTopUp top_up state /> })}
            <Section title="Statement" id="statement" note="newest first">
                {if empty {
                    view! {
                        <Empty title="No entries">
                            <p>"Top-ups and charges will be listed here."</p>
                        </Empty>
                    }
                        .into_any()
                } else {
                    view! {
                        <Table label="Statement" columns>
                            {rows}
                        </Table>
                    }
                        .into_any()
                }}
                <Pager first next />
            </Section>
        </Layout>
    }
    .into_any()
}

#[component]
fn BalanceFacts(balance: Balance) -> impl IntoView {
    view! {
        <Facts>
            <Fact caption="Available" main=true>
                {format::usd(balance.available())}
            </Fact>
            <Fact caption="Pending">{format::usd(balance.pending)}</Fact>
            <Fact caption="Balance">{format::usd(balance.posted())}</Fact>
            <Fact caption="Used, in all">{format::usd(balance.used)}</Fact>
            <Fact caption="Added, in all">{format::usd(balance.credits)}</Fact>
        </Facts>
    }
}

/// Credit that nobody pays for, where the operator allows it.
#[component]
fn SandboxTopUp(top_up: TopUp, state: FormState) -> impl IntoView {
    let TopUp { most, request_id } = top_up;
    let presets = PRESETS
        .into_iter()
        .filter(|dollars| Usd::from_dollars(*dollars) <= most)
        .map(|dollars| {
            view! {
                <button class="button" name="amount" value=dollars.to_string()>
                    {format!("Add ${dollars}")}
                </button>
            }
        })
        .collect_view();
    let own = format!("{request_id}-own");
    view! {
        <Section title="Sandbox top-up" id="top-up" note="play money, no payment">
            {state.general(&["amount"]).map(|text| view! { <Refusal text /> })}
            <div class="top-up">
                <form
                    class="top-up__presets"
                    method="post"
                    action="/console/credits/sandbox-top-up"
                >
                    <input type="hidden" name="request_id" value=request_id />
                    {presets}
                </form>
                <form class="form form--row" method="post" action="/console/credits/sandbox-top-up">
                    <input type="hidden" name="request_id" value=own />
                    <Field
                        id="amount"
                        name="amount"
                        label="Another amount, $"
                        inputmode="decimal"
                        autocomplete="off"
                        maxlength=24_u32
                        required=true
                        hint=format!("at most {}", format::usd(most))
                        value=state.value("amount")
                        error=state.error("amount")
                    />
                    <button class="button">"Add"</button>
                </form>
            </div>
        </Section>
    }
}

fn entry_name(entry: &LedgerEntry) -> String {
    match &*entry.code {
        "top_up" if entry.reference.contains("sandbox") => "Sandbox top-up".to_owned(),
        "top_up" => "Top-up".to_owned(),
        "grant" => "Grant".to_owned(),
        "settle" => "Generations".to_owned(),
        "refund" => "Refund".to_owned(),
        "reverse" => "Reversal".to_owned(),
        other => other.replace('_', " "),
    }
}
