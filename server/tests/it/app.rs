//! A whole server on a free port, with books that must balance when a test is done with it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use server::boot::{Server, Stopped};
use server::config::{Config, Environment};
use server::state::AppState;
use server::tasks::Tasks;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::catalog;

/// A running server. Call [`TestApp::finish`] at the end of a test: it stops the server and
/// looks at the books. Forgetting it fails the test.
pub(crate) struct TestApp {
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) state: AppState,
    pub(crate) http: reqwest::Client,
    pub(crate) dir: TempDir,
    config: Config,
    stop: CancellationToken,
    stopped: Option<oneshot::Receiver<Stopped>>,
    tasks: Tasks,
    finished: bool,
}

/// What differs from the usual test server.
pub(crate) struct Options {
    variables: BTreeMap<String, String>,
    dir: TempDir,
}

impl Options {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        catalog::write(&dir.path().join("catalog"));
        let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
        let variables = [
            ("ENTREPOT__HTTP__ADDRESS", "127.0.0.1:0".to_owned()),
            ("ENTREPOT__DATA__DIR", path("data")),
            ("ENTREPOT__CATALOG__BUILTIN", "false".to_owned()),
            ("ENTREPOT__CATALOG__EXTRA_DIR", path("catalog")),
            ("ENTREPOT__SANDBOX__SPEED", "0".to_owned()),
            ("ENTREPOT__TELEMETRY__FILTER", "warn".to_owned()),
        ];
        let variables =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { variables, dir }
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Adds or replaces a file of the catalog.
    pub(crate) fn with_catalog_file(self, path: &str, text: &str) -> Self {
        catalog::write_file(&self.catalog_dir().join(path), text);
        self
    }

    pub(crate) fn catalog_dir(&self) -> PathBuf {
        self.dir.path().join("catalog")
    }

    pub(crate) fn environment(&self) -> Environment {
        self.variables.clone().into_iter().collect()
    }

    pub(crate) async fn start(self) -> TestApp {
        let environment = self.environment();
        let config = Config::parse(None, &environment).unwrap();
        let server = Server::start(config.clone(), &environment).await.unwrap();
        let demo = server.demo.clone().expect("a first start makes a demo account");
        let (address, state) = (server.address, server.state.clone());
        let (stop, tasks) = (CancellationToken::new(), Tasks::new());
        let (send, stopped) = oneshot::channel();
        let token = stop.clone();
        tasks.spawn(async move {
            let stopped = Box::pin(server.run(token)).await;
            // A test that gave up has nobody waiting.
            let _ = send.send(stopped);
        });
        TestApp {
            address,
            key: demo.key.expose().clone(),
            email: demo.email,
            password: demo.password.expose().clone(),
            state,
            http: client(),
            dir: self.dir,
            config,
            stop,
            stopped: Some(stopped),
            tasks,
            finished: false,
        }
    }
}

/// A client that keeps cookies to itself and follows nothing.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        .build()
        .unwrap()
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Options::new().start().await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request with the demo key.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).bearer_auth(&self.key)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Reply {
        Reply::of(self.request(Method::POST, path).body(body).send().await.unwrap()).await
    }

    pub(crate) async fn chat(&self, body: &Value) -> Reply {
        self.post("/api/v1/chat/completions", body.to_string()).await
    }

    /// Asks a model of the test catalog a short question.
    pub(crate) async fn ask(&self, model: &str) -> Reply {
        self.chat(&question(model)).await
    }

    pub(crate) async fn settled(&self) {
        self.state.gateway.flush().await;
    }

    /// Dollars in nanos that the demo workspace can still spend, nothing being under way.
    pub(crate) async fn balance(&self) -> domain::ledger_entry::Balance {
        self.settled().await;
        let actor = self.actor().await;
        store::ledger::accounts::balance(&self.state.db, actor.workspace_id).await.unwrap()
    }

    pub(crate) async fn actor(&self) -> control::Actor {
        let user = store::users::find_by_email(&self.state.db, &self.email).await.unwrap();
        let id = user.expect("the demo account exists").user.id;
        self.state.control.accounts().actor(id).await.unwrap().expect("it has a workspace")
    }

    /// Another key of the demo workspace.
    pub(crate) async fn new_key(
        &self,
        limit: Option<domain::api_key::SpendLimit>,
    ) -> control::CreatedKey {
        let new = control::NewKey { name: "Another".to_owned(), limit };
        self.state.control.keys().create(&self.actor().await, new).await.unwrap()
    }

    /// Stops the server as a signal would, and checks what it leaves behind.
    pub(crate) async fn finish(mut self) {
        self.stop_server().await;
        self.check_books().await;
    }

    /// The same for a server that was stopped before.
    pub(crate) async fn finish_stopped(mut self) {
        self.check_books().await;
    }

    /// The same where something is expected to be cut off.
    pub(crate) async fn finish_unclean(mut self) {
        assert!(!self.stop_and_wait().await.clean, "nothing had to be cut off");
        self.check_books().await;
    }

    pub(crate) async fn stop_server(&mut self) {
        let stopped = self.stop_and_wait().await;
        assert!(stopped.clean, "the server left something unfinished");
    }

    async fn stop_and_wait(&mut self) -> Stopped {
        self.stop.cancel();
        let stopped = self.stopped.take().expect("a server is stopped once").await.unwrap();
        self.tasks.stop(Duration::from_secs(5)).await;
        let gauges = self.state.gateway.gauges();
        assert_eq!(gauges.active_generations, 0);
        assert_eq!(gauges.held, domain::money::Usd::ZERO, "a hold is open");
        assert_eq!(gauges.unsettled, 0);
        stopped
    }

    async fn check_books(&mut self) {
        let db = server::boot::connect(&self.config).await.unwrap();
        let report = store::ledger::audit::audit(&db).await.unwrap();
        let leases = store::ledger::leases::count_open(&db).await.unwrap();
        db.close().await;
        assert_eq!(report.findings, [], "the books do not balance");
        assert_eq!(leases.count, 0, "a lease is open");
        self.finished = true;
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.finished, "end the test with `app.finish().await`");
        }
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The `data:` lines of a stream.
    pub(crate) fn events(&self) -> Vec<&str> {
        self.text.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
    }

    /// The chunks of a stream, without `[DONE]`.
    pub(crate) fn chunks(&self) -> Vec<Value> {
        let events = self.events();
        let (last, chunks) = events.split_last().expect("a stream has events");
        assert_eq!(*last, "[DONE]");
        chunks.iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect()
    }

    /// Asserts the status and the envelope, and gives the message.
    pub(crate) fn error(&self, status: u16, error_type: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        let body = self.json();
        let error = &body["error"];
        assert_eq!(error["code"], json!(status), "{body}");
        assert_eq!(error["metadata"]["error_type"], json!(error_type), "{body}");
        let message = error["message"].as_str().unwrap_or_default().to_owned();
        assert!(!message.is_empty(), "{body}");
        message
    }
}

pub(crate) fn question(model: &str) -> Value {
    json!({
        "model": model,
        "messages": [{ "role": "user", "content": "Say something short." }],
        "max_tokens": 64,
    })
}
