//! Addresses on other interfaces, extra ones, and routes.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use vrrp_core::{Cidr, Hold, InterfaceDetails, InterfaceStatus, MacAddr, Phase, Reach, Vrid};
use vrrp_net::{
    BackendError, Handle, Lease, Member, Release, VipBackend, VirtualAddress, VirtualRoute,
    link::memory::Hub,
    monitor::{HostEvent, Snapshot},
};

use crate::world::{Host, VIP, VRID, becomes, member, reaches, until};

const OTHER: &str = "198.51.100.10/32";
const EXTRA: &str = "2001:db8::10/64";
const ROUTE: &str = "default via 192.0.2.254";

/// What the backend was asked last, and the leases of each request.
#[derive(Default)]
struct Asked(Mutex<Vec<Lease>>);

impl Asked {
    fn last(&self) -> Option<Lease> {
        self.0.lock().unwrap().last().cloned()
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn note(&self, lease: &Lease) {
        self.0.lock().unwrap().push(lease.clone());
    }
}

#[async_trait]
impl VipBackend for Asked {
    async fn acquire(&self, lease: &Lease) -> Result<Reach, BackendError> {
        self.note(lease);
        Ok(Reach::OnLink)
    }

    async fn release(&self, lease: &Lease, _: &Release) -> Result<(), BackendError> {
        self.note(lease);
        Ok(())
    }

    fn watched(&self, lease: &Lease) -> Option<Arc<str>> {
        Some(lease.interface.clone())
    }
}

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn route() -> VirtualRoute {
    ROUTE.parse().unwrap()
}

/// eth1 is up, down, or missing.
fn other(host: &Host, is_up: Option<bool>) {
    let details = InterfaceDetails::default();
    let status = match is_up {
        Some(true) => InterfaceStatus::Up(details),
        Some(false) => InterfaceStatus::Down(details),
        None => InterfaceStatus::Missing,
    };
    let mac = MacAddr([2, 0, 0, 0, 1, 1]);
    let snapshot = Snapshot { index: 3, mac, status, ..Snapshot::default() };
    host.monitor.send(HostEvent::Interface { name: "eth1".to_owned(), snapshot }).unwrap();
}

/// The address of the virtual router is on eth0, another one of it on eth1.
fn placed(backend: &Arc<Asked>) -> Member {
    let backend: Arc<dyn VipBackend> = backend.clone();
    member(VRID, 100, &backend)
        .place(VirtualAddress::from(cidr(VIP)).label("eth0:web".parse().unwrap()))
        .extra(VirtualAddress::from(cidr(OTHER)).on("eth1"))
        .extra(VirtualAddress::from(cidr(EXTRA)))
        .route(route())
}

/// A host where all of it is held.
async fn held() -> (Host, Arc<Asked>, Handle) {
    let host = Host::new(&Hub::new(), 1);
    other(&host, Some(true));
    let asked = Arc::<Asked>::default();
    let mut handles = host.node.configure(vec![placed(&asked)]).await.unwrap();
    becomes(&mut handles[0], Phase::Held).await;
    (host, asked, handles.remove(0))
}

#[tokio::test(start_paused = true)]
async fn a_lease_says_of_each_address_how_it_is_put() {
    let (host, asked, _handle) = held().await;
    let lease = asked.last().unwrap();
    let texts: Vec<String> = lease.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        ["192.0.2.100/24 label eth0:web", "198.51.100.10/32 dev eth1", "2001:db8::10/64"]
    );
    assert_eq!(*lease.routes, [route()]);
    let status = &host.node.status().await.unwrap().routers[0];
    assert_eq!(status.held, [cidr(VIP), cidr(OTHER), cidr(EXTRA)]);
    assert_eq!((&status.addresses, &status.routes), (&lease.addresses, &lease.routes));
}

/// Each where it is, and only what the core knows of is advertised.
#[tokio::test(start_paused = true)]
async fn every_address_is_announced_where_it_is() {
    let (host, _asked, handle) = held().await;
    until("all are announced", || host.wire.announced().len() >= 3).await;
    let eth0 = handle.key().interface;
    let announced = host.wire.announced();
    let of = |text| announced.iter().find(|one| one.addresses == [cidr(text)]).unwrap();
    assert_eq!((of(VIP).interface, of(EXTRA).interface), (eth0, eth0));
    assert_ne!(of(OTHER).interface, eth0);
    assert!(host.wire.sent().iter().all(|sent| sent.payload[3] == 1), "one address is advertised");
}

#[tokio::test(start_paused = true)]
async fn an_interface_that_is_missing_at_the_start_is_waited_for() {
    let host = Host::new(&Hub::new(), 1);
    let asked = Arc::<Asked>::default();
    let mut handles = host.node.configure(vec![placed(&asked)]).await.unwrap();
    let held = Phase::Initialize(Hold::OtherInterface);
    becomes(&mut handles[0], held).await;
    let status = &host.node.status().await.unwrap().routers[0];
    assert_eq!(status.unready, ["eth1".into()]);
    let obstacle = status.obstacle().unwrap();
    assert!(obstacle.contains("eth1") && obstacle.contains("missing"), "{obstacle}");
    other(&host, Some(false));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(handles[0].phase(), held, "it is down");
    other(&host, Some(true));
    becomes(&mut handles[0], Phase::Held).await;
    assert!(host.node.status().await.unwrap().routers[0].unready.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_interface_that_goes_ends_the_hold_of_all_and_a_flap_does_not() {
    let (host, asked, mut handle) = held().await;
    let before = asked.count();
    other(&host, Some(false));
    other(&host, Some(true));
    until("all of it is put again", || asked.count() > before).await;
    assert_eq!(handle.phase(), Phase::Held);
    other(&host, None);
    becomes(&mut handle, Phase::Initialize(Hold::OtherInterface)).await;
    assert_eq!(host.priorities().last(), Some(&0), "peers are told");
    assert!(handle.active().is_none());
}

/// The core knows nothing of what else is held, and has it put all the same.
#[tokio::test(start_paused = true)]
async fn what_else_is_held_changes_in_place() {
    let (host, asked, mut handle) = held().await;
    let before = asked.count();
    host.node.configure(vec![placed(&asked)]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(asked.count(), before, "nothing is another");

    let backend: Arc<dyn VipBackend> = asked.clone();
    let member = member(VRID, 100, &backend)
        .place(VirtualAddress::from(cidr(VIP)).on("eth1"))
        .extra(VirtualAddress::from(cidr(EXTRA)));
    host.node.configure(vec![member]).await.unwrap();
    until("it is asked", || asked.count() > before).await;
    let lease = asked.last().unwrap();
    let texts = |held: &[VirtualAddress]| held.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(texts(&lease.addresses), ["192.0.2.100/24 dev eth1", EXTRA]);
    let gone = ["192.0.2.100/24 label eth0:web", "198.51.100.10/32 dev eth1"];
    assert_eq!(texts(&lease.previous), gone, "the same address elsewhere is another one");
    assert_eq!(*lease.previous_routes, [route()]);
    reaches(&mut handle, Phase::is_active).await;
}

/// A loss is one of the interface that the address is on.
#[tokio::test(start_paused = true)]
async fn a_loss_is_repaired_where_the_address_is() {
    let (host, asked, handle) = held().await;
    let before = asked.count();
    let address: IpAddr = cidr(OTHER).address();
    let lost = |interface: &str| HostEvent::AddressRemoved {
        interface: interface.to_owned(),
        address,
        loss: vrrp_core::Loss::Deleted,
    };
    host.monitor.send(lost("eth0")).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(asked.count(), before, "it was never there");
    host.monitor.send(lost("eth1")).unwrap();
    until("it is put back", || asked.count() > before).await;
    assert_eq!(handle.phase(), Phase::Held);
}

/// A route of an address that left is nobody's loss.
#[tokio::test(start_paused = true)]
async fn a_route_that_is_deleted_is_put_back_while_it_is_held() {
    let (host, asked, handle) = held().await;
    let gone = |destination: &str| HostEvent::VirtualRouteRemoved {
        destination: cidr(destination),
        table: 254,
        metric: 0,
    };
    let before = asked.count();
    host.monitor.send(gone("198.51.100.0/24")).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(asked.count(), before, "it is another one");
    host.monitor.send(gone("0.0.0.0/0")).unwrap();
    until("it is put back", || asked.count() > before).await;
    assert_eq!(handle.phase(), Phase::Held);
    host.node.shutdown().await.unwrap();
    let before = asked.count();
    let _ended = host.monitor.send(gone("0.0.0.0/0"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(asked.count(), before);
}

/// A change by a handle keeps what else is held.
#[tokio::test(start_paused = true)]
async fn a_change_of_the_priority_leaves_it_alone() {
    let (host, _asked, handle) = held().await;
    handle.set_priority(120.try_into().unwrap()).await.unwrap();
    let status = &host.node.status().await.unwrap().routers[0];
    assert_eq!((status.addresses.len(), status.routes.len()), (3, 1));
    assert_eq!(Vrid::try_from(VRID).unwrap(), status.router.vrid());
}
