//! The kernel's stamps of packets, beside a wall clock that was set back.

use std::{
    io,
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use vrrp_core::{Cidr, Family, InterfaceId, Phase};
use vrrp_net::{
    VipBackend,
    link::{
        Interest, Link, Port, Received,
        memory::{Hub, Memory as Wire},
    },
};

use crate::world::{Host, INTERVAL, advert, becomes, member};

/// A wire whose packets came, by their stamps, later than now.
struct Ahead(Wire);

impl Link for Ahead {
    fn open(&mut self, port: &Port, interest: &Interest) -> io::Result<()> {
        self.0.open(port, interest)
    }

    fn close(&mut self, interface: InterfaceId, family: Family) {
        self.0.close(interface, family);
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_readable(cx)
    }

    fn try_recv(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        let received = self.0.try_recv(buffer)?;
        let stamp = Some(SystemTime::now() + Duration::from_secs(3600));
        Ok(received.map(|received| Received { stamp, ..received }))
    }

    fn send(&mut self, on: InterfaceId, from: IpAddr, to: IpAddr, payload: &[u8]) -> io::Result<()> {
        self.0.send(on, from, to, payload)
    }

    fn announce(&mut self, on: InterfaceId, family: Family, addresses: &[Cidr]) -> io::Result<()> {
        self.0.announce(on, family, addresses)
    }
}

/// After a pause the advertisements of an Active are queued beside expired timers, and the clock was set back
/// meanwhile: all of them look as if they came later. They are read all the same.
#[tokio::test(start_paused = true)]
async fn a11_a_clock_that_was_set_back_causes_no_takeover() {
    const COUNT: u8 = 200;
    let hub = Hub::new();
    let host = Host::with_link(&hub, 1, Ahead);
    let backend: Arc<dyn VipBackend> = Arc::new(host.backend.clone());
    let mut handles =
        host.node.configure((1..=COUNT).map(|vrid| member(vrid, 100, &backend)).collect()).await.unwrap();
    let hear_all = || {
        for vrid in 1..=COUNT {
            let (meta, payload) = advert(9, vrid, 200);
            hub.inject(meta, &payload);
        }
    };
    hear_all();
    for handle in &mut handles {
        becomes(handle, Phase::Backup).await;
    }
    tokio::time::sleep(INTERVAL).await;
    hear_all();
    tokio::time::sleep(INTERVAL / 2).await;
    // The pause: packets are there, and every timer has run out, before the driver gets to run.
    hear_all();
    tokio::time::advance(4 * INTERVAL).await;
    tokio::time::sleep(INTERVAL / 2).await;
    // An Active node of a moment would be Backup again by now, but has sent.
    let sent = host.priorities().len();
    assert_eq!(sent, 0, "{sent} advertisements of {COUNT} virtual routers that have an Active peer");
}
