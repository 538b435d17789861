//! `interface = "auto"`: the interface that suits the first address, or else the first peer.

use std::{io, net::IpAddr};

use vrrp_core::Cidr;
use vrrp_net::{
    VirtualAddress,
    host::{Interface, Master},
};

use super::{host::Host, is_link_local};
use crate::config::{AUTO, Draft, Found, List, Located, Plan, Problems};

/// Chooses the interfaces of `plan` that are left to be chosen on this host, and notes which they
/// are. Where none or several suit, that is a problem.
pub(super) fn choose(plan: &mut Plan, problems: &mut Problems) {
    if !plan.drafts.iter().any(|draft| wanted(draft).is_some()) {
        return;
    }
    choose_on(Host::read(), plan, problems);
}

fn choose_on(host: io::Result<Host>, plan: &mut Plan, problems: &mut Problems) {
    for draft in &mut plan.drafts {
        let Some(Located { place, value: auto }) = wanted(draft).cloned() else { continue };
        let choice = match &host {
            Ok(host) => choice(draft, host),
            Err(error) => Some(Err(format!("this host cannot be examined: {error}; name one"))),
        };
        match choice {
            Some(Ok((name, why))) => {
                let sentence = format!("the interface is {name}, {why}");
                plan.chosen.push(Located::new(place.clone(), sentence));
                draft.interface = Found::Value(Located::new(place, name));
            }
            Some(Err(fault)) => {
                let quote = draft.notation.quote("interface", &auto);
                problems.add(&place, format!("{quote} names no interface: {fault}"));
                draft.interface = Found::Wrong;
            }
            // That it has no address that can be used is reported with the other rules.
            None => {}
        }
    }
}

/// The word of a virtual router whose interface is to be chosen.
fn wanted(draft: &Draft) -> Option<&Located<String>> {
    draft.interface.value().filter(|interface| interface.value == AUTO)
}

/// The name of the one interface, and why it is that one; or why there is none. `None` where
/// nothing says which.
fn choice(draft: &Draft, host: &Host) -> Option<Result<(String, String), String>> {
    let ip = |address: &VirtualAddress| Some(address.cidr.address());
    // One that is on another interface, or on every one, says nothing.
    let telling = |address: &VirtualAddress| {
        ip(address).filter(|ip| address.interface.is_none() && !is_link_local(*ip))
    };
    let first = first(&draft.addresses, telling).or_else(|| first(&draft.addresses, ip))?;
    let all: Vec<&Interface> =
        host.interfaces.iter().filter(|interface| is_candidate(interface)).collect();
    let holds = |interface: &&Interface| interface.own().any(|own| own.contains(first));
    let holders: Vec<&Interface> = all.iter().copied().filter(holds).collect();
    let holder = match holders.as_slice() {
        [] => by_peer(draft, host, &all),
        [only] => {
            let network = only.own().find(|own| own.contains(first)).map(|own| own.subnet());
            let network = network.map(|network| network.to_string()).unwrap_or_default();
            return Some(Ok((only.name.clone(), format!("whose network {network} holds {first}"))));
        }
        several => {
            let those = listed(several, first);
            return Some(Err(format!("{first} is in a network of each of {those}; name one")));
        }
    };
    Some(holder.ok_or_else(|| {
        match all.as_slice() {
            [] => {
                "there is none besides the loopback interface; add one, or wait until there is one"
                    .to_owned()
            }
            all => format!("{first} is in no network of {}{}", listed(all, first), no_peer(draft)),
        }
    }))
}

/// The interface by which the first peer that is not this host is reached.
fn by_peer(draft: &Draft, host: &Host, all: &[&Interface]) -> Option<(String, String)> {
    let other = |ip: IpAddr| Some(ip).filter(|ip| !host.has_own(*ip));
    let peer = first(&draft.peers, |peer| other(peer.address))?;
    let way = (host.way)(None, peer)?;
    let is_candidate = all.iter().any(|interface| interface.name == way);
    is_candidate.then(|| (way, format!("by which the peer {peer} is reached")))
}

/// The first entry of `list` of which `wanted` makes something.
fn first<T, U>(list: &Found<List<T>>, wanted: impl Fn(&T) -> Option<U>) -> Option<U> {
    list.value()?.entries.iter().flatten().find_map(|entry| wanted(&entry.value))
}

/// Whether packets for a virtual address can arrive there.
fn is_candidate(interface: &Interface) -> bool {
    interface.name != "lo" && !interface.master.as_ref().is_some_and(Master::takes_packets)
}

/// The candidates with their networks of the family of `address`.
fn listed(candidates: &[&Interface], address: IpAddr) -> String {
    let one = |interface: &&Interface| {
        let own = interface.own().filter(|own| own.address().is_ipv4() == address.is_ipv4());
        let mut networks: Vec<String> = own.map(|own: Cidr| own.subnet().to_string()).collect();
        networks.dedup();
        match networks.as_slice() {
            [] => format!("{} (no network)", interface.name),
            networks => format!("{} ({})", interface.name, networks.join(", ")),
        }
    };
    candidates.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn no_peer(draft: &Draft) -> &'static str {
    match &draft.peers {
        Found::Absent => ", and there are no peers to look for; name one",
        Found::Wrong | Found::Value(_) => ", and no peer is reached by one of them alone; name one",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use vrrp_net::host::Address;

    use super::*;
    use crate::config::{Config, Notation, Place};

    fn interface(name: &str, addresses: &[&str]) -> Interface {
        let address = |cidr: &&str| Address { cidr: cidr.parse().unwrap(), is_virtual: false };
        let addresses = addresses.iter().map(address).collect();
        Interface { name: name.to_owned(), is_up: true, addresses, ..Interface::default() }
    }

    fn host(interfaces: &[(&str, &[&str])], way: Option<&'static str>) -> Host {
        let interfaces = interfaces.iter().map(|(name, own)| interface(name, own)).collect();
        let way = Box::new(move |_, _| way.map(str::to_owned));
        Host { way, ..Host::of(interfaces) }
    }

    /// What is chosen, or what is wrong, for this address and these peers.
    fn chosen(address: &str, peers: &[&str], host: io::Result<Host>) -> String {
        let place = Place::variable("VRRP_INTERFACE");
        let mut draft = Draft::new(Notation::Variables, place.clone());
        draft.interface = Found::Value(Located::new(place.clone(), AUTO.to_owned()));
        let list = |texts: &[&str]| {
            let entries =
                texts.iter().map(|text| Ok(Located::new(place.clone(), text.parse().unwrap())));
            List::<Cidr> { place: place.clone(), entries: entries.collect() }
        };
        draft.addresses = Found::Value(list(&[address]).map(Into::into));
        if !peers.is_empty() {
            draft.peers = Found::Value(list(peers).map(|cidr| cidr.address().into()));
        }
        let mut plan = Plan::new(Notation::Variables, Place::Environment);
        plan.drafts.push(draft);
        let mut problems = Problems::default();
        choose_on(host, &mut plan, &mut problems);
        let name = plan.drafts.first().unwrap().interface.value().map(|found| found.value.clone());
        match (problems.finish(), plan.chosen.first()) {
            (Ok(()), Some(why)) => format!("{}: {}", name.unwrap(), why.value),
            (Err(errors), None) => errors.to_string(),
            other => panic!("{other:?}"),
        }
    }

    const TWO: &[(&str, &[&str])] = &[
        ("lo", &["127.0.0.1/8"]),
        ("eth0", &["192.0.2.1/24", "192.0.2.3/24", "2001:db8::1/64"]),
        ("eth1", &["198.51.100.1/24"]),
    ];

    #[test]
    fn the_network_of_the_address_decides() {
        for (address, expected) in [
            (
                "192.0.2.10",
                "eth0: the interface is eth0, whose network 192.0.2.0/24 holds 192.0.2.10",
            ),
            (
                "198.51.100.10/24",
                "eth1: the interface is eth1, whose network 198.51.100.0/24 holds 198.51.100.10",
            ),
            (
                "2001:db8::10",
                "eth0: the interface is eth0, whose network 2001:db8::/64 holds 2001:db8::10",
            ),
        ] {
            assert_eq!(chosen(address, &["203.0.113.1"], Ok(host(TWO, Some("eth1")))), expected);
        }
    }

    #[test]
    fn else_the_way_to_the_first_peer_that_is_another_host_does() {
        assert_eq!(
            chosen("203.0.113.10", &["192.0.2.1", "198.51.100.2"], Ok(host(TWO, Some("eth1")))),
            "eth1: the interface is eth1, by which the peer 198.51.100.2 is reached"
        );
    }

    #[test]
    fn none_and_several_are_listed() {
        let none = "VRRP_INTERFACE: \"auto\" names no interface: 203.0.113.10 is in no network of \
            eth0 (192.0.2.0/24), eth1 (198.51.100.0/24), and ";
        assert_eq!(
            chosen("203.0.113.10", &[], Ok(host(TWO, None))),
            format!("{none}there are no peers to look for; name one")
        );
        for way in [None, Some("lo")] {
            assert_eq!(
                chosen("203.0.113.10", &["192.0.2.2"], Ok(host(TWO, way))),
                format!("{none}no peer is reached by one of them alone; name one")
            );
        }
        let twice: &[(&str, &[&str])] = &[("eth0", &["192.0.2.1/24"]), ("eth1", &["192.0.2.2/25"])];
        assert_eq!(
            chosen("192.0.2.10", &["192.0.2.7"], Ok(host(twice, Some("eth0")))),
            "VRRP_INTERFACE: \"auto\" names no interface: 192.0.2.10 is in a network of each of \
             eth0 (192.0.2.0/24), eth1 (192.0.2.0/25); name one"
        );
        let alone: &[(&str, &[&str])] = &[("lo", &["127.0.0.1/8"])];
        assert!(
            chosen("192.0.2.10", &[], Ok(host(alone, None))).contains("none besides the loopback")
        );
        let unknown = chosen("192.0.2.10", &[], Err(io::Error::other("no netlink")));
        assert!(unknown.contains("this host cannot be examined: no netlink"), "{unknown}");
    }

    #[test]
    fn a_port_is_never_chosen() {
        let networks: &[(&str, &[&str])] =
            &[("eth0", &["192.0.2.1/24"]), ("br9", &["192.0.2.2/24"])];
        let mut ports = host(networks, None);
        let master =
            |kind: &str| Master { index: 9, name: "br9".to_owned(), kind: kind.to_owned() };
        ports.interfaces[0].master = Some(master("bridge"));
        assert!(chosen("192.0.2.10", &[], Ok(ports)).starts_with("br9: "));
        let mut vrf = host(&[("eth0", &["192.0.2.1/24"])], None);
        vrf.interfaces[0].master = Some(master("vrf"));
        assert!(chosen("192.0.2.10", &[], Ok(vrf)).starts_with("eth0: "));
    }

    #[test]
    fn without_a_host_it_stays_open() {
        let text = "[[virtual_router]]\ninterface = \"auto\"\nvrid = 51\naddresses = \
            [\"192.0.2.10/24\"]\n";
        let config = Config::parse(Path::new("f.toml"), text).unwrap();
        assert_eq!(config.routers.first().unwrap().interface, AUTO);
    }
}
