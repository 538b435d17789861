//! [`Desired`]: everything that a node is to run.

use alloc::{
    collections::{BTreeMap, btree_map},
    vec::Vec,
};
use core::{fmt, time::Duration};

use crate::{InterfaceId, Key, VirtualRouter};

/// How long a backend may take to answer, unless [`Desired::set_backend_timeout`] says otherwise.
const BACKEND_TIMEOUT: Duration = Duration::from_secs(30);
/// The shortest time that a backend may take: an answer that is due at once never comes in time.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);

/// The whole desired world, for [`Input::Configure`](crate::Input::Configure): every virtual router
/// that is to run, each on its interface.
///
/// ```
/// use vrrp_core::{Centiseconds, Desired, InterfaceId, Ipv4Addresses, VirtualRouter};
///
/// let eth0 = InterfaceId::new(2.try_into()?);
/// let addresses = Ipv4Addresses::new(["192.0.2.1".parse::<core::net::Ipv4Addr>()?])?;
/// let router = VirtualRouter::v3_ipv4(51.try_into()?, addresses, Centiseconds::ONE_SECOND);
/// let mut desired = Desired::new();
/// let key = desired.insert(eth0, router.clone())?;
/// assert_eq!(desired.get(&key), Some(&router));
/// assert_eq!(desired.insert(eth0, router).map_err(|error| error.key), Err(key));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    routers: BTreeMap<Key, Wanted>,
    groups: Vec<(GroupPolicy, Vec<Key>)>,
}

/// What a hold of one member means to the others of its group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "one or all")]
pub enum GroupPolicy {
    /// It holds all.
    #[default]
    All,
    /// It is left out, until none is left.
    Any,
}

impl GroupPolicy {
    /// Returns its word, as configurations and `status` have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Any => "any",
        }
    }
}

impl fmt::Display for GroupPolicy {
    /// The word of [`as_str`](Self::as_str).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One virtual router of the desired world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) config: VirtualRouter,
    pub(super) backend_timeout: Duration,
    /// The other interfaces that it relies on.
    pub(super) others: Vec<InterfaceId>,
    /// See [`Desired::set_revision`].
    pub(super) revision: u64,
}

/// An interface already has a virtual router of this VRID and family (RFC 9568 5.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("there is a virtual router {key} already; a VRID is unique per interface and family")]
#[non_exhaustive]
pub struct DuplicateKey {
    /// The key of both.
    pub key: Key,
}

/// Why virtual routers cannot be a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Ungroupable {
    /// One of them does not stand in this world.
    #[error("there is no virtual router {0} that could be in a group")]
    Missing(Key),
    /// One of them is in a group already, or named twice.
    #[error("the virtual router {0} is in a group already; it can move with one group only")]
    Twice(Key),
}

impl Desired {
    /// Creates a world without virtual routers.
    #[must_use]
    pub const fn new() -> Self {
        Self { routers: BTreeMap::new(), groups: Vec::new() }
    }

    /// Adds a virtual router on an interface, and returns its key. Its backend may take 30 s.
    ///
    /// # Errors
    /// [`DuplicateKey`] if the interface has one of the same VRID and family. Nothing changes then.
    pub fn insert(
        &mut self,
        interface: InterfaceId,
        router: VirtualRouter,
    ) -> Result<Key, DuplicateKey> {
        let key = router.key(interface);
        match self.routers.entry(key) {
            btree_map::Entry::Occupied(_) => Err(DuplicateKey { key }),
            btree_map::Entry::Vacant(place) => {
                let (backend_timeout, others) = (BACKEND_TIMEOUT, Vec::new());
                place.insert(Wanted { config: router, backend_timeout, others, revision: 0 });
                Ok(key)
            }
        }
    }

    /// Sets how long the backend of a virtual router may take to answer a request before it counts
    /// as failed; at least 1 ms. Does nothing if there is no such virtual router.
    pub fn set_backend_timeout(&mut self, key: &Key, timeout: Duration) {
        if let Some(wanted) = self.routers.get_mut(key) {
            wanted.backend_timeout = timeout.max(SHORTEST_TIMEOUT);
        }
    }

    /// Numbers what belongs to the addresses and is not the core's: where they are put, and what comes
    /// with them. With another number the backend is asked as if there were other addresses. Does
    /// nothing if there is no such virtual router.
    pub fn set_revision(&mut self, key: &Key, revision: u64) {
        if let Some(wanted) = self.routers.get_mut(key) {
            wanted.revision = revision;
        }
    }

    /// Has a virtual router rely on other interfaces, since some of its addresses are put there: while
    /// one of them is missing or down, it stays out ([`Hold::OtherInterface`]). An Active waits for a
    /// moment, as it does for its own interface, and then hands over. Does nothing if there is no such
    /// virtual router.
    ///
    /// [`Hold::OtherInterface`]: crate::Hold::OtherInterface
    pub fn rely_on(&mut self, key: &Key, others: impl IntoIterator<Item = InterfaceId>) {
        if let Some(wanted) = self.routers.get_mut(key) {
            wanted.others = others.into_iter().collect();
        }
    }

    /// Has virtual routers become Active together and leave together. The first one decides: while
    /// it is Active on this node, the others follow, and while it is Active elsewhere, they hand
    /// over.
    ///
    /// # Errors
    /// [`Ungroupable`]; nothing changes then.
    pub fn group(
        &mut self,
        policy: GroupPolicy,
        members: impl IntoIterator<Item = Key>,
    ) -> Result<(), Ungroupable> {
        let mut keys: Vec<Key> = Vec::new();
        for key in members {
            if !self.routers.contains_key(&key) {
                return Err(Ungroupable::Missing(key));
            }
            if keys.contains(&key) || self.groups.iter().any(|(_, others)| others.contains(&key)) {
                return Err(Ungroupable::Twice(key));
            }
            keys.push(key);
        }
        self.groups.push((policy, keys));
        Ok(())
    }

    pub(super) fn groups(&self) -> &[(GroupPolicy, Vec<Key>)] {
        &self.groups
    }

    /// Returns the virtual router of this key.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&VirtualRouter> {
        self.routers.get(key).map(|wanted| &wanted.config)
    }

    /// Returns the virtual routers, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &VirtualRouter)> + '_ {
        self.routers.iter().map(|(key, wanted)| (*key, &wanted.config))
    }

    /// Returns the number of virtual routers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.routers.len()
    }

    /// Returns whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routers.is_empty()
    }

    pub(super) fn wanted(&self) -> impl Iterator<Item = (&Key, &Wanted)> + '_ {
        self.routers.iter()
    }
}
