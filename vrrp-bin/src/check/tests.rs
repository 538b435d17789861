use std::path::Path;

use vrrp_net::host::{Address, Capabilities, Master};

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
    let interfaces = interfaces.iter().map(interface).collect();
    Host { interfaces, capabilities: Capabilities::ALL, way: Box::new(|_, _| None) }
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
fn another_name_is_no_missing_interface() {
    let mut host = host(&[("enp3s0", true, &[("192.0.2.1/24", false)])]);
    host.interfaces[0].other_names = vec!["eth0".to_owned()];
    expect(
        "",
        &host,
        &["f.toml:4:13: warning: eth0 is another name of enp3s0, and vrrp knows it only by \
             that name"],
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
