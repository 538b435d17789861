//! Settings of the kernel that keep neighbours from finding an address, or the interface from having
//! it.

use std::{collections::BTreeSet, net::IpAddr};

use vrrp_core::{Cidr, Family};
use vrrp_net::{VirtualAddress, backend::Scope};

use super::{
    finding::{Code, Finding},
    host::Host,
    is_alone, wiring,
};
use crate::config::{Located, Place, RouterConfig};

/// The values of `arp_ignore` (ip-sysctl): which questions are answered.
const ON_THIS_INTERFACE: u32 = 1;
const AND_FROM_ITS_NETWORK: u32 = 2;
const NOT_OF_SCOPE_HOST: u32 = 3;
const NONE: u32 = 8;

/// What does not suit what `config` holds.
pub(super) fn findings(config: &RouterConfig, host: &Host) -> Vec<Finding> {
    let mut findings: Vec<Finding> = filtered(config, host).into_iter().collect();
    let mut without_ipv6 = BTreeSet::new();
    for Located { place, value: address } in config.held() {
        let name = config.interface_of(address);
        if host.interface(name).is_none() {
            continue;
        }
        let fault = match address.cidr.address() {
            IpAddr::V4(_) => unanswered(config, place, address, host),
            // Each interface once.
            IpAddr::V6(_) if !without_ipv6.insert(name) => None,
            IpAddr::V6(_) => {
                is_without_ipv6(name, host).then(|| disabled(name, &config.name, place))
            }
        };
        findings.extend(fault);
    }
    findings
}

/// Whether IPv6 is turned off on this interface.
pub(super) fn is_without_ipv6(interface: &str, host: &Host) -> bool {
    // The value for all interfaces says only what was written last.
    let value = (host.setting)(&format!("ipv6/conf/{interface}/disable_ipv6"));
    value.is_some_and(|value| value != "0")
}

fn disabled(interface: &str, router: &str, place: &Place) -> Finding {
    let setting = setting("ipv6", interface, "disable_ipv6");
    let message = format!(
        "IPv6 is off on {interface}, and {router} waits until it is on; `sysctl -w {setting}=0`"
    );
    Finding::warning(Code::Ipv6Disabled, place, message).on(interface)
}

/// That nobody is told where an IPv4 address is.
fn unanswered(
    config: &RouterConfig,
    place: &Place,
    address: &VirtualAddress,
    host: &Host,
) -> Option<Finding> {
    let (ip, name) = (address.cidr.address(), config.interface_of(address));
    let on = config.interface.as_str();
    let asked = if is_asked_for_on(on, address, host) { on } else { name };
    // Nobody asks there.
    if asked == "lo" {
        return None;
    }
    let (value, whose) = host.number(asked, "arp_ignore");
    let why = match value {
        NONE => "answers no question".to_owned(),
        NOT_OF_SCOPE_HOST if address.scope == Scope::HOST => {
            "answers no question for an address of scope host".to_owned()
        }
        ON_THIS_INTERFACE | AND_FROM_ITS_NETWORK if asked != name => {
            format!(
                "answers only for addresses of the interface that is asked, and it is on {name}"
            )
        }
        AND_FROM_ITS_NETWORK if is_outside(address.cidr, name, host) => {
            format!("answers only who is in a network of {name} that holds the address")
        }
        _ => return None,
    };
    let setting = setting("ipv4", whose, "arp_ignore");
    let sentence = format!(
        "neighbours on {asked} do not find {ip}: with {setting} = {value} the kernel {why}; `sysctl -w \
         {setting}=0`"
    );
    Some(Finding::warning(Code::Arp, place, sentence).on(asked))
}

/// That the kernel answers nobody on the interface of `config`, because it would answer by another one
/// (`arp_filter`).
fn filtered(config: &RouterConfig, host: &Host) -> Option<Finding> {
    let interface = host.interface(&config.interface)?;
    let (value, whose) = host.number(&interface.name, "arp_filter");
    if value == 0 || config.router.family() != Family::Ipv4 {
        return None;
    }
    let network = wiring::network(config, interface)?;
    let way = wiring::by_another(wiring::stranger(network, host)?, interface, host)?;
    let setting = setting("ipv4", whose, "arp_filter");
    let sentence = format!(
        "neighbours on {} do not find the addresses of {}: with {setting} = {value} the kernel answers \
         only where it would send, and the route to {network} is through {way}; correct the route, or \
         `sysctl -w {setting}=0`",
        interface.name, config.name
    );
    Some(Finding::warning(Code::Arp, &config.places.interface, sentence))
}

/// Whether no address of the host's own shares a network with `cidr` on this interface.
fn is_outside(cidr: Cidr, interface: &str, host: &Host) -> bool {
    let own = host.interface(interface).into_iter().flat_map(|interface| interface.own());
    !own.into_iter().any(|own| !is_alone(&own) && own.contains(cidr.address()))
}

/// Whether neighbours on `interface` ask for an address that is put on another one.
fn is_asked_for_on(interface: &str, address: &VirtualAddress, host: &Host) -> bool {
    let is_elsewhere = address.interface.as_deref().is_some_and(|other| other != interface);
    is_elsewhere && !is_outside(address.cidr, interface, host)
}

/// The name of a setting. sysctl(8) takes a dot in a name for the end of it.
fn setting(family: &str, interface: &str, name: &str) -> String {
    format!("net.{family}.conf.{}.{name}", interface.replace('.', "/"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use vrrp_net::host::{Address, Interface};

    use super::*;
    use crate::config::Config;

    /// Settings with their values.
    type Settings = &'static [(&'static str, &'static str)];

    fn host(settings: Settings) -> Host {
        let interface = |name: &str, addresses: &[&str]| {
            let address = |cidr: &&str| Address { cidr: cidr.parse().unwrap(), is_virtual: false };
            let addresses = addresses.iter().map(address).collect();
            Interface { name: name.to_owned(), is_up: true, addresses, ..Interface::default() }
        };
        let mut host = Host::of(vec![
            interface("lo", &["127.0.0.1/8"]),
            interface("eth0", &["192.0.2.1/24", "2001:db8::1/64"]),
        ]);
        host.setting = Box::new(move |name| {
            settings.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        });
        host
    }

    fn said(addresses: &str, settings: Settings) -> Vec<String> {
        let text = format!(
            "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
             [{addresses}]\n"
        );
        let config = Config::parse(Path::new("f.toml"), &text).unwrap();
        let host = host(settings);
        let found = config.routers.iter().flat_map(|router| findings(router, &host));
        found.map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn what_the_kernel_does_not_answer_is_told() {
        const INSIDE: &str = "\"192.0.2.10/24\"";
        const OUTSIDE: &str = "\"198.51.100.10/24\"";
        const ON_LO: &str = "{ address = \"192.0.2.10\", interface = \"lo\" }";
        const OF_HOST: &str = "{ address = \"192.0.2.10/24\", scope = \"host\" }";
        let all: [(&str, Settings, &[&str]); 5] = [
            ("0", &[("ipv4/conf/eth0/arp_ignore", "0")], &[]),
            ("1", &[("ipv4/conf/eth0/arp_ignore", "1")], &[ON_LO]),
            ("2", &[("ipv4/conf/all/arp_ignore", "2")], &[OUTSIDE, ON_LO]),
            ("3", &[("ipv4/conf/eth0/arp_ignore", "3")], &[OF_HOST]),
            ("8", &[("ipv4/conf/eth0/arp_ignore", "8")], &[INSIDE, OUTSIDE, ON_LO, OF_HOST]),
        ];
        for (value, settings, unanswered) in all {
            for address in [INSIDE, OUTSIDE, ON_LO, OF_HOST] {
                let found = said(address, settings);
                let expected = usize::from(unanswered.contains(&address));
                assert_eq!(found.len(), expected, "{value} {address}: {found:#?}");
            }
        }
        let [found] = &*said(INSIDE, &[("ipv4/conf/eth0/arp_ignore", "8")]) else { panic!("one") };
        let expected = "f.toml:5:14: warning: neighbours on eth0 do not find 192.0.2.10: with \
            net.ipv4.conf.eth0.arp_ignore = 8 the kernel answers no question; `sysctl -w \
            net.ipv4.conf.eth0.arp_ignore=0`";
        assert_eq!(found, expected);
    }

    #[test]
    fn the_setting_that_counts_is_named_and_a_filter_matters_where_the_way_is_another() {
        let said = |way: &'static str, settings: Settings| {
            let text = "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\n\
                addresses = [\"192.0.2.10/24\"]\n";
            let config = Config::parse(Path::new("f.toml"), text).unwrap();
            let mut host = host(settings);
            host.way = Box::new(move |_, _| Some(way.to_owned()));
            findings(config.routers.first().unwrap(), &host).first().map(ToString::to_string)
        };
        let all = &[("ipv4/conf/all/arp_filter", "1")];
        let expected = "f.toml:3:13: warning: neighbours on eth0 do not find the addresses of web: \
            with net.ipv4.conf.all.arp_filter = 1 the kernel answers only where it would send, and \
            the route to 192.0.2.0/24 is through eth1; correct the route, or `sysctl -w \
            net.ipv4.conf.all.arp_filter=0`";
        assert_eq!(said("eth1", all).as_deref(), Some(expected));
        assert_eq!(said("eth0", all), None);
        assert_eq!(said("eth1", &[("ipv4/conf/eth0/arp_filter", "0")]), None);
        let ignored = said("eth0", &[("ipv4/conf/all/arp_ignore", "8")]).unwrap();
        assert!(ignored.ends_with("`sysctl -w net.ipv4.conf.all.arp_ignore=0`"), "{ignored}");
    }

    #[test]
    fn ipv6_that_is_off_is_told_once() {
        const OFF: Settings = &[("ipv6/conf/eth0/disable_ipv6", "1")];
        let addresses = "\"2001:db8::10/64\", \"2001:db8::11/64\"";
        let [found] = &*said(addresses, OFF) else { panic!("one") };
        let expected = "f.toml:5:14: warning: IPv6 is off on eth0, and web waits until it is on; \
            `sysctl -w net.ipv6.conf.eth0.disable_ipv6=0`";
        assert_eq!(found, expected);
        assert_eq!(said("\"192.0.2.10/24\"", OFF), [""; 0]);
        assert_eq!(said(addresses, &[("ipv6/conf/all/disable_ipv6", "1")]), [""; 0]);
    }
}
