//! Addresses on other interfaces, addresses that are not advertised, and routes.

use super::*;

const HELD: &str = r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = [
    "192.0.2.10/24",
    { address = "192.0.2.11/24", interface = "eth0", broadcast = "+" },
    { address = "198.51.100.10", interface = "lo", label = "lo:web", scope = "host" },
    { address = "192.0.2.12/24", scope = "7", broadcast = "-" },
    { address = "2001:db8::10/64", interface = "eth1" },
]
extra_addresses = ["2001:db8::11/64", { address = "203.0.113.10/24", interface = "eth1" }]
routes = [
    "default via 192.0.2.254 metric 50",
    "blackhole  198.51.100.9/24 table main",
    "2001:db8:7::/48 via 2001:db8::fe",
]

[daemon]
netns = "blue"
"#;

/// What `config` holds, in the words of `ip`.
pub(super) fn held(config: &RouterConfig) -> [Vec<String>; 3] {
    let texts = |addresses: &[Located<vrrp_net::VirtualAddress>]| {
        addresses.iter().map(|address| address.value.to_string()).collect()
    };
    let routes = config.routes.iter().map(|route| route.value.to_string()).collect();
    [texts(&config.addresses), texts(&config.extra), routes]
}

#[test]
fn each_of_two_families_has_what_is_of_its_own() {
    let config = parse(HELD).unwrap();
    let [v4, v6] = config.routers.as_slice() else { panic!("{config:#?}") };
    let [addresses, extra, routes] = held(v4);
    let expected = [
        "192.0.2.10/24",
        "192.0.2.11/24 brd 192.0.2.255",
        "198.51.100.10/32 dev lo scope host label lo:web",
        "192.0.2.12/24 brd 192.0.2.0 scope 7",
    ];
    assert_eq!(addresses, expected);
    assert_eq!(extra, ["203.0.113.10/24 dev eth1"]);
    let expected = ["default via 192.0.2.254 metric 50", "blackhole 198.51.100.0/24 table 254"];
    assert_eq!(routes, expected);
    let one = |text: &str| vec![text.to_owned()];
    let expected = [
        one("2001:db8::10/64 dev eth1"),
        one("2001:db8::11/64"),
        one("2001:db8:7::/48 via 2001:db8::fe"),
    ];
    assert_eq!(held(v6), expected);
    // Those that are advertised, and no others.
    let advertised = ["192.0.2.10/24", "192.0.2.11/24", "198.51.100.10/32", "192.0.2.12/24"];
    assert_eq!(cidrs(&v4.router), advertised);
    let place = |index: usize| v4.addresses.get(index).unwrap().place.to_string();
    assert_eq!((place(0), place(2)), ("f.toml:7:5".to_owned(), "f.toml:9:17".to_owned()));
    assert_eq!(config.netns.as_ref().unwrap().value, "blue");
}

#[test]
fn the_family_that_is_alone_has_them_too() {
    let text = MINIMAL.replace("192.0.2.10/24", "2001:db8::10/64");
    let config = parse(&format!(
        "{text}extra_addresses = [\"192.0.2.10/24\"]\nroutes = [\"default via 192.0.2.254\"]\n"
    ));
    let config = config.unwrap();
    let [_, extra, routes] = held(config.routers.first().unwrap());
    assert_eq!(
        (extra, routes),
        (vec!["192.0.2.10/24".to_owned()], vec!["default via 192.0.2.254".to_owned()])
    );
}

#[test]
fn what_is_held_is_printed_as_it_is_read() {
    let config = parse(HELD).unwrap();
    let text = ::toml::to_string(&Effective::from(&config)).unwrap();
    let again = parse(&text).unwrap();
    assert_eq!(again.netns.as_ref().map(|netns| &*netns.value), Some("blue"), "{text}");
    assert_eq!(::toml::to_string(&Effective::from(&again)).unwrap(), text);
    for (before, after) in config.routers.iter().zip(&again.routers) {
        assert_eq!(held(before), held(after), "{text}");
    }
}

/// Clients of the daemon do not know which interface it has chosen.
#[test]
fn one_vrid_may_be_on_interfaces_that_are_chosen() {
    let router = |address| MINIMAL.replace("eth0", "auto").replace("192.0.2.10", address);
    let both = router("192.0.2.10") + &router("198.51.100.10");
    assert!(!parse(&both).is_err_and(|errors| errors.to_string().contains("VRID")));
}

#[test]
fn one_route_may_be_in_the_tables_of_two_vrfs() {
    let router = |interface, address| {
        MINIMAL.replace("eth0", interface).replace("192.0.2.10", address)
            + "routes = [\"default via 192.0.2.254\"]\n"
    };
    let apart = router("eth0", "192.0.2.10") + &router("eth1", "192.0.2.11");
    assert_eq!(parse(&apart).unwrap().routers.len(), 2);
}

/// On a host, each family is as if the interface had been named.
#[test]
fn an_interface_that_is_chosen_makes_the_names() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("vrrp.toml");
    let text = MINIMAL.replace("eth0", "auto").replace(
        "\"192.0.2.10/24\"",
        "{ address = \"192.0.2.10/24\", interface = \"eth7\" }, \"2001:db8::10\"",
    );
    fs::write(&file, text).unwrap();
    let prepare: Prepare = |plan, _| {
        let draft = plan.drafts.first_mut().unwrap();
        draft.interface = Found::Value(Located::new(draft.place.clone(), "eth7".to_owned()));
    };
    let config = Config::load_for(&file, prepare).unwrap();
    let names: Vec<&str> = config.routers.iter().map(|router| &*router.name).collect();
    assert_eq!(names, ["eth7-51-ipv4", "eth7-51-ipv6"]);
    assert_eq!(config.groups.first().unwrap().name, "eth7-51");
    let [addresses, ..] = held(config.routers.first().unwrap());
    assert_eq!(addresses, ["192.0.2.10/24"]);
}
