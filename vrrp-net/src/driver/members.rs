//! The virtual routers of a driver, with what the core does not know of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::sync::watch;
use vrrp_core::{
    Cidr, Generation, Hold, Instant, InterfaceStatus, Key, Phase, Role, Transport, VirtualRouter,
};

use super::{
    history::History,
    seat::{Bound, Seat},
};
use crate::{
    Group, Lease, Member, VipBackend, VirtualAddress, VirtualRoute,
    backend::{LeaseToken, Place},
};

/// The virtual routers by key; those that were removed stay until their addresses are released.
pub(super) type Members = BTreeMap<Key, MemberState>;

/// One virtual router.
pub(super) struct MemberState {
    pub(super) name: Arc<str>,
    pub(super) interface: Arc<str>,
    /// As it was configured.
    configured: VirtualRouter,
    /// The same, on the interface's networks.
    pub(super) router: VirtualRouter,
    pub(super) backend: Arc<dyn VipBackend>,
    /// How its addresses are put, and what is held with them.
    belongings: Belongings,
    /// Counts how often that has become another.
    pub(super) revision: u64,
    pub(super) addresses: Arc<[VirtualAddress]>,
    /// The interface on which the kernel has them, if it has: see [`VipBackend::watched`].
    pub(super) watched: Option<Arc<str>>,
    /// The other interfaces that it relies on: its addresses or routes are there.
    pub(super) others: BTreeSet<Arc<str>>,
    /// The core's last request.
    pub(super) asked: Generation,
    token: LeaseToken,
    /// The phase that was last told, which is the core's after each turn.
    pub(super) phase: Phase,
    /// When it was told, by the wall clock then: an age that is measured anew would differ by a
    /// millisecond now and then.
    pub(super) since: SystemTime,
    /// Its last transitions.
    pub(super) history: History,
    /// What it moves together with.
    pub(super) group: Option<Group>,
    /// Its place in the last configuration: the first member of a group decides.
    pub(super) place: usize,
    /// Removed from the configuration, and not gone yet.
    pub(super) leaving: bool,
    /// Addresses that it had, and the virtual router that is to have each now.
    pub(super) moved: Vec<(Place, Key)>,
    /// Addresses that it has, and the virtual router that had each before.
    pub(super) taken_over: Vec<(Place, Key)>,
    /// Until when no other node takes over from the process that it goes on for.
    pub(super) succeeds_until: Option<Instant>,
    /// What the backend said when it last failed.
    pub(super) error: Option<String>,
    /// What it said when it could not let go of the addresses, until it has, or holds them again.
    pub(super) unreleased: Option<String>,
    /// What came of its last advertisement, if that did not reach everybody.
    pub(super) send_error: Option<String>,
    pub(super) send_warning: Throttle,
    pub(super) unreachable_warning: Throttle,
    pub(super) loss_warning: Throttle,
    /// When a program last had its addresses announced.
    pub(super) announced_at: Option<Instant>,
    /// Of each route that was lost.
    pub(super) route_warnings: BTreeMap<Cidr, Throttle>,
    /// Whether it was said that the node's own address stands among the peers.
    own_address_reported: bool,
    published: watch::Sender<Phase>,
    bound: Arc<Bound>,
}

impl MemberState {
    pub(super) fn new(key: Key, member: Member) -> Self {
        let belongings = Belongings::of(&member);
        let Member { name, interface, router, backend, group, .. } = member;
        let phase = Phase::Initialize(Hold::Stopped);
        let mut state = Self {
            addresses: belongings.held(&router),
            belongings,
            revision: 0,
            watched: None,
            others: BTreeSet::new(),
            name,
            interface,
            configured: router.clone(),
            router,
            backend,
            asked: Generation::default(),
            token: LeaseToken::unique(),
            phase,
            since: SystemTime::now(),
            history: History::default(),
            leaving: false,
            group,
            place: 0,
            moved: Vec::new(),
            taken_over: Vec::new(),
            succeeds_until: None,
            error: None,
            unreleased: None,
            send_error: None,
            send_warning: Throttle::default(),
            unreachable_warning: Throttle::default(),
            loss_warning: Throttle::default(),
            announced_at: None,
            route_warnings: BTreeMap::new(),
            own_address_reported: false,
            published: watch::Sender::new(phase),
            bound: Arc::default(),
        };
        state.watched = state.backend.watched(&state.lease(key, &state.router));
        state.others = state.relies_on();
        state
    }

    /// Takes over a new configuration, and gives back the backend if it is replaced by another.
    pub(super) fn replace(&mut self, key: Key, member: Member) -> Option<Arc<dyn VipBackend>> {
        let belongings = Belongings::of(&member);
        self.revision = self.revision.wrapping_add(u64::from(belongings != self.belongings));
        self.belongings = belongings;
        self.route_warnings.clear();
        let Member { name, interface, router, backend, group, .. } = member;
        self.group = group;
        self.router = router;
        self.configured = self.router.clone();
        self.addresses = self.belongings.held(&self.router);
        (self.name, self.interface) = (name, interface);
        (self.leaving, self.own_address_reported) = (false, false);
        // One that does the same goes on with what is held.
        let is_same = Arc::ptr_eq(&self.backend, &backend) || backend.is_same(&*self.backend);
        let old = (!is_same).then(|| std::mem::replace(&mut self.backend, backend));
        self.watched = self.backend.watched(&self.lease(key, &self.router));
        self.others = self.relies_on();
        old
    }

    /// Whether it holds this address, or is about to.
    pub(super) fn is_about(&self, place: &Place) -> bool {
        !self.leaving && self.phase.is_on_the_wire() && self.places().any(|own| own == *place)
    }

    /// Each of its addresses, with the interface that it is put on.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        self.addresses.iter().map(|held| (held.cidr.address(), self.interface_of(held).clone()))
    }

    fn relies_on(&self) -> BTreeSet<Arc<str>> {
        let addresses = self.addresses.iter().filter_map(|held| held.interface.as_ref());
        let routes = self.belongings.routes.iter().filter_map(VirtualRoute::interface);
        let named = addresses.chain(routes).filter(|name| **name != self.interface);
        named.cloned().collect()
    }

    /// The name of the interface that one of its addresses is put on.
    pub(super) fn interface_of<'a>(&'a self, held: &'a VirtualAddress) -> &'a Arc<str> {
        held.interface.as_ref().unwrap_or(&self.interface)
    }

    /// The routes that are there while the addresses are.
    pub(super) const fn routes(&self) -> &Arc<[VirtualRoute]> {
        &self.belongings.routes
    }

    /// As it was configured, for a configuration that differs in little.
    pub(super) fn member(&self) -> Member {
        let Self { interface, configured, backend, name, group, belongings, .. } = self;
        let member = Member::new(interface, configured.clone(), backend.clone()).name(name);
        let Belongings { places, extra, routes } = belongings.clone();
        let routes = routes.to_vec();
        Member { group: group.clone(), places, extra, routes, ..member }
    }

    /// Judges anew which peers are behind a router; whether that changed anything.
    pub(super) fn on_networks(&mut self, networks: &[Cidr]) -> bool {
        let router = self.configured.on_networks(networks);
        let changed = router != self.router;
        if changed {
            self.router = router;
            self.report_routed_peers(networks);
        }
        changed
    }

    fn report_routed_peers(&self, networks: &[Cidr]) {
        let Transport::Unicast { peers, .. } = self.configured.transport() else { return };
        for peer in peers.iter().filter(|peer| peer.is_behind_router(networks)) {
            let (name, interface, address) = (&*self.name, &*self.interface, peer.address);
            tracing::warn!(
                event = "peer-behind-router", name, interface, %address,
                "{name}: the peer {address} is in no network of {interface}: it is heard through \
                 routers, so filter IP protocol 112 at the edge of your network"
            );
        }
    }

    /// Returns the lease for the backend, with the number of the last request. `config` is the
    /// core's: it is the one in force, and may be older than ours while a replaced virtual router
    /// releases its addresses.
    pub(super) fn lease(&self, key: Key, config: &VirtualRouter) -> Lease {
        Lease {
            key,
            name: self.name.clone(),
            generation: self.asked,
            token: self.token.of(self.asked),
            interface: self.interface.clone(),
            addresses: self.held(config),
            routes: self.belongings.routes.clone(),
            // The backend's task knows what was put.
            previous: Arc::default(),
            previous_routes: Arc::default(),
            lasts: config.interval().timing().silence(),
            owner: matches!(config.role(), Role::Owner),
            succeeds: self.succeeds_until.is_some(),
            elsewhere: Arc::default(),
        }
    }

    /// The addresses, and those that are held with them, by the configuration that is in force.
    pub(super) fn held(&self, config: &VirtualRouter) -> Arc<[VirtualAddress]> {
        match *config == self.router {
            true => self.addresses.clone(),
            false => self.belongings.held(config),
        }
    }

    pub(super) fn seat(&self, key: Key) -> Seat {
        Seat {
            name: self.name.clone(),
            key,
            phase: self.published.subscribe(),
            bound: self.bound.clone(),
        }
    }

    /// Says once which peer is this node itself: one list of peers may serve all nodes, and the
    /// core leaves the node's own address out.
    pub(super) fn report_own_address(&mut self, status: InterfaceStatus) {
        let Transport::Unicast { peers, .. } = self.router.transport() else { return };
        let details = status.details().copied().unwrap_or_default();
        let own = [
            self.router.source(),
            details.ipv4.map(Into::into),
            details.ipv6_link_local.map(Into::into),
            details.ipv6_routable.map(Into::into),
        ];
        let Some(peer) = peers.iter().find(|peer| own.contains(&Some(peer.address))) else {
            return;
        };
        if !std::mem::replace(&mut self.own_address_reported, true) {
            let (name, address) = (&*self.name, peer.address);
            tracing::info!(
                event = "own-address-in-peers", name, %address,
                "{name}: {address} is this node's own address; nothing is sent to it"
            );
        }
    }

    /// Withdraws the right to act, at once.
    pub(super) fn withdraw(&self) {
        self.bound.set(None);
    }

    /// Publishes the bound and then the phase: whoever sees the phase `Held` may act.
    pub(super) fn publish(&self, until: Option<Instant>) {
        self.bound.set(until.filter(|_| self.phase.is_active()));
        self.published.send_if_modified(|phase| std::mem::replace(phase, self.phase) != self.phase);
    }
}

/// How the addresses of a virtual router are put, and what is held with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Belongings {
    places: Vec<VirtualAddress>,
    extra: Vec<VirtualAddress>,
    routes: Arc<[VirtualRoute]>,
}

impl Belongings {
    fn of(member: &Member) -> Self {
        let Member { places, extra, routes, .. } = member;
        Self { places: places.clone(), extra: extra.clone(), routes: routes.as_slice().into() }
    }

    /// The addresses of a virtual router as a lease has them, and those that are held with them.
    fn held(&self, router: &VirtualRouter) -> Arc<[VirtualAddress]> {
        let placed = |cidr: Cidr| {
            let mut places = self.places.iter();
            let place = places.find(|place| place.cidr.address() == cidr.address());
            let place = place.cloned().unwrap_or_else(|| VirtualAddress::from(cidr));
            VirtualAddress { cidr, ..place }
        };
        router.addresses().map(placed).chain(self.extra.iter().cloned()).collect()
    }
}

impl Drop for MemberState {
    fn drop(&mut self) {
        self.withdraw();
    }
}

/// Passes at most one event per ten seconds and counts those suppressed.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    last: Option<Instant>,
    suppressed: u64,
}

impl Throttle {
    const PAUSE: Duration = Duration::from_secs(10);

    /// `Some` when this event passes, with how many were suppressed since the last one.
    pub(super) fn pass(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now - last < Self::PAUSE) {
            self.suppressed = self.suppressed.saturating_add(1);
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttle_lets_one_through_and_counts_the_rest() {
        let mut throttle = Throttle::default();
        let start = Instant::EPOCH + Duration::from_secs(100);
        assert_eq!(throttle.pass(start), Some(0));
        assert_eq!(throttle.pass(start + Duration::from_secs(1)), None);
        assert_eq!(throttle.pass(start + Duration::from_secs(2)), None);
        assert_eq!(throttle.pass(start + Duration::from_secs(10)), Some(2));
        assert_eq!(throttle.pass(start + Duration::from_secs(20)), Some(0));
    }
}
