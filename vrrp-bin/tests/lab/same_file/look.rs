//! What can be seen of one host at one moment, as lines: what it says on the wire, the addresses and
//! routes of its kernel, and what its scripts and the readers of its FIFO were told meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use libtest_mimic::Failed;
use vrrp_net::lab::{Capture, Frame, VrrpFrame, wait_until};

use super::site::{Member, Site, Who};
use crate::{
    places::table::Table,
    support::{Outcome, SOON, check},
};

/// The type of VRRPv2's passwords (RFC 2338 5.3.6).
const SIMPLE_PASSWORD: u8 = 1;

/// How far a host has been looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// How many lines each script was told, and the FIFO.
    told: BTreeMap<String, usize>,
    /// The addresses that it had.
    addresses: BTreeSet<String>,
}

impl Seen {
    /// As if it had had no address.
    pub(super) fn forget_addresses(&mut self) {
        self.addresses.clear();
    }
}

/// When a stage began, and since when it has been settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) begun: Duration,
    pub(super) settled: Duration,
}

/// What is seen of a host, and how far it has been looked at then.
pub(super) fn look(
    site: &Site,
    who: Who,
    times: Times,
    seen: &Seen,
) -> Result<(Vec<String>, Seen), Failed> {
    let member = site.member(who);
    let mut now = Seen::default();
    let mut lines: Vec<String> = advertised(site, member, times.settled).into_iter().collect();
    for line in Table::of(member.host(), &[])?.since(&member.before) {
        // The marks are told apart in the tests of places; the kernel makes the table by itself.
        let what = line.split(" | ").next().unwrap_or_default();
        if let Some(address) = what.strip_prefix("address ") {
            now.addresses.extend(address.split([' ', '/']).nth(1).map(str::to_owned));
        }
        if !what.contains(" table local") {
            lines.push(what.to_owned());
        }
    }
    let new: BTreeSet<String> = now.addresses.difference(&seen.addresses).cloned().collect();
    lines.extend(announced(site, member, times.begun, &new));
    for (name, told) in told(member) {
        let before = seen.told.get(&name).copied().unwrap_or(0);
        now.told.insert(name.clone(), told.len());
        lines.extend(told.iter().skip(before).map(|line| format!("{name}: {line}")));
    }
    Ok((lines, now))
}

/// What scripts and the readers of the FIFO have been told so far.
fn told(member: &Member) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    // In what order several are told of is told apart in the tests of `notify`.
    for line in member.record.lines() {
        let name = line.split('"').nth(1).unwrap_or_default();
        all.entry(format!("fifo of {name}")).or_default().push(line);
    }
    for entry in fs::read_dir(&member.home).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(name) = name.strip_suffix(".told") {
            all.insert(format!("script of {name}"), member.record.told(name));
        }
    }
    all
}

/// The frames that a host sent since then.
fn sent(site: &Site, member: &Member, since: Duration) -> Vec<Frame> {
    let ports = [member.node.cable.port(), member.eth1.port()];
    let frames = site.captures.iter().flat_map(Capture::frames);
    frames.filter(|frame| frame.at >= since && ports.contains(&&*frame.port)).collect()
}

/// The advertisements of a host since then, each once.
fn advertised(site: &Site, member: &Member, since: Duration) -> BTreeSet<String> {
    let frames = sent(site, member, since);
    frames.iter().filter_map(Frame::vrrp).map(|vrrp| told_by(&vrrp)).collect()
}

/// When a host has advertised a VRID since then, resignations left out.
pub(super) fn adverts(site: &Site, who: Who, vrid: u8, since: Duration) -> Vec<Duration> {
    let frames = sent(site, site.member(who), since);
    let is_one =
        |vrrp: VrrpFrame| vrrp.payload.get(1) == Some(&vrid) && vrrp.payload.get(2) > Some(&0);
    let mut moments: Vec<Duration> = frames
        .iter()
        .filter(|frame| frame.vrrp().is_some_and(is_one))
        .map(|frame| frame.at)
        .collect();
    moments.sort_unstable();
    moments
}

/// Waits until a host has the address and advertises each of these VRIDs since then: the address of
/// one that was killed may be there all the time.
pub(super) fn wait_for_active(
    site: &Site,
    who: Who,
    (address, vrids): (&str, &[u8]),
    since: Duration,
) -> Outcome {
    site.member(who).wait_for_address(address, true)?;
    let advertises = || vrids.iter().all(|vrid| !adverts(site, who, *vrid, since).is_empty());
    check(wait_until(SOON, advertises), format!("{} does not advertise", who.name()))
}

/// Those of these addresses that a host has told its neighbours since then.
fn announced(
    site: &Site,
    member: &Member,
    since: Duration,
    addresses: &BTreeSet<String>,
) -> BTreeSet<String> {
    let frames = sent(site, member, since);
    let claimed = |frame: &Frame| {
        let arp = frame.garp().map(|(_, address)| IpAddr::from(address));
        arp.or_else(|| frame.unsolicited_na().map(|told| told.target.into()))
    };
    let all = frames.iter().filter_map(claimed).map(|address| address.to_string());
    all.filter(|address| addresses.contains(address))
        .map(|address| format!("announces {address}"))
        .collect()
}

/// An advertisement in words.
fn told_by(frame: &VrrpFrame) -> String {
    let octets = &frame.payload;
    let octet = |index: usize| octets.get(index).copied().unwrap_or_default();
    let (version, kind) = (octet(0) >> 4, octet(0) & 0xf);
    let interval = if version == 2 {
        format!("{} s", octet(5))
    } else {
        format!("{} cs", u16::from_be_bytes([octet(4) & 0xf, octet(5)]))
    };
    let count = usize::from(octet(3));
    let (addresses, end) = addresses(octets, count, frame.source.is_ipv6());
    let mut text = format!(
        "advertises VRID {} to {}: VRRPv{version} type {kind} priority {} interval {interval}",
        octet(1),
        frame.destination,
        octet(2),
    );
    if version == 2 && octet(4) == SIMPLE_PASSWORD {
        let password = octets.get(end..).unwrap_or_default();
        text += &format!(" password {:?}", String::from_utf8_lossy(password));
    }
    // The checksum of IPv6 has the source in it, which is a different one on each host of a lab.
    if frame.source.is_ipv4() {
        text += &format!(" checksum {:04x}", u16::from_be_bytes([octet(6), octet(7)]));
    }
    format!("{text} TTL {} addresses {}", frame.ttl, addresses.join(" "))
}

/// The addresses of an advertisement, and where they end.
fn addresses(octets: &[u8], count: usize, is_ipv6: bool) -> (Vec<String>, usize) {
    let length = if is_ipv6 { 16 } else { 4 };
    let end = 8 + count * length;
    let list = octets.get(8..end).unwrap_or_default().chunks_exact(length);
    let text = |address: &[u8]| {
        let v4 = <[u8; 4]>::try_from(address).map(|four| Ipv4Addr::from(four).to_string());
        v4.or_else(|_| <[u8; 16]>::try_from(address).map(|all| Ipv6Addr::from(all).to_string()))
            .unwrap_or_default()
    };
    (list.map(text).collect(), end)
}
