//! Interfaces by name, and the ports of the link that are open on them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    num::NonZeroU32,
    ops::Bound,
    sync::Arc,
    time::Duration,
};

use vrrp_core::{
    Family, Instant, InterfaceId, InterfaceStatus, MacAddr, NOBODYS, Transport, VirtualRouter,
};

use super::members::Members;
use crate::{
    link::{Interest, Link, Port, VridInterest},
    monitor::Snapshot,
};

/// When a port that could not be opened is tried again, unless its interface changes before.
const RETRY: Duration = Duration::from_secs(1);

/// Every interface that a virtual router is on, or relies on. One that is forgotten and comes back has another
/// number, so that nothing that is left of the first one is taken for the second.
#[derive(Default)]
pub(super) struct Interfaces {
    by_name: BTreeMap<Arc<str>, Interface>,
    last_id: u32,
}

struct Interface {
    id: InterfaceId,
    snapshot: Snapshot,
    open: BTreeMap<Family, Interest>,
    /// Families whose port could not be opened, with what the operating system said.
    failed: BTreeMap<Family, io::Error>,
    retry_at: Option<Instant>,
    /// Families that have lost their last address: the kernel forgets with it what a port listens
    /// to.
    deaf: BTreeSet<Family>,
    /// What the core was last told.
    told: Option<InterfaceStatus>,
}

impl Interfaces {
    /// The number of the interface `name`, and whether it is a new one.
    pub(super) fn id(&mut self, name: &Arc<str>) -> (InterfaceId, bool) {
        if let Some(known) = self.by_name.get(name) {
            return (known.id, false);
        }
        self.last_id = self.last_id.saturating_add(1);
        let id = InterfaceId::new(NonZeroU32::MIN.saturating_add(self.last_id.saturating_sub(1)));
        let interface = Interface {
            id,
            snapshot: Snapshot::default(),
            open: BTreeMap::new(),
            failed: BTreeMap::new(),
            retry_at: None,
            deaf: BTreeSet::new(),
            told: None,
        };
        self.by_name.insert(name.clone(), interface);
        (id, true)
    }

    /// The number of an interface that is known.
    pub(super) fn known(&self, name: &str) -> Option<InterfaceId> {
        self.by_name.get(name).map(|interface| interface.id)
    }

    /// What addresses are announced on, on an interface that no port has to be open on. `None` while
    /// it is missing, and where nobody can be told: a loopback interface has no neighbours.
    pub(super) fn port(&self, name: &str, family: Family) -> Option<Port> {
        let Interface { id, snapshot, .. } = self.by_name.get(name)?;
        let Snapshot { index, mac, .. } = *snapshot;
        let has_neighbours = snapshot.is_present() && mac != MacAddr::default();
        has_neighbours.then(|| Port::new(*id, family, name, index, mac))
    }

    /// Those of these that are missing or down.
    pub(super) fn unready<'a>(
        &'a self,
        names: &'a BTreeSet<Arc<str>>,
    ) -> impl Iterator<Item = &'a Arc<str>> {
        names.iter().filter(|name| !self.is_up(name))
    }

    /// Takes over how the interface `name` is now. Ports that belong to an interface which is gone,
    /// or came back as another one, are closed. Returns the number of the interface when another
    /// one has come in its place and nobody knows yet that the first one is gone.
    pub(super) fn update(
        &mut self,
        name: &str,
        snapshot: Snapshot,
        link: &mut impl Link,
    ) -> Option<InterfaceId> {
        let interface = self.by_name.get_mut(name)?;
        let old = std::mem::replace(&mut interface.snapshot, snapshot);
        let identity = |snapshot: &Snapshot| (snapshot.index, snapshot.incarnation.interface);
        let is_another = identity(&old) != identity(&snapshot);
        if !snapshot.is_present() || is_another || old.mac != snapshot.mac {
            interface.close_all(link);
        }
        interface.close_deaf(&old, link);
        interface.retry_at = None;
        let is_another = is_another && old.is_present() && snapshot.is_present();
        is_another.then(|| {
            interface.told = Some(InterfaceStatus::Missing);
            interface.id
        })
    }

    /// Closes every port; [`sync`](Self::sync) opens them again.
    pub(super) fn close_ports(&mut self, link: &mut impl Link) {
        for interface in self.by_name.values_mut() {
            interface.close_all(link);
        }
    }

    /// Forgets the interfaces that no member is on or relies on, and returns which.
    pub(super) fn forget_unused(
        &mut self,
        members: &Members,
        link: &mut impl Link,
    ) -> Vec<(Arc<str>, InterfaceId)> {
        let used: BTreeSet<InterfaceId> = members.keys().map(|key| key.interface).collect();
        let relied: BTreeSet<&Arc<str>> =
            members.values().flat_map(|entry| &entry.others).collect();
        let mut unused = Vec::new();
        self.by_name.retain(|name, interface| {
            let is_used = used.contains(&interface.id) || relied.contains(name);
            if !is_used {
                interface.close_all(link);
                unused.push((name.clone(), interface.id));
            }
            is_used
        });
        unused
    }

    /// Opens, changes and closes ports so that they are what `members` need, and returns what the
    /// core does not know yet.
    pub(super) fn sync(
        &mut self,
        members: &Members,
        link: &mut impl Link,
        now: Instant,
    ) -> Vec<(InterfaceId, InterfaceStatus)> {
        let mut wanted = interests(members);
        let mut news = Vec::new();
        for (name, interface) in &mut self.by_name {
            let wanted = wanted.remove(&interface.id).unwrap_or_default();
            interface.sync(name, &wanted, link, now);
            let status = interface.status();
            if interface.told != Some(status) {
                interface.told = Some(status);
                news.push((interface.id, status));
            }
        }
        news
    }

    /// When [`sync`](Self::sync) tries again to open a port.
    pub(super) fn next_retry(&self) -> Option<Instant> {
        self.by_name.values().filter_map(|interface| interface.retry_at).min()
    }

    /// The open ports in a fixed order: those after this one, or all of them.
    pub(super) fn ports_after<'a>(
        &'a self,
        last: Option<&'a (Arc<str>, Family)>,
    ) -> impl Iterator<Item = (&'a Arc<str>, InterfaceId, Family)> {
        let from = last.map_or(Bound::Unbounded, |(name, _)| Bound::Included(&**name));
        let ports = self.by_name.range::<str, _>((from, Bound::Unbounded));
        let ports = ports.flat_map(|(name, interface)| {
            interface.open.keys().map(move |family| (name, interface.id, *family))
        });
        ports.skip_while(move |(name, _, family)| {
            last.is_some_and(|(known, of)| *known == **name && family <= of)
        })
    }

    /// Why a port is not open.
    pub(super) fn port_error(&self, name: &str, family: Family) -> Option<&io::Error> {
        self.by_name.get(name)?.failed.get(&family)
    }

    /// Whether the monitor last said that an interface is up.
    pub(super) fn is_up(&self, name: &str) -> bool {
        let interface = self.by_name.get(name);
        interface.is_some_and(|it| matches!(it.snapshot.status, InterfaceStatus::Up(_)))
    }

    /// Whether an interface has this hardware address.
    pub(super) fn is_own(&self, name: &str, mac: MacAddr) -> bool {
        self.by_name.get(name).is_some_and(|interface| interface.snapshot.mac == mac)
    }

    /// What the monitor last said of an interface.
    pub(super) fn status(&self, name: &str) -> InterfaceStatus {
        self.by_name.get(name).map(|interface| interface.snapshot.status).unwrap_or_default()
    }
}

impl Interface {
    fn sync(
        &mut self,
        name: &str,
        wanted: &BTreeMap<Family, Interest>,
        link: &mut impl Link,
        now: Instant,
    ) {
        for family in [Family::Ipv4, Family::Ipv6] {
            let interest = wanted.get(&family).filter(|_| self.snapshot.is_present());
            match interest {
                None => {
                    if self.open.remove(&family).is_some() {
                        link.close(self.id, family);
                    }
                    self.failed.remove(&family);
                }
                Some(interest) if self.open.get(&family) == Some(interest) => {}
                Some(_)
                    if self.failed.contains_key(&family)
                        && self.retry_at.is_some_and(|at| now < at) => {}
                Some(interest) => self.open(name, family, interest, link),
            }
        }
        self.retry_at = match self.retry_at {
            _ if self.failed.is_empty() => None,
            Some(at) if now < at => Some(at),
            Some(_) | None => Some(now + RETRY),
        };
    }

    fn open(&mut self, name: &str, family: Family, interest: &Interest, link: &mut impl Link) {
        let Snapshot { index, mac, .. } = self.snapshot;
        match link.open(&Port::new(self.id, family, name, index, mac), interest) {
            Ok(()) => {
                self.failed.remove(&family);
                self.open.insert(family, interest.clone());
            }
            Err(error) => {
                link.close(self.id, family);
                self.open.remove(&family);
                if !self.failed.contains_key(&family) {
                    tracing::warn!(
                        event = "port-failed",
                        interface = name,
                        %family,
                        %error,
                        "cannot open the {family} socket on {name}: {error}; trying again every \
                         second"
                    );
                }
                self.failed.insert(family, error);
            }
        }
    }

    /// Closes the port of a family that has an address to send from again.
    fn close_deaf(&mut self, old: &Snapshot, link: &mut impl Link) {
        let Snapshot { incarnation, status, .. } = self.snapshot;
        for family in [Family::Ipv4, Family::Ipv6] {
            let has_source = has_source(&status, family);
            if !has_source || incarnation.of(family) != old.incarnation.of(family) {
                self.deaf.insert(family);
            }
            if has_source && self.deaf.remove(&family) && self.open.remove(&family).is_some() {
                link.close(self.id, family);
            }
        }
    }

    fn close_all(&mut self, link: &mut impl Link) {
        for (family, _) in std::mem::take(&mut self.open) {
            link.close(self.id, family);
        }
        self.failed.clear();
    }

    /// What the core is told: nothing can be sent or heard in a family whose port is not open.
    fn status(&self) -> InterfaceStatus {
        self.snapshot.status.with(|details| {
            details.mac = self.snapshot.mac;
            details.ipv4_closed = self.failed.contains_key(&Family::Ipv4);
            details.ipv6_closed = self.failed.contains_key(&Family::Ipv6);
        })
    }
}

fn has_source(status: &InterfaceStatus, family: Family) -> bool {
    status.details().is_some_and(|details| match family {
        Family::Ipv4 => details.ipv4.is_some(),
        Family::Ipv6 => details.ipv6_link_local.or(details.ipv6_routable).is_some(),
    })
}

/// What every interface has to be listened to for.
fn interests(members: &Members) -> BTreeMap<InterfaceId, BTreeMap<Family, Interest>> {
    let mut all: BTreeMap<InterfaceId, BTreeMap<Family, Interest>> = BTreeMap::new();
    for (key, entry) in members {
        let interest = all.entry(key.interface).or_default().entry(key.family).or_default();
        let (heard, multicast) = vrid_interest(&entry.router);
        interest.vrids.insert(key.vrid, heard);
        interest.multicast |= multicast;
        interest.addresses.extend(entry.router.addresses().map(|cidr| cidr.address()));
        // Who answers for this one answers for others.
        if key.family == Family::Ipv4 {
            interest.addresses.insert(NOBODYS.into());
        }
    }
    all
}

fn vrid_interest(router: &VirtualRouter) -> (VridInterest, bool) {
    let (min_ttl, multicast) = match router.transport() {
        Transport::Multicast => (None, true),
        Transport::Unicast { peers, .. } => (peers.iter().map(|peer| peer.min_ttl).min(), false),
    };
    (
        VridInterest { versions: router.version().into(), min_ttl: min_ttl.unwrap_or(u8::MAX) },
        multicast,
    )
}
