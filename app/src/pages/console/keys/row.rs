//! One key: what it is and has spent, and below it what can be done with it.

use control::KeyOverview;
use domain::api_key::{LimitReset, SpendLimit};
use domain::money::Usd;
use domain::time::Timestamp;
use leptos::prelude::*;

use super::data::row_form;
use super::{limit_fields, reset_name};
use crate::flash::Flash;
use crate::format;
use crate::ui::{Badge, Field, Refusal, Tone, When};

pub(super) fn view(overview: &KeyOverview, flash: &Flash, now: Timestamp) -> AnyView {
    let KeyOverview { key, spend } = overview;
    let id = key.id.to_string();
    let last_used = key.last_used_at.map_or_else(
        || view! { <span class="muted">"never"</span> }.into_any(),
        |at| view! { <When at now /> }.into_any(),
    );
    let class = if key.disabled { "key key--disabled" } else { "key" };
    view! {
        <li class=class>
            <div class="key__head">
                <div class="key__name">
                    <strong>{key.name.clone()}</strong>
                    {key.disabled.then(|| view! { <Badge text="disabled" tone=Tone::Warning /> })}
                    <code class="slug">{key.label.clone()}</code>
                </div>
                <dl class="key__figures">
                    <div>
                        <dt class="caption">"Spent"</dt>
                        <dd class="num">{format::usd(spend.total)}</dd>
                    </div>
                    <div>
                        <dt class="caption">"This month"</dt>
                        <dd class="num">{format::usd(spend.monthly)}</dd>
                    </div>
                    <div>
                        <dt class="caption">"Limit"</dt>
                        <dd>{limit_view(key.limit, overview)}</dd>
                    </div>
                    <div>
                        <dt class="caption">"Last used"</dt>
                        <dd>{last_used}</dd>
                    </div>
                </dl>
            </div>
            {manage(overview, &id, flash)}
        </li>
    }
    .into_any()
}

fn limit_view(limit: Option<SpendLimit>, overview: &KeyOverview) -> AnyView {
    let Some(SpendLimit { amount, reset }) = limit else {
        return view! { <span class="muted">"none"</span> }.into_any();
    };
    let spent = match reset {
        LimitReset::Never => overview.spend.total,
        LimitReset::Daily => overview.spend.daily,
        LimitReset::Weekly => overview.spend.weekly,
        LimitReset::Monthly => overview.spend.monthly,
    };
    let label = format!("{} of {} spent", format::usd(spent), format::usd(amount));
    view! {
        <span class="num">{format::usd(amount)}</span>
        <span class="muted">
            {if reset == LimitReset::Never { "in all" } else { reset_name(reset) }}
        </span>
        <meter
            min="0"
            max=amount.to_string()
            value=spent.min(amount).max(Usd::ZERO).to_string()
            aria-label=label.clone()
            title=label
        ></meter>
    }
    .into_any()
}

fn manage(overview: &KeyOverview, id: &str, flash: &Flash) -> AnyView {
    let key = &overview.key;
    let rename = flash.failure_of(&row_form("rename", id));
    let limit = flash.failure_of(&row_form("limit", id));
    let others = ["disable", "enable", "delete"];
    let other = others.iter().find_map(|verb| flash.failure_of(&row_form(verb, id)).general(&[]));
    let open = rename.is_refused() || limit.is_refused() || other.is_some();
    let name = if rename.is_refused() { rename.value("name") } else { key.name.clone() };
    let (amount, reset) = match key.limit {
        _ if limit.is_refused() => (limit.value("limit"), limit.value("reset")),
        Some(limit) => (limit.amount.to_string(), limit.reset.as_str().to_owned()),
        None => (String::new(), String::new()),
    };
    let (verb, action) = if key.disabled {
        ("Enable", "/console/keys/enable")
    } else {
        ("Disable", "/console/keys/disable")
    };
    let hidden = |id: &str| view! { <input type="hidden" name="id" value=id.to_owned() /> };
    view! {
        <details class="key__manage" open=open>
            <summary aria-label=format!("Manage {}", key.name)>"Manage"</summary>
            <div class="key__forms">
                {other.map(|text| view! { <Refusal text /> })}
                {rename.general(&["name"]).map(|text| view! { <Refusal text /> })}
                <form class="form form--row" method="post" action="/console/keys/rename">
                    {hidden(id)}
                    <Field
                        id=format!("name-{id}")
                        name="name"
                        label="Name"
                        autocomplete="off"
                        maxlength=80_u32
                        required=true
                        value=name
                        error=rename.error("name")
                    />
                    <button class="button">"Rename"</button>
                </form> {limit.general(&["limit", "reset"]).map(|text| view! { <Refusal text /> })}
                <form class="form form--row" method="post" action="/console/keys/limit">
                    {hidden(id)}
                    {limit_fields(id, amount, reset, &limit)}
                    <button class="button">"Set limit"</button>
                </form> <div class="key__last">
                    <form method="post" action=action>
                        {hidden(id)}
                        <button class="button">{verb}</button>
                    </form>
                    <details class="confirm">
                        <summary>"Delete…"</summary>
                        <form method="post" action="/console/keys/delete">
                            {hidden(id)}
                            <p>"Calls with it will be refused. This cannot be undone."</p>
                            <button class="button button--danger">
                                {format!("Delete “{}” for good", key.name)}
                            </button>
                        </form>
                    </details>
                </div>
            </div>
        </details>
    }
    .into_any()
}
