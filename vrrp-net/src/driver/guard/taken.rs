//! [`Taken`]: the names that this process has.

use std::collections::{BTreeMap, BTreeSet};

use socket2::Socket;
use vrrp_core::Key;

use super::{
    holder::Holder,
    listener,
    name::{self, Claimed, Name},
};
use crate::{Error, Member};

/// The sockets, by virtual router.
#[derive(Default)]
pub(crate) struct Taken(BTreeMap<Key, Socket>);

impl Taken {
    pub(super) fn take(&mut self, members: &[(Key, Member)]) -> Result<(), Error> {
        let Self(taken) = self;
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

    pub(super) fn keep(&mut self, keys: &BTreeSet<Key>) {
        self.0.retain(|key, _| keys.contains(key));
    }
}

/// How often a name is tried that is taken and yet nobody listens on: its holder is about to
/// listen, or has just ended.
const TRIES: usize = 3;

/// Takes the first name that is free, past those whose holders are passed over.
fn claim(key: Key, member: &Member) -> Result<(Name, Socket), Error> {
    let failed =
        |source| Error::Io { what: format!("cannot claim {key} for this process"), source };
    let mut name = Name::first(&member.interface, key.family, key.vrid);
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
