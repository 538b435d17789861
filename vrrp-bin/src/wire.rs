//! What is heard on the wire by somebody who takes no part: for `vrrp check --listen` and `vrrp scan`.

mod line;
mod side;

use std::{
    collections::BTreeSet,
    io,
    net::IpAddr,
    time::{Duration, Instant},
};

use serde::Serialize;
use vrrp_net::listen::{self, ListenError, Listener, Speakers};

pub(crate) use line::Line;
pub(crate) use side::{BOTH, Side};

/// How many addresses of a speaker are shown to people.
const SHOWN: usize = 4;

/// Who was heard, for programs.
#[derive(Debug, Serialize)]
pub(crate) struct Heard {
    /// How long it was listened.
    pub(crate) milliseconds: u64,
    /// On these interfaces.
    pub(crate) interfaces: Vec<String>,
    /// Who speaks there.
    pub(crate) speakers: Vec<Line>,
    /// How many messages there were of speakers beyond those.
    pub(crate) left_out: u64,
}

impl Heard {
    /// All of `lists`, which were heard on these interfaces within this time.
    pub(crate) fn new(time: Duration, interfaces: BTreeSet<&str>, lists: &[&Speakers]) -> Self {
        Self {
            milliseconds: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            interfaces: interfaces.into_iter().map(str::to_owned).collect(),
            speakers: lists.iter().flat_map(|list| list.iter()).map(Line::from).collect(),
            left_out: lists.iter().fold(0, |sum, list| sum.saturating_add(list.left_out())),
        }
    }
}

/// Listens for this time, and tells `each` message.
///
/// # Errors
/// What ends it sooner.
pub(crate) fn hear(
    mut listener: Listener,
    time: Duration,
    mut each: impl FnMut(&listen::Heard),
) -> Result<(), ListenError> {
    let end = Instant::now() + time;
    while let Some(heard) = listener.next(end)? {
        each(&heard);
    }
    Ok(())
}

/// Listens where that is possible. Returns where that is, and why it is not elsewhere.
pub(crate) fn open(
    mut names: BTreeSet<&str>,
) -> (Option<Listener>, BTreeSet<&str>, Vec<ListenError>) {
    let mut errors = Vec::new();
    while !names.is_empty() {
        match Listener::open(names.iter().copied()) {
            Ok(listener) => return (Some(listener), names, errors),
            Err(error) => {
                // One that is not among them is of all.
                let before = names.len();
                names.retain(|name| *name != error.interface);
                if names.len() == before {
                    names.clear();
                }
                errors.push(error);
            }
        }
    }
    (None, names, errors)
}

/// The sentence about an interface that nobody listens to, with what to do, or with what follows where
/// nothing can be done.
pub(crate) fn sentence(error: &ListenError, follows: &str) -> String {
    let advice = match error.source.kind() {
        io::ErrorKind::PermissionDenied => "run it as root or grant CAP_NET_RAW",
        _ => follows,
    };
    format!("{error}; {advice}")
}

/// Some of them, and how many more.
pub(crate) fn listed<'a>(addresses: impl IntoIterator<Item = &'a IpAddr>) -> String {
    let addresses: Vec<&IpAddr> = addresses.into_iter().collect();
    let shown: Vec<String> =
        addresses.iter().take(SHOWN).map(|address| address.to_string()).collect();
    match addresses.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
