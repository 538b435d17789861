//! A cloud's address between two nodes, where the cloud answers late, out of order, throttles, and
//! loses replies: at the end the address is at the node that is active, or nobody is.
//!
//! The cloud and its client are this file's; time is paused, and every seed goes the same way each
//! time.
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use vrrp_core::{Centiseconds, Cidr, Ipv4Addresses, Loss, Phase, Reach, VirtualRouter};
use vrrp_net::{
    BackendError, Handle, Lease, Release, Renewed, VipBackend,
    backend::{Method, Unwanted},
    testing::{Host, INTERFACE, Wire},
};

/// An address that one server has. Requests are carried out after a while, whoever still waits.
#[derive(Default)]
struct Cloud {
    assigned: Mutex<Option<&'static str>>,
    random: Mutex<u64>,
    calm: Mutex<bool>,
}

#[derive(Clone, Copy)]
enum Ask {
    Assign,
    /// Compares: another server's assignment stays.
    Unassign,
    Holder,
}

impl Cloud {
    /// Uniform below `bound`.
    fn random(&self, bound: u64) -> u64 {
        let mut state = self.random.lock().unwrap();
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % bound
    }

    async fn ask(
        self: &Arc<Self>,
        server: &'static str,
        ask: Ask,
    ) -> io::Result<Option<&'static str>> {
        let calm = *self.calm.lock().unwrap();
        let (luck, before, after) = (self.random(10), self.random(6000), self.random(3000));
        if luck == 0 && !calm {
            return Err(io::Error::other("429 Too Many Requests"));
        }
        let wait = move |longest| Duration::from_millis(if calm { 5 } else { longest });
        let cloud = self.clone();
        // A request that was sent is carried out, also when its connection is gone.
        let carried_out = tokio::spawn(async move {
            tokio::time::sleep(wait(before)).await;
            let mut assigned = cloud.assigned.lock().unwrap();
            match ask {
                Ask::Assign => *assigned = Some(server),
                Ask::Unassign if *assigned == Some(server) => *assigned = None,
                Ask::Unassign | Ask::Holder => {}
            }
            *assigned
        });
        let answer = carried_out.await.map_err(io::Error::other)?;
        tokio::time::sleep(wait(after)).await;
        if luck == 1 && !calm { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(answer) }
    }
}

struct FloatingIp {
    cloud: Arc<Cloud>,
    server: &'static str,
}

#[async_trait]
impl VipBackend for FloatingIp {
    async fn acquire(&self, _: &Lease) -> Result<Reach, BackendError> {
        self.cloud.ask(self.server, Ask::Assign).await?;
        Ok(Reach::Routed)
    }

    async fn release(&self, _: &Lease, _: &Release) -> Result<(), BackendError> {
        self.cloud.ask(self.server, Ask::Unassign).await?;
        Ok(())
    }

    /// Nobody else can see where the address went.
    async fn renew(&self, leases: &[Lease]) -> Result<Renewed, BackendError> {
        let holder = self.cloud.ask(self.server, Ask::Holder).await?;
        let lost = leases.iter().filter(|_| holder != Some(self.server));
        Ok(lost.fold(Renewed::all(), |all, lease| all.but_lost(lease.key, Loss::Lapsed)))
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn timeout(&self, _: Method) -> Duration {
        Duration::from_secs(4)
    }

    fn when_unwanted(&self, _: Method) -> Unwanted {
        Unwanted::RunToEnd
    }
}

async fn start(host: &Host, cloud: &Arc<Cloud>, server: &'static str, priority: u8) -> Handle {
    let address: Cidr<_> = "198.51.100.7/32".parse().unwrap();
    let addresses = Ipv4Addresses::new([address]).unwrap();
    let router =
        VirtualRouter::v3_ipv4(51.try_into().unwrap(), addresses, Centiseconds::ONE_SECOND)
            .with_priority(priority.try_into().unwrap());
    let backend = FloatingIp { cloud: cloud.clone(), server };
    host.node().add(INTERFACE, router, backend).await.unwrap()
}

/// Faults of the network and of the cloud for ten minutes, and a minute of calm.
async fn live_through(seed: u64) -> Result<(), String> {
    let cloud = Arc::new(Cloud { random: Mutex::new(seed), ..Cloud::default() });
    let wire = Wire::new();
    let hosts = ["192.0.2.1", "192.0.2.2"].map(|own| wire.host(own.parse().unwrap()));
    let handles =
        [start(&hosts[0], &cloud, "one", 200).await, start(&hosts[1], &cloud, "two", 100).await];
    for _ in 0..60 {
        let at = usize::from(cloud.random(2) == 1);
        match cloud.random(6) {
            0 => hosts[at].cut(),
            1 => hosts[at].set_up(false),
            2 => drop(tokio::time::timeout(Duration::from_secs(3), handles[at].drain(false)).await),
            3 => handles[at].resume().await.unwrap(),
            _ => {
                hosts[at].mend();
                hosts[at].set_up(true);
            }
        }
        tokio::time::sleep(Duration::from_millis(cloud.random(20_000))).await;
    }
    *cloud.calm.lock().unwrap() = true;
    for (host, handle) in hosts.iter().zip(&handles) {
        host.mend();
        host.set_up(true);
        handle.resume().await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(400)).await;
    let active: Vec<&str> = ["one", "two"]
        .into_iter()
        .zip(&handles)
        .filter(|(_, handle)| handle.phase() == Phase::Held && handle.active().is_some())
        .map(|(server, _)| server)
        .collect();
    let assigned = *cloud.assigned.lock().unwrap();
    match active[..] {
        [server] if assigned == Some(server) => Ok(()),
        _ => Err(format!("seed {seed}: active {active:?}, the address is at {assigned:?}")),
    }
}

#[tokio::test(start_paused = true)]
async fn the_address_is_at_the_node_that_is_active_in_the_end() {
    for seed in 0..100 {
        if let Err(wrong) = live_through(seed).await {
            panic!("{wrong}");
        }
    }
}
