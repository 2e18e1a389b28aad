//! One request, from its bytes to the answer's.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::http::request::Parts;
use serde::Deserialize;

use crate::SandboxOptions;
use crate::answer::{Answer, Choice, Finish, Piece, Usage, prompt_tokens};
use crate::author;
use crate::cache::Cache;
use crate::dialects::{Asked, Framing, Incoming, Reply};
use crate::fault::{Behaviour, Fault, Flush};
use crate::profile::{Dice, Profile};
use crate::records::{Record, Records, harmless};
use crate::refusal::Refusal;
use crate::route::{Operation, Route};
use crate::script::{self, Script};
use crate::server::{self, Refused, instead_of_an_answer, said, stream_reply, whole_reply};
use crate::show;
use crate::stats::Answering;
use crate::understood::Understood;

/// How many different benchmark answers are kept rendered.
const RENDERED_MAX: usize = 64;

/// What a benchmark answer depends on: its dialect, length, way of sending and framing.
type Kind = (&'static str, usize, Flush, Framing);

#[derive(Debug)]
pub(crate) struct Generator {
    options: SandboxOptions,
    cache: Cache,
    records: Records,
    rendered: Mutex<HashMap<Kind, Rendered>>,
}

/// A benchmark answer in both forms.
#[derive(Debug, Clone)]
struct Rendered {
    script: Script,
    document: Bytes,
}

/// Enough to know what is asked for, read before anything else.
#[derive(Debug, Default, Deserialize)]
struct Head {
    #[serde(default)]
    model: String,
    #[serde(default)]
    stream: Option<bool>,
}

impl Generator {
    pub(crate) fn new(options: SandboxOptions) -> Self {
        let (cache, records, rendered) = <(Cache, Records, Mutex<_>)>::default();
        Self { options, cache, records, rendered }
    }

    pub(crate) const fn records(&self) -> &Records {
        &self.records
    }

    pub(crate) async fn respond(
        &self,
        route: &Route,
        parts: &Parts,
        body: Bytes,
        mut answering: Answering,
    ) -> Result<server::Reply, Refused> {
        let head = match &route.model {
            Some(model) => Head { model: model.clone(), stream: route.stream },
            // The dialect finds a mistake again and says it in its own words.
            None => serde_json::from_slice(&body).unwrap_or_default(),
        };
        let behaviour = Behaviour::of(&head.model);
        if let (Behaviour::Fast { chunks, flush }, Operation::Generate) =
            (behaviour, route.operation)
        {
            let stream = match route.stream {
                Some(stream) => stream,
                // Azure names the model in the address, and the rest in the body.
                None if route.model.is_some() => {
                    serde_json::from_slice::<Head>(&body).is_ok_and(|h| h.stream == Some(true))
                }
                None => head.stream == Some(true),
            };
            return Ok(self.fast(route, chunks, flush, stream, answering));
        }
        let incoming = Incoming {
            route,
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            body: &body,
        };
        if let Err(refusal) = route.dialect.admit(&incoming) {
            self.record(&incoming, body.clone(), Record::outcome(Err(&refusal)));
            answering.finish();
            return Ok(said(route.dialect.refuse(&refusal)));
        }
        let fault = match behaviour {
            Behaviour::Fault(fault) => Some(fault),
            Behaviour::Unknown => {
                answering.finish();
                let message = format!("the sandbox has no model `{}`", head.model);
                let refusal = Refusal::of_status(404, message);
                self.record(&incoming, body.clone(), Record::outcome(Err(&refusal)));
                return Ok(said(route.dialect.refuse(&refusal)));
            }
            _ => None,
        };
        if let Some(fault) = fault.filter(|fault| fault.is_instead()) {
            let outcome = Err("not read: a fault was asked for".to_owned());
            self.record(&incoming, body.clone(), outcome);
            let reply = instead_of_an_answer(fault, route).await;
            answering.finish();
            if let Some(reply) = reply {
                return reply;
            }
        }
        if route.operation != Operation::Generate {
            return Ok(self.compute(&incoming, body.clone(), fault, answering).await);
        }
        let asked = route.dialect.read(&incoming);
        let outcome = Record::outcome(asked.as_ref().map(|asked| &asked.understood));
        self.record(&incoming, body.clone(), outcome);
        match asked {
            Ok(asked) => Ok(self.answer(route, &asked, behaviour, answering).await),
            Err(refusal) => {
                answering.finish();
                Ok(said(route.dialect.refuse(&refusal)))
            }
        }
    }

    fn record(
        &self,
        incoming: &Incoming<'_>,
        body: Bytes,
        understood: Result<serde_json::Value, String>,
    ) {
        let address = match incoming.query {
            "" => incoming.path.to_owned(),
            query => format!("{}?{query}", incoming.path),
        };
        self.records.add(Record {
            provider: incoming.route.provider.clone(),
            dialect: incoming.route.dialect.name(),
            method: incoming.method.to_owned(),
            address,
            headers: harmless(incoming.headers),
            body,
            understood,
        });
    }

    /// Counting, vectors and orders, broken as asked.
    async fn compute(
        &self,
        incoming: &Incoming<'_>,
        body: Bytes,
        fault: Option<Fault>,
        mut answering: Answering,
    ) -> server::Reply {
        let dialect = incoming.route.dialect;
        let result = dialect.compute(incoming.route.operation, incoming);
        let outcome = match &result {
            Ok(_) => Ok(serde_json::Value::Null),
            Err(refusal) => Record::outcome(Err(refusal)),
        };
        self.record(incoming, body, outcome);
        match result {
            Ok(value) => {
                if let Some(Fault::SlowFirst(wait)) = fault {
                    tokio::time::sleep(wait).await;
                }
                whole(incoming.route, value.to_string().into_bytes(), fault, answering).await
            }
            Err(refusal) => {
                answering.finish();
                said(dialect.refuse(&refusal))
            }
        }
    }

    /// An answer made for this request, and broken as asked.
    async fn answer(
        &self,
        route: &Route,
        asked: &Asked,
        behaviour: Behaviour,
        mut answering: Answering,
    ) -> server::Reply {
        let understood = &asked.understood;
        let question = understood.question();
        let provider = route.provider.as_str();
        let mut dice = Dice::new(self.options.seed, &[provider, &understood.model, &question]);
        let profile = Profile::of(self.options.seed, provider, &understood.model);
        if behaviour == Behaviour::Ordinary
            && self.speed().is_some()
            && dice.below(10_000) < profile.failures_per_10_000
        {
            answering.finish();
            let refusal = Refusal::of_status(503, "the sandbox is having a bad moment");
            return said(route.dialect.refuse(&refusal));
        }
        let fault = match behaviour {
            Behaviour::Fault(fault) => Some(fault),
            _ => None,
        };
        let pace = self.pace(&profile, fault, &mut dice);
        let answer = self.say(route, understood, behaviour);
        let id = format!("{:016x}", dice.next());
        let with_usage = fault != Some(Fault::NoUsage);
        let reply = Reply {
            answer: &answer,
            asked: understood,
            id: &id,
            with_usage: with_usage && (asked.with_usage || !understood.stream),
            framing: route.framing,
            is_bare: false,
            is_azure: route.is_azure(),
        };
        if understood.stream {
            let script = {
                let mut renderer = route.dialect.renderer(&reply);
                script::paced(renderer.as_mut(), &answer, &pace)
            };
            let script = match fault {
                Some(fault) => script::broken(script, fault, route.dialect, route.framing),
                None => script,
            };
            return stream_reply(script, route.dialect.content_type(route.framing), answering);
        }
        let document = route.dialect.document(&reply);
        let tokens = u32::try_from(answer.usage.completion).unwrap_or(u32::MAX);
        let duration = pace.per_token.saturating_mul(tokens).saturating_add(pace.first_token);
        if !duration.is_zero() {
            tokio::time::sleep(duration).await;
        }
        whole(route, document, fault, answering).await
    }

    /// What is said, and what it takes.
    fn say(&self, route: &Route, asked: &Understood, behaviour: Behaviour) -> Answer {
        match behaviour {
            Behaviour::Echo => echo(asked),
            Behaviour::Show(features) => show::answer(asked, features),
            Behaviour::Ordinary
            | Behaviour::Fault(_)
            | Behaviour::Fast { .. }
            | Behaviour::Unknown => {
                let mut answer = author::answer(asked, self.options.seed, &route.provider);
                let is_automatic = route.dialect.caches_by_itself();
                self.cache.count(&route.provider, asked, is_automatic, &mut answer.usage);
                answer
            }
        }
    }

    /// A benchmark answer, which was rendered when it was first asked for.
    fn fast(
        &self,
        route: &Route,
        chunks: usize,
        flush: Flush,
        stream: bool,
        mut answering: Answering,
    ) -> server::Reply {
        let rendered = self.rendered(route, chunks, flush);
        if stream {
            let content_type = route.dialect.content_type(route.framing);
            return stream_reply(rendered.script, content_type, answering);
        }
        answering.finish();
        whole_reply(StatusCode::OK, "application/json", rendered.document)
    }

    fn rendered(&self, route: &Route, chunks: usize, flush: Flush) -> Rendered {
        let kind = (route.dialect.name(), chunks, flush, route.framing);
        let mut kept = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rendered) = kept.get(&kind) {
            return rendered.clone();
        }
        let name = match flush {
            Flush::Each => format!("fast/{chunks}"),
            Flush::Together => format!("burst/{chunks}"),
        };
        let answer = fast_answer(chunks);
        let asked = Understood { model: name, ..Understood::default() };
        let reply = Reply {
            answer: &answer,
            asked: &asked,
            id: "fast",
            with_usage: true,
            framing: route.framing,
            is_bare: true,
            is_azure: false,
        };
        let script = script::fast(route.dialect.renderer(&reply).as_mut(), &answer, flush);
        let rendered = Rendered { script, document: route.dialect.document(&reply).into() };
        if kept.len() < RENDERED_MAX {
            kept.insert(kind, rendered.clone());
        }
        rendered
    }

    /// What waits are divided by; none when there are no waits.
    fn speed(&self) -> Option<f64> {
        Some(self.options.speed).filter(|speed| speed.is_finite() && *speed > 0.0)
    }

    fn pace(&self, profile: &Profile, fault: Option<Fault>, dice: &mut Dice) -> Profile {
        let mut pace = profile.clone();
        if let Some(speed) = self.speed() {
            // Each request is a little quicker or slower than its endpoint usually is.
            let mood = u32::try_from(dice.between(80, 140)).unwrap_or(100);
            let scaled = |wait: Duration| {
                let seconds = wait.as_secs_f64() * f64::from(mood) / 100.0 / speed;
                Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO)
            };
            pace.first_token = scaled(pace.first_token);
            pace.per_token = scaled(pace.per_token);
        } else {
            pace.first_token = Duration::ZERO;
            pace.per_token = Duration::ZERO;
        }
        if let Some(Fault::SlowFirst(wait)) = fault {
            pace.first_token = wait;
        }
        pace
    }
}

/// A whole answer, broken as asked.
async fn whole(
    route: &Route,
    mut document: Vec<u8>,
    fault: Option<Fault>,
    mut answering: Answering,
) -> server::Reply {
    match fault {
        Some(Fault::HangAfter(_)) => std::future::pending::<()>().await,
        Some(Fault::ErrorAfter(_)) => {
            answering.finish();
            let refusal = Refusal::of_status(500, "the sandbox was asked to fail");
            return said(route.dialect.refuse(&refusal));
        }
        Some(Fault::TruncateAfter(_) | Fault::AbortAfter(_) | Fault::MalformedAfter(_)) => {
            document.truncate(document.len() / 2);
        }
        _ => {}
    }
    answering.finish();
    whole_reply(StatusCode::OK, "application/json", document.into())
}

/// What was understood, as the text of the answer.
fn echo(asked: &Understood) -> Answer {
    let json = asked.to_canonical_json();
    let mut pieces = Vec::new();
    let mut rest = json.as_str();
    while !rest.is_empty() {
        let end = rest.char_indices().nth(ECHO_CHARACTERS).map_or(rest.len(), |(end, _)| end);
        let (piece, tail) = rest.split_at(end);
        pieces.push(Piece::Content(piece.to_owned()));
        rest = tail;
    }
    answer_of(pieces, prompt_tokens(asked))
}

/// As many characters of an echo travel together.
const ECHO_CHARACTERS: usize = 64;

/// The answer that the benchmark models give.
fn fast_answer(chunks: usize) -> Answer {
    const WORDS: [&str; 8] = [" ships", " come", " and", " go", " with", " the", " tide", " again"];
    let words = WORDS.iter().cycle().take(chunks);
    answer_of(words.map(|word| Piece::Content((*word).to_owned())).collect(), 16)
}

fn answer_of(pieces: Vec<Piece>, prompt: usize) -> Answer {
    let choices = vec![Choice { pieces, finish: Finish::Stop, logprobs: None }];
    let mut usage = Usage { prompt, ..Usage::default() };
    usage.count(&choices);
    Answer { choices, usage }
}
