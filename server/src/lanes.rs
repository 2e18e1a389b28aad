//! Threads that serve connections, each with a runtime of its own.
//!
//! A connection stays on the lane that it was given to, and so does everything that it sets off:
//! its generations and their connections to providers. Nothing on the way of a chunk wakes
//! another thread, which costs more than all the rest of the work on a chunk.

use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The lanes of this process. Dropping them ends the threads and whatever still runs on them.
pub struct Lanes {
    handles: Vec<Handle>,
    next: AtomicUsize,
    _stop: DropGuard,
}

impl Lanes {
    /// Starts `count` lanes, or as many as the machine has cores.
    pub fn start(count: Option<NonZeroUsize>) -> io::Result<Self> {
        let count = count.or_else(|| thread::available_parallelism().ok());
        let stop = CancellationToken::new();
        let handles = (0..count.map_or(1, NonZeroUsize::get))
            .map(|number| lane(number, stop.clone()))
            .collect::<io::Result<_>>()?;
        Ok(Self { handles, next: AtomicUsize::new(0), _stop: stop.drop_guard() })
    }

    /// The lane whose turn it is.
    pub fn next(&self) -> Option<&Handle> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.handles.get(turn.checked_rem(self.handles.len())?)
    }
}

fn lane(number: usize, stop: CancellationToken) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name(format!("lane-{number}"))
        .spawn(move || runtime.block_on(stop.cancelled()))?;
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_turns_on_named_threads() {
        let lanes = Lanes::start(NonZeroUsize::new(2)).unwrap();
        let name = |handle: &Handle| {
            let (sender, name) = std::sync::mpsc::channel();
            handle.spawn(async move {
                sender.send(thread::current().name().map(str::to_owned)).unwrap();
            });
            name.recv().unwrap().unwrap()
        };
        let names: Vec<String> = (0..4).map(|_| name(lanes.next().unwrap())).collect();
        assert_eq!(names, ["lane-0", "lane-1", "lane-0", "lane-1"]);
    }
}
