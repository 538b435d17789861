//! [`Table`]: what is on the interfaces now, and where a virtual address fits in.

use std::{collections::BTreeMap, net::IpAddr};

use vrrp_core::Cidr;

use crate::netlink::{
    addresses::{HostAddress, Put},
    routes::{PrefixRoute, covers, subnet},
};

/// The addresses of the network namespace.
#[derive(Debug, Default)]
pub(super) struct Table {
    by_ip: BTreeMap<IpAddr, Vec<HostAddress>>,
}

/// Who has an address already.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Present<'a> {
    /// Nobody.
    No,
    /// It bears our tag, on the interface that it is wanted on.
    Ours(&'a HostAddress),
    /// It is there without our tag.
    Foreign(&'a HostAddress),
    /// It bears our tag on another interface.
    Elsewhere(&'a HostAddress),
}

impl FromIterator<HostAddress> for Table {
    fn from_iter<T: IntoIterator<Item = HostAddress>>(addresses: T) -> Self {
        let mut table = Self::default();
        for address in addresses {
            table.by_ip.entry(address.ip()).or_default().push(address);
        }
        table
    }
}

impl Table {
    /// Who has `ip`, which is wanted on the interface `index`.
    pub(super) fn find(&self, index: u32, ip: IpAddr) -> Present<'_> {
        let here = |address: &&HostAddress| address.index == index;
        let mut equal = self.equal(ip).iter();
        // Every link has link-local addresses of its own (RFC 4291 2.5.6).
        let anywhere = !matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
        if let Some(foreign) = equal.clone().find(|address| !address.is_ours() && (anywhere || here(address)))
        {
            return Present::Foreign(foreign);
        }
        if let Some(ours) = equal.clone().find(here) {
            return Present::Ours(ours);
        }
        match equal.next() {
            Some(elsewhere) if anywhere => Present::Elsewhere(elsewhere),
            Some(_) | None => Present::No,
        }
    }

    /// The entry of `ip` on the interface `index` that bears our tag.
    pub(super) fn ours(&self, index: u32, ip: IpAddr) -> Option<&HostAddress> {
        self.equal(ip).iter().find(|address| address.index == index && address.is_ours())
    }

    /// How `cidr` is put on the interface `index` for the first time.
    ///
    /// An IPv4 address of a subnet that the host does not have is put without it, beside a [route](Self::route)
    /// of its own: it would be the subnet's primary address, and its end would take away all others of the
    /// subnet, the host's own too, that came after it.
    pub(super) fn place(&self, index: u32, cidr: Cidr, tag: u8, valid: Option<u32>) -> Put {
        let host_has_subnet = self.host_has_subnet(index, cidr);
        let bare = Cidr::from(cidr.address());
        let cidr = if cidr.address().is_ipv4() && !host_has_subnet { bare } else { cidr };
        Put { index, cidr, tag, valid, prefix_route: brings_route(cidr, host_has_subnet) }
    }

    /// How `held`, which is there already, is put again: as it is, since another prefix length would make
    /// a second address. Only the route of the subnet comes and goes.
    pub(super) fn again(&self, held: &HostAddress, tag: u8, valid: Option<u32>) -> Put {
        let HostAddress { index, cidr, .. } = *held;
        let prefix_route = brings_route(cidr, self.host_has_subnet(index, cidr));
        Put { index, cidr, tag, valid, prefix_route }
    }

    /// The route that makes the subnet of the IPv4 address `cidr` reachable, if the host has none of its own.
    pub(super) fn route(&self, index: u32, cidr: Cidr) -> Option<PrefixRoute> {
        let has_subnet = cidr != Cidr::from(cidr.address());
        let is_wanted = cidr.address().is_ipv4() && has_subnet && !self.host_has_subnet(index, cidr);
        is_wanted.then(|| PrefixRoute::of(index, cidr))
    }

    /// Whether an address on the interface is in the subnet of `cidr`.
    pub(super) fn has_subnet(&self, index: u32, cidr: Cidr) -> bool {
        let mut all = self.by_ip.values().flatten();
        all.any(|address| address.index == index && subnet(address.cidr) == subnet(cidr))
    }

    fn host_has_subnet(&self, index: u32, cidr: Cidr) -> bool {
        self.own(index).any(|own| covers(own.cidr, cidr))
    }

    /// Enters what has been put.
    pub(super) fn enter(&mut self, put: &Put) {
        let equal = self.by_ip.entry(put.cidr.address()).or_default();
        equal.retain(|address| !(address.index == put.index && address.cidr == put.cidr));
        equal.push(put.entry());
    }

    /// The entries of `ip`: one on each interface that has it, or one for each prefix length.
    fn equal(&self, ip: IpAddr) -> &[HostAddress] {
        self.by_ip.get(&ip).map(Vec::as_slice).unwrap_or_default()
    }

    /// The host's own addresses of the interface.
    fn own(&self, index: u32) -> impl Iterator<Item = &HostAddress> {
        let all = self.by_ip.values().flatten();
        all.filter(move |address| address.index == index && !address.is_ours())
    }
}

/// Whether the kernel makes a route of an address. With an IPv4 address only if it is the first of its subnet,
/// which it becomes when the host's own goes and the kernel keeps the others (`promote_secondaries`).
fn brings_route(cidr: Cidr, host_has_subnet: bool) -> bool {
    let has_subnet = cidr != Cidr::from(cidr.address());
    has_subnet && (cidr.address().is_ipv4() || !host_has_subnet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::addresses::HELD;

    fn address(index: u32, cidr: &str, tag: u8) -> HostAddress {
        HostAddress::new(index, cidr.parse().unwrap(), tag)
    }

    fn placed(own: &[&str], cidr: &str) -> (String, bool) {
        let others = [address(1, "203.0.113.9/24", HELD), address(2, "203.0.113.8/24", 0)];
        let table: Table = own.iter().map(|own| address(1, own, 0)).chain(others).collect();
        let put = table.place(1, cidr.parse().unwrap(), HELD, Some(2));
        (put.cidr.to_string(), put.prefix_route)
    }

    #[test]
    fn an_ipv4_address_has_the_hosts_subnet_or_none() {
        let (vip, bare) = ("203.0.113.10/24", "203.0.113.10/32");
        assert_eq!(placed(&["203.0.113.1/24"], vip), (vip.to_owned(), true), "the host's own subnet");
        assert_eq!(placed(&["203.0.0.1/16"], vip), (vip.to_owned(), true), "a part of it");
        for (own, what) in [
            (&["10.0.0.1/24"][..], "another subnet"),
            (&["203.0.113.1/25"], "a larger subnet"),
            (&["2001:db8::1/64"], "before any other"),
            (&[], "before any other"),
        ] {
            assert_eq!(placed(own, vip), (bare.to_owned(), false), "{what}");
        }
        assert_eq!(placed(&["203.0.113.1/24"], bare), (bare.to_owned(), false));
    }

    #[test]
    fn an_ipv6_address_brings_a_subnet_that_the_host_does_not_have() {
        let vip = "2001:db8::10/64";
        assert_eq!(placed(&["fe80::1/64"], vip), (vip.to_owned(), true));
        assert_eq!(placed(&["fe80::1/64", "2001:db8::1/64"], vip), (vip.to_owned(), false));
        assert_eq!(placed(&["fe80::1/64", "2001:db8:1::1/64"], vip), (vip.to_owned(), true));
        assert_eq!(placed(&["fe80::1/64"], "fe80::10/64"), ("fe80::10/64".to_owned(), false));
        assert_eq!(placed(&["fe80::1/64"], "2001:db8::10/128"), ("2001:db8::10/128".to_owned(), false));
    }

    #[test]
    fn a_route_is_for_a_subnet_that_the_host_does_not_have() {
        let table: Table =
            [address(1, "10.0.0.1/24", 0), address(1, "203.0.113.10/32", HELD)].into_iter().collect();
        let route = |text: &str| table.route(1, text.parse().unwrap());
        let expected = PrefixRoute::of(1, "203.0.113.10/24".parse().unwrap());
        assert_eq!(route("203.0.113.10/24"), Some(expected));
        assert_eq!(route("10.0.0.10/24"), None, "the host's");
        assert_eq!(route("203.0.113.10/32"), None, "it has no subnet");
        assert_eq!(route("2001:db8::10/64"), None, "the kernel makes it with the address");
    }

    #[test]
    fn an_address_of_the_host_is_foreign_wherever_it_is() {
        let all = [
            address(1, "192.0.2.1/24", HELD),
            address(2, "192.0.2.2/24", 0),
            address(2, "192.0.2.3/24", HELD),
            address(2, "fe80::1/64", 0),
        ];
        let table: Table = all.iter().cloned().collect();
        let find = |ip: &str| table.find(1, ip.parse().unwrap());
        assert_eq!(find("192.0.2.1"), Present::Ours(&all[0]));
        assert_eq!(find("192.0.2.2"), Present::Foreign(&all[1]));
        assert_eq!(find("192.0.2.3"), Present::Elsewhere(&all[2]));
        assert_eq!(find("192.0.2.4"), Present::No);
        assert_eq!(find("fe80::1"), Present::No, "link-local addresses belong to their link");
    }

    #[test]
    fn an_address_that_is_there_keeps_its_prefix() {
        let held = address(1, "2001:db8::10/64", HELD);
        let mut table: Table = [held.clone()].into_iter().collect();
        let put = table.again(&held, HELD, None);
        assert!(put.prefix_route && put.cidr == held.cidr);
        table = [held.clone(), address(1, "2001:db8::1/64", 0)].into_iter().collect();
        assert!(!table.again(&held, HELD, None).prefix_route, "the route is the host's");
        let bare = address(1, "203.0.113.10/32", HELD);
        table = [bare.clone(), address(1, "203.0.113.1/24", 0)].into_iter().collect();
        assert_eq!(table.again(&bare, HELD, None).cidr, bare.cidr);
    }

    #[test]
    fn a_subnet_is_had_by_whoever_is_in_it() {
        let has = |other: HostAddress| {
            let table: Table = [other].into_iter().collect();
            table.has_subnet(1, "2001:db8::10/64".parse().unwrap())
        };
        assert!(has(address(1, "2001:db8::11/64", HELD)));
        assert!(has(address(1, "2001:db8::1/64", 0)));
        assert!(!has(address(2, "2001:db8::11/64", HELD)));
        assert!(!has(address(1, "2001:db8:1::11/64", HELD)));
        assert!(!has(address(1, "2001:db8::11/128", HELD)), "it brings no route");
    }
}
