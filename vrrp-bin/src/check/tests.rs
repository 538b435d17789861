use std::path::Path;

use vrrp_net::host::{Address, Capabilities, Capability, Interface, Master};

use super::*;

const CONFIG: &str = r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["192.0.2.10/24"]
"#;

/// Name, whether it is up, addresses and whether vrrp put them there.
type Link<'a> = (&'a str, bool, &'a [(&'a str, bool)]);

fn host(interfaces: &[Link<'_>]) -> Host {
    let address = |(cidr, is_virtual): &(&str, bool)| Address {
        cidr: cidr.parse().unwrap(),
        is_virtual: *is_virtual,
    };
    let interface = |(name, up, addresses): &Link<'_>| Interface {
        name: (*name).to_owned(),
        is_up: *up,
        addresses: addresses.iter().map(address).collect(),
        ..Interface::default()
    };
    Host::of(interfaces.iter().map(interface).collect())
}

fn warnings(more: &str, host: &Host) -> Vec<String> {
    let config = Config::parse(Path::new("f.toml"), &format!("{CONFIG}{more}")).unwrap();
    compare(&config, host).iter().map(ToString::to_string).collect()
}

#[track_caller]
fn expect(more: &str, host: &Host, expected: &[&str]) {
    let found = warnings(more, host);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\nshould start with\n{expected}");
    }
}

#[test]
fn a_host_that_suits_is_no_reason_to_warn() {
    expect("", &host(&[("eth0", true, &[("192.0.2.1/24", false)])]), &[]);
    let held = host(&[("eth0", true, &[("192.0.2.1/24", false), ("192.0.2.10/24", true)])]);
    expect("", &held, &[]);
    let owner = host(&[("eth0", true, &[("192.0.2.10/24", false)])]);
    expect("priority = \"owner\"", &owner, &[]);
}

#[test]
fn interfaces_are_compared() {
    let expected = "f.toml:4:13: warning: there is no interface eth0 on this host, and web waits \
        until there is; did you mean eth1?";
    expect("", &host(&[("lo", true, &[]), ("eth1", true, &[])]), &[expected]);
    let expected = "f.toml:4:13: warning: there is no interface eth0 on this host, and web waits \
        until there is; there are lo, wlan1";
    expect("", &host(&[("lo", true, &[]), ("wlan1", true, &[])]), &[expected]);
    let down = host(&[("eth0", false, &[("192.0.2.1/24", false)])]);
    expect("", &down, &["f.toml:4:13: warning: eth0 is down or has no carrier"]);
}

#[test]
fn sources_are_compared() {
    let none = "f.toml:4:13: warning: eth0 has no IPv4 address of its own to send from";
    expect("", &host(&[("eth0", true, &[])]), &[none]);
    expect("", &host(&[("eth0", true, &[("fe80::1/64", false)])]), &[none]);
    expect("", &host(&[("eth0", true, &[("192.0.2.10/24", true)])]), &[none]);
    let other = host(&[("eth0", true, &[("192.0.2.2/24", false)])]);
    let pinned = "f.toml:7:10: warning: the source 192.0.2.1 is not an address of eth0";
    expect("source = \"192.0.2.1\"", &other, &[pinned]);
}

#[test]
fn a_port_is_told_of_its_master_whether_it_has_an_address_or_not() {
    let bridge = Master { index: 2, name: "br9".to_owned(), kind: "bridge".to_owned() };
    let expected = "f.toml:4:13: warning: eth0 is a port of the bridge br9: what arrives goes to \
        br9; write `interface = \"br9\"`";
    for addresses in [&[("192.0.2.1/24", false)][..], &[]] {
        let mut host =
            host(&[("eth0", true, addresses), ("br9", true, &[("192.0.2.1/24", false)])]);
        host.interfaces[0].master = Some(bridge.clone());
        expect("", &host, &[expected]);
    }
}

#[test]
fn another_name_of_an_interface_is_an_error_that_says_which_name_to_write() {
    let mut host = host(&[("enp3s0", true, &[("192.0.2.1/24", false)]), ("eth0", true, &[])]);
    host.interfaces[0].other_names = vec!["uplink".to_owned()];
    let said = |text: &str| {
        let config = Config::parse(Path::new("f.toml"), text).unwrap();
        wiring::named(&config, &host).map_err(|errors| errors.to_string())
    };
    assert_eq!(said(CONFIG), Ok(()));
    let text = CONFIG.replace("[\"192.0.2.10/24\"]", "[\"192.0.2.10/24\", \"2001:db8::10\"]");
    let name = "uplink is another name of enp3s0, and vrrp knows it only by that name; write";
    assert_eq!(
        said(&text.replace("eth0", "uplink")),
        Err(format!("f.toml:4:13: {name} `interface = \"enp3s0\"`"))
    );
    let more = "extra_addresses = [{ address = \"192.0.2.11\", interface = \"uplink\" }]\nroutes = \
        [\"default via 192.0.2.254 dev uplink\"]\n";
    assert_eq!(
        said(&format!("{text}{more}")),
        Err(format!(
            "f.toml:7:32: {name} `interface = \"enp3s0\"`\nf.toml:8:11: {name} `dev enp3s0`"
        ))
    );
}

#[test]
fn peers_that_are_all_this_host_are_nobody() {
    let host = host(&[("eth0", true, &[("192.0.2.1/24", false)])]);
    expect(
        "peers = [\"192.0.2.1\"]",
        &host,
        &["f.toml:7:9: warning: `peers` lists only addresses of this host"],
    );
    expect("peers = [\"192.0.2.1\", \"192.0.2.2\"]", &host, &[]);
}

#[test]
fn virtual_addresses_are_compared() {
    let present = host(&[
        ("eth0", true, &[("192.0.2.1/24", false)]),
        ("eth1", true, &[("192.0.2.10/32", false)]),
    ]);
    expect("", &present, &["f.toml:6:14: warning: 192.0.2.10 is already on eth1"]);
    assert!(warnings("", &present).concat().contains("ip address delete 192.0.2.10/32 dev eth1"));
    let absent = host(&[("eth0", true, &[("192.0.2.1/24", false)])]);
    let owner =
        "f.toml:6:14: warning: this host is the owner of 192.0.2.10, but no interface has it";
    expect("priority = \"owner\"", &absent, &[owner]);
}

#[test]
fn a_program_must_be_there_and_what_it_holds_is_its_own_affair() {
    let present = host(&[("eth0", true, &[("192.0.2.1/24", false), ("192.0.2.10/24", false)])]);
    expect("backend = { command = [\"/bin/sh\"] }", &present, &[]);
    let missing = "f.toml:7:11: warning: /nonexistent cannot be run: no such file or directory; \
        web cannot become active";
    expect("backend = { command = [\"/nonexistent\"] }", &present, &[missing]);
    expect(
        "backend = { command = [\"/etc/passwd\"] }",
        &present,
        &["f.toml:7:11: warning: /etc/passwd cannot"],
    );
    expect(
        "backend = { command = [\"/tmp\"] }",
        &present,
        &["f.toml:7:11: warning: /tmp cannot be run"],
    );
}

#[test]
fn missing_capabilities_are_named() {
    let mut host = host(&[("eth0", true, &[("192.0.2.1/24", false)])]);
    host.capabilities = [Capability::NetRaw].into_iter().collect();
    expect(
        "",
        &host,
        &["f.toml: warning: this user lacks CAP_NET_ADMIN, which `vrrp run` needs to hold \
             addresses"],
    );
    // A program may not need it.
    expect("backend = { command = [\"/bin/sh\"] }", &host, &[]);
    host.capabilities = Capabilities::default();
    assert_eq!(warnings("", &host).len(), 2);
}

/// As `CONFIG`, with these addresses.
fn with_addresses(addresses: &str, host: &Host) -> Vec<String> {
    let text = CONFIG.replace("[\"192.0.2.10/24\"]", addresses);
    let config = Config::parse(Path::new("f.toml"), &text).unwrap();
    compare(&config, host).iter().map(ToString::to_string).collect()
}

#[test]
fn addresses_on_other_interfaces_are_compared() {
    let mut host = host(&[
        ("lo", true, &[("127.0.0.1/8", false)]),
        ("eth0", true, &[("192.0.2.1/24", false)]),
        ("eth1", false, &[]),
        ("eth2", true, &[]),
        ("eth3", true, &[("203.0.113.1/24", false)]),
    ]);
    let bridge = Master { index: 2, name: "br9".to_owned(), kind: "bridge".to_owned() };
    host.interfaces[4].master = Some(bridge);
    let on = |interface: &str| {
        let addresses = format!(
            "[\"192.0.2.10\", {{ address = \"198.51.100.10\", interface = \"{interface}\" }}, {{ \
             address = \"198.51.100.11\", interface = \"{interface}\" }}]"
        );
        with_addresses(&addresses, &host)
    };
    for fits in ["lo", "eth2"] {
        assert_eq!(on(fits), [""; 0]);
    }
    let missing = "f.toml:6:40: warning: there is no interface eth9 on this host, and web waits \
        until there is; did you mean eth0?";
    assert_eq!(on("eth9"), [missing]);
    let down = "f.toml:6:40: warning: eth1 is down or has no carrier, and web waits until it is up";
    assert_eq!(on("eth1"), [down]);
    let [port, one, other] = &*on("eth3") else { panic!("three warnings") };
    assert!(port.contains("eth3 is a port of the bridge br9"), "{port}");
    assert!(one.contains("198.51.100.10 is in no network of eth3 (203.0.113.0/24)"), "{one}");
    assert!(other.contains("198.51.100.11 is in no network"), "{other}");
}

#[test]
fn an_address_without_a_network_is_in_one_of_its_interface() {
    let host = host(&[("eth0", true, &[("192.0.2.1/24", false), ("2001:db8::1/64", false)])]);
    for good in [
        "[\"192.0.2.10\"]",
        "[\"198.51.100.10/24\", \"198.51.100.11\"]",
        "[\"192.0.2.10\"]\nextra_addresses = [\"2001:db8::10\"]",
    ] {
        assert_eq!(with_addresses(good, &host), [""; 0], "{good}");
    }
    let none = "f.toml:6:14: warning: 198.51.100.10 is in no network of eth0 (192.0.2.0/24), so \
        that neighbours there reach it by a route only; give it the prefix length of its network, \
        or put it on an interface of that network";
    assert_eq!(with_addresses("[\"198.51.100.10\"]", &host), [none]);
    let extra = "[\"192.0.2.10/24\"]\nextra_addresses = [\"2001:db8:1::10\"]";
    let [said] = &*with_addresses(extra, &host) else { panic!("one warning") };
    assert!(said.starts_with("f.toml:7:20: warning: 2001:db8:1::10 is in no network"), "{said}");
}

#[test]
fn extra_addresses_are_compared() {
    let host = host(&[("eth0", true, &[("192.0.2.1/24", false), ("192.0.2.11/24", false)])]);
    let expected =
        "f.toml:7:20: warning: 192.0.2.11 is already on eth0 and was not put there by vrrp";
    expect("extra_addresses = [\"192.0.2.11/24\"]", &host, &[expected]);
}

#[test]
fn labels_are_compared_with_the_interface_of_the_address() {
    let host = host(&[("eth0", true, &[("192.0.2.1/24", false)]), ("eth1", true, &[])]);
    let label = |label: &str, interface: &str| {
        let address = format!(
            "[{{ address = \"192.0.2.10/24\", label = \"{label}\", interface = \"{interface}\" }}]"
        );
        with_addresses(&address, &host)
    };
    for (text, interface) in [("eth0:web", "eth0"), ("eth0", "eth0"), ("eth1:0", "eth1")] {
        assert_eq!(label(text, interface), [""; 0]);
    }
    for (text, interface) in [("web", "eth0"), ("eth0web", "eth0"), ("eth0:1", "eth1")] {
        let said = label(text, interface).concat();
        assert!(
            said.contains(&format!("the label {text} is not {interface} with a colon")),
            "{said}"
        );
    }
}

#[test]
fn routes_have_a_way_and_a_source() {
    let host = host(&[
        ("eth0", true, &[("192.0.2.1/24", false), ("2001:db8::1/64", false)]),
        ("eth1", false, &[("203.0.113.1/24", false)]),
    ]);
    let said = |route: &str| {
        let found = warnings(
            &format!("extra_addresses = [\"198.51.100.10/24\"]\nroutes = [\"{route}\"]"),
            &host,
        );
        found.join("\n")
    };
    for good in [
        "default via 192.0.2.254",
        "default via 198.51.100.254 src 198.51.100.10",
        "default via 2001:db8::2",
        "default via 2001:db8::2 src 2001:db8::1",
        "default via 203.0.113.254 dev eth0 onlink",
        "203.0.113.254 dev eth0\", \"default via 203.0.113.254",
        "192.0.2.128/25 dev eth0",
        "default via 192.0.2.254 table main",
    ] {
        assert_eq!(said(good), "", "{good}");
    }
    for (route, expected) in [
        (
            "default via 10.0.0.1",
            "8:11: warning: the gateway 10.0.0.1 is in no network of this host",
        ),
        (
            "default via 203.0.113.2 dev eth0",
            "8:11: warning: the gateway 203.0.113.2 is in no network of eth0 and of \
             none of the addresses",
        ),
        (
            "default via 203.0.113.2 dev eth1",
            "8:11: warning: eth1 is down or has no carrier, and web waits until it is up",
        ),
        (
            "default dev eth7",
            "8:11: warning: there is no interface eth7 on this host, and web waits until there is; \
             did you mean eth0?",
        ),
        (
            "default via 192.0.2.254 src 192.0.2.1",
            "8:11: warning: the route default via 192.0.2.254 src 192.0.2.1 stays if \
             this daemon is killed, because its source is no virtual address",
        ),
        (
            "blackhole 203.0.113.0/24",
            "8:11: warning: the route blackhole 203.0.113.0/24 stays if this daemon is killed, \
             because it leads nowhere, unless the kernel is of 2026 or newer",
        ),
        (
            "blackhole 2001:db8:1::/48",
            "8:11: warning: the route blackhole 2001:db8:1::/48 stays if this daemon is killed, \
             because it leads nowhere",
        ),
        (
            "default via 192.0.2.254 table 7",
            "8:11: warning: the route default via 192.0.2.254 table 7 stays if this daemon is \
             killed, because its table is not the one of the interface that its source is on",
        ),
        (
            "default via 192.0.2.254 src 192.0.2.9",
            "8:11: warning: the source 192.0.2.9 is neither a virtual address nor one of this host",
        ),
    ] {
        let found = said(route);
        assert!(
            found.starts_with(&format!("f.toml:{expected}")) && !found.contains('\n'),
            "{found}"
        );
    }
    let text = CONFIG.replace("192.0.2.10/24", "2001:db8::10/64");
    let text = format!("{text}peers = [\"2001:db8::2\"]\nroutes = [\"default via 192.0.2.254\"]\n");
    let config = Config::parse(Path::new("f.toml"), &text).unwrap();
    let found = compare(&config, &host);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    let expected = "f.toml:8:11: warning: the route default via 192.0.2.254 has no virtual IPv4 \
        address to come and go with, and web cannot become active";
    assert!(found.len() == 1 && found.concat().starts_with(expected), "{found:#?}");
}
