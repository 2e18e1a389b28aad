//! The way in for those who have an account.

mod data;

use leptos::prelude::*;

use crate::layouts::{Layout, Place};
use crate::pages::show;
use crate::ui::{Field, Notice, PageHead, Refusal};
use data::Slip;

#[component]
pub(crate) fn SignInPage() -> impl IntoView {
    Suspend::new(async move { show(data::load().await, page).await })
}

fn page(slip: Slip) -> AnyView {
    let Slip { viewer, state, notice, next, sign_up } = slip;
    view! {
        <Layout title="Sign in" place=Place::SignIn viewer>
            <div class="slip">
                <PageHead title="Sign in" />
                {notice.map(|text| view! { <Notice text /> })}
                {state.general(&["email", "password"]).map(|text| view! { <Refusal text /> })}
                <form class="form" method="post" action="/console/sign-in">
                    <input type="hidden" name="next" value=next />
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
                        id="password"
                        name="password"
                        label="Password"
                        kind="password"
                        autocomplete="current-password"
                        required=true
                        error=state.error("password")
                    />
                    <button class="button button--primary">"Sign in"</button>
                </form>
                {sign_up
                    .then(|| {
                        view! {
                            <p class="muted">
                                "No account yet? " <a href="/sign-up">"Sign up"</a> "."
                            </p>
                        }
                    })}
            </div>
        </Layout>
    }
    .into_any()
}
