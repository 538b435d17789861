//! Any sequence of inputs into a router of three virtual routers: it never panics, what it sends
//! can be decoded, what it rejects moves no deadline, and a deadline that was served is not due
//! again.
#![no_main]

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use libfuzzer_sys::{
    arbitrary::{Result, Unstructured},
    fuzz_target,
};
use vrrp_core::{
    AddressList, Advert, Authentication, Centiseconds, ChecksumForm, Family, Generation, Hear,
    Input, Instant, InterfaceId, InterfaceStatus, Interval, Ipv4Addresses, Ipv6Addresses, Key,
    LeaseFailure, Loss, Output, Password, Preempt, Protocol, Reach, Role, Router, RxMeta, Seconds,
    VirtualRouter, Vrid,
};

const OWN_IPV4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 11);
const OWN_IPV6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x11);

fuzz_target!(|data: &[u8]| {
    // The error is that the octets are used up.
    let _ = World::new().play(&mut Unstructured::new(data));
});

struct World {
    now: Instant,
    router: Router,
    /// The last request for each virtual router, so that answers can be current or stale.
    generations: BTreeMap<Key, Generation>,
}

impl World {
    fn new() -> Self {
        Self { now: Instant::EPOCH, router: Router::new(), generations: BTreeMap::new() }
    }

    fn play(&mut self, octets: &mut Unstructured<'_>) -> Result<()> {
        let present = InterfaceStatus {
            present: true,
            up: true,
            ipv4: Some(OWN_IPV4),
            ipv6_link_local: Some(OWN_IPV6),
            ..InterfaceStatus::default()
        };
        self.give(Input::Configure(&desired(0b111, 100, 0)));
        self.give(Input::Interface { id: interface(), status: present });
        while !octets.is_empty() {
            let step = Duration::from_millis(octets.arbitrary::<u16>()?.into());
            self.now = if octets.arbitrary()? {
                self.now + step
            } else {
                self.router.next_deadline().unwrap_or(self.now).max(self.now)
            };
            if octets.arbitrary()? {
                self.serve_deadline();
            }
            self.one_input(octets, present)?;
        }
        Ok(())
    }

    fn one_input(&mut self, octets: &mut Unstructured<'_>, present: InterfaceStatus) -> Result<()> {
        let key = key(octets.int_in_range(0..=2)?);
        match octets.int_in_range(0..=11)? {
            0 => {
                let members = octets.arbitrary()?;
                self.give(Input::Configure(&desired(
                    members,
                    octets.arbitrary()?,
                    octets.arbitrary()?,
                )));
            }
            1 => {
                let [exists, up, v4, v6] = octets.arbitrary()?;
                let status = InterfaceStatus {
                    present: exists,
                    up,
                    ipv4: present.ipv4.filter(|_| v4),
                    ipv6_link_local: present.ipv6_link_local.filter(|_| v6),
                    ..InterfaceStatus::default()
                };
                self.give(Input::Interface { id: interface(), status });
            }
            2 => {
                let length = octets.arbitrary::<u8>()?.min(64).into();
                let (meta, bytes) = (meta(key.family, octets)?, octets.bytes(length)?);
                self.datagram(meta, bytes);
            }
            3 | 4 => self.advert(key, octets)?,
            5 | 6 => {
                let current = self.generations.get(&key).copied().unwrap_or_default();
                let generation = if octets.ratio(7, 8)? { current } else { Generation::default() };
                let result = *octets.choose(&[
                    Ok(Reach::OnLink),
                    Ok(Reach::Routed),
                    Err(LeaseFailure::Failed),
                    Err(LeaseFailure::AddressPresent),
                ])?;
                self.give(Input::LeaseDone { key, generation, result });
            }
            7 => {
                let loss = if octets.arbitrary()? { Loss::Deleted } else { Loss::Lapsed };
                self.give(Input::LeaseLost { key, loss });
            }
            11 => {
                let generation = self.generations.get(&key).copied().unwrap_or_default();
                let ago = Duration::from_millis(octets.int_in_range(0..=4000)?);
                self.give(Input::Adopt {
                    key,
                    generation,
                    reach: Reach::OnLink,
                    advertised_at: self.now - ago,
                });
            }
            8 => self.give(Input::SendFailed { key }),
            9 => self.give(Input::Drain { key, force: octets.arbitrary()? }),
            10 if octets.ratio(1, 8)? => self.give(Input::Shutdown),
            _ => self.give(Input::Resume { key }),
        }
        Ok(())
    }

    /// A well-formed advertisement, so that more than one in 65,536 gets past the checksum.
    fn advert(&mut self, key: Key, octets: &mut Unstructured<'_>) -> Result<()> {
        let meta = meta(key.family, octets)?;
        let v2 = octets.arbitrary()?;
        let interval = match NonZeroU32::new(octets.int_in_range(0..=400)?) {
            Some(interval) if v2 => u8::try_from(interval.get())
                .ok()
                .and_then(|s| Seconds::try_from(s).ok())
                .map(Interval::V2),
            Some(interval) => u16::try_from(interval.get())
                .ok()
                .and_then(|c| Centiseconds::try_from(c).ok())
                .map(Interval::V3),
            None => None,
        };
        let authentication = if octets.arbitrary()? {
            Authentication::SimpleText(*b"d0cker\0\0")
        } else {
            Authentication::None
        };
        let (v4, v6) = (ipv4_addresses(octets.arbitrary()?), ipv6_addresses());
        let advert = Advert {
            vrid: key.vrid,
            claim: octets.arbitrary::<u8>()?.into(),
            interval: interval.unwrap_or(Interval::V3(Centiseconds::ONE_SECOND)),
            authentication,
            addresses: match key.family {
                Family::Ipv4 => AddressList::from(&v4),
                Family::Ipv6 => AddressList::from(&v6),
            },
        };
        let form = *octets.choose(&[ChecksumForm::MessageOnly, ChecksumForm::PseudoHeader])?;
        let mut out = [0; Advert::MAX_LEN];
        let len =
            advert.encode(meta.source, meta.destination, form, &mut out).expect("large enough");
        self.datagram(meta, &out[..len]);
        Ok(())
    }

    /// What is rejected changes nothing, unless a deadline was due anyway.
    fn datagram(&mut self, meta: RxMeta, bytes: &[u8]) {
        let before = self.router.next_deadline();
        let rejected = self.router.handle(self.now, Input::Datagram { meta, bytes }).is_err();
        if rejected && before.is_none_or(|deadline| deadline > self.now) {
            assert_eq!(self.router.next_deadline(), before, "a rejected message moved a deadline");
            assert!(self.router.poll_output().is_none(), "a rejected message had an effect");
        }
        self.drain();
    }

    fn give(&mut self, input: Input<'_>) {
        self.router.handle(self.now, input).expect("only datagrams are rejected");
        self.drain();
    }

    /// A virtual router that has left takes one more turn, to be cleared away.
    fn serve_deadline(&mut self) {
        for _ in 0..2 {
            self.give(Input::Timeout);
            if self.router.next_deadline().is_none_or(|deadline| deadline > self.now) {
                return;
            }
        }
        panic!("{:?} is still due at {:?}", self.router.next_deadline(), self.now);
    }

    fn drain(&mut self) {
        let mut outputs = 0;
        while let Some(output) = self.router.poll_output() {
            outputs += 1;
            assert!(outputs < 100, "it does not stop to want something");
            match output {
                Output::Transmit(transmit) => {
                    for packet in transmit.packets() {
                        let mut out = [0; Advert::MAX_LEN];
                        let len = packet.encode(&mut out).expect("large enough");
                        let (source, destination) = (packet.source(), packet.destination());
                        let meta = RxMeta { interface: interface(), source, destination, ttl: 255 };
                        let decoded =
                            Advert::decode(&meta, &out[..len]).expect("what is sent can be read");
                        assert_eq!(decoded.advert, *transmit.advert());
                    }
                }
                Output::Lease(request) => {
                    self.generations.insert(request.key, request.generation);
                }
                _ => {}
            }
        }
    }
}

fn interface() -> InterfaceId {
    InterfaceId::new(NonZeroU32::MIN)
}

fn key(index: u8) -> Key {
    let family = if index == 2 { Family::Ipv6 } else { Family::Ipv4 };
    Key { interface: interface(), family, vrid: Vrid::try_from(index + 1).expect("not zero") }
}

fn ipv4_addresses(other: bool) -> Ipv4Addresses {
    let last = if other { 2 } else { 1 };
    Ipv4Addresses::new([Ipv4Addr::new(198, 51, 100, last)]).expect("legal")
}

fn ipv6_addresses() -> Ipv6Addresses {
    let vip = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    Ipv6Addresses::new([vip]).expect("legal")
}

/// The virtual routers whose bit is set in `members`: VRRPv2 with a password, VRRPv3 by unicast,
/// VRRPv3 over IPv6.
fn desired(members: u8, priority: u8, preempt: u8) -> BTreeMap<Key, VirtualRouter> {
    let preempt = match preempt {
        0..128 => Preempt::Always,
        128..192 => Preempt::Never,
        192.. => Preempt::After(Duration::from_secs(5)),
    };
    let role = match priority.try_into() {
        Ok(priority) => Role::Contender { priority, preempt },
        Err(_) => Role::Owner,
    };
    let [one, two, three] = [key(0), key(1), key(2)];
    let password = Some(Password::try_from(&b"d0cker"[..]).expect("legal"));
    let v2 = Protocol::V2 { addresses: ipv4_addresses(false), interval: Seconds::ONE, password };
    let peers = [IpAddr::from(OWN_IPV4), peer(Family::Ipv4, 12)];
    let v3 = VirtualRouter::v3_ipv4(two.vrid, ipv4_addresses(false), Centiseconds::ONE_SECOND);
    let v6 = VirtualRouter::v3_ipv6(three.vrid, ipv6_addresses(), Centiseconds::ONE_SECOND);
    [
        (one, VirtualRouter::new(one.vrid, v2)),
        (two, v3.with_peers(peers, Hear::Peers).expect("legal")),
        (three, v6),
    ]
    .into_iter()
    .enumerate()
    .filter(|(index, _)| members & (1 << index) != 0)
    .map(|(_, (key, router))| (key, router.with_role(role)))
    .collect()
}

fn peer(family: Family, last: u8) -> IpAddr {
    match family {
        Family::Ipv4 => Ipv4Addr::new(192, 0, 2, last).into(),
        Family::Ipv6 => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last.into()).into(),
    }
}

fn meta(family: Family, octets: &mut Unstructured<'_>) -> Result<RxMeta> {
    let source = peer(family, octets.int_in_range(10..=13)?);
    let destination = match family {
        Family::Ipv4 => vrrp_core::IPV4_GROUP.into(),
        Family::Ipv6 => vrrp_core::IPV6_GROUP.into(),
    };
    let ttl = if octets.ratio(1, 16)? { 64 } else { 255 };
    Ok(RxMeta { interface: interface(), source, destination, ttl })
}
