//! [`Table`]: what is on the interfaces now, and where a virtual address fits in.

use std::{collections::BTreeMap, net::IpAddr};

use vrrp_core::Cidr;

use crate::netlink::addresses::{HostAddress, Put, covers};

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
    pub(super) fn place(&self, index: u32, cidr: Cidr, tag: u8, valid: Option<u32>) -> Put {
        let host_has_subnet = self.own(index).any(|own| covers(own.cidr, cidr));
        let is_first = !self.own(index).any(|own| is_peer(own, cidr));
        let cidr = if is_first && !host_has_subnet { Cidr::from(cidr.address()) } else { cidr };
        let prefix_route = !host_has_subnet && cidr != Cidr::from(cidr.address());
        Put { index, cidr, tag, valid, prefix_route }
    }

    /// How `held`, which is there already, is put again: as it is, since another prefix length would make
    /// a second address. Only the route of the subnet is given up once the host has its own.
    pub(super) fn again(&self, held: &HostAddress, tag: u8, valid: Option<u32>) -> Put {
        let cidr = held.cidr;
        let prefix_route = held.has_prefix_route() && !self.own(held.index).any(|own| covers(own.cidr, cidr));
        Put { index: held.index, cidr, tag, valid, prefix_route }
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

/// Whether `own` shows that the interface has been given its addresses: link-local IPv6 addresses come by
/// themselves.
fn is_peer(own: &HostAddress, cidr: Cidr) -> bool {
    match (own.ip(), cidr.address()) {
        (IpAddr::V4(_), IpAddr::V4(_)) => true,
        (IpAddr::V6(own), IpAddr::V6(_)) => !own.is_unicast_link_local(),
        _ => false,
    }
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
    fn a_subnet_is_brought_only_next_to_own_addresses() {
        let vip = "203.0.113.10/24";
        assert_eq!(placed(&["203.0.113.1/24"], vip), (vip.to_owned(), false), "the host's own subnet");
        assert_eq!(placed(&["203.0.0.1/16"], vip), (vip.to_owned(), false), "a part of it");
        assert_eq!(placed(&["10.0.0.1/24"], vip), (vip.to_owned(), true), "another subnet");
        assert_eq!(placed(&["203.0.113.1/25"], vip), (vip.to_owned(), true), "a larger subnet");
        assert_eq!(
            placed(&["2001:db8::1/64"], vip),
            ("203.0.113.10/32".to_owned(), false),
            "before any other"
        );
        assert_eq!(placed(&[], vip), ("203.0.113.10/32".to_owned(), false), "before any other");
        assert_eq!(placed(&["10.0.0.1/24"], "203.0.113.10/32"), ("203.0.113.10/32".to_owned(), false));
    }

    #[test]
    fn ipv6_has_the_same_rules_and_link_local_is_covered() {
        let vip = "2001:db8::10/64";
        assert_eq!(placed(&["fe80::1/64"], vip), ("2001:db8::10/128".to_owned(), false));
        assert_eq!(placed(&["fe80::1/64", "2001:db8::1/64"], vip), (vip.to_owned(), false));
        assert_eq!(placed(&["fe80::1/64", "2001:db8:1::1/64"], vip), (vip.to_owned(), true));
        assert_eq!(placed(&["fe80::1/64"], "fe80::10/64"), ("fe80::10/64".to_owned(), false));
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
    fn an_address_that_is_there_keeps_its_prefix_and_gives_up_the_route() {
        let held = address(1, "203.0.113.10/24", HELD);
        let mut table: Table = [held.clone()].into_iter().collect();
        let put = table.again(&held, HELD, None);
        assert!(put.prefix_route && put.cidr == held.cidr);
        table = [held.clone(), address(1, "203.0.113.1/24", 0)].into_iter().collect();
        assert!(!table.again(&held, HELD, None).prefix_route);
    }
}
