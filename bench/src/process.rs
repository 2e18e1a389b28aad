//! Processes: starting and ending them, and what they use according to `/proc`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// A child that ends, at the latest, when this value is dropped.
pub(crate) struct Running {
    child: Child,
    name: String,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("could not start {name}"))?;
        Ok(Self { child, name })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard output, once.
    pub(crate) fn output(&mut self) -> Result<ChildStdout> {
        self.child.stdout.take().context("standard output is not piped")
    }

    /// Asks it to end, as an operator would, and expects success.
    pub(crate) fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill").arg(self.id().to_string()).status()?;
        ensure!(asked.success(), "{} had ended before it was asked to", self.name);
        let status = self.child.wait()?;
        ensure!(status.success(), "{} ended with {status}", self.name);
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The rest of the first line that begins with `prefix`. Goes on reading, so that the writer
/// never waits for us.
pub(crate) fn first_line(
    output: ChildStdout,
    prefix: &'static str,
    within: Duration,
) -> Result<String> {
    let (found, wanted) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(rest) = line.strip_prefix(prefix) {
                // Nobody may be waiting any more.
                let _ = found.send(rest.trim().to_owned());
            }
        }
    });
    wanted.recv_timeout(within).with_context(|| format!("no line began with `{prefix}`"))
}

/// `sysconf(_SC_CLK_TCK)`, which Linux fixes at 100 for what it shows to programs.
const TICKS_PER_SECOND: u64 = 100;

/// User and system time that a process, all its threads and its children have used.
pub(crate) fn cpu_time(process: u32) -> Result<Duration> {
    let mut ticks = 0;
    for process in family(process)? {
        // After the name in parentheses, `utime` and `stime` are the 12th and 13th field.
        ticks += field::<u64>(process, 11)? + field::<u64>(process, 12)?;
    }
    Ok(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
}

/// Resident memory of a process and its children.
pub(crate) fn memory_bytes(process: u32) -> Result<u64> {
    let mut kibibytes = 0;
    for process in family(process)? {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let figure = line.and_then(|line| line.split_whitespace().next());
        kibibytes += figure.context("no VmRSS")?.parse::<u64>()?;
    }
    Ok(kibibytes * 1024)
}

/// The process and those whose parent it is (nginx does its work in children).
fn family(parent: u32) -> Result<Vec<u32>> {
    let mut found = vec![parent];
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process may end while we look; it is then not of the family.
        if field::<u32>(process, 1).is_ok_and(|its_parent| its_parent == parent) {
            found.push(process);
        }
    }
    Ok(found)
}

/// A field of `/proc/<pid>/stat`, counted from the one after the name.
fn field<T>(process: u32, index: usize) -> Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name may contain spaces and parentheses; the last `)` ends it.
    let (_, rest) = stat.rsplit_once(')').context("an odd /proc/<pid>/stat")?;
    Ok(rest.split_whitespace().nth(index).context("a short /proc/<pid>/stat")?.parse()?)
}
