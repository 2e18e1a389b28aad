//! One cell: ask, listen, compare.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Method;
use sandbox::{Sandbox, SandboxOptions, Understood};
use serde_json::{Value, json};
use server::tasks::Tasks;
use tokio_util::sync::CancellationToken;

use super::ask::{Ask, Turn};
use super::cell::Inbound;
use super::limits::{How, LIMITS, Limit};
use super::read::{self, Finish, Said};
use super::rows::{ECHO, Proof};
use super::{Cell, files, upstreams, write};
use crate::app::{Options, Reply, TestApp};

/// What came of a cell.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    Survives,
    /// The caller's dialect cannot say it.
    NoForm(&'static str),
    /// What was not sent, and what is wrong without it.
    Dropped(Vec<String>, String),
    /// A hint that was not sent, as is reported, and that nobody is refused for.
    Noted(Vec<String>),
    /// A status and a message that blame the request.
    Refused(u16, String),
    Broken(String),
}

impl Outcome {
    /// Whether this is what `limits` says of the cell.
    pub(super) fn as_listed(&self, cell: Cell) -> Result<(), String> {
        let listed = limit(cell);
        match (self, listed.map(|limit| limit.how)) {
            (Self::NoForm(_), _)
            | (Self::Survives, None | Some(How::Mapped))
            | (Self::Noted(_), Some(How::Noted))
            | (Self::Dropped(..), Some(How::Dropped))
            | (Self::Refused(..), Some(How::Refused))
            | (Self::Broken(_), Some(How::Absent)) => Ok(()),
            (Self::Survives, Some(how)) => Err(format!("listed as {how:?}, and survives")),
            (outcome, None) => Err(outcome.to_string()),
            (outcome, Some(how)) => Err(format!("listed as {how:?}, but {outcome}")),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Survives => out.write_str("survives"),
            Self::NoForm(reason) => write!(out, "has no form: {reason}"),
            Self::Dropped(names, message) => write!(out, "dropped {names:?}: {message}"),
            Self::Noted(names) => write!(out, "noted {names:?}"),
            Self::Refused(status, message) => write!(out, "refused with {status}: {message}"),
            Self::Broken(message) => write!(out, "broken: {message}"),
        }
    }
}

/// Without these an answer says the same.
const HINTS: [&str; 1] = ["cache_control"];

pub(super) fn limit(cell: Cell) -> Option<&'static Limit> {
    LIMITS.iter().find(|limit| limit.covers(cell.row.id, cell.inbound, cell.upstream))
}

/// The server, the sandbox and the files of the grid.
pub(super) struct Grid {
    app: TestApp,
    sandbox: Sandbox,
    stop: CancellationToken,
    tasks: Tasks,
}

impl Grid {
    pub(super) async fn start() -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = SandboxOptions { address, seed: 11, speed: 0.0 };
        let sandbox = Sandbox::start(options).await.unwrap();
        let (stop, tasks) = (CancellationToken::new(), Tasks::new());
        tasks.spawn(files::serve(stop.clone().cancelled_owned()));
        let options = upstreams::install(Options::new(), &sandbox.base_url())
            .set("ENTREPOT__BILLING__DEMO", "true")
            .set("ENTREPOT__GATEWAY__ALLOW_PRIVATE_ADDRESSES", "true");
        let app = options.start().await;
        Self { app, sandbox, stop, tasks }
    }

    pub(super) async fn finish(self) {
        self.app.finish().await;
        self.sandbox.shutdown().await;
        self.stop.cancel();
        self.tasks.stop(Duration::from_secs(5)).await;
    }

    pub(super) async fn run(&self, cell: Cell) -> Outcome {
        let outcome = match cell.row.proof {
            Proof::Fails(model, error_type) => self.fails(cell, model, error_type).await,
            Proof::Breaks(model) => self.breaks(cell, model).await,
            _ => self.answers(cell).await,
        };
        match outcome.unwrap_or_else(|outcome| outcome) {
            Outcome::Dropped(names, message) => self.required(cell, names, message).await,
            outcome => outcome,
        }
    }

    /// What may be left out is refused to those who require it, unless it is but a hint.
    async fn required(&self, cell: Cell, names: Vec<String>, message: String) -> Outcome {
        let ask = (cell.row.ask)().requiring_parameters();
        let model = super::rows::upstream_model(cell.row.proof);
        match self.ask(&ask, cell, model, false).await {
            Err(Outcome::Refused(..)) => Outcome::Dropped(names, message),
            Ok(said) if names == HINTS && dropped(&said.metadata).eq(HINTS) => {
                Outcome::Noted(names)
            }
            Ok(_) => Outcome::Broken(format!("{names:?} are left out though they are required")),
            Err(other) => other,
        }
    }

    /// Asks for a stream and for the whole, which must say the same.
    async fn answers(&self, cell: Cell) -> Result<Outcome, Outcome> {
        let mut streamed = self.proved(cell, true).await?;
        let mut whole = self.proved(cell, false).await?;
        for said in [&mut streamed, &mut whole] {
            without_what_differs(said);
        }
        if streamed == whole {
            Ok(Outcome::Survives)
        } else {
            Err(Outcome::Broken(difference(&streamed, &whole)))
        }
    }

    /// An answer that proves what the row says.
    async fn proved(&self, cell: Cell, stream: bool) -> Result<Said, Outcome> {
        let ask = (cell.row.ask)();
        let said =
            self.ask(&ask, cell, super::rows::upstream_model(cell.row.proof), stream).await?;
        let check = match cell.row.proof {
            // What is remembered is read when it is asked for again.
            Proof::Said("show/cache", check) => {
                let again = self.ask(&ask, cell, "show/cache", stream).await?;
                return check(&again).map(|()| again).map_err(|m| problem(&said, m));
            }
            Proof::Said(_, check) => check(&said),
            Proof::Understood(check) => match understood(&said) {
                Ok(seen) => check(&seen),
                Err(message) => Err(message),
            },
            Proof::Replayed(_, check) => {
                let next = next_turn(ask, &said);
                let echo = self.ask(&next, cell, ECHO, stream).await?;
                match understood(&echo) {
                    Ok(seen) => check(&said, &seen),
                    Err(message) => Err(message),
                }
            }
            Proof::Fails(..) | Proof::Breaks(_) => Ok(()),
        };
        check.map(|()| said.clone()).map_err(|message| problem(&said, message))
    }

    async fn ask(&self, ask: &Ask, cell: Cell, model: &str, stream: bool) -> Result<Said, Outcome> {
        let reply = self.send(ask, cell, model, stream).await?;
        if !reply.status.is_success() {
            let status = reply.status.as_u16();
            return Err(match status {
                400 | 404 | 422 => Outcome::Refused(status, reply.text),
                _ => Outcome::Broken(format!("{status}: {}", reply.text)),
            });
        }
        let said = if stream {
            read::stream(cell.inbound, &reply)
        } else {
            read::whole(cell.inbound, &reply)
        };
        said.map_err(|error| Outcome::Broken(format!("{error}, in:\n{}", reply.text)))
    }

    async fn send(
        &self,
        ask: &Ask,
        cell: Cell,
        model: &str,
        stream: bool,
    ) -> Result<Reply, Outcome> {
        let mut body = write::body(ask, cell.inbound, &upstreams::slug(model), stream)
            .map_err(Outcome::NoForm)?;
        body["provider"]["only"] = json!([cell.upstream.provider()]);
        let request = self
            .app
            .request(Method::POST, cell.inbound.path())
            .header("x-openrouter-metadata", "enabled")
            .body(body.to_string());
        Ok(Reply::of(request.send().await.unwrap()).await)
    }

    /// Something was said and then something went wrong. A stream keeps both. So does a whole
    /// answer, in dialects that have a form for half of one; Messages have none and answer with
    /// the error alone.
    async fn breaks(&self, cell: Cell, model: &str) -> Result<Outcome, Outcome> {
        let ask = (cell.row.ask)();
        let streamed = self.ask(&ask, cell, model, true).await?;
        broken_off(&streamed).map_err(Outcome::Broken)?;
        if cell.inbound == Inbound::Messages {
            let reply = self.send(&ask, cell, model, false).await?;
            let body: Value = serde_json::from_str(&reply.text)
                .map_err(|error| Outcome::Broken(format!("{error}: {}", reply.text)))?;
            let told = error_type(cell.inbound, &body).as_str();
            let expected = streamed.error.as_ref().map(|(error_type, _)| error_type.as_str());
            if !reply.status.is_server_error() || told != expected {
                return Err(Outcome::Broken(format!("{}: {}", reply.status, reply.text)));
            }
            return Ok(Outcome::Survives);
        }
        let whole = self.ask(&ask, cell, model, false).await?;
        broken_off(&whole).map_err(Outcome::Broken)?;
        if streamed.error == whole.error && streamed.choices[0].text == whole.choices[0].text {
            Ok(Outcome::Survives)
        } else {
            Err(Outcome::Broken(difference(&streamed, &whole)))
        }
    }

    /// Nothing has been said yet, so it is an ordinary error, in the caller's dialect.
    async fn fails(&self, cell: Cell, model: &str, expected: &str) -> Result<Outcome, Outcome> {
        let ask = (cell.row.ask)();
        for stream in [true, false] {
            let reply = self.send(&ask, cell, model, stream).await?;
            let broken = |message: &str| Outcome::Broken(format!("{message}: {}", reply.text));
            let kind = reply.header("content-type");
            if reply.status.is_success() || !kind.starts_with("application/json") {
                return Err(broken("no error"));
            }
            let body: Value =
                serde_json::from_str(&reply.text).map_err(|error| broken(&error.to_string()))?;
            let found = error_type(cell.inbound, &body);
            if found != expected || !body["error"]["message"].is_string() {
                return Err(broken("another error"));
            }
            if expected == "rate_limit_exceeded" && reply.header("retry-after") != "7" {
                return Err(broken("no `retry-after`"));
            }
        }
        Ok(Outcome::Survives)
    }
}

/// What was said stays, and it is said that something went wrong.
fn broken_off(said: &Said) -> Result<(), String> {
    let (error_type, message) = said.error.as_ref().ok_or("no error was told")?;
    if error_type.is_empty() || message.is_empty() {
        return Err(format!("`{error_type}`: `{message}`"));
    }
    match said.choices.as_slice() {
        [choice]
            if choice.finish == Finish::Error
                && !(choice.text.is_empty() && choice.reasoning.is_empty()) =>
        {
            Ok(())
        }
        choices => Err(format!("{choices:?}")),
    }
}

/// Where each dialect has the canonical word for what went wrong.
fn error_type(inbound: Inbound, body: &Value) -> &Value {
    match inbound {
        Inbound::Chat | Inbound::Completions => &body["error"]["metadata"]["error_type"],
        Inbound::Responses => &body["error_type"],
        Inbound::Messages => &body["error"]["error_type"],
    }
}

/// The first thing in which the two differ.
fn difference(streamed: &Said, whole: &Said) -> String {
    let members = |said: &Said| {
        [
            format!("choices {:?}", said.choices),
            format!("usage {:?}", said.usage),
            format!("service tier {:?}", said.service_tier),
            format!("dropped {}", said.metadata),
            format!("error {:?}", said.error),
            format!("replay {}", said.replay),
        ]
    };
    let pairs = members(streamed).into_iter().zip(members(whole));
    let differing = pairs.into_iter().find(|(streamed, whole)| streamed != whole);
    differing.map_or_else(String::new, |(s, w)| format!("streamed: {s}, whole: {w}"))
}

/// The next turn of a conversation whose last answer was this.
fn next_turn(ask: Ask, said: &Said) -> Ask {
    let mut next = Ask { choice: None, ..ask };
    next.turns.push(Turn::Replay(said.replay.clone()));
    let calls = said.choices.iter().flat_map(|choice| &choice.calls);
    let results = calls.map(|call| Turn::ReplayResult { id: call.id.clone(), text: "4 degrees" });
    let count = next.turns.len();
    next.turns.extend(results);
    if next.turns.len() == count {
        next.turns.push(Turn::user("And then?"));
    }
    next
}

fn understood(said: &Said) -> Result<Understood, String> {
    let [choice] = said.choices.as_slice() else { return Err("several choices".to_owned()) };
    serde_json::from_str(&choice.text).map_err(|error| format!("{error} in `{}`", choice.text))
}

/// A row that is not proved: because something was left out and reported, or for no good reason.
fn problem(said: &Said, message: String) -> Outcome {
    let names: Vec<String> = dropped(&said.metadata).map(ToOwned::to_owned).collect();
    if names.is_empty() { Outcome::Broken(message) } else { Outcome::Dropped(names, message) }
}

/// What `openrouter_metadata` says was not sent.
fn dropped(metadata: &Value) -> impl Iterator<Item = &str> {
    metadata["pipeline"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|step| step["data"]["dropped"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
}

/// Times and ids of a generation are its own.
fn without_what_differs(said: &mut Said) {
    said.metadata = dropped(&said.metadata).collect();
    strip_ids(&mut said.replay);
}

/// Ids of output items are made for each answer; those of calls (`call_id`) are the provider's.
fn strip_ids(replay: &mut Value) {
    for item in replay.as_array_mut().into_iter().flatten() {
        if item["type"] != "tool_use"
            && let Some(members) = item.as_object_mut()
        {
            members.remove("id");
        }
    }
}
