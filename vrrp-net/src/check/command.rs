//! [`Command`]: a program ends well.

#[cfg(test)]
mod tests;

use std::{any::Any, ffi::OsString, path::PathBuf, sync::Arc};

use async_trait::async_trait;

use super::{Check, outcome::Outcome};
use crate::process::{Ended, Heard, Leftovers, Program, Start, Unprivileged, User};

/// What a shell says of a program that cannot be executed, or is not there.
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;

/// Passes if a program ends with exit status 0.
///
/// ```
/// use vrrp_net::check::Command;
///
/// let check = Command::new("/usr/local/bin/ok").arg("--quick").user("nobody");
/// # let _ = check;
/// ```
///
/// # What it is given
///
/// It is started without a shell, with nothing on its standard input, in the environment (but for
/// [`Command::env_remove`]) and the working directory of this process. It has none of this process's
/// capabilities and can gain none (`no_new_privs`): no `sudo` works in it. As root it may still do
/// what root may do by owning files; [`Command::user`] is better.
///
/// # What it says
///
/// | | is |
/// |---|---|
/// | exit status 0 | [`Outcome::Passed`] |
/// | it cannot be started; exit status 126 or 127 | [`Outcome::NotRun`] |
/// | this host starts programs so slowly that its turn does not come within 500 ms | [`Outcome::NotRun`] |
/// | any other exit status, or a signal | [`Outcome::Failed`] |
///
/// The last line of what it writes, to its standard output or error, is kept. What it writes is read
/// at 64 MB/s at most, so that a flood takes little of the time of others.
///
/// # How it ends
///
/// It is the leader of a process group of its own. When it ends, or at the timeout, or when nobody
/// wants the check any more, what is left of the group is ended by `SIGKILL`. A process that made a
/// group of its own (`setsid`) is left. The next run begins when the group is gone.
#[derive(Clone, Debug)]
pub struct Command {
    program: Program,
    user: User,
    /// Held while it runs.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Command {
    /// Returns one that starts `program`. A name without a slash is looked for in `PATH`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: Program::new(program), user: User::default(), turn: Arc::default() }
    }

    /// Adds an argument.
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

    /// Has it run as this user, with the user's group and supplementary groups. Who that is is
    /// looked up at each run. This process has to be root, or have the capabilities to become
    /// another (`CAP_SETUID`, `CAP_SETGID`) and to end what it started (`CAP_KILL`).
    #[must_use]
    pub fn user(self, name: impl Into<String>) -> Self {
        Self { user: User::named(name), ..self }
    }

    async fn start(&self) -> Result<Unprivileged, String> {
        let turn = self.turn.clone().lock_owned().await;
        let account = self.user.account(&self.program).await?;
        let start = Start::begin().await.ok_or_else(|| self.crowded_out())?;
        let command = self.program.command();
        Unprivileged::start(command, account, start, Heard::All, Leftovers::End, turn)
            .map_err(|error| self.user.unstarted(&self.program, &error))
    }

    fn judge(&self, ended: &Ended) -> Outcome {
        let how = format!("{} {}", self.program.path().display(), ended.how());
        let said = ended.last_line.as_deref();
        let with_words = said.map_or_else(|| how.clone(), |said| format!("{how}: {said}"));
        match ended.status.code() {
            Some(0) => Outcome::Passed(said.map_or(how, str::to_owned)),
            Some(NOT_EXECUTABLE | NOT_FOUND) => Outcome::NotRun(with_words),
            Some(_) | None => Outcome::Failed(with_words),
        }
    }

    fn crowded_out(&self) -> String {
        self.program.not_run(
            "this host starts its programs too slowly; let fewer checks run programs, or less often",
        )
    }
}

#[async_trait]
impl Check for Command {
    async fn run(&self) -> Outcome {
        let ended = match self.start().await {
            Ok(running) => running.end().await,
            Err(why) => return Outcome::NotRun(why),
        };
        match ended {
            Ok(ended) => self.judge(&ended),
            Err(error) => Outcome::NotRun(self.user.unstarted(&self.program, &error)),
        }
    }

    fn describe(&self) -> String {
        format!("{} ends with exit status 0", self.program.path().display())
    }

    fn is_same(&self, other: &dyn Check) -> bool {
        let Some(other) = (other as &dyn Any).downcast_ref::<Self>() else { return false };
        let Self { program, user, turn: _ } = self;
        (program, &user.name) == (&other.program, &other.user.name)
    }
}
