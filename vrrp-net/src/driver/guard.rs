//! [`Guard`]: one process runs a virtual router, and a second one is told which.

#[cfg(target_os = "linux")]
mod holder;
#[cfg(target_os = "linux")]
mod listener;
#[cfg(target_os = "linux")]
mod name;
#[cfg(target_os = "linux")]
mod owner;
#[cfg(target_os = "linux")]
mod taken;

use std::collections::BTreeSet;

use vrrp_core::Key;
#[cfg(target_os = "linux")]
use vrrp_core::{Family, Vrid};

use crate::{Error, Member};
#[cfg(target_os = "linux")]
use taken::Taken;

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
    #[cfg(target_os = "linux")]
    On(Taken),
}

#[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "there is nothing to take"))]
impl Guard {
    #[cfg(target_os = "linux")]
    pub(crate) fn new() -> Self {
        Self::On(Taken::default())
    }

    /// Takes what is not taken yet of `members`, in the network namespace of this thread: all of
    /// it, or nothing.
    pub(super) fn take(&mut self, members: &[(Key, Member)]) -> Result<(), Error> {
        match self {
            Self::Off => Ok(()),
            #[cfg(target_os = "linux")]
            Self::On(taken) => taken.take(members),
        }
    }

    /// Gives up everything but `keys`.
    pub(super) fn keep(&mut self, keys: &BTreeSet<Key>) {
        match self {
            Self::Off => {}
            #[cfg(target_os = "linux")]
            Self::On(taken) => taken.keep(keys),
        }
    }

    /// The process that runs a virtual router in the network namespace of this thread, in words.
    #[cfg(target_os = "linux")]
    pub(crate) fn who_runs(interface: &str, family: Family, vrid: Vrid) -> Option<String> {
        let first = name::Name::first(interface, family, vrid);
        let present = name::present();
        let others = first.others(present.as_deref());
        std::iter::once(first.clone())
            .chain(others)
            .filter_map(|name| listener::of(&name))
            .find_map(holder::Holder::believed)
    }
}
