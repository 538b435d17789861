//! A cloud's address between two nodes, where the cloud answers late, out of order, throttles, and
//! loses replies: at the end the address is at the node that is active, or nobody is.
//!
//! Time is paused, and every seed goes the same way each time.
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod api;

use std::{
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

use api::{Ask, Cloud};

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
