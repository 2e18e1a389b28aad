//! From configuration to a running server, in the order in which things depend on each other.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use control::Control;
use control::catalog::{Loaded, Sources, Without};
use domain::catalog::{Catalog, Serving};
use domain::id::NodeId;
use domain::random::{Random, SystemRandom};
use domain::secret::Secret;
use domain::time::{Clock, SystemClock};
use gateway::Gateway;
use sandbox::{Sandbox, SandboxOptions};
use store::{ConnectOptions, DatabaseUrl, Db};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::catalog::WithoutCredential;
use crate::config::{Config, Environment};
use crate::http::management::models::ModelList;
use crate::lanes::Lanes;
use crate::ports::{KeyTouches, StoreKeys, StoreLedger};
use crate::responses::Responses;
use crate::state::{AppState, Readiness};
use crate::tasks::Tasks;
use crate::{http, jobs, telemetry};

/// A server that accepts requests.
pub struct Server {
    pub address: SocketAddr,
    pub state: AppState,
    /// Made on the first start only.
    pub demo: Option<control::Demo>,
    listener: TcpListener,
    router: axum::Router,
    sandbox: Option<Sandbox>,
    generations: TaskTracker,
    lanes: Lanes,
    /// Held for as long as the process lives, so that no second one uses the same directory.
    lock: File,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Whether everything under way could be finished in time.
    pub clean: bool,
}

impl Server {
    /// Makes everything ready. Nothing is answered until [`Server::run`].
    pub async fn start(config: Config, environment: &Environment) -> anyhow::Result<Self> {
        let metrics = telemetry::metrics()?;
        // First of all, because a taken address is the likeliest mistake.
        let listener = http::serve::bind(config.http.address).await?;
        let address = listener.local_addr().context("the address that was taken")?;
        let lock = lock_data_dir(&config.data.dir)?;

        let (loaded, sandbox) = load_catalog(&config, environment).await?;
        let any_live = any_live(&loaded);
        let catalog = Arc::new(ArcSwap::from_pointee(loaded.catalog));
        let db = open_database(&config).await?;

        let means = Means::of_system();
        let generations = TaskTracker::new();
        let gateway = means.gateway(&db, &catalog, &config, loaded.credentials, &generations)?;
        let sandbox_top_up = config.billing.sandbox_top_up.is_on(any_live);
        let makes_demo = config.billing.demo.is_on(any_live);
        let control = means.control(&db, &catalog, &config, &gateway, sandbox_top_up);
        let public_url = public_url(&config, address);
        let tasks = Tasks::new();
        let responses = Arc::new(Responses::new(db.clone(), tasks.clone()));
        let state = AppState {
            gateway,
            control,
            db,
            catalog,
            config: Arc::new(config),
            clock: means.clock,
            random: means.random,
            tasks,
            node: means.node,
            touches: Arc::new(KeyTouches::default()),
            model_list: Arc::new(ModelList::default()),
            responses,
            public_url: public_url.into(),
            sandbox_top_up,
            readiness: Arc::new(Readiness::default()),
            metrics,
        };
        let router = http::router(&state)?;
        // Last of all: its password is shown only if nothing can go wrong any more.
        let demo = if makes_demo {
            let made = Box::pin(state.control.accounts().create_demo()).await;
            made.context("the demo account")?
        } else {
            None
        };
        let lanes = Lanes::start(None).context("the threads that serve connections")?;
        Ok(Self { address, state, demo, listener, router, sandbox, generations, lanes, lock })
    }

    /// Serves until `stop` is cancelled, then lets what is under way finish.
    pub async fn run(self, stop: CancellationToken) -> Stopped {
        let Self { state, listener, router, sandbox, generations, lock, lanes, .. } = self;
        jobs::start(&state);
        let settings = Arc::new(state.config.http.clone());
        let patience = settings.drain_timeout;
        let readiness = state.readiness.clone();
        let stopping = async move {
            stop.cancelled().await;
            tracing::info!("Stopping: no further connections; generations under way may finish");
            readiness.begin_draining();
        };
        let drained =
            http::serve::run(listener, router, settings, state.tasks.clone(), &lanes, stopping)
                .await;
        // Ends what had its time and is still under way, settles it and returns every lease.
        state.gateway.drain().await;
        generations.close();
        let settled = tokio::time::timeout(patience, generations.wait()).await.is_ok();
        let ended = state.tasks.stop(patience).await;
        jobs::finish(&state).await;
        if let Some(sandbox) = sandbox {
            sandbox.shutdown().await;
        }
        state.db.close().await;
        // Connections of the database's pool may belong to a lane.
        drop(lanes);
        drop(lock);
        let clean = drained && settled && ended;
        if clean {
            tracing::info!("Stopped");
        } else {
            tracing::warn!(
                connections.drained = drained,
                generations.settled = settled,
                tasks.ended = ended,
                "Stopped before everything had finished; leases that are left expire"
            );
        }
        Stopped { clean }
    }

    /// What stands in for providers that have no credential.
    pub fn sandbox(&self) -> Option<&Sandbox> {
        self.sandbox.as_ref()
    }
}

/// What the planes are given to tell the time, draw lots and sign their leases with.
struct Means {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    node: NodeId,
}

impl Means {
    fn of_system() -> Self {
        let node = NodeId::new(SystemClock.now(), &SystemRandom);
        Self { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom), node }
    }

    fn gateway(
        &self,
        db: &Db,
        catalog: &Arc<ArcSwap<Catalog>>,
        config: &Config,
        credentials: HashMap<String, Secret<String>>,
        tasks: &TaskTracker,
    ) -> anyhow::Result<Gateway> {
        Gateway::new(gateway::Parts {
            catalog: catalog.clone(),
            keys: Arc::new(StoreKeys::new(db.clone())),
            ledger: Arc::new(StoreLedger {
                db: db.clone(),
                node: self.node,
                clock: self.clock.clone(),
                random: self.random.clone(),
                lease_ttl: config.gateway.lease_ttl,
            }),
            clock: self.clock.clone(),
            random: self.random.clone(),
            credentials,
            settings: config.gateway.clone(),
            tasks: tasks.clone(),
        })
        .context("the client that calls providers")
    }

    fn control(
        &self,
        db: &Db,
        catalog: &Arc<ArcSwap<Catalog>>,
        config: &Config,
        gateway: &Gateway,
        sandbox_top_up: bool,
    ) -> Control {
        let gateway = gateway.clone();
        Control::new(control::Parts {
            db: db.clone(),
            catalog: catalog.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            settings: control::Settings {
                sandbox_top_up,
                sandbox_top_up_max: config.billing.sandbox_top_up_max,
                sign_up: config.limits.sign_up,
            },
            key_changed: Arc::new(move |hash| gateway.forget_key(hash)),
        })
    }
}

/// Where callers on this machine reach the server, unless the operator knows better.
fn public_url(config: &Config, address: SocketAddr) -> String {
    if let Some(url) = &config.http.public_url {
        return url.clone();
    }
    let mut reachable = address;
    if address.ip().is_unspecified() {
        reachable.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    format!("http://{reachable}")
}

/// Makes the data directory, for this user only, and takes it.
fn lock_data_dir(dir: &Path) -> anyhow::Result<File> {
    create_dir(dir).with_context(|| {
        format!("the data directory {} (ENTREPOT__DATA__DIR chooses another)", dir.display())
    })?;
    let path = dir.join("entrepot.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("the lock {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => bail!(
            "another process uses the data directory {}; stop it, or set ENTREPOT__DATA__DIR to \
             another directory",
            dir.display()
        ),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("the lock {}", path.display()))
        }
    }
}

#[cfg(unix)]
fn create_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn create_dir(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)
}

/// The catalog, and the sandbox if anyone needs it.
async fn load_catalog(
    config: &Config,
    environment: &Environment,
) -> anyhow::Result<(Loaded, Option<Sandbox>)> {
    let sandbox = match config.catalog.without_credential {
        WithoutCredential::Hidden => None,
        WithoutCredential::Sandbox => {
            let options = SandboxOptions {
                address: SocketAddr::from(([127, 0, 0, 1], 0)),
                seed: config.sandbox.seed,
                speed: config.sandbox.speed,
            };
            Some(Sandbox::start(options).await.context("the sandbox providers")?)
        }
    };
    let without = match &sandbox {
        Some(sandbox) => Without::Sandbox { base_url: sandbox.base_url() },
        None => Without::Hidden,
    };
    let loaded = read_catalog(config, environment, &without)?;
    let is_needed = loaded.catalog.providers().iter().any(|provider| provider.is_sandboxed());
    match sandbox {
        Some(sandbox) if !is_needed => {
            sandbox.shutdown().await;
            Ok((loaded, None))
        }
        sandbox => Ok((loaded, sandbox)),
    }
}

/// Reads the catalog, or says everything that is wrong with it.
pub fn read_catalog(
    config: &Config,
    environment: &Environment,
    without: &Without,
) -> anyhow::Result<Loaded> {
    let sources = Sources {
        builtin: config.catalog.builtin,
        extra_dirs: config.catalog.extra_dir.iter().cloned().collect(),
    };
    let credential = |name: &str| {
        environment.get(name).filter(|value| !value.trim().is_empty()).map(str::to_owned)
    };
    let dialects: Vec<&str> = providers::ADAPTERS.iter().map(|adapter| adapter.slug()).collect();
    control::catalog::load(&sources, &credential, without, &dialects).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
        anyhow::anyhow!("the catalog has problems:{}", lines.concat())
    })
}

fn any_live(loaded: &Loaded) -> bool {
    // A provider that needs no credential is the operator's own server and costs nobody money.
    loaded.catalog.providers().iter().any(|provider| {
        provider.serving == Serving::Live && loaded.credentials.contains_key(&provider.slug)
    })
}

/// Connects, and brings the schema up to date if that is wanted.
pub async fn open_database(config: &Config) -> anyhow::Result<Db> {
    let db = connect(config).await?;
    if config.database.migrate {
        db.migrate().await.context("the database schema")?;
    }
    Ok(db)
}

/// Connects, and makes the directory of a SQLite file.
pub async fn connect(config: &Config) -> anyhow::Result<Db> {
    if config.database.is_sqlite() {
        create_dir(&config.data.dir)
            .with_context(|| format!("the data directory {}", config.data.dir.display()))?;
    }
    let url: DatabaseUrl = config.database.url.expose().parse().context("`database.url`")?;
    let kind = url.kind();
    let mut options = ConnectOptions::new(url);
    options.connections_max = config.database.connections_max;
    Db::connect(&options)
        .await
        .with_context(|| format!("the {kind} database; `database.url` or DATABASE_URL names it"))
}
