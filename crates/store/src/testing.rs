//! Databases for tests, of this crate and of others: an empty, migrated one of each kind.
//!
//! SQLite lives in a temporary directory. PostgreSQL is the server that `TEST_POSTGRES_URL` names;
//! without it, a throw-away server that this process starts for itself when `initdb` is on the
//! PATH. Where there is neither, tests run on SQLite only: each one that leaves PostgreSQL out says
//! so on standard error and in the file that `ENTREPOT_TESTS_LEFT_OUT` names.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use std::hash::{BuildHasher, Hasher as _};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::str::FromStr as _;
use std::sync::OnceLock;

use crate::db::{ConnectOptions, DatabaseUrl, Db};
use crate::error::StoreError;

/// A database that is removed when dropped.
pub struct TestDatabase {
    pub db: Db,
    url: String,
    // Fields drop in this order: connections first, then what they are connected to.
    _home: Home,
}

enum Home {
    Sqlite(#[expect(dead_code, reason = "removes the directory when dropped")] tempfile::TempDir),
    Postgres { server: String, name: String },
}

impl TestDatabase {
    /// For configuration: `sqlite:…` or `postgres://…`.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.db, Db::Postgres { .. })
    }

    /// Runs any SQL, to put the database into a state that the store would not.
    pub async fn execute(&self, sql: &str) -> Result<(), StoreError> {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.db {
            Db::Sqlite { writer, .. } => {
                writer.execute(sqlx::raw_sql(sql)).await?;
            }
            Db::Postgres { pool } => {
                pool.execute(sqlx::raw_sql(sql)).await?;
            }
        }
        Ok(())
    }

    /// Runs any query that selects one column of text.
    pub async fn texts(&self, sql: &str) -> Result<Vec<String>, StoreError> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match &self.db {
            Db::Sqlite { readers, .. } => sqlx::query_scalar(sql).fetch_all(readers).await?,
            Db::Postgres { pool } => sqlx::query_scalar(sql).fetch_all(pool).await?,
        })
    }
}

/// One migrated database of each kind that this machine can offer; SQLite comes first.
pub async fn databases() -> Vec<TestDatabase> {
    let mut databases = vec![sqlite().await];
    databases.extend(postgres().await);
    databases
}

/// A migrated SQLite database.
#[expect(clippy::expect_used, reason = "a test without its database has failed")]
pub async fn sqlite() -> TestDatabase {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let url = format!("sqlite:{}", directory.path().join("test.db").display());
    connect(url, Home::Sqlite(directory)).await
}

/// A migrated PostgreSQL database. None where there is no server, which is recorded.
pub async fn postgres() -> Option<TestDatabase> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    let Some(server) = SERVER.get_or_init(find_server).clone() else {
        leave_out();
        return None;
    };
    let unique = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let name = format!("entrepot_test_{}_{unique:016x}", std::process::id());
    // `template0` has no connections that could be in the way, and compares bytes.
    administer(&server, format!("CREATE DATABASE {name} TEMPLATE template0 LOCALE 'C'")).await;
    let url = with_database(&server, &name);
    Some(connect(url, Home::Postgres { server, name }).await)
}

#[expect(clippy::expect_used, reason = "a test without its database has failed")]
async fn connect(url: String, home: Home) -> TestDatabase {
    let location: DatabaseUrl = url.parse().expect("the URL is one of ours");
    let mut options = ConnectOptions::new(location);
    // Contention is what many tests are about, and debug builds on a busy machine are slow.
    options.acquire_timeout = std::time::Duration::from_secs(60);
    options.connections_max = 8;
    let db = Db::connect(&options).await.expect("the test database can be opened");
    db.migrate().await.expect("migrations apply to an empty database");
    TestDatabase { db, url, _home: home }
}

impl Drop for Home {
    fn drop(&mut self) {
        let Self::Postgres { server, name } = self else {
            return;
        };
        let (server, name) = (std::mem::take(server), std::mem::take(name));
        // A runtime of its own, because the test's can not be waited for from within.
        let dropped = std::thread::spawn(move || {
            if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build()
            {
                runtime.block_on(administer(
                    &server,
                    format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
                ));
            }
        });
        if dropped.join().is_err() {
            complain("a test database could not be dropped");
        }
    }
}

#[expect(clippy::expect_used, reason = "a test without its database has failed")]
async fn administer(server: &str, sql: String) {
    let options = PgConnectOptions::from_str(server).expect("TEST_POSTGRES_URL is a URL");
    let mut connection = options.connect().await.expect("the PostgreSQL server answers");
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.expect("the server obeys");
    // Closing politely is all that can fail now, and nothing depends on it.
    let _ = connection.close().await;
}

/// The same URL with another database: what stands between the host and the `?`.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) =
        url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let host_end = base
        .find("://")
        .and_then(|scheme| base.get(scheme + 3..)?.find('/').map(|slash| scheme + 3 + slash))
        .unwrap_or(base.len());
    let base = base.get(..host_end).unwrap_or(base);
    match query {
        Some(query) => format!("{base}/{name}?{query}"),
        None => format!("{base}/{name}"),
    }
}

/// The server to test on: the one that is provided, or one of our own.
fn find_server() -> Option<String> {
    if let Some(url) = std::env::var_os("TEST_POSTGRES_URL").filter(|url| !url.is_empty()) {
        return url.into_string().ok();
    }
    let on_path = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|directory| directory.join("initdb").is_file())
    });
    on_path.then(start_server)
}

/// Starts a server that ends with this process, however that ends: the shell that runs it waits
/// for its standard input to close.
#[expect(clippy::expect_used, reason = "initdb is there, so the server must start")]
fn start_server() -> String {
    const SCRIPT: &str = r#"
        set -eu
        cd "$1"
        initdb -D data -U postgres -A trust -E UTF8 --locale=C --no-sync >log 2>&1 </dev/null
        pg_ctl -D data -l log -w -t 60 -o "-k $1 -c listen_addresses= -c fsync=off \
            -c synchronous_commit=off -c full_page_writes=off -c max_connections=400" \
            start >>log 2>&1 </dev/null
        echo ready
        read -r _ || true
        pg_ctl -D data -m immediate stop >/dev/null 2>&1 || true
        rm -rf "$1"
    "#;
    /// Holds the pipe open until the process ends.
    static SHELL: OnceLock<Child> = OnceLock::new();

    let home = tempfile::Builder::new()
        .prefix("entrepot-postgres-")
        .tempdir()
        .expect("a temporary directory can be made")
        .keep();
    let mut command = as_unprivileged(&home);
    let mut shell = command
        .args(["sh", "-c", SCRIPT, "sh"])
        .arg(&home)
        // In a group of its own, so that a signal for the tests does not skip the clean-up.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell can be started");
    let mut line = String::new();
    let output = shell.stdout.take().expect("standard output is piped");
    BufReader::new(output).read_line(&mut line).expect("the shell answers");
    let log = std::fs::read_to_string(home.join("log")).unwrap_or_default();
    assert_eq!(line.trim(), "ready", "PostgreSQL did not start:\n{log}");
    SHELL.get_or_init(|| shell);
    format!("postgres://postgres@localhost/postgres?host={}", home.display())
}

/// PostgreSQL refuses to run as root; then its own user runs it, who needs the directory.
fn as_unprivileged(home: &Path) -> Command {
    let id = Command::new("id").arg("-u").output();
    let is_root = id.is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if !is_root {
        return Command::new("env");
    }
    let owned = Command::new("chown").arg("postgres:").arg(home).status();
    if !owned.is_ok_and(|status| status.success()) {
        complain("the directory of the test server could not be given to `postgres`");
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    command
}

/// Records that the current test runs without PostgreSQL.
fn leave_out() {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("an unnamed test");
    complain(&format!("left out on PostgreSQL: {test}"));
    let Some(path) = std::env::var_os("ENTREPOT_TESTS_LEFT_OUT") else {
        return;
    };
    let written = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut file| file.write_all(format!("{test}\n").as_bytes()));
    if written.is_err() {
        complain("the file that ENTREPOT_TESTS_LEFT_OUT names can not be written");
    }
}

/// Straight to standard error: the test harness would hide what a passing test prints.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn a_url_keeps_everything_but_its_database() {
        for (url, expected) in [
            ("postgres://u:p@h:1/postgres", "postgres://u:p@h:1/t"),
            ("postgres://u@h", "postgres://u@h/t"),
            ("postgres://u@localhost/x?host=/tmp/a", "postgres://u@localhost/t?host=/tmp/a"),
        ] {
            assert_eq!(with_database(url, "t"), expected);
        }
    }
}
