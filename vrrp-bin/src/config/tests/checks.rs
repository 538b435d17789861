//! Checks, what they mean to virtual routers, and groups.

use vrrp_core::{GroupPolicy, Weight};
use vrrp_net::check::{Effect, Initial, Last, NotRun, Schedule, Track, When};

use super::*;

const CHECKS: &str = r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["192.0.2.10/24", "2001:db8::10/64"]
startup_delay = "10s"
up_delay = "1500ms"
track = ["http-ok", { check = "uplink", weight = -50 }, { check = "resolver", weight = 20 }]
last = "leave"

[[virtual_router]]
name = "db"
interface = "eth1"
vrid = 52
addresses = ["198.51.100.10"]
track = [{ check = "master" }]

[[virtual_router]]
interface = "eth2"
vrid = 53
addresses = ["203.0.113.10", "2001:db8:1::10"]

[[check]]
name = "http-ok"
http = { url = "http://127.0.0.1:8080/healthz", status = "204", body = "ok", ca = "/etc/ca.pem" }
interval = "500ms"
timeout = "3s"
rise = 1
fall = 255
initial = "bad"
not_run = "fail"

[[check]]
name = "plain"
http = "https://example.org/"

[[check]]
name = "postgres"
tcp = "127.0.0.1:5432"

[[check]]
name = "resolver"
dns = { server = "::1", name = "example.org", type = "aaaa" }

[[check]]
name = "master"
command = ["/usr/local/bin/ok", "--quick", ""]
user = "nobody"
while = "active"
grace = "5s"

[[check]]
name = "ready"
file = "/run/ok"

[[check]]
name = "maintenance"
file = { path = "/run/maintenance", exists = false }

[[check]]
name = "share"
file = { path = "/run/share", number = true }

[[check]]
name = "nginx"
process = "nginx"

[[check]]
name = "uplink"
interface = "eth1"

[[check]]
name = "way-out"
route = "0.0.0.0/0"

[[group]]
name = "together"
members = ["db", "web"]
"#;

fn weight(check: &str, weight: i16) -> Track {
    Track::new(check, Effect::Weight(Weight::try_from(weight).unwrap()))
}

#[test]
fn checks_mean_the_same_to_both_families() {
    let config = parse(CHECKS).unwrap();
    let [web, web_v6, db, _, _] = config.routers.as_slice() else { panic!("{config:#?}") };
    for router in [web, web_v6] {
        let tracks: Vec<_> = router.tracks.iter().map(|track| track.value.clone()).collect();
        let hold = Track::new("http-ok", Effect::Hold);
        assert_eq!(tracks, [hold, weight("uplink", -50), weight("resolver", 20)]);
        assert_eq!(router.last, Last::Leave);
        assert_eq!(router.router.startup_delay(), Duration::from_secs(10));
        assert_eq!(router.router.up_delay(), Duration::from_millis(1500));
    }
    assert_eq!(web.tracks.first().unwrap().place.to_string(), "f.toml:9:10");
    let tracks: Vec<_> = db.tracks.iter().map(|track| track.value.clone()).collect();
    assert_eq!((tracks, db.last), (vec![Track::new("master", Effect::Hold)], Last::Stay));
    assert_eq!(db.router.startup_delay(), Duration::ZERO);
}

#[test]
fn every_key_of_a_check_is_read() {
    let config = parse(CHECKS).unwrap();
    let schedule = |name: &str| {
        config.checks.iter().find(|check| check.name == name).map(|check| check.schedule).unwrap()
    };
    let strict = schedule("http-ok");
    assert_eq!(
        (strict.interval, strict.timeout),
        (Duration::from_millis(500), Duration::from_secs(3))
    );
    assert_eq!((strict.rise.get(), strict.fall.get()), (1, 255));
    assert_eq!((strict.initial, strict.not_run), (Initial::Bad, NotRun::Fail));
    assert_eq!(schedule("plain"), Schedule::default());
    assert_eq!(schedule("master").when, When::Active { grace: Duration::from_secs(5) });
    let described: Vec<String> =
        config.checks.iter().map(|check| check.look.check(&[]).describe()).collect();
    for words in [
        "http://127.0.0.1:8080/healthz",
        "https://example.org/",
        "127.0.0.1:5432",
        "example.org",
        "/usr/local/bin/ok",
        "/run/ok",
        "/run/maintenance",
        "the number in /run/share",
        "nginx",
        "eth1",
        "0.0.0.0/0",
    ] {
        assert!(
            described.iter().any(|sentence| sentence.contains(words)),
            "{words}: {described:?}"
        );
    }
}

#[test]
fn a_group_takes_both_families_and_two_families_are_a_group() {
    let config = parse(CHECKS).unwrap();
    let group = |name: &str, policy, members: &[&str]| {
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        GroupConfig { name: name.to_owned(), members, policy, scripts: Scripts::default() }
    };
    let expected = [
        group("together", GroupPolicy::All, &["db", "web", "web/v6"]),
        group("eth2-53", GroupPolicy::Any, &["eth2-53-ipv4", "eth2-53-ipv6"]),
    ];
    assert_eq!(config.groups, expected);
    let groups: Vec<&str> =
        config.routers.iter().map(|router| &*router.group.as_ref().unwrap().name).collect();
    assert_eq!(groups, ["together", "together", "together", "eth2-53", "eth2-53"]);
    assert!(parse(MINIMAL).unwrap().groups.is_empty());
}

#[test]
fn what_is_written_of_checks_and_groups_reads_back() {
    let config = parse(CHECKS).unwrap();
    let text = ::toml::to_string(&Effective::from(&config)).unwrap();
    let again = parse(&text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert_eq!(again.groups, config.groups);
    assert_eq!(again.checks.len(), config.checks.len());
    for (before, after) in config.checks.iter().zip(&again.checks) {
        assert_eq!((&before.name, before.schedule), (&after.name, after.schedule));
        assert!(before.look.check(&[]).is_same(&*after.look.check(&[])), "{before:?} {after:?}");
    }
    for (before, after) in config.routers.iter().zip(&again.routers) {
        let tracks = |router: &RouterConfig| {
            router.tracks.iter().map(|track| track.value.clone()).collect::<Vec<_>>()
        };
        assert_eq!((tracks(before), before.last), (tracks(after), after.last));
        assert_eq!((&before.group, &before.router), (&after.group, &after.router));
    }
    assert_eq!(::toml::to_string(&Effective::from(&again)).unwrap(), text);
    let json = serde_json::to_value(Effective::from(&config)).unwrap();
    assert_eq!(json["check"][4]["while"], "active");
}

#[test]
fn a_group_of_an_odd_interface_reads_back() {
    let text = MINIMAL.replace("eth0", "br+0").replace("/24\"", "/24\", \"2001:db8::10\"");
    let config = parse(&text).unwrap();
    let names: Vec<&str> = config.groups.iter().map(|group| &*group.name).collect();
    assert_eq!(names, ["br_0-51"]);
    let effective = ::toml::to_string(&Effective::from(&config)).unwrap();
    assert_eq!(parse(&effective).unwrap().groups, config.groups);
}
