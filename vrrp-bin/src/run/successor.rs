//! [`Successor`]: the program on disk, which may take the place of the one that runs.
//!
//! To execute it keeps the process, its number and its environment, and ends everything else at
//! once: nobody resigns, the addresses stay for what is left of their lease, and the new program
//! adopts them like one that starts after a crash.

use std::{
    convert::Infallible,
    env,
    ffi::{CString, NulError, OsString},
    io,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use nix::unistd::execve;
use tokio::{process::Command, time::timeout};

use super::predecessor::Predecessor;
use crate::{
    cli::{self, keepalived::is_meant},
    import::environment::PREDECESSOR,
};

/// How long a program may take to say whether it can be started.
const PATIENCE: Duration = Duration::from_secs(10);
/// More of what it says is not passed on.
const LINES: usize = 10;

/// The program that is started the next time, with the arguments of this process.
#[derive(Clone)]
pub(super) struct Successor {
    /// Unknown where the operating system does not say it.
    path: Option<PathBuf>,
    arguments: Vec<OsString>,
    /// What it is told of this process.
    predecessor: String,
}

/// Why the program that runs is not replaced.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(
        "nothing says where this program was started from, since /proc is not mounted; stop it and \
         start it"
    )]
    NoPath,
    #[error("{path} cannot be started: {error}; put a program there that can be")]
    NoProgram { path: String, error: io::Error },
    #[error("{0} did not say within 10 s whether it can use the configuration; try `vrrp check`")]
    Slow(String),
    #[error("{path} cannot take over ({status}); it says:\n{said}")]
    Unfit { path: String, status: ExitStatus, said: String },
    #[error("an argument of this process cannot be passed on: {0}")]
    Argument(#[from] NulError),
}

impl Successor {
    /// What was started as this process. Whoever starts it by an absolute path means whatever is
    /// there: a link is followed anew. This has to be asked before the program is replaced.
    pub(super) fn of_this_process() -> Self {
        let arguments: Vec<OsString> = env::args_os().collect();
        let called = arguments.first().map(PathBuf::from).filter(|path| path.is_absolute());
        let path = called.or_else(|| env::current_exe().ok());
        Self { path, arguments, predecessor: String::new() }
    }

    /// The same program, which is told what the node of this process does.
    pub(super) fn after(self, predecessor: Predecessor) -> Self {
        Self { predecessor: predecessor.to_text(), ..self }
    }

    /// Where it is.
    ///
    /// # Errors
    /// [`Refused::NoPath`].
    pub(super) fn path(&self) -> Result<&Path, Refused> {
        self.path.as_deref().ok_or(Refused::NoPath)
    }

    /// Has it say whether it would start: it reads the configuration and ends.
    ///
    /// To drop this future ends the program.
    ///
    /// # Errors
    /// [`Refused`].
    pub(super) async fn try_out(&self) -> Result<(), Refused> {
        let mut program = Command::new(self.path()?);
        let path = self.path()?.display().to_string();
        program.args(self.trial()).kill_on_drop(true);
        program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let output = timeout(PATIENCE, program.output())
            .await
            .map_err(|_| Refused::Slow(path.clone()))?
            .map_err(|error| Refused::NoProgram { path: path.clone(), error })?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().take(LINES).collect::<Vec<_>>().join("\n");
        Err(Refused::Unfit { path, status: output.status, said })
    }

    /// The arguments of this process, with the one that asks for a trial before all others.
    fn trial(&self) -> Vec<OsString> {
        let is_keepalived = self.arguments.first().is_some_and(|name| is_meant(name));
        // Ours has `run` before its options.
        let command = if is_keepalived { None } else { self.arguments.get(1) };
        let options = self.arguments.iter().skip(1 + usize::from(command.is_some()));
        command.into_iter().chain([&OsString::from(cli::TRY_OUT)]).chain(options).cloned().collect()
    }

    /// Executes it in the place of this process. Returns only what is in the way of that.
    pub(super) fn take_over(&self) -> Refused {
        match self.execute() {
            Ok(never) => match never {},
            Err(refused) => refused,
        }
    }

    fn execute(&self) -> Result<Infallible, Refused> {
        let text = |text: OsString| CString::new(text.into_vec());
        let path = text(self.path()?.into())?;
        let arguments = self.arguments.iter().cloned().map(text).collect::<Result<Vec<_>, _>>()?;
        let failed = |errno: nix::Error| Refused::NoProgram {
            path: path.to_string_lossy().into_owned(),
            error: errno.into(),
        };
        execve(&path, &arguments, &self.environment()?).map_err(failed)
    }

    fn environment(&self) -> Result<Vec<CString>, NulError> {
        let others = env::vars_os().filter(|(name, _)| name != PREDECESSOR);
        let ours = (OsString::from(PREDECESSOR), OsString::from(&self.predecessor));
        let variable = |(name, value): (OsString, OsString)| {
            CString::new([name.into_vec(), value.into_vec()].join(&b'='))
        };
        others.chain([ours]).map(variable).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_is_asked_for_before_the_options() {
        let trial = |words: &str| {
            let arguments = words.split(' ').map(OsString::from).collect();
            let path = Some("/usr/bin/vrrp".into());
            Successor { path, arguments, predecessor: String::new() }
                .trial()
                .join(&OsString::from(" "))
        };
        assert_eq!(trial("/usr/bin/vrrp run -c a.toml"), "run --try-out -c a.toml");
        assert_eq!(trial("vrrp run"), "run --try-out");
        assert_eq!(trial("/usr/sbin/keepalived -f a.conf -n"), "--try-out -f a.conf -n");
        assert_eq!(trial("keepalived"), "--try-out");
    }
}
