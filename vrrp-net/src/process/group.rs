//! [`Group`]: the process group of a program, from its start until nothing of it is left.

use std::{
    fs,
    io::{self, ErrorKind},
    process::{Child, Command, ExitStatus},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, waitid, waitpid},
    },
    unistd::Pid,
};

/// How long processes that were killed are waited for. A kernel takes milliseconds, unless one
/// hangs in a driver.
const DYING: Duration = Duration::from_secs(1);

/// What becomes of the rest of a group when its leader has ended by itself. If it is killed, all of
/// it goes in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leftovers {
    /// It is ended.
    End,
    /// It goes on: a service that a script has started.
    Stay,
}

/// Starts a program, on a thread that nothing else uses afterwards.
pub(crate) trait Spawn: FnOnce(&mut Command) -> io::Result<Child> + Send + 'static {}

impl<T: FnOnce(&mut Command) -> io::Result<Child> + Send + 'static> Spawn for T {}

/// The process group of a program.
#[derive(Default)]
pub(super) struct Group(Mutex<State>);

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Starting,
    /// Nobody wants it any more, before it was started.
    Cancelled,
    /// Its leader has not been collected, so that the number is its own.
    Running(Pid),
    /// It was killed, and its leader has not been collected.
    Killed,
    Gone,
}

impl Group {
    /// Runs a program from its start, which is `spawn`, until its group is gone.
    pub(super) fn run(
        &self,
        mut command: Command,
        spawn: impl Spawn,
        leftovers: Leftovers,
    ) -> io::Result<ExitStatus> {
        if matches!(*self.state(), State::Cancelled) {
            return Err(ErrorKind::Interrupted.into());
        }
        let mut leader = spawn(&mut command)?;
        // It holds the end of the pipe that is the program's.
        drop(command);
        let pid = Pid::from_raw(i32::try_from(leader.id()).map_err(io::Error::other)?);
        self.started(pid);
        await_exit(pid);
        let ends = self.ended(pid, leftovers);
        let status = leader.wait();
        if ends {
            await_end(pid);
        }
        status
    }

    fn started(&self, pid: Pid) {
        let mut state = self.state();
        let was_cancelled = matches!(*state, State::Cancelled);
        *state = State::Running(pid);
        if was_cancelled {
            kill(pid);
            *state = State::Killed;
        }
    }

    /// The leader has ended, and is still there to be collected. Returns whether what is left of
    /// the group goes, too.
    fn ended(&self, pid: Pid, leftovers: Leftovers) -> bool {
        let mut state = self.state();
        let ends = leftovers == Leftovers::End || matches!(*state, State::Killed);
        if ends {
            kill(pid);
        }
        *state = State::Gone;
        ends
    }

    pub(super) fn kill(&self) {
        let mut state = self.state();
        match *state {
            State::Starting => *state = State::Cancelled,
            State::Running(pid) => {
                kill(pid);
                *state = State::Killed;
            }
            State::Cancelled | State::Killed | State::Gone => {}
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete in itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kill(group: Pid) {
    // It may have ended already; and a program of another user may not be killed, which the limit
    // on the next one makes known.
    let _ = killpg(group, Signal::SIGKILL);
}

/// Waits until a process has ended, and leaves it to be collected.
fn await_exit(pid: Pid) {
    while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {}
}

/// Waits until nothing of a group runs any more. Those that have ended are ours to collect where
/// this process is the first one of a container.
fn await_end(group: Pid) {
    let give_up_at = Instant::now() + DYING;
    let mut runs = killpg(group, None) != Err(Errno::ESRCH);
    while runs && Instant::now() < give_up_at {
        thread::sleep(Duration::from_millis(1));
        while waitpid(Pid::from_raw(-group.as_raw()), Some(WaitPidFlag::WNOHANG))
            .is_ok_and(|it| it.pid().is_some())
        {}
        runs = killpg(group, None) != Err(Errno::ESRCH) && any_runs(group);
    }
}

/// Whether a process of a group runs. The kernel goes on naming those that have ended until
/// somebody collects them, which may be never.
fn any_runs(group: Pid) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else { return false };
    let stat =
        |entry: io::Result<fs::DirEntry>| fs::read_to_string(entry.ok()?.path().join("stat")).ok();
    processes.filter_map(stat).any(|stat| {
        // PID (NAME) STATE PARENT GROUP ..., where the name may hold anything (proc_pid_stat(5)).
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let (state, of) = (fields.next(), fields.nth(1));
        of.and_then(|of| of.parse().ok()) == Some(group.as_raw())
            && !matches!(state, Some("Z" | "X"))
    })
}
