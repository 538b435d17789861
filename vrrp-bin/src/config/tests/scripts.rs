//! Programs that are told what happens.

use super::*;

const SCRIPTS: &str = r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["192.0.2.10/24", "2001:db8::10/64"]
notify = ["/usr/local/bin/notify", "--quiet", ""]
notify_active = { command = ["/usr/local/bin/up"], timeout = "1500ms", user = "nobody" }
notify_backup = { command = ["/usr/local/bin/down"] }
before_active = ["/usr/local/bin/commit", "-c"]

[[virtual_router]]
name = "db"
interface = "eth1"
vrid = 52
addresses = ["198.51.100.10"]
before_active = { command = ["/usr/local/bin/commit"], timeout = "5s" }

[[group]]
name = "all"
members = ["web", "db"]
notify_fault = ["/usr/local/bin/fault"]

[daemon]
notify_stop = ["/usr/local/bin/stop"]
notify_fifo = "/run/vrrp/events"
"#;

fn script(words: &[&str], timeout: Duration, user: Option<&str>) -> Script {
    let mut words = words.iter().map(|word| (*word).to_owned());
    let program = words.next().unwrap().into();
    let program = Program { program, arguments: words.collect(), user: user.map(str::to_owned) };
    Script { program, timeout }
}

#[test]
fn scripts_are_told_of_both_families_of_groups_and_of_all() {
    let config = parse(SCRIPTS).unwrap();
    let [v4, v6, db] = config.routers.as_slice() else { panic!("{config:#?}") };
    assert_eq!((&v4.scripts, &v4.before), (&v6.scripts, &v6.before));
    let long = Duration::from_secs(30);
    let all = script(&["/usr/local/bin/notify", "--quiet", ""], long, None);
    let active = script(&["/usr/local/bin/up"], Duration::from_millis(1500), Some("nobody"));
    let backup = script(&["/usr/local/bin/down"], long, None);
    let found: Vec<(Told, &Script)> =
        v4.scripts.iter().map(|(told, script)| (told, &script.value)).collect();
    assert_eq!(found, [(Told::All, &all), (Told::Active, &active), (Told::Backup, &backup)]);
    let before = |router: &RouterConfig| router.before.clone().unwrap();
    let commit = script(&["/usr/local/bin/commit", "-c"], Duration::from_secs(2), None);
    assert_eq!((before(v4).value, before(v4).place.to_string().as_str()), (commit, "f.toml:10:17"));
    assert_eq!((before(db).value.timeout, db.scripts.is_empty()), (Duration::from_secs(5), true));
    let group = config.groups.first().unwrap();
    let fault = script(&["/usr/local/bin/fault"], long, None);
    assert_eq!(group.scripts.get(Told::Fault), Some(&fault));
    let stop = script(&["/usr/local/bin/stop"], long, None);
    assert_eq!(config.scripts.get(Told::Stop), Some(&stop));
    let fifo = config.fifo.unwrap();
    assert_eq!(
        (fifo.value.as_path(), fifo.place.to_string().as_str()),
        (Path::new("/run/vrrp/events"), "f.toml:26:15")
    );
}

#[test]
fn two_families_are_a_group_without_scripts() {
    let text = SCRIPTS.replace("[[group]]", "[[check]]\nname = \"it\"\ncommand = [\"/bin/true\"]");
    let (text, _) = text.split_once("name = \"all\"").unwrap();
    let config = parse(text).unwrap();
    let [group] = config.groups.as_slice() else { panic!("{config:#?}") };
    assert!(group.name == "web" && group.scripts.is_empty(), "{group:?}");
    assert!(config.scripts.is_empty() && config.fifo.is_none());
}

#[test]
fn scripts_read_back() {
    let config = parse(SCRIPTS).unwrap();
    let text = ::toml::to_string(&Effective::from(&config)).unwrap();
    let again = parse(&text).unwrap();
    let scripts = |scripts: &Scripts| {
        scripts.iter().map(|(told, script)| (told, script.value.clone())).collect::<Vec<_>>()
    };
    for (before, after) in config.routers.iter().zip(&again.routers) {
        assert_eq!(scripts(&before.scripts), scripts(&after.scripts), "{text}");
        let value = |router: &RouterConfig| router.before.clone().map(|before| before.value);
        assert_eq!(value(before), value(after), "{text}");
    }
    for (before, after) in config.groups.iter().zip(&again.groups) {
        assert_eq!(scripts(&before.scripts), scripts(&after.scripts), "{text}");
    }
    assert_eq!(scripts(&config.scripts), scripts(&again.scripts), "{text}");
    let path = |config: &Config| config.fifo.clone().map(|fifo| fifo.value);
    assert_eq!(path(&config), path(&again));
    assert_eq!(::toml::to_string(&Effective::from(&again)).unwrap(), text);
    let json = serde_json::to_value(Effective::from(&config)).unwrap();
    assert_eq!(json["virtual_router"][0]["notify_active"]["user"], "nobody");
    assert_eq!(json["virtual_router"][1]["before_active"]["timeout"], "2s");
    assert_eq!(json["daemon"]["notify_stop"]["command"][0], "/usr/local/bin/stop");
}
