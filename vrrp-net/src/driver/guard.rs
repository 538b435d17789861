//! [`Guard`]: one process runs a virtual router, and a second one is told which.

mod holder;
mod listener;
mod name;
mod owner;

use std::collections::{BTreeMap, BTreeSet};

use socket2::Socket;
use vrrp_core::Key;

use crate::{Error, Member};
use holder::Holder;
use name::{Claimed, Name};

/// Two processes that run one virtual router on one host would fight over its addresses, and
/// neither would hear the other: they have the same source address.
///
/// Each virtual router is an abstract Unix socket that this process listens on. Such names belong
/// to a network namespace, as interfaces and addresses do, and the kernel frees them when a process
/// ends, however it ends.
///
/// Anybody may listen there, also who cannot speak VRRP. Such a holder is passed over: the next
/// name is `vrrp/eth0/ipv4/51/2`, and so on. Whoever comes later looks at all of them, because
/// names are given back in any order.
pub(crate) enum Guard {
    /// For a network that is not this host's.
    Off,
    /// The sockets, by virtual router.
    On(BTreeMap<Key, Socket>),
}

impl Guard {
    pub(crate) const fn new() -> Self {
        Self::On(BTreeMap::new())
    }

    /// Takes what is not taken yet of `members`, in the network namespace of this thread: all of
    /// it, or nothing.
    pub(super) fn take(&mut self, members: &[(Key, Member)]) -> Result<(), Error> {
        let Self::On(taken) = self else { return Ok(()) };
        let mut new = Vec::new();
        for (key, member) in members.iter().filter(|(key, _)| !taken.contains_key(key)) {
            let (name, socket) = claim(*key, member)?;
            new.push((*key, member, name, socket));
        }
        // Only now: of two that start at once, at least one sees the other.
        let present = name::present();
        for (key, member, name, _) in &new {
            let others = name.others(present.as_deref());
            let believed =
                others.filter_map(|other| listener::of(&other)).find_map(Holder::believed);
            if let Some(holder) = believed {
                return Err(refused(*key, member, holder));
            }
        }
        taken.extend(new.into_iter().map(|(key, _, _, socket)| (key, socket)));
        Ok(())
    }

    /// Gives up everything but `keys`.
    pub(super) fn keep(&mut self, keys: &BTreeSet<Key>) {
        if let Self::On(taken) = self {
            taken.retain(|key, _| keys.contains(key));
        }
    }
}

/// How often a name is tried that is taken and yet nobody listens on: its holder is about to
/// listen, or has just ended.
const TRIES: usize = 3;

/// Takes the first name that is free, past those whose holders are passed over.
fn claim(key: Key, member: &Member) -> Result<(Name, Socket), Error> {
    let failed =
        |source| Error::Io { what: format!("cannot claim {key} for this process"), source };
    let mut name = Name::first(key, &member.interface);
    let mut tries = 0;
    loop {
        match name.claim().map_err(failed)? {
            Claimed::Ours(socket) => return Ok((name, socket)),
            Claimed::Held => {}
        }
        let holder = match listener::of(&name) {
            None if tries < TRIES => {
                tries += 1;
                continue;
            }
            holder => holder.unwrap_or_else(|| listener::silent(&name)),
        };
        match holder {
            Holder::Believed(holder) => return Err(refused(key, member, holder)),
            Holder::Powerless { pid, uid, process } => {
                warn(member, &name, pid, uid, &process);
                name = name.next().map_err(failed)?;
            }
        }
    }
}

fn warn(member: &Member, name: &Name, pid: i32, uid: u32, process: &str) {
    tracing::warn!(
        event = "guard-passed-over",
        name = &*member.name,
        pid,
        uid,
        "{}: {process} of user {uid} holds the name {name}, which stands for a virtual router that \
         runs, but may not speak VRRP: it is passed over; find out what it is, and end it",
        member.name
    );
}

fn refused(key: Key, member: &Member, holder: String) -> Error {
    let (interface, vrid) = (member.interface.to_string(), key.vrid.get());
    Error::Taken { interface, vrid, family: key.family, holder }
}
