//! [`Lease`] and what belongs to it: the words in which a driver and a backend speak.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    process,
    sync::Arc,
    time::Duration,
};

use vrrp_core::{Cidr, Generation, Key, Loss, Reach, Reason};

use super::{VirtualAddress, VirtualRoute};

/// The right to hold the addresses of one virtual router, as a backend is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The virtual router.
    pub key: Key,
    /// Its name, for logs.
    pub name: Arc<str>,
    /// Grows with every request of this process for the virtual router. It begins anew with each
    /// process, and each node counts for itself: see [`token`](Self::token).
    pub generation: Generation,
    /// Names this request among all others.
    pub token: LeaseToken,
    /// The interface's name.
    pub interface: Arc<str>,
    /// The addresses, each with the prefix length of its subnet: first those that are advertised,
    /// and then those that are only held with them, of either family.
    pub addresses: Arc<[VirtualAddress]>,
    /// The routes that are there while the addresses are.
    pub routes: Arc<[VirtualRoute]>,
    /// The addresses of an earlier configuration that may still be held. A backend that is asked to
    /// [`acquire`](crate::VipBackend::acquire), [`repair`](crate::VipBackend::repair) or
    /// [`release`](crate::VipBackend::release) releases them too. None of them is among `addresses`
    /// on the same interface.
    pub previous: Arc<[VirtualAddress]>,
    /// The same of the routes.
    pub previous_routes: Arc<[VirtualRoute]>,
    /// How long the addresses may stay after the last renewal if nobody renews again: three
    /// advertisement intervals.
    pub lasts: Duration,
    /// Whether this node owns the addresses (priority 255), so that they may be there already.
    pub owner: bool,
    /// Whether a process of this host is known to have held it until a moment ago
    /// ([`Member::succeeding`](crate::Member::succeeding)): it is adopted whatever its age.
    pub succeeds: bool,
    /// What it had, and another virtual router of the node has now: nobody is to release that.
    pub(crate) elsewhere: Arc<[Place]>,
}

/// An address on an interface: two interfaces may have the same one, if it is link-local.
pub(crate) type Place = (IpAddr, Arc<str>);

impl Lease {
    /// A lease, for tests of backends. The driver makes its own.
    #[must_use]
    pub fn new(key: Key, interface: &str, addresses: &[Cidr], lasts: Duration) -> Self {
        Self {
            key,
            name: key.to_string().into(),
            generation: Generation::default(),
            token: LeaseToken::default(),
            interface: interface.into(),
            addresses: addresses.iter().copied().map(VirtualAddress::from).collect(),
            routes: Arc::default(),
            previous: Arc::default(),
            previous_routes: Arc::default(),
            lasts,
            owner: false,
            succeeds: false,
            elsewhere: Arc::default(),
        }
    }

    /// Leaves out what another virtual router of the node has now.
    pub(crate) fn without(self, elsewhere: Vec<Place>) -> Self {
        if elsewhere.is_empty() {
            return self;
        }
        let stays = |held: &&VirtualAddress| !elsewhere.contains(&self.place(held));
        let addresses = self.addresses.iter().filter(stays).cloned().collect();
        Self { addresses, elsewhere: elsewhere.into(), ..self }
    }

    /// Where one of its addresses is.
    pub(crate) fn place(&self, held: &VirtualAddress) -> Place {
        (held.cidr.address(), self.interface_of(held).clone())
    }

    /// The addresses, without what is said of each.
    pub fn cidrs(&self) -> impl Iterator<Item = Cidr> + Clone + '_ {
        self.addresses.iter().map(|address| address.cidr)
    }

    /// The name of the interface that one of its addresses is put on.
    #[must_use]
    pub fn interface_of<'a>(&'a self, address: &'a VirtualAddress) -> &'a Arc<str> {
        address.interface.as_ref().unwrap_or(&self.interface)
    }

    /// The same lease, of its `previous` addresses and routes alone; `None` if there are none.
    #[must_use]
    pub fn of_previous(&self) -> Option<Self> {
        let lease = || Self {
            addresses: self.previous.clone(),
            routes: self.previous_routes.clone(),
            previous: Arc::default(),
            previous_routes: Arc::default(),
            ..self.clone()
        };
        (!self.previous.is_empty() || !self.previous_routes.is_empty()).then(lease)
    }
}

/// Why the addresses are released, and who has them now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Release {
    /// What caused it. [`Reason::Startup`]: this process holds nothing yet, and the leftovers of a
    /// crash have to go.
    pub reason: Reason,
    /// The node that holds them now, if it was heard. A release must not take the addresses from
    /// it.
    pub successor: Option<IpAddr>,
}

impl Release {
    /// A release for `reason` in favour of `successor`.
    #[must_use]
    pub const fn new(reason: Reason, successor: Option<IpAddr>) -> Self {
        Self { reason, successor }
    }
}

/// Addresses that are held because an earlier process of this node held them when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adopted {
    /// How neighbours find them.
    pub reach: Reach,
    /// How long ago that process renewed them last, or longer.
    pub renewed_ago: Duration,
    /// Whether it held only some of them, and the others were put just now. The addresses are
    /// announced then.
    pub completed: bool,
}

impl Adopted {
    /// Addresses that were renewed `renewed_ago`.
    #[must_use]
    pub const fn new(reach: Reach, renewed_ago: Duration) -> Self {
        Self { reach, renewed_ago, completed: false }
    }

    /// The same, after those that were missing were put.
    #[must_use]
    pub const fn completed(self) -> Self {
        Self { completed: true, ..self }
    }
}

/// Names one request to a backend among those of all nodes, now and after restarts: for an API that
/// takes a token to tell a repeated request from a new one (`ClientToken`, `Idempotency-Key`). The
/// request that is tried again by the same call has the same one.
///
/// It is random and has no order: as a fencing token between nodes, which has to grow, it is of no
/// use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LeaseToken {
    /// Of the virtual router in this process.
    base: [u64; 2],
    generation: u64,
}

impl LeaseToken {
    /// A token that no other process and no other virtual router has.
    pub(crate) fn unique() -> Self {
        // The keys of a `RandomState` come from the operating system's randomness.
        let random = |place: u64| RandomState::new().hash_one((place, process::id()));
        Self { base: [random(0), random(1)], generation: 0 }
    }

    /// The token of one request.
    pub(crate) fn of(self, generation: Generation) -> Self {
        Self { generation: generation.get(), ..self }
    }
}

impl fmt::Display for LeaseToken {
    /// At most 53 characters: hexadecimal digits, a hyphen, and a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base: [one, other], generation } = self;
        write!(f, "{one:016x}{other:016x}-{generation}")
    }
}

/// What came of a renewal: see [`VipBackend::renew`](crate::VipBackend::renew).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renewed {
    lost: Vec<(Key, Loss)>,
}

impl Renewed {
    /// Everything is still held.
    #[must_use]
    pub const fn all() -> Self {
        Self { lost: Vec::new() }
    }

    /// The same, but for the addresses of `key`, which are lost. This node stays active, and
    /// [`repair`](crate::VipBackend::repair) is asked for.
    ///
    /// [`Loss::Deleted`] says that somebody took them away on purpose: after five seconds of that
    /// this node gives way to another one. [`Loss::Lapsed`] says that they just went.
    #[must_use]
    pub fn but_lost(mut self, key: Key, loss: Loss) -> Self {
        self.lost.push((key, loss));
        self
    }

    /// What is lost.
    pub fn lost(&self) -> impl Iterator<Item = (Key, Loss)> + '_ {
        self.lost.iter().copied()
    }
}

#[cfg(test)]
impl Lease {
    /// One address on eth0, for tests of backends.
    pub(crate) fn of_eth0() -> Self {
        let interface = vrrp_core::InterfaceId::new(std::num::NonZeroU32::MIN);
        let vrid = vrrp_core::Vrid::try_from(51).unwrap();
        let key = Key { interface, family: vrrp_core::Family::Ipv4, vrid };
        Self::new(key, "eth0", &["192.0.2.10/24".parse().unwrap()], Duration::from_secs(3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_by_process_virtual_router_and_request() {
        let (one, other) = (LeaseToken::unique(), LeaseToken::unique());
        assert_ne!(one, other);
        let generation = Generation::default();
        assert_eq!(one.of(generation), one.of(generation));
        let text = other.to_string();
        assert!(text.len() <= 53 && text.ends_with("-0"), "{text}");
        assert_eq!(text.bytes().take_while(u8::is_ascii_hexdigit).count(), 32);
    }
}
