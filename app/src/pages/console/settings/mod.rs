//! The signed-in person's own account.

mod data;

use leptos::prelude::*;

use crate::layouts::{Layout, Place};
use crate::pages::show;
use crate::ui::{Fact, Facts, Field, Notice, PageHead, Refusal, Section};
use data::{PASSWORD, Settings};

#[component]
pub(crate) fn SettingsPage() -> impl IntoView {
    Suspend::new(async move { show(data::load().await, page).await })
}

fn page(settings: Settings) -> AnyView {
    let Settings { viewer, flash } = settings;
    let state = flash.failure_of(PASSWORD);
    let (name, email) = (viewer.name.clone(), viewer.email.clone());
    let username = email.clone();
    let workspace = viewer.workspace_id.to_string();
    view! {
        <Layout title="Settings" place=Place::Settings viewer=Some(viewer)>
            <PageHead title="Settings" />
            {flash.notice.map(|text| view! { <Notice text /> })}
            <Facts>
                <Fact caption="Name" wide=true>
                    {name}
                </Fact>
                <Fact caption="Email" wide=true>
                    {email}
                </Fact>
                <Fact caption="Workspace" wide=true>
                    <code>{workspace}</code>
                </Fact>
            </Facts>
            <div class="columns">
                <Section title="Password" id="password-section">
                    {state.general(&["current", "password"]).map(|text| view! { <Refusal text /> })}
                    <form class="form" method="post" action="/console/settings/password">
                        // Password managers look for the name that the password belongs to.
                        <input
                            type="hidden"
                            name="username"
                            autocomplete="username"
                            value=username
                        />
                        <Field
                            id="current"
                            name="current"
                            label="Current password"
                            kind="password"
                            autocomplete="current-password"
                            required=true
                            error=state.error("current")
                        />
                        <Field
                            id="password"
                            name="password"
                            label="New password"
                            kind="password"
                            autocomplete="new-password"
                            required=true
                            hint="Other browsers will be signed out."
                            error=state.error("password")
                        />
                        <button class="button button--primary">"Change password"</button>
                    </form>
                </Section>
                <Section title="This browser" id="session">
                    <form method="post" action="/console/sign-out">
                        <button class="button">"Sign out"</button>
                    </form>
                </Section>
            </div>
        </Layout>
    }
    .into_any()
}
