//! An in-memory network, for testing code built on [`Link`].

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::time::Instant;
use vrrp_core::{Cidr, Family, InterfaceId, Key, Probe, RxMeta};

use super::{Announcement, Interest, Link, Outgoing, Port, Received, Seen};

/// Where [`Memory`] links meet. Interfaces of the same [`InterfaceId`] are on one wire.
#[derive(Clone, Debug, Default)]
pub struct Hub(Arc<Mutex<Vec<Node>>>);

/// A [`Link`] of a [`Hub`]. Clones are the same link: a test gives one to the driver and keeps
/// another, to ask what was sent and to break things.
#[derive(Clone, Debug)]
pub struct Memory {
    hub: Hub,
    number: usize,
}

/// Something that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "taken apart by tests")]
pub struct Sent {
    /// When, by tokio's clock.
    pub at: Instant,
    /// On which interface.
    pub interface: InterfaceId,
    /// From which address.
    pub source: IpAddr,
    /// To which address.
    pub destination: IpAddr,
    /// IP payload.
    pub payload: Vec<u8>,
}

/// Addresses that were announced together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "taken apart by tests")]
pub struct Announced {
    /// When, by tokio's clock.
    pub at: Instant,
    /// On which interface.
    pub interface: InterfaceId,
    /// Which addresses.
    pub addresses: Vec<Cidr>,
}

#[derive(Debug, Default)]
struct Node {
    addresses: BTreeSet<IpAddr>,
    ports: BTreeMap<(InterfaceId, Family), Interest>,
    queue: VecDeque<(RxMeta, Vec<u8>)>,
    waker: Option<Waker>,
    fails_sends: bool,
    failing_receives: u32,
    partitioned: bool,
    sent: Vec<Sent>,
    announced: Vec<Announced>,
    seen: VecDeque<Seen>,
    probed: Vec<(Instant, Probe)>,
    overheard: BTreeSet<Key>,
}

impl Hub {
    /// A hub without links.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A new link of a host that has `addresses`.
    #[must_use]
    pub fn link(&self, addresses: &[IpAddr]) -> Memory {
        let mut nodes = self.lock();
        nodes.push(Node { addresses: addresses.iter().copied().collect(), ..Node::default() });
        Memory { hub: self.clone(), number: nodes.len() - 1 }
    }

    /// Puts a datagram on the wire that no link sent. Links get it that have its destination, or
    /// that have joined the group on its interface.
    pub fn inject(&self, meta: RxMeta, payload: &[u8]) {
        self.deliver(None, meta, payload);
    }

    /// Delivers to everyone but the `sender` of a multicast: `IP_MULTICAST_LOOP` is off.
    fn deliver(&self, sender: Option<usize>, meta: RxMeta, payload: &[u8]) {
        for (number, node) in self.lock().iter_mut().enumerate() {
            if meta.destination.is_multicast() && sender == Some(number) {
                continue;
            }
            node.receive(meta, payload);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Node>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Whether sends fail from now on.
    pub fn fail_sends(&self, fail: bool) {
        self.with(|node| node.fails_sends = fail);
    }

    /// The next so many receives fail.
    pub fn fail_receives(&self, times: u32) {
        self.with(|node| node.failing_receives = times);
    }

    /// Whether the cable is cut from now on: sends succeed and reach nobody, and nothing arrives.
    pub fn partition(&self, cut: bool) {
        self.with(|node| node.partitioned = cut);
    }

    /// Everything that was sent, oldest first, that which a cut cable swallowed included.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.with(|node| node.sent.clone())
    }

    /// Everything that was announced, oldest first.
    #[must_use]
    pub fn announced(&self) -> Vec<Announced> {
        self.with(|node| node.announced.clone())
    }

    /// What was asked of who else has an address, oldest first, with its time.
    #[must_use]
    pub fn probed(&self) -> Vec<(Instant, Probe)> {
        self.with(|node| node.probed.clone())
    }

    /// For which virtual routers it looks at what reaches their interfaces.
    #[must_use]
    pub fn overheard(&self) -> BTreeSet<Key> {
        self.with(|node| node.overheard.clone())
    }

    /// Has it see something of others who may hold the addresses.
    pub fn show(&self, seen: Seen) {
        self.with(|node| {
            node.seen.push_back(seen);
            if let Some(waker) = node.waker.take() {
                waker.wake();
            }
        });
    }

    /// What a port is open for at the moment.
    #[must_use]
    pub fn interest(&self, interface: InterfaceId, family: Family) -> Option<Interest> {
        self.with(|node| node.ports.get(&(interface, family)).cloned())
    }

    #[expect(clippy::indexing_slicing, reason = "nodes are never removed")]
    fn with<T>(&self, ask: impl FnOnce(&mut Node) -> T) -> T {
        ask(&mut self.hub.lock()[self.number])
    }
}

impl Node {
    fn receive(&mut self, meta: RxMeta, payload: &[u8]) {
        let Some(interest) = self.ports.get(&(meta.interface, Family::of(meta.destination))) else {
            return;
        };
        let for_us = if meta.destination.is_multicast() {
            interest.multicast
        } else {
            self.addresses.contains(&meta.destination)
        };
        if !for_us || self.partitioned {
            return;
        }
        self.queue.push_back((meta, payload.to_vec()));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn open(&self, interface: InterfaceId, family: Family) -> io::Result<()> {
        if !self.ports.contains_key(&(interface, family)) {
            return Err(io::ErrorKind::NotConnected.into());
        }
        if self.fails_sends {
            return Err(io::ErrorKind::NetworkDown.into());
        }
        Ok(())
    }
}

impl Link for Memory {
    fn open(&mut self, port: &Port, interest: &Interest) -> io::Result<()> {
        self.with(|node| node.ports.insert((port.interface, port.family), interest.clone()));
        Ok(())
    }

    fn close(&mut self, interface: InterfaceId, family: Family) {
        self.with(|node| {
            node.ports.remove(&(interface, family));
            node.queue.retain(|(meta, _)| {
                meta.interface != interface || Family::of(meta.destination) != family
            });
        });
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.with(|node| {
            if node.queue.is_empty() && node.seen.is_empty() {
                node.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
    }

    fn try_recv(&mut self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        self.with(|node| {
            if let Some(rest) = node.failing_receives.checked_sub(1) {
                node.failing_receives = rest;
                return Err(io::ErrorKind::NetworkDown.into());
            }
            let Some((meta, payload)) = node.queue.pop_front() else { return Ok(None) };
            let len = payload.len().min(buffer.len());
            for (to, from) in buffer.iter_mut().zip(&payload) {
                *to = *from;
            }
            let family = Family::of(meta.destination);
            let interest = node.ports.get(&(meta.interface, family));
            let refused =
                interest.is_none_or(|interest| !interest.hears(family, meta.ttl, &payload));
            Ok(Some(Received { meta, len, stamp: None, refused }))
        })
    }

    fn send(&mut self, outgoing: &Outgoing<'_>) -> io::Result<()> {
        let Outgoing { interface, source, destination, payload } = *outgoing;
        let cut = self.with(|node| {
            node.open(interface, outgoing.family())?;
            let at = Instant::now();
            node.sent.push(Sent { at, interface, source, destination, payload: payload.to_vec() });
            io::Result::Ok(node.partitioned)
        })?;
        if !cut {
            let meta = RxMeta { interface, source, destination, ttl: 255 };
            self.hub.deliver(Some(self.number), meta, payload);
        }
        Ok(())
    }

    fn announce(&mut self, announcement: &Announcement<'_>) -> io::Result<()> {
        let Announcement { interface, family, addresses } = *announcement;
        self.with(|node| {
            node.open(interface, family)?;
            node.announced.push(Announced {
                at: Instant::now(),
                interface,
                addresses: addresses.to_vec(),
            });
            Ok(())
        })
    }

    fn try_seen(&mut self) -> Option<Seen> {
        self.with(|node| node.seen.pop_front())
    }

    fn probe(&mut self, probe: &Probe) -> io::Result<()> {
        self.with(|node| {
            node.open(probe.key.interface, probe.key.family)?;
            node.probed.push((Instant::now(), *probe));
            Ok(())
        })
    }

    fn overhear(&mut self, key: Key, on: bool) -> io::Result<()> {
        self.with(|node| match on {
            true => node.overheard.insert(key),
            false => node.overheard.remove(&key),
        });
        Ok(())
    }

    fn announce_on(&mut self, port: &Port, addresses: &[Cidr]) -> io::Result<()> {
        let announced = Announced {
            at: Instant::now(),
            interface: port.interface,
            addresses: addresses.to_vec(),
        };
        self.with(|node| node.announced.push(announced));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, num::NonZeroU32, time::Duration};

    use vrrp_core::{IPV4_GROUP, MacAddr, Version, Vrid};

    use super::*;
    use crate::link::VridInterest;

    const A: &str = "192.0.2.1";
    const B: &str = "192.0.2.2";
    const ADVERT: [u8; 12] = [0x31, 7, 100, 1, 0, 100, 0, 0, 192, 0, 2, 10];

    fn wire() -> InterfaceId {
        InterfaceId::new(NonZeroU32::MIN)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn open(link: &mut Memory, multicast: bool) {
        let heard = VridInterest { versions: Version::V3.into(), min_ttl: 255 };
        let vrids = [(Vrid::try_from(7).unwrap(), heard)].into();
        let interest = Interest { vrids, multicast, ..Interest::default() };
        link.open(
            &Port::new(wire(), Family::Ipv4, "eth0", 2, MacAddr([2, 0, 0, 0, 0, 1])),
            &interest,
        )
        .unwrap();
    }

    fn pair(multicast: bool) -> (Hub, Memory, Memory) {
        let hub = Hub::new();
        let (mut a, mut b) = (hub.link(&[ip(A)]), hub.link(&[ip(B)]));
        open(&mut a, multicast);
        open(&mut b, multicast);
        (hub, a, b)
    }

    async fn receive(link: &mut Memory) -> (Received, Vec<u8>) {
        let mut buffer = [0; 64];
        poll_fn(|cx| link.poll_readable(cx)).await;
        let received = link.try_recv(&mut buffer).unwrap().unwrap();
        (received, buffer[..received.len].to_vec())
    }

    #[tokio::test(start_paused = true)]
    async fn multicast_wakes_everyone_but_the_sender() {
        let (_hub, mut a, mut b) = pair(true);
        let mut sender = a.clone();
        let sending = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            sender.send(&Outgoing::new(wire(), ip(A), IPV4_GROUP.into(), &ADVERT))
        });
        let (received, bytes) = receive(&mut b).await;
        sending.await.unwrap().unwrap();
        assert_eq!(
            (received.meta.source, received.meta.ttl, received.refused),
            (ip(A), 255, false)
        );
        assert_eq!(bytes, ADVERT);
        assert!(a.try_recv(&mut [0; 64]).unwrap().is_none());
        assert_eq!(a.sent().len(), 1);
    }

    #[tokio::test]
    async fn unicast_reaches_who_has_the_address_also_the_sender() {
        let (_hub, mut a, mut b) = pair(false);
        a.send(&Outgoing::new(wire(), ip(A), ip(B), &ADVERT)).unwrap();
        a.send(&Outgoing::new(wire(), ip(A), ip(A), &ADVERT)).unwrap();
        assert_eq!(receive(&mut b).await.0.meta.destination, ip(B));
        assert_eq!(receive(&mut a).await.0.meta.destination, ip(A));
        a.send(&Outgoing::new(wire(), ip(A), IPV4_GROUP.into(), &ADVERT)).unwrap();
        assert!(b.try_recv(&mut [0; 64]).unwrap().is_none(), "nobody joined the group");
    }

    #[tokio::test]
    async fn what_cannot_be_ours_is_refused() {
        let (hub, mut a, _b) = pair(false);
        let meta = RxMeta { interface: wire(), source: ip(B), destination: ip(A), ttl: 254 };
        hub.inject(meta, &ADVERT);
        hub.inject(RxMeta { ttl: 255, ..meta }, &ADVERT[..11]);
        hub.inject(RxMeta { ttl: 255, ..meta }, &ADVERT);
        let refused = [receive(&mut a).await, receive(&mut a).await, receive(&mut a).await];
        assert_eq!(refused.map(|(received, _)| received.refused), [true, true, false]);
    }

    #[tokio::test]
    async fn faults_and_closed_ports_are_told_apart() {
        let (_hub, mut a, mut b) = pair(false);
        a.fail_sends(true);
        let error = a.send(&Outgoing::new(wire(), ip(A), ip(B), &ADVERT)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NetworkDown);
        a.fail_sends(false);
        a.partition(true);
        a.send(&Outgoing::new(wire(), ip(A), ip(B), &ADVERT)).unwrap();
        a.partition(false);
        assert!(b.try_recv(&mut [0; 64]).unwrap().is_none());
        a.send(&Outgoing::new(wire(), ip(A), ip(B), &ADVERT)).unwrap();
        b.close(wire(), Family::Ipv4);
        assert!(b.try_recv(&mut [0; 64]).unwrap().is_none());
        let error = b.send(&Outgoing::new(wire(), ip(B), ip(A), &ADVERT)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
    }

    #[test]
    fn announcements_are_recorded() {
        let (_hub, mut a, _b) = pair(false);
        let address: Cidr = "192.0.2.10/24".parse().unwrap();
        a.announce(&Announcement::new(wire(), Family::Ipv4, &[address])).unwrap();
        assert_eq!(a.announced().len(), 1);
        assert_eq!(a.announced()[0].addresses, [address]);
    }
}
