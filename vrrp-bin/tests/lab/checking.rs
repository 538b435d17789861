//! `vrrp check` on hosts that have something wrong: each finding is made for real, and beside it a
//! host that has nothing wrong says nothing.

mod examples;
pub(crate) mod heard;
mod screen;
pub(crate) mod site;

use std::process::Command;

use libtest_mimic::Trial;

use crate::{
    interfaces::ip,
    support::{Outcome, check, timed},
};
use site::{Found, Site, run};

pub(crate) fn tests(everything: bool) -> Vec<Trial> {
    let mut tests = vec![
        timed("check_says_nothing_of_a_good_host", |_| good()),
        timed("check_names_what_is_wrong_with_interfaces", |_| interfaces()),
        timed("check_names_settings_that_hide_an_address", |_| settings()),
        timed("check_names_packets_that_are_too_small", |_| packets()),
        timed("check_names_rights_that_are_missing", |_| rights()),
        timed("check_names_a_container_with_a_network_of_its_own", |_| container()),
        timed("check_names_files_that_are_too_few", |_| files()),
        timed("check_says_nothing_of_the_examples_in_the_documentation", |_| examples::good()),
        timed("check_screens_look_as_the_documentation_shows", |_| screen::as_documented()),
    ];
    tests.extend(heard::tests(everything));
    tests
}

/// Everything that a virtual router can have, and nothing wrong.
const GOOD: &str = r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["10.0.0.100/24", "fd00::100/64"]

[[virtual_router]]
name = "db"
interface = "eth0"
vrid = 52
addresses = ["10.0.0.101"]
peers = ["10.0.0.1", "10.0.0.2"]
track = ["up", "answers"]

[[check]]
name = "up"
interface = "eth0"

[[check]]
name = "answers"
tcp = "127.0.0.1:1"
"#;

fn good() -> Outcome {
    let site = Site::new()?;
    let found = site.check(GOOD, &[])?;
    found.is_exactly(&[])?;
    check(found.status == 0 && found.verdict() == "good", format!("{found:#?}"))?;
    // For people it is a line.
    let said = site.say(GOOD, &[])?;
    let expected = "checked.toml: good: web on eth0, web/v6 on eth0, db on eth0\n";
    let text = String::from_utf8_lossy(&said.stdout);
    check(text.ends_with(expected) && said.stderr.is_empty(), format!("{said:?}"))
}

/// One virtual router for each interface.
fn on(interfaces: &[&str]) -> String {
    let router = |(vrid, interface): (usize, &&str)| {
        format!(
            "[[virtual_router]]\ninterface = \"{interface}\"\nvrid = {vrid}\naddresses = \
             [\"10.{vrid}.0.100/24\"]\n"
        )
    };
    (1..).zip(interfaces).map(router).collect()
}

fn interfaces() -> Outcome {
    let site = Site::new()?;
    for change in [
        "link add eth1 type veth peer name far1",
        "address add 10.2.0.1/24 dev eth1",
        "link add br9 type bridge",
        "link set br9 up",
        "link add eth2 type veth peer name far2",
        "link set eth2 master br9 up",
        "link set far2 up",
        "link add eth3 type veth peer name far3",
        "link set eth3 up",
        "link set far3 up",
        "address add 10.5.0.1/24 dev eth0",
    ] {
        ip(&site.a, change)?;
    }
    let found = site.check(&on(&["eth9", "eth1", "eth2", "eth3", "eth0"]), &[])?;
    found.is_exactly(&[
        (
            "interface-missing",
            "2:13: there is no interface eth9 on this host, and eth9-1-ipv4 waits until there is; \
             did you mean eth0?",
        ),
        ("interface-down", "6:13: eth1 is down or has no carrier, and eth1-2-ipv4 waits until"),
        (
            "interface-port",
            "10:13: eth2 is a port of the bridge br9: what arrives goes to br9; write `interface = \
             \"br9\"`",
        ),
        ("source", "14:13: eth3 has no IPv4 address of its own to send from"),
    ])?;
    check(found.status == 3 && found.verdict() == "warnings", format!("{found:#?}"))?;
    let about = |code: &str| found.one(code).map(|finding| finding["interface"].clone());
    check(about("interface-down").is_some_and(|name| name == "eth1"), format!("{found:#?}"))?;
    let strict = site.check(&on(&["eth9"]), &["--strict"])?;
    check(strict.status == 2 && strict.verdict() == "unusable", format!("{strict:#?}"))?;

    // An alternative name is a mistake in the file.
    ip(&site.a, "link property add dev eth0 altname uplink")?;
    let named = site.check(&on(&["uplink"]), &[])?;
    named.is_exactly(&[(
        "configuration",
        "2:13: uplink is another name of eth0, and vrrp knows it",
    )])?;
    check(named.status == 2 && named.verdict() == "unusable", format!("{named:#?}"))
}

const BOTH: &str = "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
    [\"10.0.0.100/24\", \"fd00::100/64\"]\n";

fn settings() -> Outcome {
    let site = Site::new()?;
    site.set("ipv4/conf/all/arp_ignore", "8")?;
    let found = site.check(BOTH, &[])?;
    found.is_exactly(&[(
        "arp",
        "5:14: neighbours on eth0 do not find 10.0.0.100: with net.ipv4.conf.all.arp_ignore = 8 the \
         kernel answers no question; `sysctl -w net.ipv4.conf.all.arp_ignore=0`",
    )])?;
    site.set("ipv4/conf/all/arp_ignore", "0")?;
    site.set("ipv4/conf/eth0/arp_ignore", "1")?;
    site.check(BOTH, &[])?.is_exactly(&[])?;
    site.set("ipv6/conf/eth0/disable_ipv6", "1")?;
    let found = site.check(BOTH, &[])?;
    found.is_exactly(&[("ipv6-disabled", "5:31: IPv6 is off on eth0, and web/v6 waits until it")])
}

fn packets() -> Outcome {
    let site = Site::new()?;
    let addresses: Vec<String> = (10..40).map(|host| format!("\"10.0.0.{host}/24\"")).collect();
    let many = format!(
        "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = [{}]\n",
        addresses.join(", ")
    );
    // 20 of IP, 8 of VRRP and 30 addresses.
    ip(&site.a, "link set eth0 mtu 148")?;
    site.check(&many, &[])?.is_exactly(&[])?;
    ip(&site.a, "link set eth0 mtu 147")?;
    let found = site.check(&many, &[])?;
    found.is_exactly(&[(
        "mtu",
        "3:13: an advertisement with 30 addresses is a packet of 148 octets, and the MTU of eth0 \
         is 147: it is sent in fragments",
    )])?;
    let found = site.check(BOTH, &[])?;
    found.is_exactly(&[("mtu", "3:13: the MTU of eth0 is 147, and the kernel keeps no IPv6 there")])
}

fn rights() -> Outcome {
    let site = Site::new()?;
    let file = site
        .write(&format!("{BOTH}notify = {{ command = [\"/bin/true\"], user = \"nobody\" }}\n"))?;
    let mut command = Command::new("setpriv");
    let without = "--bounding-set=-net_admin,-net_raw,-setuid,-setgid,-kill";
    command.args([without, "--inh-caps=-all"]).arg(env!("CARGO_BIN_EXE_vrrp"));
    command.args(["check", "--json", "--listen", "100ms", "-c"]).arg(&file);
    let found = Found::of(&run(&site.a, command)?)?;
    found.is_exactly(&[
        ("capability", "this user lacks CAP_NET_RAW, which `vrrp run` needs to send and receive"),
        ("capability", "this user lacks CAP_NET_ADMIN, which `vrrp run` needs to hold addresses"),
        (
            "unexamined",
            "3:13: eth0 cannot be listened to: Operation not permitted (os error 1); run",
        ),
        (
            "capability",
            "6:10: this user lacks CAP_SETUID, which `vrrp run` needs to run programs as",
        ),
        ("capability", "6:10: this user lacks CAP_SETGID, which"),
        ("capability", "6:10: this user lacks CAP_KILL, which"),
    ])
}

/// Process 1 is in the network, as in a container, and the engine has left its trace.
fn container() -> Outcome {
    let site = Site::new()?;
    let file = site.write(BOTH)?;
    let contained = |engine: Option<&str>| {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--mount-proc", env!("CARGO_BIN_EXE_vrrp")]);
        command.args(["check", "--json", "-c"]).arg(&file);
        command.env_remove("KUBERNETES_SERVICE_HOST").env_remove("container");
        command.envs(engine.map(|engine| ("container", engine)));
        Found::of(&run(&site.a, command)?)
    };
    contained(Some("podman"))?.is_exactly(&[(
        "container",
        "has a network of its own: its eth0 leads to a bridge of the engine, where no other host is \
         heard and none finds the addresses; run it with the network of the host",
    )])?;
    // A container with a card of its own is a host like any.
    ip(&site.a, "link add eth7 type veth peer name far7")?;
    contained(Some("podman"))?.is_exactly(&[])?;
    // The lab is no container.
    site.check(BOTH, &[])?.is_exactly(&[])
}

fn files() -> Outcome {
    let site = Site::new()?;
    let file = site.write(BOTH)?;
    let mut command = Command::new("prlimit");
    command.args(["--nofile=64:64", env!("CARGO_BIN_EXE_vrrp"), "check", "--json", "-c"]).arg(file);
    let found = Found::of(&run(&site.a, command)?)?;
    found.is_exactly(&[("descriptors", "a process here may open 64 files, and this configuration")])
}
