//! [`Script`] and [`Scripts`]: what is run.

use std::time::Duration;

use super::State;
use crate::Program;

/// How long a script may take, unless [`Script::limit`] says something else.
const LIMIT: Duration = Duration::from_secs(30);

/// A program that is told states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub(super) program: Program,
    pub(super) limit: Duration,
    pub(super) user: Option<String>,
}

impl Script {
    /// Returns one that may take 30 s, and runs as this process's user.
    #[must_use]
    pub const fn new(program: Program) -> Self {
        Self { program, limit: LIMIT, user: None }
    }

    /// Sets how long it may take. Past that its process group is killed.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Has it run as this user, with the user's group and supplementary groups. Who that is is
    /// looked up at each run. This process has to be root, or have the capabilities to become
    /// another (`CAP_SETUID`, `CAP_SETGID`) and to end what it started (`CAP_KILL`).
    #[must_use]
    pub fn user(self, name: impl Into<String>) -> Self {
        Self { user: Some(name.into()), ..self }
    }
}

/// The scripts of one virtual router, of one group, or of a node: one for each state, and one for
/// all of them. A state's own is run first.
///
/// To set one twice replaces it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scripts {
    all: Option<Script>,
    active: Option<Script>,
    backup: Option<Script>,
    fault: Option<Script>,
    stop: Option<Script>,
}

impl Scripts {
    /// Sets the one that is told every state, by further arguments.
    #[must_use]
    pub fn all(self, script: Script) -> Self {
        Self { all: Some(script), ..self }
    }

    /// Sets the one for [`State::Active`].
    #[must_use]
    pub fn active(self, script: Script) -> Self {
        Self { active: Some(script), ..self }
    }

    /// Sets the one for [`State::Backup`].
    #[must_use]
    pub fn backup(self, script: Script) -> Self {
        Self { backup: Some(script), ..self }
    }

    /// Sets the one for [`State::Fault`].
    #[must_use]
    pub fn fault(self, script: Script) -> Self {
        Self { fault: Some(script), ..self }
    }

    /// Sets the one for [`State::Stop`].
    #[must_use]
    pub fn stop(self, script: Script) -> Self {
        Self { stop: Some(script), ..self }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        let Self { all, active, backup, fault, stop } = self;
        all.is_none() && active.is_none() && backup.is_none() && fault.is_none() && stop.is_none()
    }

    /// Those that are run in this state, in their order, and whether each is told it by arguments.
    pub(super) fn of(&self, state: State) -> impl Iterator<Item = (&Script, bool)> {
        let own = match state {
            State::Active => &self.active,
            State::Backup => &self.backup,
            State::Fault => &self.fault,
            State::Stop => &self.stop,
        };
        let all = self.all.iter().map(|script| (script, true));
        own.iter().map(|script| (script, false)).chain(all)
    }
}
