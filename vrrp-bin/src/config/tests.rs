//! Good files become the right core types; bad files say what `tests/bad.txt` says, to the letter.

mod checks;
mod held;
mod scripts;

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Duration,
};

use vrrp_core::{
    Checksum, Cidr, Hear, Password, Peer, Preempt, Priority, Protocol, Reach, Role, Transport,
    VirtualRouter, Vrid,
};

use super::{effective::Effective, *};

const BAD: &str = include_str!("tests/bad.txt");

const FULL: &str = r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["192.0.2.10/24", { address = "192.0.2.11" }, "fe80::10", "2001:db8::10/64"]
priority = 150
interval = "250ms"
preempt = "30s"
peers = ["192.0.2.1", { address = "192.0.2.2", min_ttl = 254 }, "fe80::2"]
hear = "any"
source = "192.0.2.1"
checksum = "rfc9568"
lease = false
backend = "kernel"
announce = { repeat = ["0s", "500ms"], refresh = "0s" }

[[virtual_router]]
interface = "eth1"
vrid = 51
addresses = ["198.51.100.10"]
version = 2
priority = "owner"
password = "secret"

[daemon]
control = "/run/other.sock"
state = "/var/lib/other"
realtime = 50
"#;

const MINIMAL: &str = r#"
[[virtual_router]]
interface = "eth0"
vrid = 51
addresses = ["192.0.2.10/24"]
"#;

const COMMAND: &str = r#"
[[virtual_router]]
interface = "eth2"
vrid = 51
addresses = ["203.0.113.10", "2001:db8:1::10", "fe80::11"]
backend = { command = ["/usr/local/bin/move-ip", "eip 42", ""], timeout = "1500ms", reach = "on-link" }
"#;

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(Path::new("f.toml"), text)
}

fn cidrs(router: &VirtualRouter) -> Vec<String> {
    router.addresses().map(|address| address.to_string()).collect()
}

#[test]
fn every_bad_file_is_told_what_is_wrong_where() {
    let cases: Vec<&str> = BAD.split("## ").skip(1).collect();
    assert!(cases.len() > 70, "the table is cut short");
    let mut wrong = Vec::new();
    for case in cases {
        let (name, rest) = case.split_once('\n').unwrap();
        let (text, expected) = rest.split_once("-- says\n").unwrap();
        let errors = parse(text).map(|_| ()).expect_err(name).to_string();
        if errors != expected.trim_end() {
            wrong.push(format!("## {name}\n{text}-- says\n{errors}\n"));
        }
    }
    assert!(wrong.is_empty(), "these say something else:\n\n{}", wrong.join("\n"));
}

#[test]
fn both_families_make_two_virtual_routers() {
    let config = parse(FULL).unwrap();
    let [v4, v6, other] = config.routers.as_slice() else { panic!("{config:#?}") };
    assert_eq!(
        (v4.name.as_str(), v6.name.as_str(), other.name.as_str()),
        ("web", "web/v6", "eth1-51-ipv4")
    );
    assert_eq!(cidrs(&v4.router), ["192.0.2.10/24", "192.0.2.11/32"]);
    assert_eq!(cidrs(&v6.router), ["fe80::10/128", "2001:db8::10/64"]);
    assert_eq!((v4.router.vrid().get(), v6.router.vrid().get()), (51, 51));
    let source: IpAddr = "192.0.2.1".parse().unwrap();
    assert_eq!((v4.router.source(), v6.router.source()), (Some(source), None));
    let peers = |router: &VirtualRouter| match router.transport() {
        Transport::Unicast { peers, hear: Hear::Any } => peers.to_vec(),
        other => panic!("{other:?}"),
    };
    let second = Peer::from("192.0.2.2".parse::<IpAddr>().unwrap()).min_ttl(254);
    assert_eq!(peers(&v4.router), [Peer::from(source), second]);
    assert_eq!(peers(&v6.router), [Peer::from("fe80::2".parse::<IpAddr>().unwrap())]);
}

#[test]
fn every_key_reaches_the_core() {
    let config = parse(FULL).unwrap();
    let [v4, _, owner] = config.routers.as_slice() else { panic!("{config:#?}") };
    let role = Role::Contender {
        priority: Priority::try_from(150).unwrap(),
        preempt: Preempt::After(Duration::from_secs(30)),
    };
    assert_eq!(v4.router.role(), role);
    assert_eq!(v4.router.interval().duration(), Duration::from_millis(250));
    assert!(matches!(v4.router.protocol(), Protocol::V3Ipv4 { checksum: Checksum::Rfc9568, .. }));
    let announcements = v4.router.announcements();
    assert_eq!(announcements.delay(1), Some(Duration::from_millis(500)));
    assert_eq!((announcements.delay(2), announcements.refresh()), (None, None));
    assert_eq!(v4.backend, Backend::Kernel { lease: false });
    assert_eq!(owner.backend, Backend::Kernel { lease: true });
    assert_eq!(owner.router.role(), Role::Owner);
    let password = Password::try_from(&b"secret"[..]).unwrap();
    assert!(
        matches!(owner.router.protocol(), Protocol::V2 { password: Some(ours), .. } if *ours == password)
    );
    assert_eq!(config.control, Path::new("/run/other.sock"));
    let (priority, place) = config.realtime.as_ref().unwrap();
    assert_eq!((priority.get(), place.to_string().as_str()), (50, "f.toml:29:12"));
    let (state, place) = config.state.as_ref().unwrap();
    assert_eq!(
        (state.as_path(), place.to_string()),
        (Path::new("/var/lib/other"), "f.toml:28:9".to_owned())
    );
    assert!(parse(&format!("{MINIMAL}[daemon]\nrealtime = 0\n")).unwrap().realtime.is_none());
}

#[test]
fn a_program_may_hold_the_addresses() {
    let config = parse(COMMAND).unwrap();
    let [v4, v6] = config.routers.as_slice() else { panic!("{config:#?}") };
    let expected = Command {
        program: "/usr/local/bin/move-ip".into(),
        arguments: vec!["eip 42".to_owned(), String::new()],
        timeout: Duration::from_millis(1500),
        reach: Reach::OnLink,
    };
    assert_eq!(
        (&v4.backend, &v6.backend),
        (&Backend::Command(expected.clone()), &Backend::Command(expected))
    );
    assert_eq!(v4.places.backend.to_string(), "f.toml:6:11");

    let config = parse(&format!("{MINIMAL}backend = {{ command = [\"/bin/true\"] }}\n")).unwrap();
    let program = "/bin/true".into();
    let timeout = Duration::from_secs(30);
    let expected = Command { program, arguments: Vec::new(), timeout, reach: Reach::Routed };
    assert_eq!(config.routers.first().unwrap().backend, Backend::Command(expected));
}

#[test]
fn what_is_left_out_has_the_defaults_of_the_core() {
    let config = parse(MINIMAL).unwrap();
    let [router] = config.routers.as_slice() else { panic!("{config:#?}") };
    let addresses =
        vrrp_core::Ipv4Addresses::new(["192.0.2.10/24".parse::<Cidr<_>>().unwrap()]).unwrap();
    let interval = vrrp_core::Centiseconds::ONE_SECOND;
    assert_eq!(
        router.router,
        VirtualRouter::v3_ipv4(Vrid::try_from(51).unwrap(), addresses, interval)
    );
    assert_eq!(
        (router.name.as_str(), &router.backend),
        ("eth0-51-ipv4", &Backend::Kernel { lease: true })
    );
    assert_eq!(config.control, Path::new(CONTROL));
    assert!(config.realtime.is_none() && config.state.is_none());
}

#[test]
fn places_are_lines_and_columns_of_characters() {
    let config = parse(
        "# a comment with \u{e9}\n[[virtual_router]]\ninterface = \"eth0\"\nvrid = \
        1\naddresses = [ \"192.0.2.10\" ] # \u{e9}\n",
    )
    .unwrap();
    let [router] = config.routers.as_slice() else { panic!("{config:#?}") };
    assert_eq!(router.places.interface.to_string(), "f.toml:3:13");
    assert_eq!(
        router.addresses.first().map(|address| address.place.to_string()).unwrap(),
        "f.toml:5:15"
    );
    let errors = parse("[[virtual_router]]\nname = \"\u{e9}\u{e9}\" # \u{e9}\n\u{e9} = 1\n")
        .unwrap_err()
        .to_string();
    assert!(
        errors.lines().any(|line| line.starts_with("f.toml:3:1: this is not TOML")),
        "{errors}"
    );
}

#[test]
fn one_link_local_address_may_be_on_two_interfaces() {
    let router = |interface| {
        format!(
            "[[virtual_router]]\ninterface = \"{interface}\"\nvrid = 1\naddresses = [\"fe80::1\"]\n"
        )
    };
    assert_eq!(parse(&format!("{}{}", router("eth0"), router("eth1"))).unwrap().routers.len(), 2);
    assert!(parse(&format!("{0}{0}", router("eth0"))).is_err());
}

#[test]
fn a_password_file_stands_next_to_its_configuration_and_may_end_in_a_newline() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("password"), "secret\n").unwrap();
    let file = directory.path().join("vrrp.toml");
    fs::write(&file, format!("{MINIMAL}version = 2\npassword_file = \"password\"\n")).unwrap();
    let config = Config::load(&file).unwrap();
    let password = Password::try_from(&b"secret"[..]).unwrap();
    let protocol = config.routers.first().unwrap().router.protocol();
    assert!(
        matches!(protocol, Protocol::V2 { password: Some(ours), .. } if *ours == password),
        "{protocol:?}"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let missing = Config::load(Path::new("/nonexistent/vrrp.toml")).unwrap_err().to_string();
    assert_eq!(
        missing,
        "/nonexistent/vrrp.toml: the configuration cannot be read: no such file or directory; name \
         the file with -c FILE"
    );
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("vrrp.toml");
    fs::write(&file, b"[[virtual_router]]\nname = \"\xff\"\n").unwrap();
    let binary = Config::load(&file).unwrap_err().to_string();
    assert_eq!(
        binary,
        format!("{}:2:9: this is not UTF-8 text; save the file as UTF-8", file.display())
    );
}

#[test]
fn the_effective_configuration_means_the_same_and_shows_no_secret() {
    let config = parse(&format!("{COMMAND}{FULL}")).unwrap();
    let text = ::toml::to_string(&Effective::from(&config)).unwrap();
    assert!(!text.contains("secret"), "{text}");
    let again = parse(&text).unwrap();
    assert_eq!(again.control, config.control);
    let state = |config: &Config| config.state.as_ref().map(|(path, _)| path.clone());
    assert_eq!(state(&again), state(&config));
    let priority = |config: &Config| config.realtime.as_ref().map(|(priority, _)| *priority);
    assert_eq!(priority(&again), priority(&config));
    assert_eq!(again.routers.len(), config.routers.len());
    for (before, after) in config.routers.iter().zip(&again.routers) {
        assert_eq!(
            (&before.name, &before.interface, &before.backend),
            (&after.name, &after.interface, &after.backend)
        );
        assert_eq!(before.router.role(), after.router.role());
        assert_eq!(before.router.transport(), after.router.transport());
        assert_eq!(before.router.announcements(), after.router.announcements());
        assert_eq!(cidrs(&before.router), cidrs(&after.router));
        assert_eq!(held::held(before), held::held(after));
        assert_eq!(before.router.interval(), after.router.interval());
    }
}

#[test]
fn a_name_that_is_made_of_an_odd_interface_is_made_again() {
    let text = MINIMAL.replace("eth0", "br+0");
    let config = parse(&text).unwrap();
    let effective = ::toml::to_string(&Effective::from(&config)).unwrap();
    assert!(!effective.contains("name ="), "{effective}");
    let names = |config: &Config| config.routers.iter().map(|router| router.name.clone()).collect();
    let expected: Vec<String> = vec!["br+0-51-ipv4".to_owned()];
    assert_eq!((names(&config), names(&parse(&effective).unwrap())), (expected.clone(), expected));
}

/// What stands there is tried as it is written.
#[test]
fn the_examples_of_the_pages_are_accepted() {
    for (page, count) in
        [(include_str!("../../../docs/health.md"), 3), (include_str!("../../../docs/notify.md"), 3)]
    {
        let examples: Vec<&str> =
            page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert_eq!(examples.len(), count);
        for example in examples {
            let config = parse(example).unwrap();
            assert!(!config.routers.is_empty(), "{example}");
        }
    }
}

#[test]
fn what_is_told_over_tcp_is_read_and_printed() {
    let keys = "[daemon]\nmetrics = \"[2001:db8::1]:9112\"\nkeepalived_metrics = true\nprobe = \"0.0.0.0:8111\"\n";
    let config = parse(&format!("{MINIMAL}{keys}")).unwrap();
    let text = ::toml::to_string(&Effective::from(&config)).unwrap();
    assert!(text.contains(keys.trim_start_matches("[daemon]\n")), "{text}");
    let again = parse(&text).unwrap().watch;
    let address = |at: Option<Located<SocketAddr>>| at.unwrap().value.to_string();
    assert_eq!((address(again.metrics), again.keepalived), ("[2001:db8::1]:9112".to_owned(), true));
    assert_eq!(address(again.probe), "0.0.0.0:8111");
    // Nothing listens unless it is asked for.
    assert_eq!(parse(MINIMAL).unwrap().watch, Watch::default());
}
