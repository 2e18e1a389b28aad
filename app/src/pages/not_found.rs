//! What is shown where there is nothing.

use http::StatusCode;
use leptos::prelude::*;

use crate::layouts::{Layout, Place};
use crate::server;
use crate::ui::{Empty, PageHead};

#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    Suspend::new(page())
}

pub(super) async fn page() -> AnyView {
    server::set_status(StatusCode::NOT_FOUND);
    let viewer = server::enter_public().await.ok().and_then(|(_, viewer)| viewer);
    view! {
        <Layout title="Not found" place=Place::Nowhere viewer>
            <PageHead
                title="Nothing is stored here"
                lead="404. The address may be mistyped, or what stood here is gone."
            />
            <Empty title="Where to go instead">
                <a class="button" href="/models">
                    "Models"
                </a>
                <a class="button" href="/docs">
                    "Quick start"
                </a>
                <a class="button" href="/">
                    "Home"
                </a>
            </Empty>
        </Layout>
    }
    .into_any()
}
