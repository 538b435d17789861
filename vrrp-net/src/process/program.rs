//! [`Program`]: a program with its arguments, as it was configured.

use std::{
    ffi::OsString,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    process::Command,
};

use nix::errno::Errno;

use crate::remedy::Explained;

/// A program, its arguments, and what it is not told. It is started without a shell.
///
/// ```
/// use vrrp_net::Program;
///
/// let program = Program::new("/usr/local/bin/notify").arg("--quiet").env_remove("TOKEN");
/// assert!(program.path().ends_with("notify"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    /// The variables of this process's environment that it does not see.
    without: Vec<OsString>,
}

impl Program {
    /// Returns one without arguments. A name without a slash is looked for in `PATH`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), arguments: Vec::new(), without: Vec::new() }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(self, argument: impl Into<OsString>) -> Self {
        self.args([argument])
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<T: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Keeps a variable of this process's environment from it: a secret that is not its own.
    #[must_use]
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.without.push(name.into());
        self
    }

    /// The program itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what starts it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments);
        for name in &self.without {
            command.env_remove(name);
        }
        command
    }

    /// Returns why it could not be started, as a sentence with what to do.
    pub(crate) fn unstarted(&self, error: &io::Error) -> String {
        self.not_run(unstarted(error))
    }

    /// Returns why it is not run, as a sentence.
    pub(crate) fn not_run(&self, why: impl std::fmt::Display) -> String {
        format!("{} cannot be run: {why}", self.path.display())
    }
}

/// Why a program could not be started, and what to do.
fn unstarted(error: &io::Error) -> String {
    match (error.kind(), error.raw_os_error().map(Errno::from_raw)) {
        (ErrorKind::NotFound, _) => "it, or the interpreter that its first line names, does not \
                                     exist; install it or correct the path"
            .to_owned(),
        (ErrorKind::PermissionDenied, _) => "this user may not execute it; make it executable, on \
                                             a file system that allows that"
            .to_owned(),
        (_, Some(Errno::ENOEXEC)) => "it is no program of this machine; a script begins with a \
                                      line like #!/bin/sh"
            .to_owned(),
        (_, _) => Explained(error).to_string(),
    }
}
