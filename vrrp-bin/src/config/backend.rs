//! Who holds the addresses.

use std::{path::PathBuf, time::Duration};

use vrrp_core::Reach;

/// How neighbours find what a command holds, as a file says it.
pub(super) const REACHES: &[(&str, Reach)] =
    &[("routed", Reach::Routed), ("on-link", Reach::OnLink)];

/// Who holds the addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// The kernel.
    Kernel {
        /// Whether they expire when this daemon dies or hangs.
        lease: bool,
    },
    /// A program.
    Command(Command),
}

/// A program that moves the addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// Its absolute path.
    pub(crate) program: PathBuf,
    /// What it is given before the words that say what to do.
    pub(crate) arguments: Vec<String>,
    /// How long it may take.
    pub(crate) timeout: Duration,
    /// How neighbours find what it holds.
    pub(crate) reach: Reach,
}

/// How neighbours find the addresses, as a file says it.
pub(super) fn reach_word(reach: Reach) -> &'static str {
    REACHES.iter().find(|(_, known)| *known == reach).map_or("routed", |(word, _)| *word)
}
