//! The kernel's addresses: the messages that change them, and the table of them.

use std::{net::IpAddr, time::Duration};

use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{
        AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressProtocol, CacheInfo,
    },
};
use nix::time::{ClockId, clock_gettime};
use vrrp_core::Cidr;

use super::{Error, Socket};

/// The `IFA_PROTO` tag of a virtual address that is held. The kernel's own values are below 16.
pub const HELD: u8 = 112;
/// The `IFA_PROTO` tag of a virtual address that is about to be handed over: nobody may adopt it.
pub const LEAVING: u8 = 113;

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
    /// Who put it there (`IFA_PROTO`); 0: unknown.
    pub tag: u8,
    /// Seconds until the kernel takes it away; `None`: never.
    pub valid: Option<u32>,
    /// When it was last put or renewed, in hundredths of a second since the host started; wraps.
    pub stamp: u32,
}

impl HostAddress {
    #[cfg(test)]
    pub(crate) fn new(index: u32, cidr: Cidr, tag: u8) -> Self {
        Self { index, cidr, flags: AddressFlags::empty(), tag, valid: None, stamp: 0 }
    }

    /// The address.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.cidr.address()
    }

    /// Whether it bears [`HELD`] or [`LEAVING`]: a virtual address that a process of this program put there.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        matches!(self.tag, HELD | LEAVING)
    }

    /// Whether the kernel made a route to the subnet with it.
    #[must_use]
    pub fn has_prefix_route(&self) -> bool {
        !self.flags.contains(AddressFlags::Noprefixroute)
    }

    /// How long ago it was last put or renewed. The kernel stamps addresses by its tick, which can lag some
    /// tenths of a second behind its clock: this is then so much too long.
    #[must_use]
    pub fn renewed_ago(&self) -> Duration {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
        // The kernel's own number is cut to 32 bits in the same way.
        let low = u32::try_from((now.as_millis() / 10) % (1 << 32)).unwrap_or_default();
        let ago = low.wrapping_sub(self.stamp);
        // Both are rounded, so the stamp can be a little ahead.
        if ago > u32::MAX - 100 { Duration::ZERO } else { Duration::from_millis(u64::from(ago) * 10) }
    }

    /// Whether a program that has just started may go on holding it: it was [`HELD`], with a lifetime, and
    /// renewed less than `within` ago.
    #[must_use]
    pub fn is_adoptable(&self, within: Duration) -> bool {
        // What has run out goes as soon as the kernel looks.
        let is_leased = self.valid.is_some_and(|seconds| seconds > 0);
        self.tag == HELD && is_leased && self.renewed_ago() < within
    }

    /// Decodes the body of RTM_NEWADDR or RTM_DELADDR; `None` when it is no address of a host.
    #[must_use]
    pub fn decode(message: &AddressMessage) -> Option<Self> {
        let (mut address, mut local, mut tag, mut cache) = (None, None, 0, None);
        let mut flags = AddressFlags::from_bits_retain(u32::from(message.header.flags.bits()));
        for attribute in &message.attributes {
            match attribute {
                AddressAttribute::Address(ip) => address = Some(*ip),
                AddressAttribute::Local(ip) => local = Some(*ip),
                AddressAttribute::Flags(all) => flags = *all,
                AddressAttribute::Protocol(protocol) => tag = u8::from(*protocol),
                AddressAttribute::CacheInfo(info) => cache = Some(*info),
                _ => {}
            }
        }
        // On a point-to-point link IFA_ADDRESS is the other end.
        let cidr = Cidr::new(local.or(address)?, message.header.prefix_len).ok()?;
        let valid = cache.map(|cache| cache.ifa_valid).filter(|valid| *valid != FOREVER);
        let stamp = cache.map_or(0, |cache| cache.tstamp);
        Some(Self { index: message.header.index, cidr, flags, tag, valid, stamp })
    }
}

/// A virtual address to put on an interface, or to renew there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written as a literal")]
pub struct Put {
    /// The kernel's index of the interface.
    pub index: u32,
    /// The address and its prefix length.
    pub cidr: Cidr,
    /// [`HELD`] or [`LEAVING`].
    pub tag: u8,
    /// Seconds until the kernel takes it away, at least 1; `None`: never.
    pub valid: Option<u32>,
    /// Whether the kernel makes a route to the subnet with it.
    pub prefix_route: bool,
}

impl Put {
    /// What the kernel's table has once this has been put.
    pub(crate) fn entry(&self) -> HostAddress {
        let Self { index, cidr, tag, valid, .. } = *self;
        HostAddress { index, cidr, flags: self.flags(), tag, valid, stamp: 0 }
    }

    fn flags(&self) -> AddressFlags {
        let mut flags = AddressFlags::Nodad;
        flags.set(AddressFlags::Noprefixroute, !self.prefix_route);
        flags
    }

    /// RTM_NEWADDR. Everything is in every message: a renewal without an attribute resets it.
    ///
    /// Duplicate Address Detection is off, because the address has to answer at once (RFC 9568 8.2.2: it
    /// is not used when the address was another router's a moment ago). The preferred lifetime of zero
    /// keeps it from being chosen as a source address.
    #[must_use]
    pub fn message(&self) -> RouteNetlinkMessage {
        let mut cache = CacheInfo::default();
        cache.ifa_preferred = 0;
        cache.ifa_valid = self.valid.unwrap_or(FOREVER);
        let mut message = bare(self.index, self.cidr);
        message.header.flags = AddressHeaderFlags::Nodad;
        message.attributes.extend([
            AddressAttribute::CacheInfo(cache),
            AddressAttribute::Flags(self.flags()),
            AddressAttribute::Protocol(AddressProtocol::Other(self.tag)),
        ]);
        RouteNetlinkMessage::NewAddress(message)
    }
}

/// RTM_NEWADDR of an ordinary address of the host, for ever.
#[must_use]
pub fn add_own(index: u32, cidr: Cidr) -> RouteNetlinkMessage {
    let mut message = bare(index, cidr);
    message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
    RouteNetlinkMessage::NewAddress(message)
}

/// RTM_DELADDR. The kernel deletes the address whatever tag it bears.
#[must_use]
pub fn delete(index: u32, cidr: Cidr) -> RouteNetlinkMessage {
    RouteNetlinkMessage::DelAddress(bare(index, cidr))
}

/// All addresses of the socket's network namespace, in the kernel's order.
///
/// # Errors
/// [`Error`] when the kernel did not answer.
pub fn list(socket: &mut Socket) -> Result<Vec<HostAddress>, Error> {
    let all = RouteNetlinkMessage::GetAddress(AddressMessage::default());
    socket.dump_with(&all, |header, payload| decode(header, payload).and_then(|(_, address)| address))
}

/// Decodes RTM_NEWADDR (`true`) and RTM_DELADDR (`false`).
pub(crate) fn decode(header: &NetlinkHeader, payload: &[u8]) -> Option<(bool, Option<HostAddress>)> {
    match RouteNetlinkMessage::deserialize(header, payload).ok()? {
        RouteNetlinkMessage::NewAddress(message) => Some((true, HostAddress::decode(&message))),
        RouteNetlinkMessage::DelAddress(message) => Some((false, HostAddress::decode(&message))),
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
    use netlink_packet_core::Emitable;

    use super::*;

    fn body(message: &RouteNetlinkMessage) -> &AddressMessage {
        match message {
            RouteNetlinkMessage::NewAddress(message) | RouteNetlinkMessage::DelAddress(message) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lease_has_every_attribute_as_the_kernel_lays_it_out() {
        let put = Put {
            index: 7,
            cidr: "192.0.2.10/24".parse().unwrap(),
            tag: HELD,
            valid: Some(2),
            prefix_route: false,
        };
        let message = put.message();
        let mut bytes = vec![0; body(&message).buffer_len()];
        body(&message).emit(&mut bytes);
        let mut expected = vec![2, 24, 0x02, 0, 7, 0, 0, 0];
        expected.extend([8, 0, 2, 0, 192, 0, 2, 10]);
        expected.extend([8, 0, 1, 0, 192, 0, 2, 10]);
        expected.extend([20, 0, 6, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([8, 0, 8, 0, 0x02, 0x02, 0, 0]);
        expected.extend([5, 0, 11, 0, 112, 0, 0, 0]);
        if cfg!(target_endian = "little") {
            assert_eq!(bytes, expected);
        }
    }

    #[test]
    fn what_is_put_is_what_is_read() {
        for text in ["192.0.2.10/24", "2001:db8::10/64"] {
            let cidr = text.parse().unwrap();
            let put = Put { index: 3, cidr, tag: LEAVING, valid: None, prefix_route: true };
            let read = HostAddress::decode(body(&put.message())).unwrap();
            assert_eq!((read.index, read.cidr, read.tag, read.valid), (3, cidr, LEAVING, None));
            assert_eq!(read.flags, AddressFlags::Nodad);
        }
    }

    #[test]
    fn only_a_fresh_held_and_finite_address_is_adopted() {
        let cidr = "192.0.2.10/24".parse().unwrap();
        let put = Put { index: 3, cidr, tag: HELD, valid: Some(2), prefix_route: false };
        let mut address = HostAddress::decode(body(&put.message())).unwrap();
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap();
        address.stamp = u32::try_from((now.as_millis() / 10) % (1 << 32)).unwrap();
        let within = Duration::from_secs(60);
        assert!(address.is_adoptable(within));
        assert!(!HostAddress { tag: LEAVING, ..address.clone() }.is_adoptable(within));
        assert!(!HostAddress { valid: None, ..address.clone() }.is_adoptable(within));
        assert!(HostAddress { stamp: address.stamp.wrapping_add(5), ..address.clone() }.is_adoptable(within));
        assert!(
            !HostAddress { stamp: address.stamp.wrapping_add(6000), ..address.clone() }.is_adoptable(within)
        );
        assert!(!HostAddress { stamp: address.stamp.wrapping_sub(6000), ..address }.is_adoptable(within));
    }
}
