//! Any sequence of steps, built from octets, for fuzzers and property tests.

use alloc::vec::Vec;
use core::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use arbitrary::{Arbitrary, Result, Unstructured};

use super::{Given, Step, To};
use crate::{
    AddressList, Advert, Answer, Authentication, Centiseconds, ChecksumForm, Condition, Desired,
    Family, Generation, GroupPolicy, Health, Hear, IPV4_GROUP, IPV6_GROUP, Instant,
    InterfaceDetails, InterfaceId, InterfaceStatus, Interval, Ipv4Addresses, Ipv6Addresses, Key,
    LeaseFailure, Loss, MacAddr, NOBODYS, Password, Preempt, Priority, Protocol, Reach, Role,
    RxMeta, Seconds, Sighting, VirtualRouter, Vrid, Weight,
};

const OWN_IPV4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 11);
const OWN_IPV6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x11);
const PASSWORD: [u8; 8] = *b"d0cker\0\0";

/// What happens to three virtual routers of one interface: one of VRRPv2 with a password, one of
/// VRRPv3 by unicast, which may rely on another interface, one over IPv6. First the interface comes up, and all three are configured.
///
/// Messages come from five sources of each family, the node's own address among them; most messages
/// are well formed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SmallWorld {
    /// In the order of their times.
    pub steps: Vec<Step>,
}

impl<'a> Arbitrary<'a> for SmallWorld {
    fn arbitrary(octets: &mut Unstructured<'a>) -> Result<Self> {
        let mut now = Instant::EPOCH + Duration::from_secs(100);
        let all =
            desired(0b111, Role::default(), false).ok_or(arbitrary::Error::IncorrectFormat)?;
        let mut steps = Vec::from([
            Step::new(now, Given::Interface { id: interface(), status: up() }),
            Step::new(now, Given::Interface { id: other_interface(), status: up() }),
            Step::new(now, Given::Configure(all)),
        ]);
        // An error means that the octets are used up.
        while let Ok(step) = next_step(&mut now, octets) {
            steps.extend(step);
        }
        Ok(Self { steps })
    }
}

/// Draws one more step; `None` if what was drawn cannot be built.
fn next_step(now: &mut Instant, octets: &mut Unstructured<'_>) -> Result<Option<Step>> {
    if octets.is_empty() {
        return Err(arbitrary::Error::NotEnoughData);
    }
    // Most steps come close together, and some after whole handovers.
    let longest = *octets.choose(&[0, 100, 1000, 5000])?;
    *now = *now + Duration::from_millis(octets.int_in_range(0..=longest)?);
    let is_stalled = octets.ratio(1, 8)?;
    let given = given(*now, octets)?;
    Ok(given.map(|given| Step { at: *now, is_stalled, given }))
}

fn given(now: Instant, octets: &mut Unstructured<'_>) -> Result<Option<Given>> {
    let Some(key) = key(octets.int_in_range(0..=2)?) else { return Ok(None) };
    Ok(Some(match octets.int_in_range(0..=19)? {
        0 => {
            let (members, role, other) = (octets.arbitrary()?, role(octets)?, octets.arbitrary()?);
            return Ok(desired(members, role, other).map(Given::Configure));
        }
        1 => Given::Interface { id: interface(), status: status(octets)? },
        2 => Given::Interface { id: interface(), status: up() },
        3 => {
            let length: u8 = octets.int_in_range(0..=64)?;
            let meta = meta(key.family, octets)?;
            Given::Datagram { meta, bytes: octets.bytes(length.into())?.to_vec() }
        }
        4..=7 => return datagram(key, octets),
        8..=12 => Given::Answer { key, to: to(octets)?, answer: answer(now, octets)? },
        13 | 14 => Given::LeaseLost { key, loss: loss(octets)? },
        15 => Given::SendFailed(key),
        16 => Given::Drain { key, force: octets.arbitrary()? },
        17 if octets.ratio(1, 8)? => Given::Shutdown,
        17 => Given::Health { key, health: health(octets)? },
        18 if octets.ratio(1, 4)? => Given::Unreached(key),
        18 if octets.ratio(1, 2)? => {
            Given::Interface { id: other_interface(), status: status(octets)? }
        }
        18 if octets.ratio(1, 4)? => Given::Announce(key),
        18 if octets.ratio(1, 4)? => Given::Overheard { key, source: peer(key.family, 12) },
        18 => return sighting(key, octets),
        _ => Given::Resume(key),
    }))
}

fn interface() -> InterfaceId {
    InterfaceId::new(NonZeroU32::MIN)
}

/// The one that the second virtual router relies on, with the other list of addresses.
fn other_interface() -> InterfaceId {
    InterfaceId::new(NonZeroU32::MIN.saturating_add(1))
}

fn up() -> InterfaceStatus {
    InterfaceStatus::Up(InterfaceDetails {
        ipv4: Some(OWN_IPV4),
        ipv6_link_local: Some(OWN_IPV6),
        ..InterfaceDetails::default()
    })
}

fn status(octets: &mut Unstructured<'_>) -> Result<InterfaceStatus> {
    let [present, is_up, v4, v6] = octets.arbitrary()?;
    let details = InterfaceDetails {
        ipv4: Some(OWN_IPV4).filter(|_| v4),
        ipv6_link_local: Some(OWN_IPV6).filter(|_| v6),
        ..InterfaceDetails::default()
    };
    Ok(match (present, is_up) {
        (false, _) => InterfaceStatus::Missing,
        (true, false) => InterfaceStatus::Down(details),
        (true, true) => InterfaceStatus::Up(details),
    })
}

fn key(index: u8) -> Option<Key> {
    let family = if index == 2 { Family::Ipv6 } else { Family::Ipv4 };
    let vrid = Vrid::try_from(index.checked_add(1)?).ok()?;
    Some(Key { interface: interface(), family, vrid })
}

fn role(octets: &mut Unstructured<'_>) -> Result<Role> {
    let preempt = match octets.int_in_range(0..=3)? {
        0 => Preempt::Never,
        1 => Preempt::After(Duration::from_millis(octets.int_in_range(0..=5000)?)),
        _ => Preempt::Always,
    };
    let priority = Priority::try_from(octets.arbitrary::<u8>()?);
    Ok(priority.map_or(Role::Owner, |priority| Role::Contender { priority, preempt }))
}

/// Returns the virtual routers whose bit is set in `members`, perhaps as a group, with one list of addresses or the
/// other.
fn desired(members: u8, role: Role, other: bool) -> Option<Desired> {
    let [one, two, three] = [key(0)?, key(1)?, key(2)?];
    let (ipv4, ipv6) = (ipv4_addresses(other)?, ipv6_addresses()?);
    let password = Some(Password::try_from(b"d0cker".as_slice()).ok()?);
    let v2 = Protocol::V2 { addresses: ipv4.clone(), interval: Seconds::ONE, password };
    let peers = [IpAddr::from(OWN_IPV4), peer(Family::Ipv4, 12), peer(Family::Ipv4, 13)];
    let v3 = VirtualRouter::v3_ipv4(two.vrid, ipv4, Centiseconds::ONE_SECOND);
    let routers = [
        VirtualRouter::new(one.vrid, v2),
        v3.with_peers(peers, Hear::Peers).ok()?,
        VirtualRouter::v3_ipv6(three.vrid, ipv6, Centiseconds::ONE_SECOND),
    ];
    let mut desired = Desired::new();
    let mut keys = Vec::new();
    for (bit, router) in [1, 2, 4].into_iter().zip(routers) {
        if members & bit != 0 {
            keys.push(desired.insert(interface(), router.with_role(role)).ok()?);
        }
    }
    if other {
        desired.rely_on(&two, [other_interface()]);
    }
    // The bits beyond the three say whether they move together.
    match members >> 3 & 3 {
        2 => desired.group(GroupPolicy::All, keys).ok()?,
        3 => desired.group(GroupPolicy::Any, keys).ok()?,
        _ => {}
    }
    Some(desired)
}

fn ipv4_addresses(other: bool) -> Option<Ipv4Addresses> {
    let last = if other { 2 } else { 1 };
    Ipv4Addresses::new([Ipv4Addr::new(198, 51, 100, last)]).ok()
}

fn ipv6_addresses() -> Option<Ipv6Addresses> {
    Ipv6Addresses::new([Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1)]).ok()
}

fn peer(family: Family, last: u8) -> IpAddr {
    match family {
        Family::Ipv4 => Ipv4Addr::new(192, 0, 2, last).into(),
        Family::Ipv6 => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last.into()).into(),
    }
}

fn meta(family: Family, octets: &mut Unstructured<'_>) -> Result<RxMeta> {
    let source = peer(family, octets.int_in_range(10..=14)?);
    let destination = match family {
        Family::Ipv4 => IPV4_GROUP.into(),
        Family::Ipv6 => IPV6_GROUP.into(),
    };
    let ttl = if octets.ratio(1, 16)? { 64 } else { 255 };
    Ok(RxMeta { interface: interface(), source, destination, ttl })
}

/// Draws a well-formed advertisement: of random octets, only one in 65,536 would pass the checksum.
fn datagram(key: Key, octets: &mut Unstructured<'_>) -> Result<Option<Given>> {
    let meta = meta(key.family, octets)?;
    let is_v2 = (key.vrid.get() == 1) != octets.ratio(1, 8)?;
    let text = octets.ratio(7, 8)?;
    let authentication =
        if is_v2 && text { Authentication::SimpleText(PASSWORD) } else { Authentication::None };
    let interval = match octets.int_in_range(0..=7)? {
        0 if is_v2 => Seconds::try_from(octets.int_in_range(1..=3)?).ok().map(Interval::V2),
        0 => Centiseconds::try_from(octets.int_in_range(1..=400)?).ok().map(Interval::V3),
        _ if is_v2 => Some(Interval::V2(Seconds::ONE)),
        _ => Some(Interval::V3(Centiseconds::ONE_SECOND)),
    };
    let claim = octets.arbitrary::<u8>()?.into();
    let form = *octets.choose(&[ChecksumForm::MessageOnly, ChecksumForm::PseudoHeader])?;
    let other = octets.ratio(1, 8)?;
    let (Some(interval), Some(ipv4), Some(ipv6)) =
        (interval, ipv4_addresses(other), ipv6_addresses())
    else {
        return Ok(None);
    };
    let addresses = match key.family {
        Family::Ipv4 => AddressList::from(&ipv4),
        Family::Ipv6 => AddressList::from(&ipv6),
    };
    let advert = Advert { vrid: key.vrid, claim, interval, authentication, addresses };
    let mut out = [0; Advert::MAX_LEN];
    let len = advert.encode(meta.source, meta.destination, form, &mut out).ok();
    let bytes = len.and_then(|len| out.get(..len));
    Ok(bytes.map(|bytes| Given::Datagram { meta, bytes: bytes.to_vec() }))
}

/// Somebody says that it has an address: one of three hosts, or the node itself.
fn sighting(key: Key, octets: &mut Unstructured<'_>) -> Result<Option<Given>> {
    let (Some(ipv4), Some(ipv6)) = (ipv4_addresses(octets.ratio(1, 8)?), ipv6_addresses()) else {
        return Ok(None);
    };
    let address = match key.family {
        Family::Ipv4 if octets.ratio(1, 8)? => Some(NOBODYS.into()),
        Family::Ipv4 => ipv4.as_slice().first().map(|cidr| cidr.address().into()),
        Family::Ipv6 => ipv6.as_slice().first().map(|cidr| cidr.address().into()),
    };
    let mac = MacAddr([2, 0, 0, 0, 0, octets.int_in_range(0..=3)?]);
    let (interface, solicited) = (interface(), octets.arbitrary()?);
    Ok(address.map(|address| Given::Sighting(Sighting { interface, address, mac, solicited })))
}

fn to(octets: &mut Unstructured<'_>) -> Result<To> {
    let is_stale = octets.ratio(1, 8)?;
    Ok(if is_stale { To::Generation(Generation::default()) } else { To::Last })
}

fn answer(now: Instant, octets: &mut Unstructured<'_>) -> Result<Answer> {
    let ago = Duration::from_millis(octets.int_in_range(0..=4000)?);
    let adopted = Answer::Adopted { reach: Reach::OnLink, advertised_at: now - ago };
    octets
        .choose(&[
            Answer::Held(Reach::OnLink),
            Answer::Held(Reach::OnLink),
            Answer::Held(Reach::Routed),
            Answer::Ready,
            Answer::Ready,
            Answer::NothingLeft,
            Answer::NothingLeft,
            adopted,
            Answer::Failed(LeaseFailure::Failed),
            Answer::Failed(LeaseFailure::AddressPresent),
        ])
        .copied()
}

fn health(octets: &mut Unstructured<'_>) -> Result<Health> {
    let condition = *octets.choose(&[
        Condition::Good,
        Condition::Good,
        Condition::Unknown,
        Condition::Unproven,
        Condition::Ill,
        Condition::Ill,
        Condition::Out,
    ])?;
    let weight = Weight::try_from(octets.int_in_range(-253..=253)?).unwrap_or_default();
    Ok(Health { condition, weight })
}

fn loss(octets: &mut Unstructured<'_>) -> Result<Loss> {
    Ok(if octets.arbitrary()? { Loss::Deleted } else { Loss::Lapsed })
}
