//! What a lab's nodes speak, by which family and to whom.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{member::ADDRESS, site::Plan};

/// The virtual address in IPv6.
const ADDRESS_IPV6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x100);

/// What an IPv6 virtual router has beside it.
pub(crate) const VIRTUAL_LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x100);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    Ipv4,
    Ipv6,
    /// By unicast, between addresses that have a route of their own to each other.
    RoutedIpv4,
    RoutedIpv6,
}

impl Network {
    pub(crate) const fn is_ipv6(self) -> bool {
        matches!(self, Self::Ipv6 | Self::RoutedIpv6)
    }

    /// The virtual address that the client uses.
    pub(crate) const fn address(self) -> IpAddr {
        if self.is_ipv6() { IpAddr::V6(ADDRESS_IPV6) } else { IpAddr::V4(ADDRESS) }
    }

    /// The address of a host of the lab, as a cable takes it.
    pub(crate) fn own(self, number: usize) -> String {
        if self.is_ipv6() { format!("fd00::{number}/64") } else { format!("10.0.0.{number}/24") }
    }

    /// Of two nodes by unicast, the first or the second: what it sends from.
    pub(crate) const fn source(self, who: usize) -> Option<IpAddr> {
        let octet = if who == 0 { 1 } else { 2 };
        match self {
            Self::Ipv4 | Self::Ipv6 => None,
            Self::RoutedIpv4 => Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, octet))),
            Self::RoutedIpv6 => {
                Some(IpAddr::V6(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, octet as u16)))
            }
        }
    }

    /// What `ip` is told on a node so that both reach each other.
    pub(crate) fn lay(self, who: usize) -> Vec<String> {
        let other = 1 - who.min(1);
        let (Some(own), Some(peer)) = (self.source(who), self.source(other)) else {
            return Vec::new();
        };
        let (bits, nodad) = if self.is_ipv6() { (128, " nodad") } else { (32, "") };
        let via = if self.is_ipv6() {
            format!("fd00::{}", other + 1)
        } else {
            format!("10.0.0.{}", other + 1)
        };
        vec![
            format!("address add {own}/{bits} dev eth0{nodad}"),
            format!("route add {peer}/{bits} via {via}"),
        ]
    }

    /// What `ip` is told on the second node when the way to the first is withdrawn.
    pub(crate) fn withdraw(self) -> String {
        let bits = if self.is_ipv6() { 128 } else { 32 };
        self.source(0).map(|peer| format!("route del {peer}/{bits}")).unwrap_or_default()
    }

    fn addresses(self) -> Vec<String> {
        if self.is_ipv6() {
            // RFC 9568 5.2.9: the first one is link-local.
            vec![format!("{VIRTUAL_LINK_LOCAL}/64"), format!("{ADDRESS_IPV6}/64")]
        } else {
            vec![format!("{ADDRESS}/24")]
        }
    }

    pub(crate) fn ours(self, plan: &Plan, who: usize) -> String {
        let Plan { version, interval, priorities, .. } = plan;
        let unicast = match (self.source(who), self.source(1 - who.min(1))) {
            (Some(own), Some(peer)) => format!("source = \"{own}\"\npeers = [\"{peer}\"]\n"),
            _ => String::new(),
        };
        format!(
            "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = {:?}\n\
             version = {version}\npriority = {}\ninterval = \"{}ms\"\n{unicast}",
            self.addresses(),
            priorities[who],
            interval.as_millis()
        )
    }

    pub(crate) fn keepalived(self, plan: &Plan, who: usize) -> String {
        let Plan { version, interval, priorities, .. } = plan;
        let unicast = match (self.source(who), self.source(1 - who.min(1))) {
            (Some(own), Some(peer)) => {
                format!(" unicast_src_ip {own}\n unicast_peer {{\n {peer}\n }}\n")
            }
            _ => String::new(),
        };
        format!(
            "vrrp_instance web {{\n interface eth0\n virtual_router_id 51\n version {version}\n \
             priority {}\n advert_int {}\n{unicast} virtual_ipaddress {{\n {}\n }}\n}}\n",
            priorities[who],
            interval.as_secs_f64(),
            self.addresses().join("\n ")
        )
    }
}
