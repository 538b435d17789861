//! Interfaces on which a node sends and does not hear, and names that are not the one that it knows
//! them by.

use std::net::{IpAddr, Ipv4Addr};

use vrrp_core::{Cidr, Family, Transport};
use vrrp_net::host::{Interface, Master};

use super::{
    finding::{Code, Finding},
    host::Host,
};
use crate::config::{Config, ConfigError, ConfigErrors, Place, RouterConfig};

/// The key that names an interface in a file.
const KEY: &str = "interface";
/// How many addresses of a network are looked at for one that is not this host's.
const LOOKED_AT_MOST: usize = 64;

/// Why a virtual router hears nobody on `interface`, or not everybody, and the place in the
/// configuration to change.
pub(super) fn faults(config: &RouterConfig, interface: &Interface, host: &Host) -> Vec<Finding> {
    match port(interface, host) {
        Some(sentence) => {
            let place = &config.places.interface;
            vec![Finding::warning(Code::InterfacePort, place, sentence)]
        }
        None => {
            let filter = |(place, sentence)| Finding::warning(Code::RpFilter, place, sentence);
            dropped(config, interface, host).into_iter().map(filter).collect()
        }
    }
}

/// That `interface` is a port of something that takes what arrives there.
pub(super) fn port(interface: &Interface, host: &Host) -> Option<String> {
    let masters = masters(interface, host);
    let (first, last) = (masters.first()?, masters.last()?);
    let Interface { name, .. } = interface;
    if last.kind == "openvswitch" {
        return Some(format!(
            "{name} is a port of an Open vSwitch bridge: what arrives goes to that; write the \
             bridge's name, which `ovs-vsctl iface-to-br {name}` prints, as `interface`"
        ));
    }
    let through = if masters.len() > 1 {
        format!(", and that of {}", last.described())
    } else {
        String::new()
    };
    Some(format!(
        "{name} is a port of {}{through}: what arrives goes to {last}; write `interface = \
         {last:?}`",
        first.described(),
        last = last.name
    ))
}

/// What takes the packets of `interface`, the nearest first: a port of a bond may be that of a
/// bridge.
fn masters<'a>(interface: &'a Interface, host: &'a Host) -> Vec<&'a Master> {
    let takes = |interface: &'a Interface| {
        interface.master.as_ref().filter(|master| master.takes_packets())
    };
    let next = |master: &&'a Master| host.interface(&master.name).and_then(takes);
    // An interface is in none of its own ports.
    std::iter::successors(takes(interface), next).take(host.interfaces.len()).collect()
}

/// Whether every interface that is there has its own name in `config`, and no alternative one.
///
/// # Errors
/// Which name to write, for each that has not.
pub(super) fn named(config: &Config, host: &Host) -> Result<(), ConfigErrors> {
    let mut errors: Vec<ConfigError> = Vec::new();
    for router in &config.routers {
        let own = (&router.places.interface, router.interface.as_str(), KEY);
        let held = router
            .held()
            .filter_map(|held| Some((&held.place, held.value.interface.as_deref()?, KEY)));
        let routes = router.routes.iter();
        let routes =
            routes.filter_map(|route| Some((&route.place, &**route.value.interface()?, "dev")));
        for (place, name, key) in std::iter::once(own).chain(held).chain(routes) {
            let Some(sentence) = other_name(name, key, host) else { continue };
            let error = ConfigError::new(place.clone(), sentence);
            // Two families of one virtual router say it once.
            if !errors.contains(&error) {
                errors.push(error);
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors.into()) }
}

/// That `name` is an alternative one of an interface; `key` is what stands before it.
fn other_name(name: &str, key: &str, host: &Host) -> Option<String> {
    let has = |interface: &&Interface| interface.other_names.iter().any(|other| other == name);
    let Interface { name: real, .. } = host.interfaces.iter().find(has)?;
    let advice = if key == KEY { format!("{key} = {real:?}") } else { format!("{key} {real}") };
    Some(format!(
        "{name} is another name of {real}, and vrrp knows it only by that name; write `{advice}`"
    ))
}

/// That the kernel drops what others send to `interface`, because it would send to them by another
/// one (`rp_filter`, RFC 3704 2.2). Multicast is judged like unicast.
fn dropped<'a>(
    config: &'a RouterConfig,
    interface: &Interface,
    host: &Host,
) -> Vec<(&'a Place, String)> {
    // There is no such filter for IPv6.
    if !interface.is_strict || config.router.family() != Family::Ipv4 {
        return Vec::new();
    }
    let by_another = |address| by_another(address, interface, host);
    if let Transport::Unicast { peers, .. } = config.router.transport() {
        let others = peers.iter().filter(|peer| !host.has_own(peer.address));
        let dropped = others.filter_map(|peer| {
            let IpAddr::V4(address) = peer.address else { return None };
            let what = format!("what the peer {address} sends");
            Some((&config.places.peers, sentence(&what, &by_another(address)?, interface)))
        });
        return dropped.collect();
    }
    let dropped = network(config, interface).and_then(|network| {
        let way = by_another(stranger(network, host)?)?;
        let what = format!("what nodes of {network} send");
        Some((&config.places.interface, sentence(&what, &way, interface)))
    });
    dropped.into_iter().collect()
}

/// The interface by which the kernel sends to `address`, if it is another one.
pub(super) fn by_another(address: Ipv4Addr, interface: &Interface, host: &Host) -> Option<String> {
    let vrf = interface.master.as_ref().filter(|master| master.kind == "vrf").map(|vrf| vrf.index);
    (host.way)(vrf, address.into()).filter(|way| *way != interface.name)
}

fn sentence(what: &str, way: &str, interface: &Interface) -> String {
    let name = &interface.name;
    // sysctl(8) takes a dot in a name for the end of it.
    let setting = format!("net.ipv4.conf.{}.rp_filter", name.replace('.', "/"));
    format!(
        "the kernel drops {what} to {name}: rp_filter is strict there (the larger of \
         net.ipv4.conf.all.rp_filter and {setting} counts), and the route to them is through \
         {way}; correct the route, or `sysctl -w {setting}=2`"
    )
}

/// The network that the node and its peers on the link have in common: that of the address that it
/// sends from.
pub(super) fn network(config: &RouterConfig, interface: &Interface) -> Option<Cidr> {
    let pinned = config.router.source();
    let source = |cidr: &Cidr| {
        pinned.map_or_else(|| cidr.address().is_ipv4(), |source| source == cidr.address())
    };
    interface.own().find(source).map(|own| own.subnet())
}

/// An address of the network that this host does not have.
pub(super) fn stranger(network: Cidr, host: &Host) -> Option<Ipv4Addr> {
    let IpAddr::V4(first) = network.address() else { return None };
    let size = 1_u32
        .checked_shl(u32::from(32_u8.saturating_sub(network.prefix_length())))
        .unwrap_or(u32::MAX);
    // The first and the last one are nobody's, except where there are two (RFC 3021).
    let places = if size > 2 { 1..size.saturating_sub(1) } else { 0..size };
    let mut addresses =
        places.take(LOOKED_AT_MOST).filter_map(|place| first.to_bits().checked_add(place));
    addresses
        .find(|bits| !host.has_address(IpAddr::V4(Ipv4Addr::from_bits(*bits))))
        .map(Ipv4Addr::from_bits)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use vrrp_net::host::Address;

    use super::*;

    fn interface(name: &str, address: &str, master: Option<(u32, &str, &str)>) -> Interface {
        let master = master.map(|(index, name, kind)| Master {
            index,
            name: name.to_owned(),
            kind: kind.to_owned(),
        });
        let addresses = vec![Address { cidr: address.parse().unwrap(), is_virtual: false }];
        Interface { name: name.to_owned(), is_up: true, master, addresses, ..Interface::default() }
    }

    fn host(interfaces: Vec<Interface>) -> Host {
        Host::of(interfaces)
    }

    /// What is said of `eth0`, where the way to every address leads by `way` in the VRF `vrf`.
    fn said(mut host: Host, way: &'static str, in_vrf: Option<u32>, more: &str) -> Vec<String> {
        let text = format!(
            "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\n\
             addresses = [\"192.0.2.10/24\"]\n{more}"
        );
        let config = Config::parse(Path::new("f.toml"), &text).unwrap();
        host.way = Box::new(move |vrf, _| Some(way.to_owned()).filter(|_| vrf == in_vrf));
        let interface = host.interface("eth0").unwrap();
        let faults = faults(config.routers.first().unwrap(), interface, &host);
        let said = |fault: Finding| format!("{}: {}", fault.place, fault.sentence);
        faults.into_iter().map(said).collect()
    }

    fn port_of(kind: &str, master: &str) -> Option<String> {
        let eth0 = interface("eth0", "192.0.2.1/24", Some((7, master, kind)));
        port(&eth0, &host(vec![interface("lo", "127.0.0.1/8", None)]))
    }

    #[test]
    fn a_port_is_told_what_takes_its_packets() {
        let bridge = "eth0 is a port of the bridge br9: what arrives goes to br9; write \
            `interface = \"br9\"`";
        assert_eq!(port_of("bridge", "br9").as_deref(), Some(bridge));
        let bond = "eth0 is a port of the bond bond0: what arrives goes to bond0; write \
            `interface = \"bond0\"`";
        assert_eq!(port_of("bond", "bond0").as_deref(), Some(bond));
        let team = "eth0 is a port of the team team0: what arrives goes to team0; write \
            `interface = \"team0\"`";
        assert_eq!(port_of("team", "team0").as_deref(), Some(team));
        // As the virtual function of a network card in a virtual machine.
        let other =
            "eth0 is a port of net0: what arrives goes to net0; write `interface = \"net0\"`";
        assert_eq!(port_of("", "net0").as_deref(), Some(other));
        let switch = port_of("openvswitch", "ovs-system").unwrap();
        assert!(switch.starts_with("eth0 is a port of an Open vSwitch bridge: "), "{switch}");
        assert!(
            switch.contains("`ovs-vsctl iface-to-br eth0`") && !switch.contains("ovs-system"),
            "{switch}"
        );
    }

    #[test]
    fn a_vrf_takes_no_packets() {
        assert_eq!(port_of("vrf", "red"), None);
        assert_eq!(port_of("batadv", "bat0"), None);
    }

    #[test]
    fn the_last_of_several_masters_is_named() {
        let host = host(vec![
            interface("eth0", "192.0.2.1/24", Some((7, "bond0", "bond"))),
            interface("bond0", "192.0.2.2/24", Some((8, "br9", "bridge"))),
            interface("br9", "192.0.2.3/24", Some((9, "red", "vrf"))),
        ]);
        let expected = "eth0 is a port of the bond bond0, and that of the bridge br9: what arrives \
            goes to br9; write `interface = \"br9\"`";
        assert_eq!(port(&host.interfaces[0], &host).as_deref(), Some(expected));
        assert_eq!(port(&host.interfaces[2], &host), None);
    }

    #[test]
    fn other_names_lead_to_the_one_that_counts() {
        let mut eth0 = interface("eth0", "192.0.2.1/24", None);
        eth0.other_names = vec!["enp3s0".to_owned(), "uplink".to_owned()];
        let host = host(vec![eth0]);
        let expected = "uplink is another name of eth0, and vrrp knows it only by that name; write \
            `interface = \"eth0\"`";
        assert_eq!(other_name("uplink", KEY, &host).as_deref(), Some(expected));
        let of_a_route = other_name("uplink", "dev", &host).unwrap();
        assert!(of_a_route.ends_with("write `dev eth0`"), "{of_a_route}");
        assert_eq!(other_name("eth1", KEY, &host), None);
    }

    fn strict(name: &str, address: &str) -> Host {
        host(vec![
            Interface { is_strict: true, ..interface("eth0", address, None) },
            interface(name, "192.0.2.2/24", None),
        ])
    }

    #[test]
    fn a_strict_filter_matters_where_peers_are_reached_by_another_interface() {
        let multicast = "f.toml:3:13: the kernel drops what nodes of 192.0.2.0/24 send to eth0: \
            rp_filter is strict there (the larger of net.ipv4.conf.all.rp_filter and \
            net.ipv4.conf.eth0.rp_filter counts), and the route to them is through eth1; correct \
            the route, or `sysctl -w net.ipv4.conf.eth0.rp_filter=2`";
        assert_eq!(said(strict("eth1", "192.0.2.1/24"), "eth1", None, ""), [multicast]);
        let peers = "peers = [\"192.0.2.2\", \"198.51.100.7\"]\n";
        let unicast = said(strict("eth1", "192.0.2.1/24"), "eth1", None, peers);
        // The first one is this host itself.
        assert_eq!(unicast.len(), 1, "{unicast:#?}");
        let expected = "f.toml:6:9: the kernel drops what the peer 198.51.100.7 sends to eth0: \
            rp_filter is strict there";
        assert!(unicast[0].starts_with(expected), "{unicast:#?}");
    }

    #[test]
    fn a_filter_does_not_matter_where_the_way_is_right_or_it_is_loose() {
        let nothing = [""; 0];
        assert_eq!(said(strict("eth1", "192.0.2.1/24"), "eth0", None, ""), nothing);
        assert_eq!(
            said(strict("eth1", "192.0.2.1/24"), "eth0", None, "peers = [\"192.0.2.7\"]\n"),
            nothing
        );
        // A host that has no other address of the network cannot tell.
        assert_eq!(said(strict("eth1", "192.0.2.1/32"), "eth1", None, ""), nothing);
        let loose = host(vec![interface("eth0", "192.0.2.1/24", None)]);
        assert_eq!(said(loose, "eth1", None, ""), nothing);
    }

    #[test]
    fn the_way_is_that_of_the_vrf() {
        let mut host = strict("eth1", "192.0.2.1/24");
        host.interfaces[0].master =
            Some(Master { index: 7, name: "red".to_owned(), kind: "vrf".to_owned() });
        assert_eq!(said(host, "eth1", Some(7), "").len(), 1);
    }

    #[test]
    fn a_port_needs_no_filter_to_hear_nobody() {
        let mut host = strict("br9", "192.0.2.1/24");
        let bridge = Master { index: 7, name: "br9".to_owned(), kind: "bridge".to_owned() };
        host.interfaces[0].master = Some(bridge);
        let expected = "f.toml:3:13: eth0 is a port of the bridge br9: what arrives goes to br9; \
            write `interface = \"br9\"`";
        assert_eq!(said(host, "br9", None, ""), [expected]);
    }

    #[test]
    fn somebody_else_is_found_in_every_network() {
        let found = |network: &str, own: &[&str]| {
            let interfaces = own.iter().map(|address| interface("eth0", address, None)).collect();
            stranger(network.parse().unwrap(), &host(interfaces)).map(|address| address.to_string())
        };
        assert_eq!(found("192.0.2.0/24", &["192.0.2.1/24"]).as_deref(), Some("192.0.2.2"));
        assert_eq!(found("192.0.2.0/31", &["192.0.2.0/31"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(found("192.0.2.0/30", &["192.0.2.1/30", "192.0.2.2/30"]), None);
        assert_eq!(found("192.0.2.1/32", &["192.0.2.1/32"]), None);
        assert_eq!(found("0.0.0.0/0", &[]).as_deref(), Some("0.0.0.1"));
    }
}
