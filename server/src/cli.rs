//! The command line.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use control::{Control, NewUser};
use domain::catalog::{Purpose, Serving};
use domain::random::{Random as _, SystemRandom};
use domain::secret::Secret;
use domain::time::SystemClock;
use tokio_util::sync::CancellationToken;

use crate::boot::{self, Server};
use crate::config::{Config, Environment};
use crate::tasks::Tasks;
use crate::telemetry;

/// A marketplace of models behind one API, on your own machine.
#[derive(Debug, Parser)]
#[command(name = "entrepot", version, about)]
pub struct Cli {
    /// The configuration file; `entrepot.toml` in the working directory if there is one.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and the web app (the default).
    Serve,
    /// Bring the database schema up to date.
    Migrate,
    /// Print the effective configuration, or everything that is wrong with it and the catalog.
    CheckConfig,
    /// Check that the books balance; fails when they do not.
    AuditLedger,
    /// Run the simulated providers alone.
    Sandbox {
        #[arg(long, default_value = "127.0.0.1:4000")]
        address: SocketAddr,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// 1 is life-like, 2 twice as fast, 0 answers at once.
        #[arg(long, default_value_t = 1.0)]
        speed: f64,
    },
    /// Manage accounts.
    #[command(subcommand)]
    Admin(Admin),
}

#[derive(Debug, Subcommand)]
enum Admin {
    /// Make an account. Reads the password from standard input; makes one up if there is none.
    CreateUser {
        #[arg(long)]
        email: String,
        #[arg(long, default_value = "")]
        name: String,
        /// Lets the account see what only operators see.
        #[arg(long)]
        operator: bool,
    },
}

impl Cli {
    /// Does what was asked for. An error means that it could not be done; a failing code without
    /// an error, that it was done and the answer is bad.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let environment = Environment::of_process();
        let load = || -> anyhow::Result<Config> {
            let config = Config::load(self.config.as_deref(), &environment)?;
            telemetry::start_logs(&config.telemetry)?;
            Ok(config)
        };
        match self.command.unwrap_or(Command::Serve) {
            Command::Serve => serve(load()?, &environment).await,
            Command::Migrate => migrate(&load()?).await,
            Command::CheckConfig => check_config(&load()?, &environment),
            Command::AuditLedger => audit_ledger(&load()?).await,
            Command::Sandbox { address, seed, speed } => sandbox(address, seed, speed).await,
            Command::Admin(Admin::CreateUser { email, name, operator }) => {
                create_user(load()?, &environment, email, name, operator).await
            }
        }
    }
}

/// Prints an error with its causes and gives the code that says so.
pub fn report(error: &anyhow::Error) -> ExitCode {
    // If standard error is closed there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "error: {error:#}");
    ExitCode::FAILURE
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").context("standard output")?;
    out.flush().context("standard output")
}

async fn serve(config: Config, environment: &Environment) -> anyhow::Result<ExitCode> {
    // Before anything else, so that a signal during the start is not lost.
    let Signals { stop, abandon } = watch_signals()?;
    let server = tokio::select! {
        server = Box::pin(Server::start(config, environment)) => server?,
        () = stop.cancelled() => return Ok(ExitCode::SUCCESS),
    };
    print(&greeting(&server))?;
    let clean = tokio::select! {
        stopped = Box::pin(server.run(stop)) => stopped.clean,
        () = abandon.cancelled() => false,
    };
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What stands on standard output when the server is ready.
fn greeting(server: &Server) -> String {
    use std::fmt::Write as _;
    let url = &server.state.public_url;
    let catalog = server.state.catalog.load();
    let live: Vec<&str> = catalog
        .providers()
        .iter()
        .filter(|provider| provider.serving == Serving::Live)
        .map(|provider| provider.name.as_str())
        .collect();
    let sandboxed = catalog.providers().iter().filter(|provider| provider.is_sandboxed()).count();
    let mut text = format!("Entrepot is ready at {url}\n");
    if &**url != format!("http://{}", server.address).as_str() {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "It listens on {}.", server.address);
    }
    let who = match (live.as_slice(), sandboxed) {
        ([], 0) => {
            "It has no providers: set a credential, or providers.without_credential.".to_owned()
        }
        ([], _) => {
            "It runs on sandbox providers, whose answers are simulated, because no provider \
                    credential is set."
                .to_owned()
        }
        (live, 0) => format!("Live providers: {}.", live.join(", ")),
        (live, simulated) => format!(
            "Live providers: {}. Sandbox providers answer for {simulated} others, which have no \
             credential.",
            live.join(", ")
        ),
    };
    text.push_str(&who);
    let Some(demo) = &server.demo else { return text };
    let secret = demo.key.expose();
    let mut models = catalog.models().iter();
    let model = models
        .find(|model| model.purpose() == Purpose::Chat)
        .map_or("author/name", |model| model.slug.as_str());
    let _ = write!(
        text,
        "\n\nA demo account was made, with $5.00 of sandbox credit. This is shown once.\n\
         Email: {}\n\
         Password: {}\n\
         API key: {secret}\n\n\
         Try it:\n\
         curl {url}/api/v1/chat/completions -H 'Authorization: Bearer {secret}' \
         -H 'Content-Type: application/json' \
         -d '{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello!\"}}]}}'",
        demo.email,
        demo.password.expose(),
    );
    text
}

/// How this process is asked to end.
struct Signals {
    /// Cancelled by the first SIGINT or SIGTERM: finish what is under way.
    stop: CancellationToken,
    /// Cancelled by the second: leave now.
    abandon: CancellationToken,
}

fn watch_signals() -> anyhow::Result<Signals> {
    let signals = Signals { stop: CancellationToken::new(), abandon: CancellationToken::new() };
    let (first, second) = (signals.stop.clone(), signals.abandon.clone());
    let mut next = interruptions()?;
    // Ends with the process: there is nothing that it could leave undone.
    Tasks::new().spawn(async move {
        next.recv().await;
        first.cancel();
        next.recv().await;
        second.cancel();
    });
    Ok(signals)
}

#[cfg(unix)]
struct Interruptions {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
fn interruptions() -> anyhow::Result<Interruptions> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(Interruptions {
        interrupt: signal(SignalKind::interrupt()).context("signals")?,
        terminate: signal(SignalKind::terminate()).context("signals")?,
    })
}

#[cfg(unix)]
impl Interruptions {
    async fn recv(&mut self) {
        // Both are safe to cancel: a signal that came is seen by the next call.
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Interruptions;

#[cfg(not(unix))]
fn interruptions() -> anyhow::Result<Interruptions> {
    Ok(Interruptions)
}

#[cfg(not(unix))]
impl Interruptions {
    async fn recv(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

async fn migrate(config: &Config) -> anyhow::Result<ExitCode> {
    let db = boot::connect(config).await?;
    db.migrate().await.context("the database schema")?;
    db.close().await;
    print("The database schema is up to date.")?;
    Ok(ExitCode::SUCCESS)
}

fn check_config(config: &Config, environment: &Environment) -> anyhow::Result<ExitCode> {
    // Where providers would be simulated does not matter for what is wrong with their files.
    let without = control::catalog::Without::Sandbox { base_url: "http://127.0.0.1:0".to_owned() };
    let loaded = boot::read_catalog(config, environment, &without)?;
    let live: Vec<&str> = loaded
        .catalog
        .providers()
        .iter()
        .filter(|provider| provider.serving == Serving::Live)
        .map(|provider| provider.slug.as_str())
        .collect();
    print(&format!(
        "{config}\n# The catalog has {} models and {} providers; live: {}.",
        loaded.catalog.models().len(),
        loaded.catalog.providers().len(),
        if live.is_empty() { "none".to_owned() } else { live.join(", ") },
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn audit_ledger(config: &Config) -> anyhow::Result<ExitCode> {
    let db = boot::connect(config).await?;
    let report = store::ledger::audit::audit(&db).await.context("the ledger")?;
    db.close().await;
    print(&format!(
        "{} accounts, {} transfers, {} generations, {} open leases",
        report.accounts, report.transfers, report.generations, report.open_leases
    ))?;
    match report.findings.as_slice() {
        [] => {
            print("The books balance.")?;
            Ok(ExitCode::SUCCESS)
        }
        findings => {
            for finding in findings {
                print(&format!("wrong: {finding}"))?;
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn sandbox(address: SocketAddr, seed: u64, speed: f64) -> anyhow::Result<ExitCode> {
    if !(0.0..=1000.0).contains(&speed) {
        bail!("`--speed` must be a number from 0 to 1000");
    }
    let Signals { stop, .. } = watch_signals()?;
    let options = ::sandbox::SandboxOptions { address, seed, speed };
    let sandbox = ::sandbox::Sandbox::start(options)
        .await
        .with_context(|| format!("cannot listen on {address}; `--address` chooses another"))?;
    print(&format!("Sandbox providers answer at {}", sandbox.base_url()))?;
    stop.cancelled().await;
    sandbox.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

async fn create_user(
    config: Config,
    environment: &Environment,
    email: String,
    name: String,
    is_operator: bool,
) -> anyhow::Result<ExitCode> {
    let (password, made_up) = match read_password()? {
        Some(password) => (password, false),
        None => (make_up_password(), true),
    };
    let db = boot::open_database(&config).await?;
    let without = control::catalog::Without::Hidden;
    let loaded = boot::read_catalog(&config, environment, &without)?;
    let control = Control::new(control::Parts {
        db: db.clone(),
        catalog: std::sync::Arc::new(arc_swap::ArcSwap::from_pointee(loaded.catalog)),
        clock: std::sync::Arc::new(SystemClock),
        random: std::sync::Arc::new(SystemRandom),
        settings: control::Settings {
            sandbox_top_up: false,
            sandbox_top_up_max: config.billing.sandbox_top_up_max,
            sign_up: config.limits.sign_up,
        },
        // This process caches no keys, and a new account has none.
        key_changed: std::sync::Arc::new(|_| ()),
    });
    let new = NewUser { email, name, password: Secret::new(password.clone()), is_operator };
    let created = control.accounts().create_user(new).await;
    db.close().await;
    let created = created.map_err(|error| anyhow::anyhow!(error.public_message()))?;
    print(&format!("Email: {}", created.user.email))?;
    if made_up {
        print(&format!("Password: {password}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The first line of standard input; none when it is empty or a terminal.
fn read_password() -> anyhow::Result<Option<String>> {
    const BYTES_MAX: u64 = 4096;
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Ok(None);
    }
    let mut text = String::new();
    stdin.lock().take(BYTES_MAX).read_to_string(&mut text).context("the password")?;
    let line = text.lines().next().unwrap_or_default();
    Ok((!line.is_empty()).then(|| line.to_owned()))
}

/// 120 random bits, without characters that look alike.
fn make_up_password() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstvwxyz0123456789";
    let mut bytes = [0_u8; 24];
    SystemRandom.fill(&mut bytes);
    bytes
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte % 32)))
        .map(|b| char::from(*b))
        .collect()
}
