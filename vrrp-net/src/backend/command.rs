//! [`Command`]: a program that moves the addresses.

mod message;
#[cfg(test)]
mod tests;

use std::{
    any::Any,
    collections::BTreeMap,
    ffi::OsString,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use vrrp_core::{Key, LeaseFailure, Reach, Reason};

use super::Method;
use crate::{
    BackendError, Lease, Release, VipBackend,
    process::{Ended, Heard, Leftovers, Program, Running},
};
use message::Action;

/// How long the program may take, unless [`Command::limit`] says something else.
const LIMIT: Duration = Duration::from_secs(30);
/// `EX_USAGE` of sysexits.h: the program does not know the action.
const UNKNOWN_ACTION: i32 = 64;
/// `EX_NOPERM` of sysexits.h: a right is missing.
const NO_PERMISSION: i32 = 77;

/// Has a program move the addresses: for the API of a cloud, or whatever a script can do.
///
/// ```
/// use std::time::Duration;
/// use vrrp_net::backend::Command;
///
/// let backend = Command::new("/usr/local/bin/move-ip").arg("eip-42").limit(Duration::from_secs(60));
/// ```
///
/// # What the program is told
///
/// It is started without a shell, as `/usr/local/bin/move-ip eip-42 ACTION`, with one line of JSON
/// on its standard input, in the environment (but for [`Command::env_remove`]) and the working
/// directory of this process:
///
/// ```json
/// {"schema":1,"action":"release","name":"web","interface":"eth0","vrid":51,"family":"ipv4",
///  "addresses":["192.0.2.10/24"],"generation":7,"owner":false,"reason":"successor","successor":"192.0.2.2"}
/// ```
///
/// | action | when | what it does |
/// |---|---|---|
/// | `acquire` | this node takes over, or goes on after it has taken back a resignation | makes this host answer for the addresses. Also when it does so already |
/// | `release` | this node lets go, and at each start, to clear what a crash left behind | gives them up if this host has them, and leaves them alone if another has. `reason` says why, and `successor` is who was heard to hold them, or null |
/// | `inspect` | after a failure, before this node contends again | says whether an `acquire` could succeed now, and changes nothing |
///
/// When other addresses are configured while they are held, `release` is asked for those that are
/// gone (`reason`: `reconfigured`), and then `acquire` for all that are configured now.
///
/// `reason` and `successor` come with `release` only. Nothing is asked to renew: what a program
/// holds does not end by itself when this process dies. It is put right by the next start, which
/// begins with a `release`.
///
/// # What it answers
///
/// | exit status | means |
/// |---|---|
/// | 0 | done |
/// | 64 (`EX_USAGE`) from `inspect` | it has no such action; this node tries `acquire` when its turn comes |
/// | 77 (`EX_NOPERM`) | a right is missing: [`LeaseFailure::Denied`] |
/// | any other, or a signal | it failed: [`LeaseFailure::Failed`] |
///
/// The last line of its standard error is part of the error's sentence. Its standard output is
/// thrown away.
///
/// # How it ends
///
/// It is the leader of a process group of its own. When it ends, or when it is not wanted any more
/// (it took longer than its limit, or a newer wish came), what is left of the group is ended by
/// `SIGKILL`: at once, because the `release` that follows must not wait for it, and what goes on
/// could undo what that does. So it may be cut off anywhere, and nothing that it started in the
/// background outlives it but a process that made a group of its own (`setsid`). The next program
/// for the same virtual router starts when this one is gone; only what a killed process has left
/// behind may still run beside it.
///
/// It needs a tokio runtime with I/O enabled, but none to end what it started.
#[derive(Debug)]
pub struct Command {
    program: Program,
    limit: Duration,
    reach: Reach,
    turns: Mutex<BTreeMap<Key, Turn>>,
}

/// Held while a program runs for one virtual router.
type Turn = Arc<tokio::sync::Mutex<()>>;

impl Command {
    /// A backend that starts `program`. A name without a slash is looked for in `PATH`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: Program::new(program),
            limit: LIMIT,
            reach: Reach::Routed,
            turns: Mutex::default(),
        }
    }

    /// Adds an argument. The action comes after all of them.
    #[must_use]
    pub fn arg(self, argument: impl Into<OsString>) -> Self {
        self.args([argument])
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<T: Into<OsString>>(self, arguments: impl IntoIterator<Item = T>) -> Self {
        Self { program: self.program.args(arguments), ..self }
    }

    /// Keeps a variable of this process's environment from the program: a secret that is not its
    /// own.
    #[must_use]
    pub fn env_remove(self, name: impl Into<OsString>) -> Self {
        Self { program: self.program.env_remove(name), ..self }
    }

    /// Sets how long the program may take; 30 s unless set.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sets how neighbours find the addresses once the program has ended well; [`Reach::Routed`]
    /// unless set, as with a cloud. A program that puts addresses on an interface wants
    /// [`Reach::OnLink`]: otherwise the neighbours go on sending to the node that had them before.
    #[must_use]
    pub fn reach(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Path {
        self.program.path()
    }

    async fn ask(&self, action: Action<'_>, lease: &Lease) -> Result<(), BackendError> {
        let turn = self.turn(lease.key).lock_owned().await;
        let mut command = self.program.command();
        command.arg(action.as_str());
        let input = message::file(action, lease).map_err(|error| {
            let what = format!(
                "what {} is to be told could not be written: {error}",
                self.program().display()
            );
            BackendError::new(LeaseFailure::Failed, what)
        })?;
        let spawn = std::process::Command::spawn;
        let running = Running::start(command, input, Heard::Errors, Leftovers::End, turn, spawn);
        let ended = match running {
            Ok(running) => running.end().await,
            Err(error) => Err(error),
        };
        let ended = ended.map_err(|error| self.unstarted(&error))?;
        self.judge(action, &ended)
    }

    fn turn(&self, key: Key) -> Turn {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(key).or_default().clone()
    }

    fn judge(&self, action: Action<'_>, ended: &Ended) -> Result<(), BackendError> {
        let (kind, advice) = match (ended.status.code(), action) {
            (Some(0), _) | (Some(UNKNOWN_ACTION), Action::Inspect) => return Ok(()),
            (Some(NO_PERMISSION), _) => (LeaseFailure::Denied, ""),
            (_, Action::Inspect) => {
                (LeaseFailure::Failed, " (a program without this action ends with exit status 64)")
            }
            (_, Action::Acquire | Action::Release(_)) => (LeaseFailure::Failed, ""),
        };
        let (program, how) = (self.program().display(), ended.how());
        let said = ended.last_line.as_deref().unwrap_or("it wrote nothing to its standard error");
        Err(BackendError::new(kind, format!("{program} {action} {how}{advice}: {said}")))
    }

    fn unstarted(&self, error: &io::Error) -> BackendError {
        let kind = match error.kind() {
            ErrorKind::PermissionDenied => LeaseFailure::Denied,
            _ => LeaseFailure::Failed,
        };
        BackendError::new(kind, self.program.unstarted(error))
    }
}

#[async_trait]
impl VipBackend for Command {
    /// What is not configured any more is given up first: a program that does not look at addresses
    /// would else give up what it has just taken.
    async fn acquire(&self, lease: &Lease) -> Result<Reach, BackendError> {
        if let Some(previous) = lease.of_previous() {
            self.release(&previous, &Release::new(Reason::Reconfigured, None)).await?;
        }
        self.ask(Action::Acquire, lease).await.map(|()| self.reach)
    }

    async fn release(&self, lease: &Lease, release: &Release) -> Result<(), BackendError> {
        if let Some(previous) = lease.of_previous() {
            self.ask(Action::Release(release), &previous).await?;
        }
        self.ask(Action::Release(release), lease).await
    }

    async fn inspect(&self, lease: &Lease) -> Result<(), BackendError> {
        self.ask(Action::Inspect, lease).await
    }

    fn timeout(&self, _method: Method) -> Duration {
        self.limit
    }

    /// One that is started in the same way.
    fn is_same(&self, other: &dyn VipBackend) -> bool {
        let Some(other) = (other as &dyn Any).downcast_ref::<Self>() else { return false };
        let Self { program, limit, reach, turns: _ } = self;
        (program, limit, reach) == (&other.program, &other.limit, &other.reach)
    }
}
