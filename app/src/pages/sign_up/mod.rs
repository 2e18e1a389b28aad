//! The way in for strangers.

mod data;

use leptos::prelude::*;

use crate::layouts::{Layout, Place};
use crate::pages::show;
use crate::ui::{Empty, Field, PageHead, Refusal};
use data::Slip;

#[component]
pub(crate) fn SignUpPage() -> impl IntoView {
    Suspend::new(async move { show(data::load().await, page).await })
}

fn page(slip: Slip) -> AnyView {
    let Slip { viewer, state, open } = slip;
    let form = move || {
        view! {
            {state.general(&["email", "name", "password"]).map(|text| view! { <Refusal text /> })}
            <form class="form" method="post" action="/console/sign-up">
                <Field
                    id="email"
                    name="email"
                    label="Email"
                    kind="email"
                    autocomplete="username"
                    maxlength=254_u32
                    required=true
                    value=state.value("email")
                    error=state.error("email")
                />
                <Field
                    id="name"
                    name="name"
                    label="Name, if you like"
                    autocomplete="name"
                    maxlength=80_u32
                    value=state.value("name")
                    error=state.error("name")
                />
                <Field
                    id="password"
                    name="password"
                    label="Password"
                    kind="password"
                    autocomplete="new-password"
                    required=true
                    hint="A long sentence is better than a short riddle."
                    error=state.error("password")
                />
                <button class="button button--primary">"Make an account"</button>
            </form>
            <p class="muted">"Already here? " <a href="/sign-in">"Sign in"</a> "."</p>
        }
        .into_any()
    };
    let closed = || {
        view! {
            <Empty title="New accounts are made by the operator of this server">
                <a class="button" href="/sign-in">
                    "Sign in"
                </a>
            </Empty>
        }
        .into_any()
    };
    view! {
        <Layout title="Sign up" place=Place::SignUp viewer>
            <div class="slip">
                <PageHead title="Sign up" />
                {if open { form() } else { closed() }}
            </div>
        </Layout>
    }
    .into_any()
}
