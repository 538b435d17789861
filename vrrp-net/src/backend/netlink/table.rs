//! [`Table`]: what is on the interfaces now, and where a virtual address fits in.

use std::{collections::BTreeMap, net::IpAddr};

use vrrp_core::Cidr;

use crate::netlink::addresses::{HostAddress, Manner, Mark, Put};

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
    /// It has our mark, on the interface that it is wanted on.
    Ours(&'a HostAddress),
    /// It is there without our mark.
    Foreign(&'a HostAddress),
    /// It has our mark on another interface.
    Elsewhere(&'a HostAddress),
}

impl FromIterator<HostAddress> for Table {
    fn from_iter<T: IntoIterator<Item = HostAddress>>(addresses: T) -> Self {
        let mut table = Self::default();
        table.extend(addresses);
        table
    }
}

impl Extend<HostAddress> for Table {
    fn extend<T: IntoIterator<Item = HostAddress>>(&mut self, addresses: T) {
        for address in addresses {
            self.by_ip.entry(address.ip()).or_default().push(address);
        }
    }
}

impl Table {
    /// Who has `ip`, which is wanted on the interface `index`.
    pub(super) fn find(&self, index: u32, ip: IpAddr) -> Present<'_> {
        self.find_but(index, ip, |_| false)
    }

    /// The same, where those on other interfaces do not count that `moves` knows of.
    pub(super) fn find_but(
        &self,
        index: u32,
        ip: IpAddr,
        moves: impl Fn(&HostAddress) -> bool,
    ) -> Present<'_> {
        let here = |address: &&HostAddress| address.index == index;
        let mut equal = self.equal(ip).iter();
        // Every link has link-local addresses of its own (RFC 4291 2.5.6).
        let anywhere = !is_link_local(ip);
        if let Some(foreign) =
            equal.clone().find(|address| !address.is_ours() && (anywhere || here(address)))
        {
            return Present::Foreign(foreign);
        }
        if let Some(ours) = equal.clone().find(here) {
            return Present::Ours(ours);
        }
        match equal.find(|elsewhere| !moves(elsewhere)) {
            Some(elsewhere) if anywhere => Present::Elsewhere(elsewhere),
            Some(_) | None => Present::No,
        }
    }

    /// The entry of `ip` on the interface `index` that has our mark.
    pub(super) fn ours(&self, index: u32, ip: IpAddr) -> Option<&HostAddress> {
        self.equal(ip).iter().find(|address| address.index == index && address.is_ours())
    }

    /// The same, for what any version left behind.
    pub(super) fn leftover(&self, index: u32, ip: IpAddr) -> Option<&HostAddress> {
        self.equal(ip).iter().find(|address| address.index == index && address.is_leftover())
    }

    pub(super) fn is_leftover(&self, index: u32, ip: IpAddr) -> bool {
        self.leftover(index, ip).is_some()
    }

    /// How `cidr` is put on the interface `index` for the first time; `brings_subnet`: beside a
    /// route of its own.
    ///
    /// It keeps its prefix length only where it has no effect. As the primary IPv4 address of its
    /// subnet it would take away all others, the host's own too, when it ends: it needs one of the
    /// host's before it.
    pub(super) fn place(
        &self,
        index: u32,
        cidr: Cidr,
        manner: Manner,
        brings_subnet: bool,
        valid: Option<u32>,
    ) -> Put {
        let is_bare = match cidr.address() {
            // The kernel takes no two scopes in one subnet.
            IpAddr::V4(_) if manner.scope != 0 => true,
            IpAddr::V4(_) => !self.own(index).any(|own| own.cidr.covers(cidr)),
            IpAddr::V6(_) => brings_subnet,
        };
        let cidr = if is_bare { Cidr::from(cidr.address()) } else { cidr };
        Put { index, cidr, mark: Mark::Held, valid, manner }
    }

    /// The entry of an address on the interface `index`, whoever put it there.
    pub(super) fn exact(&self, index: u32, cidr: Cidr) -> Option<&HostAddress> {
        let mut equal = self.equal(cidr.address()).iter();
        equal.find(|address| address.index == index && address.cidr == cidr)
    }

    /// Whether one of the host's own addresses of the interface is in the subnet of `cidr`.
    pub(super) fn host_is_in(&self, index: u32, cidr: Cidr) -> bool {
        self.own(index).any(|own| own.cidr.subnet() == cidr.subnet())
    }

    /// Whether a virtual address on the interface is in the subnet of `cidr`.
    pub(super) fn is_needed(&self, index: u32, cidr: Cidr) -> bool {
        let mut all = self.by_ip.values().flatten();
        all.any(|address| {
            address.index == index && address.is_ours() && cidr.subnet().covers(address.ip().into())
        })
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

/// Whether `ip` may be another host's on another link.
pub(super) const fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: Option<Mark> = Some(Mark::Held);

    fn address(index: u32, cidr: &str, mark: Option<Mark>) -> HostAddress {
        HostAddress::new(index, cidr.parse().unwrap(), mark)
    }

    fn placed(own: &[&str], cidr: &str, brings_subnet: bool) -> String {
        let others = [address(1, "203.0.113.9/24", HELD), address(2, "203.0.113.8/24", None)];
        let table: Table = own.iter().map(|own| address(1, own, None)).chain(others).collect();
        let (cidr, manner) = (cidr.parse().unwrap(), Manner::default());
        table.place(1, cidr, manner, brings_subnet, Some(2)).cidr.to_string()
    }

    #[test]
    fn an_ipv4_address_is_never_the_first_of_its_subnet() {
        let (vip, bare) = ("203.0.113.10/24", "203.0.113.10/32");
        assert_eq!(placed(&["203.0.113.1/24"], vip, false), vip, "the host's own subnet");
        assert_eq!(placed(&["203.0.0.1/16"], vip, false), vip, "a part of it");
        assert_eq!(
            placed(&["203.0.113.1/24"], vip, true),
            vip,
            "the host's own, without its route"
        );
        for (own, what) in [
            (&["10.0.0.1/24"][..], "another subnet"),
            (&["203.0.113.1/25"], "a larger subnet"),
            (&["2001:db8::1/64"], "before any other"),
            (&[], "before any other"),
        ] {
            assert_eq!(placed(own, vip, true), bare, "{what}");
            assert_eq!(placed(own, vip, false), bare, "{what}, with a route of the host's");
        }
        assert_eq!(placed(&["203.0.113.1/24"], bare, false), bare);
    }

    #[test]
    fn an_ipv6_address_that_brings_its_subnet_is_bare() {
        assert_eq!(placed(&["fe80::1/64"], "2001:db8::10/64", true), "2001:db8::10/128");
        assert_eq!(placed(&["fe80::1/64"], "2001:db8::10/64", false), "2001:db8::10/64");
    }

    #[test]
    fn an_address_of_the_host_is_foreign_wherever_it_is() {
        let all = [
            address(1, "192.0.2.1/24", HELD),
            address(2, "192.0.2.2/24", None),
            address(2, "192.0.2.3/24", HELD),
            address(2, "fe80::1/64", None),
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
    fn an_address_that_moves_is_in_nobodys_way() {
        let all = [address(2, "192.0.2.3/24", HELD), address(3, "192.0.2.3/24", HELD)];
        let ip = all[0].ip();
        let table: Table = all.iter().cloned().collect();
        let moves = |other: &HostAddress| other.index == 2;
        assert_eq!(table.find_but(1, ip, moves), Present::Elsewhere(&all[1]));
        let table: Table = [all[0].clone()].into_iter().collect();
        assert_eq!(table.find_but(1, ip, moves), Present::No);
        let table: Table = [address(2, "192.0.2.3/24", None)].into_iter().collect();
        assert!(matches!(table.find_but(1, ip, moves), Present::Foreign(_)), "the host's own");
    }

    #[test]
    fn what_version_0_1_left_is_found_by_those_who_look_for_it() {
        let mut old = address(1, "192.0.2.10/24", None);
        old.old_mark = HELD;
        let table: Table = [old.clone()].into_iter().collect();
        let ip = old.ip();
        assert_eq!(
            (table.ours(1, ip), table.leftover(1, ip), table.leftover(2, ip)),
            (None, Some(&old), None)
        );
        assert_eq!(table.find(1, ip), Present::Foreign(&old));
    }

    #[test]
    fn a_route_is_needed_by_whoever_is_in_its_subnet() {
        let needed = |other: HostAddress| {
            let table: Table = [other].into_iter().collect();
            table.is_needed(1, "2001:db8::10/64".parse().unwrap())
        };
        assert!(needed(address(1, "2001:db8::11/128", HELD)));
        assert!(!needed(address(1, "2001:db8::1/64", None)), "the host's own");
        assert!(!needed(address(2, "2001:db8::11/128", HELD)));
        assert!(!needed(address(1, "2001:db8:1::11/128", HELD)));
    }
}
