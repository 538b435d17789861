//! Whether the packets of an interface have room for an advertisement.

use vrrp_core::{Family, Version};
use vrrp_net::host::Interface;

use super::finding::{Code, Finding};
use crate::config::RouterConfig;

/// What precedes the addresses of an advertisement (RFC 9568 5.2), and what follows them in VRRPv2.
const HEADER: usize = 8;
const AUTHENTICATION: usize = 8;
/// IP headers without options.
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
/// The smallest MTU with which the kernel keeps IPv6 (RFC 8200 5).
const IPV6_LEAST: u32 = 1280;

/// That the MTU of `interface` is too small for what `config` sends there.
pub(super) fn too_small(config: &RouterConfig, interface: &Interface) -> Option<Finding> {
    let Interface { name, mtu, .. } = interface;
    let family = config.router.family();
    // That of the loopback interface of some kernels is not told.
    if *mtu == 0 {
        return None;
    }
    if family == Family::Ipv6 && *mtu < IPV6_LEAST {
        let message = format!(
            "the MTU of {name} is {mtu}, and the kernel keeps no IPv6 there below {IPV6_LEAST}; `ip \
             link set dev {name} mtu {IPV6_LEAST}`"
        );
        return Some(Finding::warning(Code::Mtu, &config.places.interface, message));
    }
    let (length, addresses) = (length(config), config.router.addresses().count());
    let is_too_long = u32::try_from(length).is_ok_and(|length| length > *mtu);
    is_too_long.then(|| {
        let message = format!(
            "an advertisement with {addresses} addresses is a packet of {length} octets, and the \
             MTU of {name} is {mtu}: it is sent in fragments, which firewalls and some other \
             programs drop; raise the MTU, or move addresses to `extra_addresses`, which are held \
             and not advertised"
        );
        Finding::warning(Code::Mtu, &config.places.interface, message)
    })
}

/// The length of the packet of an advertisement.
fn length(config: &RouterConfig) -> usize {
    let count = config.router.addresses().count();
    let trailer = if config.router.version() == Version::V2 { AUTHENTICATION } else { 0 };
    HEADER
        + trailer
        + match config.router.family() {
            Family::Ipv4 => IPV4_HEADER + 4 * count,
            Family::Ipv6 => IPV6_HEADER + 16 * count,
        }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn said(addresses: usize, prefix: &str, more: &str, mtu: u32) -> Option<String> {
        let list: Vec<String> =
            (1..=addresses).map(|number| format!("\"{prefix}{number}\"")).collect();
        let text = format!(
            "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
             [{}]\n{more}",
            list.join(", ")
        );
        let config = Config::parse(Path::new("f.toml"), &text).unwrap();
        let interface = Interface { name: "eth0".to_owned(), mtu, ..Interface::default() };
        let found = too_small(config.routers.first()?, &interface);
        found.map(|finding| finding.to_string())
    }

    #[test]
    fn the_limit_is_the_octet() {
        // RFC 9568 5.2 and RFC 3768 5.3, behind headers of IP without options.
        for (addresses, prefix, more, length) in [
            (10, "192.0.2.", "", 20 + 8 + 40),
            (10, "192.0.2.", "version = 2\n", 20 + 8 + 40 + 8),
            (100, "2001:db8::", "", 40 + 8 + 1600),
        ] {
            assert_eq!(said(addresses, prefix, more, length), None);
            let found = said(addresses, prefix, more, length - 1).unwrap();
            let expected = format!("a packet of {length} octets, and the MTU of eth0 is");
            assert!(found.contains(&expected), "{found}");
        }
        assert_eq!(said(1, "192.0.2.", "", 0), None);
    }

    #[test]
    fn ipv6_needs_1280_octets_whatever_is_sent() {
        assert_eq!(said(1, "2001:db8::", "", 1280), None);
        let found = said(1, "2001:db8::", "", 1279).unwrap();
        let expected = "f.toml:3:13: warning: the MTU of eth0 is 1279, and the kernel keeps no IPv6 \
            there below 1280; `ip link set dev eth0 mtu 1280`";
        assert_eq!(found, expected);
        assert_eq!(said(1, "192.0.2.", "", 1279), None);
    }
}
