//! Network namespaces that live as long as a file descriptor of this process.

use std::{
    fs::File,
    io,
    os::fd::{AsRawFd, RawFd},
    panic,
    sync::Arc,
    thread::{self, JoinHandle, ScopedJoinHandle},
};

use nix::sched::{CloneFlags, setns, unshare};

/// A network namespace. It ends when the last clone is dropped and nothing runs in it any more: it
/// has no name in the file system, so the death of the process ends it too.
#[derive(Clone, Debug)]
pub(super) struct Namespace(Arc<File>);

impl Namespace {
    pub(super) fn new() -> io::Result<Self> {
        let make = || {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net")
        };
        let file =
            thread::scope(|scope| finish(thread::Builder::new().spawn_scoped(scope, make)?))?;
        Ok(Self(Arc::new(file)))
    }

    /// Runs `work` on a thread in the namespace and waits for it.
    pub(super) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        let enter = || {
            self.enter()?;
            Ok(work())
        };
        thread::scope(|scope| finish(thread::Builder::new().spawn_scoped(scope, enter)?))
    }

    /// Starts a thread in the namespace.
    pub(super) fn thread<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<JoinHandle<T>> {
        // A thread begins in the namespace of the one that starts it.
        self.run(|| thread::Builder::new().name(name.to_owned()).spawn(work))?
    }

    fn enter(&self) -> io::Result<()> {
        setns(&*self.0, CloneFlags::CLONE_NEWNET).map_err(io::Error::from)
    }
}

impl AsRawFd for Namespace {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

fn finish<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))
}
