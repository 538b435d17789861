//! Environments become the virtual routers that `tests/good.txt` says, or the sentences of
//! `tests/bad.txt`.

mod mounted;

use std::{ffi::OsString, fs, os::unix::ffi::OsStringExt};

use tempfile::TempDir;
use vrrp_core::{Hear, Preempt, Protocol, Role, Transport};
use vrrp_net::VirtualAddress;

use super::*;
use crate::config::{CONTROL, Located, RouterConfig, Script, Scripts};

const GOOD: &str = include_str!("tests/good.txt");
const BAD: &str = include_str!("tests/bad.txt");

/// Reads lines of `NAME=VALUE`, where `@/` is in the directory `root`.
fn read(lines: &str, root: &TempDir) -> Reading {
    let at = root.path().to_str().unwrap();
    let variable = |line: &str| {
        let (name, value) = line.split_once('=').unwrap();
        (name.into(), value.replace("\\n", "\n").replace("@/", &format!("{at}/")).into())
    };
    let process: Vec<(OsString, OsString)> =
        lines.lines().filter(|line| !line.is_empty()).map(variable).collect();
    read_from(process, root.path(), read_file)
}

/// What the lines mean, in words; `@` is the directory again.
fn told(lines: &str, root: &TempDir) -> String {
    let reading = read(lines, root);
    let notes = reading.notes.iter().map(ToString::to_string);
    let said: Vec<String> = match &reading.config {
        Ok(config) => {
            let routers = config.routers.iter().map(describe);
            routers.chain(told_of_all(config)).chain(notes).collect()
        }
        Err(errors) => notes.chain([errors.to_string()]).collect(),
    };
    said.join("\n").replace(root.path().to_str().unwrap(), "@")
}

/// Who is told of all, if anybody is.
fn told_of_all(config: &Config) -> Option<String> {
    let fifo = config.fifo.as_ref().map(|fifo| format!(", fifo {}", fifo.value.display()));
    let told = scripts(&config.scripts) + &fifo.unwrap_or_default();
    (!told.is_empty()).then(|| format!("all{told}"))
}

/// What is told states, if anything is.
fn scripts(scripts: &Scripts) -> String {
    let words = |script: &Script| {
        let program = script.program.program.display().to_string();
        [&[program], &*script.program.arguments].concat().join(" | ")
    };
    let scripts =
        scripts.iter().map(|(told, script)| format!(", {told:?} {}", words(&script.value)));
    scripts.collect()
}

/// What it tracks, if it tracks anything.
fn tracks(config: &RouterConfig) -> String {
    let tracks: Vec<&str> = config.tracks.iter().map(|track| &*track.value.check).collect();
    if tracks.is_empty() {
        return String::new();
    }
    format!(", tracks {}, last {:?}", tracks.join(" "), config.last)
}

fn describe(config: &RouterConfig) -> String {
    let router = &config.router;
    let role = match router.role() {
        Role::Owner => "owner".to_owned(),
        Role::Contender { priority, preempt: Preempt::Always } => {
            format!("{} preempting", priority.get())
        }
        Role::Contender { priority, preempt: Preempt::Never } => {
            format!("{} nopreempt", priority.get())
        }
        Role::Contender { priority, preempt: Preempt::After(delay) } => {
            format!("{} preempting after {delay:?}", priority.get())
        }
    };
    let password = match router.protocol() {
        Protocol::V2 { password: Some(password), .. } => {
            format!(
                " password {:?}",
                String::from_utf8_lossy(&password.octets()).trim_end_matches('\0')
            )
        }
        _ => String::new(),
    };
    let transport = match router.transport() {
        Transport::Multicast => "multicast".to_owned(),
        Transport::Unicast { peers, hear } => {
            let peer = |peer: &vrrp_core::Peer| match peer.min_ttl {
                255 => peer.address.to_string(),
                ttl => format!("{} (hop limit {ttl})", peer.address),
            };
            let peers: Vec<String> = peers.iter().map(peer).collect();
            let hear = if *hear == Hear::Any { " and any" } else { "" };
            format!("peers {}{hear}", peers.join(" "))
        }
    };
    let source = router.source().map(|source| format!(" from {source}")).unwrap_or_default();
    let listed = |addresses: &[Located<VirtualAddress>]| {
        let texts: Vec<String> =
            addresses.iter().map(|address| address.value.to_string()).collect();
        texts.join(" ")
    };
    let extra = match &*config.extra {
        [] => String::new(),
        extra => format!(", extra {}", listed(extra)),
    };
    format!(
        "{} on {}: v{} vrid {} every {:?} {role}{password}, {}{extra}, {transport}{source}{}{}",
        config.name,
        config.interface,
        router.version().get(),
        router.vrid(),
        router.interval().duration(),
        listed(&config.addresses),
        tracks(config),
        scripts(&config.scripts),
    )
}

/// `## NAME`, the variables, `-- says`, what is said.
fn check_table(table: &str, least: usize, good: bool) {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("password"), "fr0m file\n\n").unwrap();
    fs::write(root.path().join("peers"), "192.0.2.2\n192.0.2.3\n").unwrap();
    let cases: Vec<&str> = table.split("## ").skip(1).collect();
    assert!(cases.len() >= least, "the table is cut short: {}", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let (name, rest) = case.split_once('\n').unwrap();
        let (lines, expected) = rest.split_once("-- says\n").unwrap();
        assert_eq!(read(lines, &root).config.is_ok(), good, "{name}: {}", told(lines, &root));
        let found = told(lines, &root);
        if found != expected.trim_end() {
            wrong.push(format!("## {name}\n{lines}-- says\n{found}\n"));
        }
    }
    assert!(wrong.is_empty(), "these say something else:\n\n{}", wrong.join("\n"));
}

#[test]
fn good_environments_make_the_virtual_routers_of_the_table() {
    check_table(GOOD, 40, true);
}

#[test]
fn bad_environments_are_told_what_is_wrong() {
    check_table(BAD, 55, false);
}

#[test]
fn checks_of_the_environment_have_their_schedule() {
    let root = tempfile::tempdir().unwrap();
    let lines = "VRRP_ADDRESSES=192.0.2.10\nVRRP_CHECK_HTTP=http://127.0.0.1/\nVRRP_CHECK_COMMAND=\
        /bin/ok  --quick\nVRRP_CHECK_INTERVAL=500ms\nVRRP_CHECK_TIMEOUT=3s\nVRRP_CHECK_RISE=1\n\
        VRRP_CHECK_FALL=2\n";
    let config = read(lines, &root).config.unwrap();
    let names: Vec<&str> = config.checks.iter().map(|check| &*check.name).collect();
    assert_eq!(names, ["http", "command"]);
    for check in &config.checks {
        let schedule = check.schedule;
        let times = (schedule.interval.as_millis(), schedule.timeout.as_millis());
        assert_eq!((times, schedule.rise.get(), schedule.fall.get()), ((500, 3000), 1, 2));
    }
    // The file that means the same is printed for whoever moves on to one.
    let text = toml::to_string(&crate::config::effective::Effective::from(&config)).unwrap();
    let again = Config::parse(Path::new("f.toml"), &text).unwrap();
    assert_eq!(again.checks.len(), 2, "{text}");
    assert!(text.contains("command = [\"/bin/ok\", \"--quick\"]"), "{text}");
}

#[test]
fn an_interface_that_is_tracked_is_a_check_that_fails_at_once() {
    let root = tempfile::tempdir().unwrap();
    let lines = "KEEPALIVED_VIRTUAL_IPADDRESS_1=192.0.2.10/24\nKEEPALIVED_UNICAST_PEER_1=192.0.2.2\n\
        KEEPALIVED_TRACK_INTERFACE_1=eth1\nKEEPALIVED_TRACK_INTERFACE_2=eth1\n\
        KEEPALIVED_TRACK_INTERFACE_3=br+0\nVRRP_CHECK_TCP=127.0.0.1:53\nVRRP_CHECK_FALL=9\n\
        VRRP_CHECK_LAST=stay\n";
    let config = read(lines, &root).config.unwrap();
    let checks: Vec<(&str, u8)> =
        config.checks.iter().map(|check| (&*check.name, check.schedule.fall.get())).collect();
    assert_eq!(checks, [("link-eth1", 1), ("link-br_0", 1), ("tcp", 9)]);
    let router = config.routers.first().unwrap();
    assert_eq!(tracks(router), ", tracks link-eth1 link-br_0 tcp, last Stay");
    let alone = "KEEPALIVED_VIRTUAL_IPADDRESS_1=192.0.2.10/24\nKEEPALIVED_TRACK_INTERFACE_1=eth1\n\
        VRRP_CHECK_FALL=2\n";
    let said = told(alone, &root);
    assert!(said.contains("VRRP_CHECK_FALL: there is no check for this"), "{said}");
}

#[test]
fn shawlys_check_is_a_program_a_line_for_the_shell_or_a_port() {
    let root = tempfile::tempdir().unwrap();
    let lines = "KEEPALIVED_VIRTUAL_IP=192.0.2.10\nKEEPALIVED_VIRTUAL_MASK=24\nKEEPALIVED_VRID=7\n";
    for (check, expected) in [
        ("KEEPALIVED_CHECK_SCRIPT=/bin/ok  --quick", r#"command = ["/bin/ok", "--quick"]"#),
        ("KEEPALIVED_CHECK_SCRIPT=pidof dnsd", r#"command = ["/bin/sh", "-c", "pidof dnsd"]"#),
        ("KEEPALIVED_CHECK_SCRIPT=/bin/a 'b c'", r#"command = ["/bin/sh", "-c", "/bin/a 'b c'"]"#),
        ("KEEPALIVED_CHECK_PORT=443", r#"tcp = "127.0.0.1:443""#),
        ("KEEPALIVED_CHECK_PORT=443\nKEEPALIVED_CHECK_IP=192.0.2.9", r#"tcp = "192.0.2.9:443""#),
    ] {
        let config = read(&format!("{lines}{check}"), &root).config.unwrap();
        let text = toml::to_string(&crate::config::effective::Effective::from(&config)).unwrap();
        assert!(text.contains(&format!("\n{expected}\ninterval = \"1s\"\n")), "{check}: {text}");
    }
}

/// A root directory with these files.
fn root(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root
}

#[test]
fn the_environment_files_of_the_image_are_read_and_the_first_definition_wins() {
    let root = root(&[
        (
            "container/environment/01-custom/env.yaml",
            "KEEPALIVED_UNICAST_PEERS:\n  - 192.0.2.2\n  - 192.0.2.3\nKEEPALIVED_ROUTER_ID: 7\n# a \
             comment\n",
        ),
        (
            "container/environment/02/more.startup.yaml",
            "KEEPALIVED_ROUTER_ID: 8\nKEEPALIVED_VIRTUAL_IPS: \"#PYTHON2BASH:['192.0.2.10/24']\"\n",
        ),
        (
            "container/environment/99-default/default.json",
            r#"{"KEEPALIVED_PRIORITY": 120, "KEEPALIVED_NOTIFY": null}"#,
        ),
        ("container/environment/KEEPALIVED_PASSWORD", "s3cret\n"),
        ("container/environment/startup/KEEPALIVED_INTERFACE", "ens3"),
        ("container/environment/02/KEEPALIVED_STATE", "MASTER"),
        ("container/environment/..data/env.yaml", "KEEPALIVED_STATE: MASTER"),
        ("container/environment/README.md", "KEEPALIVED_STATE: MASTER\n"),
        ("run/secrets/KEEPALIVED_COMMAND_LINE_ARGUMENTS", "-D"),
        ("run/secrets/tls.key", "secret"),
    ]);
    let expected = "VI_1 on ens3: v2 vrid 7 every 1s 120 nopreempt password \"s3cret\", \
        192.0.2.10/24, peers 192.0.2.2 192.0.2.3 and any\n\
        KEEPALIVED_COMMAND_LINE_ARGUMENTS: note: \"-D\" is for keepalived and is ignored";
    assert_eq!(told("", &root), expected);
    let process = told("KEEPALIVED_PRIORITY=200\nKEEPALIVED_PASSWORD=other", &root);
    assert!(process.contains("200 nopreempt password \"other\""), "{process}");
}

#[test]
fn environment_files_that_cannot_be_used_are_named() {
    let root = root(&[
        ("container/environment/a.yaml", "KEEPALIVED_UNICAST_PEERS: [192.0.2.2\n"),
        ("container/environment/b.yaml", "- 192.0.2.2\n"),
        (
            "container/environment/c.yaml",
            "KEEPALIVED_VIRTUAL_IPS: {a: 192.0.2.10}\nKEEPALIVED_UNICAST_PEERS: 192.0.2.2\n",
        ),
        ("container/environment/empty.yaml", ""),
    ]);
    let told = told("", &root);
    let lines: Vec<&str> = told.lines().collect();
    let [a, b, c] = lines.as_slice() else { panic!("{told}") };
    assert!(a.starts_with("@/container/environment/a.yaml: this is not YAML: "), "{a}");
    assert_eq!(
        *b,
        "@/container/environment/b.yaml: this is not a map of variables; write NAME: value on each \
         line"
    );
    assert!(
        c.starts_with("KEEPALIVED_VIRTUAL_IPS: this list holds something other than strings"),
        "{c}"
    );
}

#[test]
fn what_is_not_text_matters_only_where_it_is_read() {
    let octets = |octets: &[u8]| OsString::from_vec(octets.to_vec());
    let good = [
        ("OTHER".into(), octets(b"\xff")),
        ("VRRP_ADDRESSES".into(), "192.0.2.10".into()),
        (octets(b"\xff"), "x".into()),
    ];
    assert!(read_from(good, Path::new("/nonexistent"), read_file).config.is_ok());
    let bad =
        [("VRRP_PEERS".into(), octets(b"\xff")), ("VRRP_ADDRESSES".into(), "192.0.2.10".into())];
    let errors =
        read_from(bad, Path::new("/nonexistent"), read_file).config.unwrap_err().to_string();
    assert_eq!(errors, "VRRP_PEERS: the value is not UTF-8 text; set it again as UTF-8");
}

#[test]
fn a12_passwords_are_told_from_other_variables() {
    let names = ["VRRP_PASSWORD", "VRRP_2_PASSWORD", "KEEPALIVED_PASSWORD", "KEEPALIVED_AUTH_PASS"];
    let others =
        ["VRRP_PRIORITY", "KEEPALIVED_STATE", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "PATH"];
    let found = secrets_among(names.iter().chain(&others).map(OsString::from));
    assert_eq!(found, names);
    let of_ednxzu = secrets_among(["VIRTUAL_IPS", "PASSWORD"].map(OsString::from));
    assert_eq!(of_ednxzu, ["PASSWORD"]);
    assert!(secrets_among([OsString::from("PASSWORD")]).is_empty());
}

#[test]
fn the_control_socket_is_where_the_environment_says() {
    let root = root(&[]);
    let config =
        read("VRRP_ADDRESSES=192.0.2.10\nVRRP_CONTROL=/run/other.sock", &root).config.unwrap();
    assert_eq!(config.control, Path::new("/run/other.sock"));
    assert_eq!(
        read("VRRP_ADDRESSES=192.0.2.10", &root).config.unwrap().control,
        Path::new(CONTROL)
    );
}

#[test]
fn the_state_directory_is_where_the_environment_says() {
    let root = root(&[]);
    let state = |text: &str| read(text, &root).config.map(|config| config.state);
    let (path, place) =
        state("VRRP_ADDRESSES=192.0.2.10\nVRRP_STATE=/var/lib/vrrp").unwrap().unwrap();
    assert_eq!(
        (path.as_path(), place.to_string()),
        (Path::new("/var/lib/vrrp"), "VRRP_STATE".to_owned())
    );
    assert!(state("VRRP_ADDRESSES=192.0.2.10").unwrap().is_none());
    assert_eq!(
        state("VRRP_ADDRESSES=192.0.2.10\nVRRP_STATE=MASTER").unwrap_err().to_string(),
        "VRRP_STATE: this is \"MASTER\"; write the absolute path of a directory, such as /var/lib/vrrp"
    );
}

proptest::proptest! {
    #[test]
    fn no_environment_makes_it_panic(
        name in "(KEEPALIVED|VRRP|VRRP_2)_(UNICAST_PEERS|VIRTUAL_IPS|VIRTUAL_IPADDRESS_1|ADDRESSES|PEERS|VRID|[A-Z_0-9é]{0,12})",
        value in r#"(#PYTHON2BASH:|#JSON2BASH:|#COMPLEX_BASH_ENV:TABLE:)?[\[\](){},:'" .a0-9/é]{0,30}"#,
        style in "osixia|arcts|shawly|ednxzu|vrrp",
    ) {
        let process = [("VRRP_ENV_STYLE", style), (name.as_str(), value)];
        drop(read_from(process.map(|(name, value)| (name.into(), value.into())), Path::new("/nonexistent"), read_file));
    }
}
