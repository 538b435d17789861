//! Backends and addresses that are replaced while something is held or under way.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;
use vrrp_core::{Centiseconds, Cidr, Ipv4Addresses, Phase, Reach, Role, VirtualRouter, Vrid};
use vrrp_net::{
    BackendError, Lease, Member, NodeEvent, Release, Renewed, VipBackend, VirtualAddress,
    backend::memory::{Call, Memory as Backend},
    link::memory::Hub,
};

use crate::world::{Host, VRID, advert, becomes, called, key, member, reaches, released, until};

#[tokio::test(start_paused = true)]
async fn another_backend_takes_over_what_the_old_one_let_go() {
    let host = Host::new(&Hub::new(), 1);
    let old: Arc<dyn VipBackend> = Arc::new(host.backend.clone());
    let successor = Backend::new();
    let new: Arc<dyn VipBackend> = Arc::new(successor.clone());
    let mut handles = host.node.configure(vec![member(VRID, 100, &old)]).await.unwrap();
    becomes(&mut handles[0], Phase::Held).await;
    host.node.configure(vec![member(VRID, 100, &old)]).await.unwrap();
    assert!(host.backend.holds(), "the same backend goes on");
    host.node.configure(vec![member(VRID, 100, &new)]).await.unwrap();
    called(&successor, |calls| calls.contains(&Call::Repair(key(VRID)))).await;
    until("it holds", || successor.holds()).await;
    assert!(!host.backend.holds(), "released before the new one was asked");
    assert_eq!(handles[0].phase(), Phase::Held);
    reaches(&mut handles[0], Phase::is_active).await;
}

#[tokio::test(start_paused = true)]
async fn another_backend_goes_on_with_what_the_old_one_had_begun() {
    let host = Host::new(&Hub::new(), 1);
    host.backend.hang();
    let old: Arc<dyn VipBackend> = Arc::new(host.backend.clone());
    let successor = Backend::new();
    let new: Arc<dyn VipBackend> = Arc::new(successor.clone());
    let mut handles = host.node.configure(vec![member(VRID, 100, &old)]).await.unwrap();
    becomes(&mut handles[0], Phase::Acquiring).await;
    let start = Instant::now();
    host.node.configure(vec![member(VRID, 100, &new)]).await.unwrap();
    becomes(&mut handles[0], Phase::Held).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(host.backend.calls().iter().any(released) && successor.holds());
}

#[tokio::test(start_paused = true)]
async fn another_backend_waits_for_what_the_old_one_is_letting_go() {
    let hub = Hub::new();
    let host = Host::new(&hub, 1);
    let old: Arc<dyn VipBackend> = Arc::new(host.backend.clone());
    let successor = Backend::new();
    let new: Arc<dyn VipBackend> = Arc::new(successor.clone());
    let mut handles = host.node.configure(vec![member(VRID, 100, &old)]).await.unwrap();
    becomes(&mut handles[0], Phase::Held).await;
    // Longer than the new one waits for silence.
    host.backend.delay(Duration::from_secs(10));
    let (meta, payload) = advert(9, VRID, 200);
    hub.inject(meta, &payload);
    becomes(&mut handles[0], Phase::Backup).await;
    called(&host.backend, |calls| calls.iter().any(released)).await;
    host.node.configure(vec![member(VRID, 100, &new)]).await.unwrap();
    becomes(&mut handles[0], Phase::Held).await;
    assert!(successor.holds());
    assert!(!host.backend.holds(), "what it was letting go is let go");
}

/// Writes down the number of what is asked.
#[derive(Clone, Default)]
struct Numbers(Arc<Mutex<Vec<(&'static str, u64)>>>);

impl Numbers {
    fn note(&self, word: &'static str, lease: &Lease) {
        self.0.lock().unwrap().push((word, lease.generation.get()));
    }
}

#[async_trait]
impl VipBackend for Numbers {
    async fn acquire(&self, lease: &Lease) -> Result<Reach, BackendError> {
        self.note("acquire", lease);
        Ok(Reach::Routed)
    }

    async fn release(&self, lease: &Lease, _: &Release) -> Result<(), BackendError> {
        self.note("release", lease);
        Ok(())
    }

    async fn renew(&self, leases: &[Lease]) -> Result<Renewed, BackendError> {
        self.note("renew", &leases[0]);
        Ok(Renewed::all())
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_renewed_or_retired_has_the_number_of_its_acquire() {
    let host = Host::new(&Hub::new(), 1);
    let numbers = Numbers::default();
    let old: Arc<dyn VipBackend> = Arc::new(numbers.clone());
    let _handles = host.node.configure(vec![member(VRID, 100, &old)]).await.unwrap();
    until("a renewal", || numbers.0.lock().unwrap().iter().any(|(word, _)| *word == "renew")).await;
    let new: Arc<dyn VipBackend> = Arc::new(Backend::new());
    host.node.configure(vec![member(VRID, 100, &new)]).await.unwrap();
    until("it is retired", || numbers.0.lock().unwrap().last().unwrap().0 == "release").await;
    let numbers = numbers.0.lock().unwrap();
    assert!(numbers.is_sorted_by_key(|(_, number)| *number), "{numbers:?}");
}

/// The backends answer before, at, and after the moment at which the virtual routers get other
/// addresses.
#[tokio::test(start_paused = true)]
async fn an_answer_for_addresses_that_were_replaced_is_no_answer() {
    for before in [Duration::from_millis(1), Duration::ZERO] {
        let host = Host::new(&Hub::new(), 1);
        host.backend.delay(Duration::from_secs(5));
        let backend: Arc<dyn VipBackend> = Arc::new(host.backend.clone());
        let members = |octet| {
            let owner = |vrid| owner(vrid, octet, &backend);
            vec![owner(VRID), owner(VRID + 1)]
        };
        let mut handles = host.node.configure(members(100)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5) - before).await;
        host.node.configure(members(101)).await.unwrap();
        let announced = host.wire.announced().len();
        tokio::time::sleep(Duration::from_secs(4)).await;
        for handle in &handles {
            let is_early = handle.phase().is_active() && !before.is_zero();
            assert!(!is_early, "{} before the backend has answered", handle.name());
        }
        assert_eq!(host.wire.announced().len(), announced, "what is not there is not announced");
        for handle in &mut handles {
            becomes(handle, Phase::Held).await;
            let key = handle.key();
            let there =
                || host.backend.addresses(key) == [Cidr::from(IpAddr::from([192, 0, 2, 101]))];
            until("the new address is held", there).await;
        }
    }
}

/// What stays is held all the while, and what is gone is let go: whoever has the address may act on
/// it.
#[tokio::test(start_paused = true)]
async fn addresses_change_without_a_transition() {
    let host = Host::new(&Hub::new(), 1);
    let leases = Leases::default();
    let backend: Arc<dyn VipBackend> = Arc::new(leases.clone());
    let mut handle =
        host.node.configure(vec![with(&[100, 101], &backend)]).await.unwrap().remove(0);
    becomes(&mut handle, Phase::Held).await;
    let mut events = host.node.events();
    let told = |lists: &[&[u8]]| {
        let last = leases.0.lock().unwrap().last().cloned();
        last == Some(lists.iter().map(|list| list.to_vec()).collect::<Vec<_>>())
    };
    for (list, previous) in [(&[102, 100][..], &[101][..]), (&[100], &[102]), (&[103], &[100])] {
        host.node.configure(vec![with(list, &backend)]).await.unwrap();
        until("the backend is told", || told(&[list, previous])).await;
        // It answers.
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(handle.phase().is_active());
    }
    let before = leases.0.lock().unwrap().len();
    host.node.configure(vec![with(&[103], &backend)]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(leases.0.lock().unwrap().len(), before, "nothing has changed");
    while let Some(Ok(event)) = events.try_next() {
        assert!(!matches!(event, NodeEvent::Transition { .. }), "{event:?}");
    }
}

/// A change that is undone before the backend has carried it out leaves nothing behind.
#[tokio::test(start_paused = true)]
async fn what_a_cut_off_request_may_have_put_is_let_go() {
    let host = Host::new(&Hub::new(), 1);
    let leases = Leases::default();
    let backend: Arc<dyn VipBackend> = Arc::new(leases.clone());
    let mut handle = host.node.configure(vec![with(&[100], &backend)]).await.unwrap().remove(0);
    becomes(&mut handle, Phase::Held).await;
    for list in [&[101][..], &[100]] {
        host.node.configure(vec![with(list, &backend)]).await.unwrap();
    }
    let back = || leases.0.lock().unwrap().last().cloned() == Some(vec![vec![100], vec![101]]);
    until("what was put meanwhile goes", back).await;
}

/// Remembers the lists of each request that puts addresses: those of the lease, and those before.
#[derive(Clone, Default)]
struct Leases(Arc<Mutex<Vec<Vec<Vec<u8>>>>>);

#[async_trait]
impl VipBackend for Leases {
    async fn acquire(&self, lease: &Lease) -> Result<Reach, BackendError> {
        let octets = |list: &[VirtualAddress]| {
            list.iter()
                .map(|held| {
                    held.cidr.to_string().split(['.', '/']).nth(3).unwrap().parse().unwrap()
                })
                .collect()
        };
        self.0.lock().unwrap().push(vec![octets(&lease.addresses), octets(&lease.previous)]);
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(Reach::OnLink)
    }

    async fn release(&self, _: &Lease, _: &Release) -> Result<(), BackendError> {
        Ok(())
    }
}

fn with(octets: &[u8], backend: &Arc<dyn VipBackend>) -> Member {
    let addresses = octets.iter().map(|octet| Cidr::from(Ipv4Addr::new(192, 0, 2, *octet)));
    let addresses = Ipv4Addresses::new(addresses).unwrap();
    let router =
        VirtualRouter::v3_ipv4(VRID.try_into().unwrap(), addresses, Centiseconds::ONE_SECOND);
    Member::new("eth0", router, backend.clone())
}

fn owner(vrid: u8, octet: u8, backend: &Arc<dyn VipBackend>) -> Member {
    let address = Cidr::from(Ipv4Addr::new(192, 0, 2, octet));
    let vrid = Vrid::try_from(vrid).unwrap();
    let addresses = Ipv4Addresses::new([address]).unwrap();
    let router =
        VirtualRouter::v3_ipv4(vrid, addresses, Centiseconds::ONE_SECOND).with_role(Role::Owner);
    Member::new("eth0", router, backend.clone())
}
