//! The three servers that a run measures, and what they need on disk.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::load::{Dialect, Kind, Template};
use crate::process::{Running, first_line};
use crate::report::{BASELINE, DIRECT};

const START_WITHIN: Duration = Duration::from_secs(30);

/// Something that answers.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// Whose CPU time and memory count.
    pub(crate) process: u32,
    /// Whether it is ours, which knows models by their names in our catalog and speaks what the
    /// caller speaks; the others are the provider, or hand on what it says.
    is_gateway: bool,
    authorization: Option<String>,
}

impl Target {
    pub(crate) fn request(&self, kind: Kind) -> Template {
        const QUESTION: &str = "Tell me about the harbour, its ships and its warehouses.";
        let stream = kind.is_stream();
        let dialect = if self.is_gateway { kind.inbound() } else { kind.upstream() };
        let model = if self.is_gateway {
            catalog_name(kind.upstream(), kind.upstream_model())
        } else {
            kind.upstream_model().to_owned()
        };
        let head = format!(r#"{{"model":"{model}","stream":{stream},"max_tokens":200"#);
        let body = match dialect {
            Dialect::Chat => format!(
                r#"{head},"messages":[{{"role":"system","content":"You are brief."}},{{"role":"user","content":"{QUESTION}"}}]}}"#
            ),
            Dialect::Messages => format!(
                r#"{head},"system":"You are brief.","messages":[{{"role":"user","content":"{QUESTION}"}}]}}"#
            ),
        };
        let path = if self.is_gateway {
            format!("/api/v1{}", path(dialect))
        } else {
            format!("/{}/v1{}", provider(dialect), path(dialect))
        };
        Template { path, authorization: self.authorization.clone(), body: body.into(), dialect }
    }
}

/// The provider of each dialect, in our catalog and as the sandbox knows it.
const fn provider(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Chat => "bench",
        Dialect::Messages => "bench-messages",
    }
}

const fn path(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Chat => "/chat/completions",
        Dialect::Messages => "/messages",
    }
}

/// Everything that runs during the measurement. Children end with it.
pub(crate) struct Stage {
    pub(crate) targets: Vec<Target>,
    directory: TempDir,
    server: Running,
    nginx: Running,
    sandbox: Running,
}

impl Stage {
    pub(crate) async fn set_up() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let upstream = free_address()?;
        let sandbox = Running::start(
            entrepot()?
                .arg("sandbox")
                .arg("--address")
                .arg(upstream.to_string())
                .stdout(Stdio::null()),
        )?;
        listening(upstream).await.context("the sandbox did not start")?;

        let proxy = free_address()?;
        let nginx = start_nginx(directory.path(), proxy, upstream)?;
        listening(proxy).await.context("nginx did not start")?;

        let ours = free_address()?;
        let (server, key) = start_server(directory.path(), ours, upstream).await?;
        let target = |name, address, child: &Running| Target {
            name,
            address,
            process: child.id(),
            is_gateway: false,
            authorization: None,
        };
        let targets = vec![
            target(DIRECT, upstream, &sandbox),
            target(BASELINE, proxy, &nginx),
            Target {
                is_gateway: true,
                authorization: Some(format!("Bearer {key}")),
                ..target("entrepot", ours, &server)
            },
        ];
        Ok(Self { targets, directory, server, nginx, sandbox })
    }

    /// Ends all three and has the books audited: what was measured was also paid for.
    pub(crate) fn tear_down(self) -> Result<String> {
        self.server.stop()?;
        self.nginx.stop()?;
        drop(self.sandbox);
        let audit = entrepot()?
            .arg("audit-ledger")
            .env("ENTREPOT__DATA__DIR", self.directory.path().join("data"))
            .output()?;
        ensure!(
            audit.status.success(),
            "the books do not balance after the run:\n{}{}",
            String::from_utf8_lossy(&audit.stdout),
            String::from_utf8_lossy(&audit.stderr),
        );
        Ok(String::from_utf8_lossy(&audit.stdout).trim().to_owned())
    }
}

/// The release binary, or the one that the command line names, with nothing of the caller's
/// settings or credentials.
fn entrepot() -> Result<Command> {
    let named = std::env::args_os().nth(1).map(PathBuf::from);
    let binary = named.unwrap_or_else(|| root().join("target/release/entrepot"));
    ensure!(binary.exists(), "{} does not exist; run: make build", binary.display());
    let mut command = Command::new(binary);
    command.current_dir(root()).env_clear();
    // Per-request lines are off, as nginx's access log is.
    command.env("ENTREPOT__TELEMETRY__FILTER", "warn");
    Ok(command)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

async fn start_server(
    directory: &Path,
    address: SocketAddr,
    upstream: SocketAddr,
) -> Result<(Running, String)> {
    let catalog = directory.join("catalog");
    for dialect in [Dialect::Chat, Dialect::Messages] {
        let file = format!("providers/{}.toml", provider(dialect));
        write(&catalog.join(file), &provider_file(dialect, upstream))?;
    }
    let mut server = Running::start(
        entrepot()?
            .arg("serve")
            .env("ENTREPOT__HTTP__ADDRESS", address.to_string())
            .env("ENTREPOT__DATA__DIR", directory.join("data"))
            .env("ENTREPOT__CATALOG__EXTRA_DIR", &catalog)
            // A provider that needs no credential counts as a real one, which would turn it off.
            .env("ENTREPOT__BILLING__DEMO", "true")
            .stdout(Stdio::piped()),
    )?;
    let key = first_line(server.output()?, "API key: ", START_WITHIN)
        .context("the server printed no API key")?;
    listening(address).await.context("the server did not start")?;
    Ok((server, key))
}

/// `fast/64` is `bench/fast-64` in our catalog.
fn catalog_name(dialect: Dialect, upstream: &str) -> String {
    format!("{}/{}", provider(dialect), upstream.replace('/', "-"))
}

/// A provider that needs no credential, as an operator's own server would be. Its prices are tiny,
/// so that the demo credit lasts; but they are prices, so that every request is held for, metered
/// and settled.
fn provider_file(dialect: Dialect, upstream: SocketAddr) -> String {
    let name = provider(dialect);
    let adapter = match dialect {
        Dialect::Chat => "openai_compatible",
        Dialect::Messages => "anthropic",
    };
    let head = format!(
        "name = \"{name}\"\nbase_url = \"http://{upstream}/{name}/v1\"\nauth = \"none\"\n\
         dialect = \"{adapter}\"\n"
    );
    let kinds = Kind::ALL.into_iter().filter(|kind| kind.upstream() == dialect);
    let models: BTreeSet<&str> = kinds.map(Kind::upstream_model).collect();
    let entry = |model: &str| {
        let name = catalog_name(dialect, model);
        format!(
            "\n[[models]]\nmodel = \"{name}\"\nupstream = \"{model}\"\ncontext_length = 32768\n\
             max_completion_tokens = 4096\nprices = {{ prompt = \"0.001\", completion = \"0.002\" }}\n"
        )
    };
    std::iter::once(head).chain(models.into_iter().map(entry)).collect()
}

fn start_nginx(directory: &Path, address: SocketAddr, upstream: SocketAddr) -> Result<Running> {
    let prefix = directory.join("nginx");
    let configuration = prefix.join("nginx.conf");
    write(&configuration, &nginx_file(address, upstream))?;
    // Debian keeps nginx where only root's PATH leads.
    let binary = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/opt/homebrew/bin/nginx"]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .unwrap_or("nginx");
    Running::start(
        Command::new(binary)
            .arg("-p")
            .arg(&prefix)
            .arg("-c")
            .arg(&configuration)
            .stderr(Stdio::null()),
    )
}

/// A bare reverse proxy: connections kept open on both sides, nothing buffered, nothing logged.
fn nginx_file(address: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        "daemon off;
         {user}
         pid nginx.pid;
         error_log stderr crit;
         worker_processes auto;
         events {{ worker_connections 1024; }}
         http {{
           access_log off;
           tcp_nodelay on;
           keepalive_requests 100000000;
           client_body_temp_path body;
           proxy_temp_path proxy;
           fastcgi_temp_path fastcgi;
           uwsgi_temp_path uwsgi;
           scgi_temp_path scgi;
           upstream provider {{ server {upstream}; keepalive 128; keepalive_requests 100000000; }}
           server {{
             listen {address};
             location / {{
               proxy_pass http://provider;
               proxy_http_version 1.1;
               proxy_set_header Connection \"\";
               proxy_buffering off;
             }}
           }}
         }}",
        user = if is_root() { "user root;" } else { "" },
    )
}

/// nginx started by root gives its workers to another user, who could not use our directory.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn write(path: &Path, text: &str) -> Result<()> {
    let parent = path.parent().context("a file without a folder")?;
    fs::create_dir_all(parent)?;
    fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

async fn listening(address: SocketAddr) -> Result<()> {
    let deadline = Instant::now() + START_WITHIN;
    while TcpStream::connect(address).await.is_err() {
        ensure!(Instant::now() < deadline, "nothing listens on {address}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
