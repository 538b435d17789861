//! [`Put`]: a virtual address to put.

use netlink_packet_route::{
    RouteNetlinkMessage,
    address::{AddressAttribute, AddressFlags, AddressHeaderFlags, AddressProtocol, CacheInfo},
};
use vrrp_core::Cidr;

use super::{FOREVER, HostAddress, Manner, Mark, bare};

/// A virtual address to put on an interface, or to renew there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "lab", expect(clippy::exhaustive_structs, reason = "written as a literal"))]
pub struct Put {
    /// The kernel's index of the interface.
    pub index: u32,
    /// The address and its prefix length.
    pub cidr: Cidr,
    /// What is to become of it.
    pub mark: Mark,
    /// Seconds until the kernel takes it away, at least 1; `None`: never.
    pub valid: Option<u32>,
    /// What else there is to say of it. The kernel heeds that only where the address is new.
    pub manner: Manner,
}

impl Put {
    /// What the kernel's table has once this has been put.
    pub(crate) fn entry(&self) -> HostAddress {
        let Self { index, cidr, mark, valid, manner } = *self;
        let flags = Self::FLAGS | AddressFlags::Deprecated;
        let (mark, old_mark, stamp) = (Some(mark), None, 0);
        HostAddress { index, cidr, flags, mark, old_mark, valid, stamp, manner }
    }

    /// The kernel makes no route of it: that would have the mark as its metric, and one that exists
    /// already would get the lifetime of the lease. Where a route is needed, we put our own beside
    /// it.
    const FLAGS: AddressFlags = AddressFlags::Nodad.union(AddressFlags::Noprefixroute);

    /// RTM_NEWADDR. Everything is in every message: a renewal without an attribute resets it.
    ///
    /// Duplicate Address Detection is off, because the address has to answer at once (RFC 9568
    /// 8.2.2: it is not used when the address was another router's a moment ago). The preferred
    /// lifetime of zero keeps it from being chosen as a source address, and is half of the
    /// [`Mark`].
    #[must_use]
    pub fn message(&self) -> RouteNetlinkMessage {
        let mut cache = CacheInfo::default();
        cache.ifa_preferred = 0;
        cache.ifa_valid = self.valid.unwrap_or(FOREVER);
        let mut message = bare(self.index, self.cidr);
        message.header.flags = AddressHeaderFlags::Nodad;
        message.attributes.extend([
            AddressAttribute::CacheInfo(cache),
            AddressAttribute::Flags(Self::FLAGS),
            AddressAttribute::RoutePriority(self.mark.metric()),
            AddressAttribute::Protocol(AddressProtocol::Other(self.mark.protocol())),
        ]);
        self.manner.write(&mut message);
        RouteNetlinkMessage::NewAddress(message)
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::Emitable;

    use super::*;

    fn octets(put: &Put) -> Vec<u8> {
        let RouteNetlinkMessage::NewAddress(message) = put.message() else {
            panic!("no new address")
        };
        let mut octets = vec![0; message.buffer_len()];
        message.emit(&mut octets);
        octets
    }

    #[test]
    fn a_lease_has_every_attribute_as_the_kernel_lays_it_out() {
        let put = Put {
            index: 7,
            cidr: "192.0.2.10/24".parse().unwrap(),
            mark: Mark::Held,
            valid: Some(2),
            manner: Manner::default(),
        };
        let mut expected = vec![2, 24, 0x02, 0, 7, 0, 0, 0];
        expected.extend([8, 0, 2, 0, 192, 0, 2, 10]);
        expected.extend([8, 0, 1, 0, 192, 0, 2, 10]);
        expected.extend([20, 0, 6, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([8, 0, 8, 0, 0x02, 0x02, 0, 0]);
        expected.extend([8, 0, 9, 0, 112, b'r', b'r', b'v']);
        expected.extend([5, 0, 11, 0, 112, 0, 0, 0]);
        if cfg!(target_endian = "little") {
            assert_eq!(octets(&put), expected);
        }
    }

    #[test]
    fn what_is_said_of_an_ipv4_address_comes_last() {
        let plain = Put {
            index: 7,
            cidr: "192.0.2.10/24".parse().unwrap(),
            mark: Mark::Held,
            valid: Some(2),
            manner: Manner::default(),
        };
        let manner = Manner {
            label: Some("eth0:w".into()),
            scope: 253,
            broadcast: Some([192, 0, 2, 255].into()),
        };
        let mut expected = octets(&plain);
        expected[3] = 253;
        expected.extend([11, 0, 3, 0, b'e', b't', b'h', b'0', b':', b'w', 0, 0]);
        expected.extend([8, 0, 4, 0, 192, 0, 2, 255]);
        assert_eq!(octets(&Put { manner, ..plain }), expected);
        let ipv6 = Put { cidr: "2001:db8::10/64".parse().unwrap(), ..plain };
        assert_eq!(
            octets(&Put { manner, ..ipv6 }),
            octets(&ipv6),
            "an IPv6 address has none of it"
        );
    }
}
