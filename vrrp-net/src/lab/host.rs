//! [`Host`]: a machine with a network of its own.

use std::{
    fs, io,
    process::Command,
    sync::mpsc::{self, Sender},
    thread::JoinHandle,
};

use super::{Error, Process, error::Doing, namespace::Namespace, wire};

type Job = Box<dyn FnOnce() + Send>;

/// A machine: a network namespace with its loopback up. IPv6 addresses are usable at once (no
/// Duplicate Address Detection). It ends, and kills its processes, when it is dropped.
#[derive(Debug)]
pub struct Host {
    name: String,
    namespace: Namespace,
    /// To the thread that starts processes: a process dies with the thread that started it.
    jobs: Option<Sender<Job>>,
    starter: Option<JoinHandle<()>>,
}

impl Host {
    /// Makes a host. The name is for messages and for the switch's port, to which it adds the name
    /// of the interface: both together have at most 14 characters.
    ///
    /// # Errors
    /// [`Error`] with what the operating system says; see [`enter`](super::enter).
    pub fn new(name: &str) -> Result<Self, Error> {
        let made = || format!("making the host {name}");
        let namespace = Namespace::new().doing(made)?;
        namespace.run(prepare_ipv6).doing(made)?.doing(made)?;
        wire::set_up(&namespace, "lo", true)?;
        let (jobs, queue) = mpsc::channel::<Job>();
        let starter = namespace
            .thread(&format!("host {name}"), move || queue.into_iter().for_each(|job| job()));
        Ok(Self {
            name: name.to_owned(),
            namespace,
            jobs: Some(jobs),
            starter: Some(starter.doing(made)?),
        })
    }

    /// The name that it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `work` on a thread of the host, waits for it and returns its value. Sockets that it
    /// opens stay in the host's network wherever they are used later, programs that it runs are on
    /// the host, and `/proc/sys/net` is the host's.
    ///
    /// # Errors
    /// [`Error`] when the thread cannot be started. A panic in `work` goes on in the caller.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
        self.namespace.run(work).doing(|| format!("running a thread on the host {}", self.name))
    }

    /// Starts a thread on the host: for example one with a runtime of its own and a
    /// [`Node`](crate::Node). Threads that it starts in turn are on the host too.
    ///
    /// # Errors
    /// [`Error`] when the thread cannot be started.
    pub fn thread<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<JoinHandle<T>, Error> {
        let starting = || format!("starting the thread {name} on the host {}", self.name);
        self.namespace.thread(name, work).doing(starting)
    }

    /// Starts a program on the host.
    ///
    /// # Errors
    /// [`Error`] when it cannot be started.
    pub fn spawn(&self, command: Command) -> Result<Process, Error> {
        let starting =
            format!("starting {} on the host {}", command.get_program().display(), self.name);
        let (answer, outcome) = mpsc::sync_channel(1);
        let start: Job = Box::new(move || {
            let _ = answer.send(Process::start(command));
        });
        let gone = || io::Error::other("the host's thread has ended");
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(start).is_ok());
        let outcome = if sent { outcome.recv().map_err(|_| gone()) } else { Err(gone()) };
        outcome.and_then(|started| started).doing(|| starting)
    }

    pub(super) fn namespace(&self) -> &Namespace {
        &self.namespace
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(starter) = self.starter.take() {
            let _ = starter.join();
        }
    }
}

/// IPv6 is on, and without Duplicate Address Detection. Both `all` and `default` count: the kernel
/// looks for duplicates when either asks for it.
fn prepare_ipv6() -> io::Result<()> {
    for which in ["all", "default"] {
        write_ipv6_setting(which, "disable_ipv6", "0")?;
        write_ipv6_setting(which, "accept_dad", "0")?;
    }
    Ok(())
}

/// Writes `net.ipv6.conf.WHICH.NAME` of the calling thread's namespace. A kernel without IPv6 has
/// none, and some containers have it read-only: the lab is slower and noisier there, but works.
pub(super) fn write_ipv6_setting(which: &str, name: &str, value: &str) -> io::Result<()> {
    let path = format!("/proc/sys/net/ipv6/conf/{which}/{name}");
    match fs::write(&path, value).map_err(|error| (error.kind(), error)) {
        Ok(()) | Err((io::ErrorKind::NotFound | io::ErrorKind::ReadOnlyFilesystem, _)) => Ok(()),
        Err((kind, error)) => {
            Err(io::Error::new(kind, format!("{path} cannot be written: {error}")))
        }
    }
}
