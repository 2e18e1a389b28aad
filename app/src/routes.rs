//! The only list of pages.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::{SsrMode, path};

use crate::pages::{
    ActivityPage, CreditsPage, DocsPage, GenerationPage, HomePage, KeysPage, ModelPage, ModelsPage,
    NotFoundPage, SettingsPage, SignInPage, SignUpPage,
};

/// Every page is rendered whole before its first byte leaves: its status is then the true one,
/// and nothing has to be moved into place by a script.
const WHOLE: SsrMode = SsrMode::Async;

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <FlatRoutes fallback=NotFoundPage>
                <Route path=path!("/") view=HomePage ssr=WHOLE />
                <Route path=path!("/models") view=ModelsPage ssr=WHOLE />
                <Route path=path!("/models/:author/:name") view=ModelPage ssr=WHOLE />
                <Route path=path!("/docs") view=DocsPage ssr=WHOLE />
                <Route path=path!("/sign-in") view=SignInPage ssr=WHOLE />
                <Route path=path!("/sign-up") view=SignUpPage ssr=WHOLE />
                <Route path=path!("/keys") view=KeysPage ssr=WHOLE />
                <Route path=path!("/credits") view=CreditsPage ssr=WHOLE />
                <Route path=path!("/activity") view=ActivityPage ssr=WHOLE />
                <Route path=path!("/activity/:id") view=GenerationPage ssr=WHOLE />
                <Route path=path!("/settings") view=SettingsPage ssr=WHOLE />
            </FlatRoutes>
        </Router>
    }
}
