//! Programs that are told what becomes of virtual routers and groups.

use std::{collections::BTreeMap, time::Duration};

use super::{look::Program, place::Located};

/// How long a program that is told a state may take, unless the configuration says otherwise.
pub(crate) const NOTIFY_LIMIT: Duration = Duration::from_secs(30);
/// The same for one that runs before the addresses are put.
pub(crate) const BEFORE_LIMIT: Duration = Duration::from_secs(2);

/// The key of each program that is told states, as a file says it.
pub(crate) const NOTIFY: &[(&str, Told)] = &[
    ("notify", Told::All),
    ("notify_active", Told::Active),
    ("notify_backup", Told::Backup),
    ("notify_fault", Told::Fault),
    ("notify_stop", Told::Stop),
];

/// Which states a program is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    /// Every state.
    All,
    /// That it is active.
    Active,
    /// That it is a backup.
    Backup,
    /// That a fault keeps it out.
    Fault,
    /// That it has ended.
    Stop,
}

/// A program, and how long it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    /// The program.
    pub(crate) program: Program,
    /// How long it may take.
    pub(crate) timeout: Duration,
}

/// The programs that are told states: one for all of them, and one for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scripts(BTreeMap<Told, Located<Script>>);

impl Scripts {
    /// Has `script` told the states of `told`, in place of an earlier one.
    pub(crate) fn set(&mut self, told: Told, script: Located<Script>) {
        self.0.insert(told, script);
    }

    /// The program that is told the states of `told`.
    pub(crate) fn get(&self, told: Told) -> Option<&Script> {
        self.0.get(&told).map(|script| &script.value)
    }

    /// Keeps only those that `is_kept` says.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(&Located<Script>) -> bool) {
        self.0.retain(|_, script| is_kept(script));
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, with their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Told, &Located<Script>)> {
        self.0.iter().map(|(told, script)| (*told, script))
    }
}
