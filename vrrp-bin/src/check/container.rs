//! A container that has a network of its own, in which no other host is heard.

use vrrp_net::host::Interface;

use super::{
    finding::{Code, Finding},
    host::Host,
};
use crate::config::Config;

/// That every interface leads to the engine's bridge alone. With the network of the host there are
/// others, and so there are in a container that has a card or a macvlan of its own.
pub(super) fn own_network(config: &Config, host: &Host) -> Option<Finding> {
    let engine = host.container.as_deref()?;
    let others = || host.interfaces.iter().filter(|interface| interface.name != "lo");
    if !others().all(leads_to_bridge) {
        return None;
    }
    let there = match others().map(|interface| &*interface.name).collect::<Vec<_>>()[..] {
        [] => "it has no interface but lo".to_owned(),
        [one] => format!("its {one} leads to a bridge of the engine"),
        ref several => format!("its {} lead to bridges of the engine", several.join(", ")),
    };
    let message = format!(
        "this container ({engine}) has a network of its own: {there}, where no other host is heard \
         and none finds the addresses; run it with the network of the host (--network host, \
         network_mode: host, hostNetwork: true)"
    );
    Some(Finding::warning(Code::Container, &config.origin, message))
}

/// Whether the other end of it is a veth elsewhere, as engines make them.
fn leads_to_bridge(interface: &Interface) -> bool {
    interface.leads_elsewhere && interface.kind.as_deref() == Some("veth")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn interface(name: &str, kind: &str) -> Interface {
        Interface {
            name: name.to_owned(),
            kind: Some(kind.to_owned()),
            leads_elsewhere: kind != "loopback",
            ..Interface::default()
        }
    }

    fn said(interfaces: Vec<Interface>, container: Option<&str>) -> Option<String> {
        let text = "[[virtual_router]]\ninterface = \"eth0\"\nvrid = 51\naddresses = \
            [\"192.0.2.10/24\"]\n";
        let config = Config::parse(Path::new("f.toml"), text).unwrap();
        let mut host = Host::of(interfaces);
        host.container = container.map(str::to_owned);
        own_network(&config, &host).map(|finding| finding.to_string())
    }

    #[test]
    fn only_a_container_whose_every_interface_leads_to_a_bridge_is_one() {
        let veths = || vec![interface("lo", "loopback"), interface("eth0", "veth")];
        let found = said(veths(), Some("Docker")).unwrap();
        let expected = "f.toml: warning: this container (Docker) has a network of its own: its eth0 \
            leads to a bridge of the engine, where no other host is heard";
        assert!(found.starts_with(expected), "{found}");
        assert_eq!(said(veths(), None), None, "no engine");
        let mut more = veths();
        more.push(interface("eth1", "macvlan"));
        assert_eq!(said(more, Some("Docker")), None, "a macvlan of its own");
        assert_eq!(said(vec![Interface::default()], Some("Docker")), None, "the host's network");
        let none = said(vec![interface("lo", "loopback")], Some("podman")).unwrap();
        assert!(none.contains("it has no interface but lo"), "{none}");
    }
}
