//! The kernel's addresses: the messages that change them, and the table of them.

mod manner;
mod put;

use std::{net::IpAddr, time::Duration};

use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressFlags, AddressMessage},
};
use nix::time::{ClockId, clock_gettime};
use vrrp_core::Cidr;

pub use super::mark::Mark;
use super::{Error, Socket, message::Change};
pub use manner::{LabelText, Manner};
pub use put::Put;

/// `INFINITY_LIFE_TIME` of the kernel.
const FOREVER: u32 = u32::MAX;

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostAddress {
    /// The kernel's index of the interface.
    pub index: u32,
    /// The address and its prefix length.
    pub cidr: Cidr,
    /// The kernel's flags (`IFA_FLAGS`).
    pub flags: AddressFlags,
    /// Whether it is one of ours.
    pub mark: Option<Mark>,
    /// Whether version 0.1 put it there, which knew no metric and told its addresses by
    /// `IFA_PROTO`. Such an address is looked for once, when a virtual router starts, and is marked
    /// then or let go.
    pub old_mark: Option<Mark>,
    /// Seconds until the kernel takes it away; `None`: never.
    pub valid: Option<u32>,
    /// When it was last put or renewed, in hundredths of a second since the host started; wraps.
    pub stamp: u32,
    /// How it was put, of what a process of this program put there; nothing of others.
    pub manner: Manner,
}

impl HostAddress {
    #[cfg(test)]
    pub(crate) fn new(index: u32, cidr: Cidr, mark: Option<Mark>) -> Self {
        Self {
            index,
            cidr,
            flags: AddressFlags::empty(),
            mark,
            old_mark: None,
            valid: None,
            stamp: 0,
            manner: Manner::default(),
        }
    }

    /// The address.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.cidr.address()
    }

    /// Whether it is marked: a virtual address that a process of this program put there.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.mark.is_some()
    }

    /// Whether a process of this program put it there, of any version.
    #[must_use]
    pub fn is_leftover(&self) -> bool {
        self.mark.or(self.old_mark).is_some()
    }

    /// Whether it is what [`Put`] left of an address on a kernel that does not keep the mark.
    pub(crate) fn lost_its_mark(&self) -> bool {
        self.mark.is_none() && self.flags.contains(AddressFlags::Deprecated)
    }

    /// Whether the kernel made a route to the subnet with it.
    #[must_use]
    pub fn has_prefix_route(&self) -> bool {
        !self.flags.contains(AddressFlags::Noprefixroute)
    }

    /// How long ago it was last put or renewed. The kernel stamps addresses by its tick, which may
    /// lag a few tenths of a second behind its clock, so the result can be too large by that much.
    #[must_use]
    pub fn renewed_ago(&self) -> Duration {
        Duration::from_millis(u64::from(self.age()) * 10)
    }

    /// The same, in hundredths of a second.
    pub(crate) fn age(&self) -> u32 {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
        // The kernel's own number is cut to 32 bits in the same way.
        let low = u32::try_from((now.as_millis() / 10) % (1 << 32)).unwrap_or_default();
        let age = low.wrapping_sub(self.stamp);
        // Both are rounded, so the stamp can be a little ahead.
        if age > u32::MAX - 100 { 0 } else { age }
    }

    /// Whether a program that has just started may go on holding it: it was [`Mark::Held`], with a
    /// lifetime, and renewed less than `within` ago.
    #[must_use]
    pub fn is_adoptable(&self, within: Duration) -> bool {
        self.is_held() && self.valid.is_some() && self.renewed_ago() < within
    }

    /// Whether it is [`Mark::Held`] and has not run out: what has goes as soon as the kernel looks.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.mark.or(self.old_mark) == Some(Mark::Held) && self.valid != Some(0)
    }

    /// Decodes the body of RTM_NEWADDR or RTM_DELADDR; `None` when it is no address of a host.
    #[must_use]
    pub fn decode(message: &AddressMessage) -> Option<Self> {
        let (mut address, mut local, mut metric, mut protocol, mut cache) =
            (None, None, 0, 0, None);
        let mut flags = AddressFlags::from_bits_retain(u32::from(message.header.flags.bits()));
        for attribute in &message.attributes {
            match attribute {
                AddressAttribute::Address(ip) => address = Some(*ip),
                AddressAttribute::Local(ip) => local = Some(*ip),
                AddressAttribute::Flags(all) => flags = *all,
                AddressAttribute::RoutePriority(priority) => metric = *priority,
                AddressAttribute::Protocol(number) => protocol = u8::from(*number),
                AddressAttribute::CacheInfo(info) => cache = Some(*info),
                _ => {}
            }
        }
        // On a point-to-point link IFA_ADDRESS is the other end.
        let cidr = Cidr::new(local.or(address)?, message.header.prefix_len).ok()?;
        let valid = cache.map(|cache| cache.ifa_valid).filter(|valid| *valid != FOREVER);
        let stamp = cache.map_or(0, |cache| cache.tstamp);
        let is_deprecated = flags.contains(AddressFlags::Deprecated);
        let mark = Mark::of_metric(metric).filter(|_| is_deprecated);
        let old_mark = Mark::of_protocol(protocol).filter(|_| is_deprecated && metric == 0);
        let index = message.header.index;
        let mut address =
            Self { index, cidr, flags, mark, old_mark, valid, stamp, manner: Manner::default() };
        if address.is_leftover() {
            address.manner = Manner::decode(message);
        }
        Some(address)
    }
}

/// RTM_NEWADDR of an ordinary address of the host, for ever.
#[must_use]
pub fn add_own(index: u32, cidr: Cidr) -> RouteNetlinkMessage {
    let mut message = bare(index, cidr);
    message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
    RouteNetlinkMessage::NewAddress(message)
}

/// RTM_DELADDR. The kernel deletes the address whatever mark it has.
#[must_use]
pub fn delete(index: u32, cidr: Cidr) -> RouteNetlinkMessage {
    RouteNetlinkMessage::DelAddress(bare(index, cidr))
}

/// All addresses of the socket's network namespace, in the kernel's order. While they keep changing
/// it may name one that has just gone.
///
/// # Errors
/// [`Error`] when the kernel did not answer.
pub fn list(socket: &mut Socket) -> Result<Vec<HostAddress>, Error> {
    let all = RouteNetlinkMessage::GetAddress(AddressMessage::default());
    socket.dump_merged(&all, entry, place)
}

/// The addresses of one interface.
pub(crate) fn list_on(socket: &mut Socket, index: u32) -> Result<Vec<HostAddress>, Error> {
    let request = request_for(socket, index);
    let found =
        socket.dump_merged(&request, |header, payload| entry_of(index, header, payload), place);
    or_none(found)
}

/// The same, where it is enough that `is_enough` of the addresses are seen.
pub(crate) fn list_on_until(
    socket: &mut Socket,
    index: u32,
    is_enough: impl Fn(&[HostAddress]) -> bool,
) -> Result<Vec<HostAddress>, Error> {
    let request = request_for(socket, index);
    let found =
        socket.dump_until(&request, |header, payload| entry_of(index, header, payload), is_enough);
    or_none(found)
}

/// Where the kernel cannot choose, it lists everything.
fn request_for(socket: &Socket, index: u32) -> RouteNetlinkMessage {
    let mut request = AddressMessage::default();
    if socket.filters() {
        request.header.index = index;
    }
    RouteNetlinkMessage::GetAddress(request)
}

/// An interface that is gone has no addresses.
fn or_none(found: Result<Vec<HostAddress>, Error>) -> Result<Vec<HostAddress>, Error> {
    match found {
        Err(error) if error.errno() == Some(libc::ENODEV) => Ok(Vec::new()),
        found => found,
    }
}

fn entry(header: &NetlinkHeader, payload: &[u8]) -> Option<HostAddress> {
    decode(header, payload).map(Change::entry)
}

fn entry_of(index: u32, header: &NetlinkHeader, payload: &[u8]) -> Option<HostAddress> {
    entry(header, payload).filter(|address| address.index == index)
}

/// What tells two entries of the kernel's table apart: the interface's index, the address and its
/// prefix length. Those of one interface are neighbours in the order of these.
pub(crate) type Place = (u32, IpAddr, u8);

pub(crate) fn place(address: &HostAddress) -> Place {
    (address.index, address.ip(), address.cidr.prefix_length())
}

/// Decodes RTM_NEWADDR and RTM_DELADDR.
pub(crate) fn decode(header: &NetlinkHeader, payload: &[u8]) -> Option<Change<HostAddress>> {
    match RouteNetlinkMessage::deserialize(header, payload).ok()? {
        RouteNetlinkMessage::NewAddress(message) => HostAddress::decode(&message).map(Change::New),
        RouteNetlinkMessage::DelAddress(message) => HostAddress::decode(&message).map(Change::Gone),
        _ => None,
    }
}

fn bare(index: u32, cidr: Cidr) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = match cidr.address() {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    message.header.prefix_len = cidr.prefix_length();
    message.header.index = index;
    message.attributes =
        vec![AddressAttribute::Local(cidr.address()), AddressAttribute::Address(cidr.address())];
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(message: &RouteNetlinkMessage) -> &AddressMessage {
        match message {
            RouteNetlinkMessage::NewAddress(message) | RouteNetlinkMessage::DelAddress(message) => {
                message
            }
            other => panic!("{other:?}"),
        }
    }

    /// What the kernel tells of an address that was put: as it was sent, and deprecated.
    fn told(put: &Put) -> AddressMessage {
        let mut message = body(&put.message()).clone();
        for attribute in &mut message.attributes {
            if let AddressAttribute::Flags(flags) = attribute {
                *flags |= AddressFlags::Deprecated;
            }
        }
        message
    }

    fn without(message: &AddressMessage, is_it: impl Fn(&AddressAttribute) -> bool) -> HostAddress {
        let mut message = message.clone();
        message.attributes.retain(|attribute| !is_it(attribute));
        HostAddress::decode(&message).unwrap()
    }

    #[test]
    fn what_is_put_is_what_is_read() {
        for (text, mark) in [("192.0.2.10/24", Mark::Leaving), ("2001:db8::10/64", Mark::Held)] {
            let put = Put {
                index: 3,
                cidr: text.parse().unwrap(),
                mark,
                valid: None,
                manner: Manner::default(),
            };
            assert_eq!(HostAddress::decode(&told(&put)).unwrap(), put.entry());
        }
    }

    #[test]
    fn the_mark_is_the_metric_and_the_deprecation_and_nothing_else() {
        let cidr = "192.0.2.10/24".parse().unwrap();
        let put = Put { index: 3, cidr, mark: Mark::Held, valid: None, manner: Manner::default() };
        let told = told(&put);
        let decoded = HostAddress::decode(&told).unwrap();
        assert_eq!((decoded.mark, decoded.old_mark), (Some(Mark::Held), None));
        let flags = without(&told, |attribute| matches!(attribute, AddressAttribute::Flags(_)));
        assert!(!flags.is_ours() && !flags.is_leftover(), "somebody made it his own");
        let protocol =
            without(&told, |attribute| matches!(attribute, AddressAttribute::Protocol(_)));
        assert!(protocol.is_ours(), "a kernel before 5.18");
        let metric =
            without(&told, |attribute| matches!(attribute, AddressAttribute::RoutePriority(_)));
        assert_eq!((metric.mark, metric.old_mark), (None, Some(Mark::Held)), "version 0.1");
        assert!(metric.lost_its_mark() && metric.is_leftover() && !metric.is_ours());
        assert_eq!(Mark::Held.metric(), 1_987_211_888);
        assert_eq!(Mark::Leaving.metric(), 1_987_211_889);
    }

    #[test]
    fn only_a_fresh_held_and_finite_address_is_adopted() {
        let cidr = "192.0.2.10/24".parse().unwrap();
        let put =
            Put { index: 3, cidr, mark: Mark::Held, valid: Some(2), manner: Manner::default() };
        let mut address = HostAddress::decode(&told(&put)).unwrap();
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap();
        address.stamp = u32::try_from((now.as_millis() / 10) % (1 << 32)).unwrap();
        let within = Duration::from_secs(60);
        assert!(address.is_adoptable(within));
        let old = HostAddress { mark: None, old_mark: Some(Mark::Held), ..address.clone() };
        assert!(old.is_adoptable(within), "version 0.1's");
        assert!(!HostAddress { mark: Some(Mark::Leaving), ..address.clone() }.is_adoptable(within));
        assert!(!HostAddress { mark: None, ..address.clone() }.is_adoptable(within));
        assert!(!HostAddress { valid: None, ..address.clone() }.is_adoptable(within));
        assert!(
            HostAddress { stamp: address.stamp.wrapping_add(5), ..address.clone() }
                .is_adoptable(within)
        );
        assert!(
            !HostAddress { stamp: address.stamp.wrapping_add(6000), ..address.clone() }
                .is_adoptable(within)
        );
        assert!(
            !HostAddress { stamp: address.stamp.wrapping_sub(6000), ..address }
                .is_adoptable(within)
        );
    }
}
