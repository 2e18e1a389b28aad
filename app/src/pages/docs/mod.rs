//! The quick start: from nothing to a streamed answer and its cost.

mod data;

use leptos::prelude::*;

use crate::layouts::{Layout, Place};
use crate::pages::{samples, show};
use crate::ui::{Cell, Code, PageHead, Samples, Section, Table};
use data::Docs;

/// Status, what it means, what to do.
const ERRORS: [(&str, &str, &str); 8] = [
    ("400", "The request is malformed", "Read the message: it names the field."),
    ("401", "No key, or a wrong one", "Send Authorization: Bearer with a key from the keys page."),
    (
        "402",
        "Not enough credit, or the key’s limit is reached",
        "Add credit, raise the limit, or ask for fewer tokens.",
    ),
    ("403", "The key may not do this", "Check whether it is disabled."),
    (
        "404",
        "No such model, or no endpoint that fits",
        "Compare the model’s page with your provider preferences.",
    ),
    ("429", "Too many requests", "Wait as long as Retry-After says."),
    (
        "502",
        "Every provider that was tried failed",
        "Try again; nothing was charged that was not delivered.",
    ),
    ("503", "No provider meets the requirements now", "Relax them, or try another model."),
];

#[component]
pub(crate) fn DocsPage() -> impl IntoView {
    Suspend::new(async move { show(data::load().await, page).await })
}

fn page(docs: Docs) -> AnyView {
    let Docs { viewer, public_url, model } = docs;
    let samples = samples::first_call(&public_url, &model);
    let streamed = samples::streamed_call(&public_url, &model);
    let base_url = format!("{public_url}/api/v1");
    view! {
        <Layout title="Quick start" place=Place::Docs viewer>
            <PageHead
                title="Quick start"
                lead="Four steps. Any client of the OpenAI API works: change its address and its key."
            />
            <div class="prose-column">
                <Section title="1. Get a key" id="key">
                    <p class="prose">
                        <a href="/sign-up">"Sign up"</a>
                        ", open "
                        <a href="/keys">"Keys"</a>
                        " and create one. It is shown once. Give it a spending limit if it leaves your hands. Then put some "
                        <a href="/credits">"credit"</a>
                        " in."
                    </p>
                </Section>
                <Section title="2. Point your client here" id="address">
                    <Code id="base-url" caption="Base URL" text=base_url />
                    <p class="prose">
                        "The same paths answer under " <code>"/v1"</code>
                        " for clients that insist on it. Models are named "
                        <code>"author/name"</code> "; the list is on "
                        <a href="/models">"Models"</a> " and at " <code>"GET /api/v1/models"</code>
                        "."
                    </p>
                </Section>
                <Section title="3. Ask" id="ask">
                    <Samples id="ask-sample" samples />
                </Section>
                <Section title="4. Stream" id="stream">
                    <p class="prose">
                        "With " <code>"stream"</code>
                        " the answer arrives as server-sent events. The last one before "
                        <code>"[DONE]"</code>
                        " carries the usage, with the cost in dollars. Lines that begin with a colon are comments that keep the connection open."
                    </p>
                    <Code id="streamed" caption="Python" text=streamed />
                </Section>
                <Section title="What it costs" id="cost">
                    <p class="prose">
                        "Before a provider is called, the most that the request can cost is held from your credit. When the answer is complete, exactly what was used is charged and the rest is given back. Every answer’s id begins with "
                        <code>"gen-"</code> "; look it up in " <a href="/activity">"Activity"</a>
                        " or at " <code>"GET /api/v1/generation?id=…"</code> ". The header "
                        <code>"X-Generation-Id"</code> " has it too."
                    </p>
                </Section>
                <Section title="When it does not work" id="errors">
                    <Table
                        label="Errors"
                        columns=vec![("Status", false), ("Meaning", false), ("What to do", false)]
                    >
                        {ERRORS
                            .iter()
                            .map(|(status, meaning, remedy)| {
                                view! {
                                    <tr>
                                        <Cell label="">
                                            <span class="num">{*status}</span>
                                        </Cell>
                                        <Cell label="Meaning">{*meaning}</Cell>
                                        <Cell label="What to do">{*remedy}</Cell>
                                    </tr>
                                }
                            })
                            .collect_view()}
                    </Table>
                </Section>
            </div>
        </Layout>
    }
    .into_any()
}
