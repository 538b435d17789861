//! Hosts on one wire, and how to wait for them.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use tokio::{sync::mpsc::UnboundedSender, time::timeout};
use vrrp_core::{
    Centiseconds, Cidr, Family, IPV4_GROUP, InterfaceDetails, InterfaceId, InterfaceStatus,
    Ipv4Addresses, Key, Loss, MacAddr, Phase, Preempt, Role, RxMeta, VirtualRouter, Vrid,
};
use vrrp_net::{
    Handle, Member, Node, VipBackend,
    backend::memory::{Call, Memory as Backend},
    clock::{Clock, TokioClock},
    link::{
        Link,
        memory::{Hub, Memory as Wire},
    },
    monitor::{self, HostEvent, Snapshot},
};

pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
/// How long a release in favour of a successor waits at most.
pub(crate) const LINGER: Duration = Duration::from_millis(50);
pub(crate) const VIP: &str = "192.0.2.100/24";
pub(crate) const VRID: u8 = 51;

/// A node with everything around it.
pub(crate) struct Host {
    pub(crate) node: Node,
    pub(crate) wire: Wire,
    pub(crate) backend: Backend,
    pub(crate) monitor: UnboundedSender<HostEvent>,
    pub(crate) address: Ipv4Addr,
}

impl Host {
    /// The host 192.0.2.`octet`, its interface up.
    pub(crate) fn new(hub: &Hub, octet: u8) -> Self {
        Self::with_link(hub, octet, |wire| wire)
    }

    /// As `new`, with something between the driver and the wire.
    pub(crate) fn with_link<L: Link>(hub: &Hub, octet: u8, wrap: impl FnOnce(Wire) -> L) -> Self {
        Self::with_clock(hub, octet, wrap, TokioClock::new())
    }

    /// As `with_link`, with another clock.
    pub(crate) fn with_clock<L: Link>(
        hub: &Hub,
        octet: u8,
        wrap: impl FnOnce(Wire) -> L,
        clock: impl Clock,
    ) -> Self {
        let address = Ipv4Addr::new(192, 0, 2, octet);
        let wire = hub.link(&[address.into()]);
        let (monitor, events) = monitor::channel();
        let node = Node::with_parts(wrap(wire.clone()), clock, events);
        let host = Self { node, wire, backend: Backend::new(), monitor, address };
        host.interface(2, true);
        host
    }

    /// The kernel says that eth0 has this index, and is up or not.
    pub(crate) fn interface(&self, index: u32, up: bool) {
        let details = InterfaceDetails { ipv4: Some(self.address), ..Default::default() };
        let status = if up { InterfaceStatus::Up(details) } else { InterfaceStatus::Down(details) };
        self.tell(Snapshot {
            index,
            mac: MacAddr([2, 0, 0, 0, 0, 1]),
            status,
            ..Snapshot::default()
        });
    }

    pub(crate) fn tell(&self, snapshot: Snapshot) {
        self.monitor.send(HostEvent::Interface { name: "eth0".to_owned(), snapshot }).unwrap();
    }

    /// Somebody deletes the virtual address.
    pub(crate) fn lose(&self) {
        let address = IpAddr::from([192, 0, 2, 100]);
        let interface = "eth0".to_owned();
        self.monitor
            .send(HostEvent::AddressRemoved { interface, address, loss: Loss::Deleted })
            .unwrap();
    }

    pub(crate) async fn add(&self, priority: u8) -> Handle {
        self.node.add("eth0", router(VRID, priority), self.backend.clone()).await.unwrap()
    }

    /// Alone, added and Active.
    pub(crate) async fn active(&self, priority: u8) -> Handle {
        let mut handle = self.add(priority).await;
        becomes(&mut handle, Phase::Held).await;
        handle
    }

    /// The priorities of what was sent, oldest first.
    pub(crate) fn priorities(&self) -> Vec<u8> {
        self.wire.sent().iter().map(|sent| sent.payload[2]).collect()
    }
}

pub(crate) fn router(vrid: u8, priority: u8) -> VirtualRouter {
    router_at(INTERVAL, vrid, priority)
}

pub(crate) fn router_at(interval: Duration, vrid: u8, priority: u8) -> VirtualRouter {
    let address: Cidr<Ipv4Addr> = VIP.parse().unwrap();
    let addresses = Ipv4Addresses::new([address]).unwrap();
    let interval = Centiseconds::try_from(interval).unwrap();
    VirtualRouter::v3_ipv4(Vrid::try_from(vrid).unwrap(), addresses, interval).with_role(
        Role::Contender { priority: priority.try_into().unwrap(), preempt: Preempt::Always },
    )
}

pub(crate) fn member(vrid: u8, priority: u8, backend: &Arc<dyn VipBackend>) -> Member {
    Member::new("eth0", router(vrid, priority), backend.clone())
}

/// Waits for a phase; fails after ten minutes of paused time.
pub(crate) async fn becomes(handle: &mut Handle, phase: Phase) {
    reaches(handle, |now| now == phase).await;
}

pub(crate) async fn reaches(handle: &mut Handle, is_it: impl Fn(Phase) -> bool) {
    let wait = async {
        while !is_it(handle.phase()) {
            handle.changed().await.unwrap();
        }
    };
    let waited = timeout(Duration::from_secs(600), wait).await;
    assert!(waited.is_ok(), "{} is still {:?}", handle.name(), handle.phase());
}

/// Waits until the backend was asked what `is_it` wants to see.
pub(crate) async fn called(backend: &Backend, is_it: impl Fn(&[Call]) -> bool) {
    let waited = timeout(Duration::from_secs(600), backend.called(is_it)).await;
    assert!(waited.is_ok(), "the backend was asked {:?}", backend.calls());
}

/// Waits until `is_it`, looking every millisecond.
pub(crate) async fn until(what: &str, mut is_it: impl FnMut() -> bool) {
    let wait = async {
        while !is_it() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(timeout(Duration::from_secs(60), wait).await.is_ok(), "still waiting for: {what}");
}

pub(crate) const fn released(call: &Call) -> bool {
    matches!(call, Call::Release { reason, .. } if !matches!(reason, vrrp_core::Reason::Startup))
}

/// An advertisement of a host that is not there, 192.0.2.`octet`.
pub(crate) fn advert(octet: u8, vrid: u8, priority: u8) -> (RxMeta, Vec<u8>) {
    let mut payload = vec![0x31, vrid, priority, 1, 0, 100, 0, 0, 192, 0, 2, 100];
    let words = payload.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
    let sum: u32 = words.sum();
    let folded = u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    payload[6..8].copy_from_slice(&(!folded).to_be_bytes());
    let meta = RxMeta {
        interface: InterfaceId::new(NonZeroU32::MIN),
        source: IpAddr::from([192, 0, 2, octet]),
        destination: IPV4_GROUP.into(),
        ttl: 255,
    };
    (meta, payload)
}

pub(crate) fn key(vrid: u8) -> Key {
    Key {
        interface: InterfaceId::new(NonZeroU32::MIN),
        family: Family::Ipv4,
        vrid: Vrid::try_from(vrid).unwrap(),
    }
}
