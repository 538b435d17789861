//! keepalived.conf as virtual routers: what comes of each statement, and what is said.

use std::{io, path::Path};

use super::*;
use crate::{
    config::effective::{Effective, Secrets},
    convert,
};

fn no_file(_: &Path) -> io::Result<Vec<u8>> {
    Err(io::ErrorKind::NotFound.into())
}

/// A virtual router with these lines besides.
fn router(lines: &str) -> String {
    format!(
        "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n virtual_ipaddress {{\n  \
         192.0.2.10/24\n }}\n{lines}\n}}\n"
    )
}

/// What comes of a file, as TOML, and what was said.
fn effect(text: &str) -> (String, Vec<String>) {
    let Reading { notes, config } = read_text(Path::new("F"), text, no_file);
    let notes = notes.iter().map(ToString::to_string).collect();
    match config {
        Ok(config) => (toml::to_string(&Effective::from(&config)).unwrap(), notes),
        Err(errors) => (errors.to_string(), notes),
    }
}

/// Each of these lines in a virtual router is this in the configuration, without a word.
const STATEMENTS: &[(&str, &str)] = &[
    ("", "version = 2"),
    ("", "priority = 100"),
    ("", "interval = \"1s\""),
    ("version 3", "version = 3"),
    ("version 3\nadvert_int 0.25", "interval = \"250ms\""),
    ("advert_int 3", "interval = \"3s\""),
    ("priority 150", "priority = 150"),
    ("state BACKUP", "preempt = true"),
    ("state MASTER\npriority 150", "priority = 150"),
    ("nopreempt", "preempt = false"),
    ("nopreempt\npreempt", "preempt = true"),
    ("preempt_delay 30", "preempt = \"30s\""),
    ("mcast_src_ip 192.0.2.1", "source = \"192.0.2.1\""),
    ("unicast_src_ip 192.0.2.1", "source = \"192.0.2.1\""),
    ("unicast_peer {\n192.0.2.2\n}", "192.0.2.2"),
    ("unicast_peer {\n192.0.2.2\n}", "hear = \"any\""),
    ("unicast_peer {\n192.0.2.2\n}\ncheck_unicast_src", "hear = \"peers\""),
    ("virtual_ipaddress_excluded {\n2001:db8::1/64\n}", "2001:db8::1/64"),
    ("virtual_routes {\ndefault via 192.0.2.254\n}", "default via 192.0.2.254"),
    (
        "virtual_routes {\nsrc 192.0.2.10 to 198.51.100.0/24 gw 192.0.2.254 no_track\n}",
        "198.51.100.0/24 via 192.0.2.254 src 192.0.2.10",
    ),
    ("garp_master_delay 3\ngarp_master_refresh 30", "refresh = \"30s\""),
    ("notify_master \"/bin/up now\" nobody", "[\"/bin/up\", \"now\"]"),
    ("notify /bin/all", "[\"/bin/all\"]"),
    ("track_interface {\neth1\n}", "interface-eth1"),
    ("track_interface {\neth1 weight -20\n}", "weight = -20"),
    ("track_interface {\neth1 weight 20 reverse\n}", "reverse = true"),
    ("version 3\nv3_checksum_as_v2", "checksum = \"rfc9568\""),
    ("version 3\nv3_checksum_as_v2 no", "checksum = \"auto\""),
    ("authentication {\nauth_type PASS\nauth_pass s3cret\n}", "password = \"********\""),
];

#[test]
fn each_statement_has_its_effect() {
    for (lines, expected) in STATEMENTS {
        let (toml, notes) = effect(&router(lines));
        assert!(toml.contains(expected), "{lines}: {expected:?} is not in\n{toml}");
        assert_eq!(notes, [""; 0], "{lines}");
    }
}

/// Whatever a file says, what is made of it says the same, with the passwords.
#[test]
fn each_statement_is_the_same_in_a_file_of_ours() {
    let blocks = TRACKED.iter().map(|(text, _)| text.to_string());
    for text in STATEMENTS.iter().map(|(lines, _)| router(lines)).chain(blocks) {
        let config = read_text(Path::new("F"), &text, no_file).config.unwrap();
        let toml = convert::written(&config).unwrap();
        let again = Config::parse(Path::new("f.toml"), &toml).unwrap();
        let meaning = |config: &Config| {
            serde_json::to_value(Effective::new(config, Secrets::Written)).unwrap()
        };
        assert_eq!(meaning(&again), meaning(&config), "{text}\n{toml}");
        assert!(!toml.contains("*****"), "{toml}");
    }
    let secret = STATEMENTS.iter().find(|(lines, _)| lines.contains("s3cret")).unwrap().0;
    let config = read_text(Path::new("F"), &router(secret), no_file).config.unwrap();
    assert!(convert::written(&config).unwrap().contains("password = \"s3cret\""));
}

/// In a group, weights are the group's to give.
#[test]
fn members_of_a_group_have_no_weights_of_their_own() {
    let checks = "vrrp_script chk {\n script \"/bin/ok\"\n weight 5\n}\nvrrp_track_process web {\n \
                  process nginx\n weight -3\n}\n";
    let tracks = "track_script {\n chk\n}\ntrack_process {\n web\n}\ntrack_interface {\n eth1 weight \
                  3\n}";
    let second = router("").replace("51", "52").replace("VI_1", "VI_2").replace("2.10", "2.11");
    let group = |more: &str| {
        effect(&format!(
            "{checks}{}{second}vrrp_sync_group G {{\n group {{\n VI_1\n VI_2\n }}\n{more}\n}}\n",
            router(tracks)
        ))
    };
    let (toml, notes) = group("");
    assert!(!toml.contains("chk") && toml.contains("weight = -3"), "{toml}");
    assert!(toml.contains("\"interface-eth1\"") && !toml.contains("weight = 3"), "{toml}");
    assert!(notes.len() == 2 && notes.iter().all(|note| note.contains("left out")), "{notes:?}");
    let (toml, notes) = group("sync_group_tracking_weight");
    assert!(toml.contains("weight = 5") && toml.contains("weight = 3"), "{toml}");
    assert_eq!(notes, [""; 0]);
    let (toml, _) = group("track_process {\n web\n}");
    assert_eq!(toml.matches("check = \"web\"").count(), 2, "{toml}");
}

#[test]
fn what_stands_anywhere_holds_for_the_whole_file() {
    let global =
        "global_defs {\n vrrp_version 3\n vrrp_rt_priority 50\n enable_script_security\n}\n";
    let (toml, notes) = effect(&format!("{}{global}", router("advert_int 0.5")));
    for expected in
        ["version = 3", "interval = \"500ms\"", "realtime = 50", "script_security = true"]
    {
        assert!(toml.contains(expected), "{expected} is not in\n{toml}");
    }
    assert_eq!(notes, [""; 0]);
}

/// What nothing is said of is as with keepalived: one result decides.
#[test]
fn checks_have_the_defaults_of_keepalived() {
    let text = "vrrp_script chk {\n script \"/bin/ok\"\n}\nvrrp_track_process web {\n process nginx\n \
                fork_delay 2\n}\n";
    let tracks = "track_script {\n chk\n}\ntrack_process {\n web\n}\ntrack_interface {\n eth1\n}";
    let (toml, notes) = effect(&format!("{text}{}", router(tracks)));
    assert_eq!(notes, [""; 0]);
    for (name, expected) in [
        ("chk", ["interval = \"1s\"", "timeout = \"1s\"", "rise = 1", "fall = 1"]),
        ("web", ["interval = \"250ms\"", "timeout = \"1s\"", "rise = 9", "fall = 1"]),
        ("interface-eth1", ["interval = \"250ms\"", "timeout = \"1s\"", "rise = 1", "fall = 1"]),
    ] {
        let (_, check) = toml.split_once(&format!("[[check]]\nname = \"{name}\"")).unwrap();
        let check = check.split("\n\n").next().unwrap();
        for line in expected {
            assert!(check.contains(line), "{name}: {line} is not in{check}");
        }
    }
}

/// A name that is tracked, and what it is.
const TRACKED: &[(&str, &str)] = &[
    (
        "vrrp_script chk {\n script \"/bin/ok 'a b'\"\n interval 3\n timeout 2\n rise 4\n fall 5\n \
         user nobody\n weight 7 reverse\n init_fail\n}\nvrrp_instance V {\n interface eth0\n \
         virtual_router_id 7\n virtual_ipaddress {\n 192.0.2.1\n }\n track_script {\n chk\n }\n}\n",
        "reverse = true",
    ),
    (
        "vrrp_track_process web {\n process nginx\n quorum 2\n quorum_max 4\n weight -9\n}\n\
         vrrp_instance V {\n interface eth0\n virtual_router_id 7\n virtual_ipaddress {\n \
         192.0.2.1\n }\n track_process {\n web\n }\n}\n",
        "at_most = 4",
    ),
    (
        "vrrp_track_process none {\n process nginx\n quorum_max 0\n}\nvrrp_instance V {\n interface \
         eth0\n virtual_router_id 7\n virtual_ipaddress {\n 192.0.2.1\n }\n track_process {\n \
         none\n }\n}\n",
        "at_most = 0",
    ),
    (
        "vrrp_track_file load {\n file /run/load\n weight -1 reverse\n}\nvrrp_instance V {\n \
         interface eth0\n virtual_router_id 7\n virtual_ipaddress {\n 192.0.2.1\n }\n track_file \
         {\n load\n }\n}\n",
        "number = true",
    ),
];

#[test]
fn what_is_tracked_has_its_meaning() {
    for (text, expected) in TRACKED {
        let (toml, notes) = effect(text);
        assert!(toml.contains(expected), "{text}: {expected:?} is not in\n{toml}");
        assert_eq!(notes, [""; 0], "{text}");
    }
}

/// What cannot be done is told, and the rest counts.
#[test]
fn what_is_left_out_is_told() {
    for (lines, expected) in [
        (
            "advert_in 1",
            "F:7:1: warning: there is no keyword `advert_in` here, it is left out; did you mean `advert_int`?",
        ),
        (
            "priority 300",
            "F:7:10: warning: `priority` is \"300\" and is left out; write a whole number from 1 to 255",
        ),
        (
            "state MASTR",
            "F:7:7: warning: \"MASTR\" is no state, and is BACKUP; write MASTER or BACKUP",
        ),
        (
            "priority 100\nstate MASTER priority 200",
            "F:8:14: warning: \"priority\" and what follows it is left out: `state` takes no more",
        ),
        (
            "state MASTER\npriority 100\nnopreempt",
            "F:9:1: warning: this is left out, as keepalived does: with state MASTER a node preempts at once",
        ),
        (
            "advert_int 0.5",
            "F:7:12: warning: VRRPv2 has whole seconds: the interval is 1 s; write `version 3` for others",
        ),
        (
            "use_vmac",
            "F:7:1: warning: `use_vmac` is left out: addresses move with the MAC address of the interface that they are on, and neighbours are told so",
        ),
        (
            "track_script {\n nope\n}",
            "F:8:2: warning: there is no vrrp_script \"nope\" above, and it is left out, as keepalived does; define it before what tracks it",
        ),
        (
            "unicast_peer {\n}",
            "F:7:1: warning: there is no peer here, and advertisements are sent by multicast, as keepalived does; list the other nodes, or remove the block",
        ),
        (
            "authentication {\n auth_type PASS\n auth_pass my secret\n}",
            "F:9:15: warning: what stands here is left out: a password is one word; put it between double quotes",
        ),
        (
            "authentication {\n auth_type PASS\n}",
            "F:7:1: warning: there is no password in `auth_pass`; none is used",
        ),
        (
            "virtual_ipaddress_excluded {\n \"192.0.2.11/24 dev eth0\"\n}",
            "F:8:2: warning: 192.0.2.11/24 dev eth0 cannot be used; a prefix length is 0 to 32 for IPv4 and 0 to 128 for IPv6; it is taken for 192.0.2.11/24",
        ),
        (
            "virtual_ipaddress_excluded {\n 192.0.2.11/33\n}",
            "F:8:2: warning: 192.0.2.11/33 cannot be used; a prefix length is 0 to 32 for IPv4 and 0 to 128 for IPv6; it is taken for 192.0.2.11/32",
        ),
        (
            "notify_master \"/bin/true",
            "F:7:15: warning: nothing ends this quote, and what it begins is left out; write the second \" on the same line",
        ),
        (
            "smtp_alert\ndebug 1",
            "F:7:1: note: these words mean nothing here and are skipped: smtp_alert, debug",
        ),
        (
            "foo {\n priority 7\n}",
            "F:7:1: warning: there is no keyword `foo` here, it is left out with its block; remove it",
        ),
    ] {
        let (toml, notes) = effect(&router(lines));
        assert!(toml.contains("VI_1"), "{lines}: {toml}");
        assert_eq!(notes, [expected], "{lines}");
    }
}

/// What keepalived refuses, and what two nodes would disagree about.
#[test]
fn what_cannot_be_left_out_is_refused() {
    for (lines, expected) in [
        ("priority", "F:7:1: `priority` has no value; write one behind it"),
        ("state \"MASTER", "F:7:1: `state` has no value; write one behind it"),
        (
            "authentication {\n auth_type AH\n auth_pass 1\n}",
            "F:8:12: signed advertisements (AH) are not supported, and without them two nodes would hold the addresses; write `auth_type PASS` on all nodes, or use VRRPv3",
        ),
    ] {
        let (said, _) = effect(&router(lines));
        assert_eq!(said.lines().next(), Some(expected), "{lines}");
    }
}

#[test]
fn a_virtual_router_that_cannot_work_is_left_out() {
    let (toml, notes) = effect(&format!(
        "{}vrrp_instance VI_2 {{\n interface eth0\n virtual_router_id 51\n virtual_ipaddress {{\n  \
         192.0.2.11\n }}\n}}\n",
        router("")
    ));
    assert!(toml.contains("VI_1") && !toml.contains("VI_2"), "{toml}");
    assert!(notes.len() == 1 && notes[0].ends_with("; VI_2 is left out"), "{notes:?}");
    let (toml, notes) = effect("");
    assert!(toml.contains("virtual_router = []"), "{toml}");
    assert_eq!(notes, ["F: warning: there is no virtual router here that can be used"]);
}

#[test]
fn scripts_are_checks_of_those_that_track_them() {
    let script = "vrrp_script chk {\n script \"/bin/ok --now 'a b'\"\n interval 2\n timeout 1\n \
                  weight -30\n rise 3\n fall 2\n user nobody\n}\n";
    let (toml, notes) = effect(&format!("{script}{}", router("track_script {\n chk\n}")));
    for expected in [
        "name = \"chk\"",
        "command = [\"/bin/ok\", \"--now\", \"a b\"]",
        "interval = \"2s\"",
        "timeout = \"1s\"",
        "rise = 3",
        "fall = 2",
        "user = \"nobody\"",
        "weight = -30",
    ] {
        assert!(toml.contains(expected), "{expected} is not in\n{toml}");
    }
    assert_eq!(notes, [""; 0]);
    let (toml, _) = effect(&format!("{script}{}", router("")));
    assert!(!toml.contains("chk"), "nobody tracks it: {toml}");
}

#[test]
fn groups_move_together() {
    let two = format!(
        "{}{}",
        router(""),
        router("").replace("51", "52").replace("VI_1", "VI_2").replace("2.10", "2.11")
    );
    let group = "vrrp_sync_group G {\n group {\n  VI_1\n  VI_2\n  VI_3\n }\n notify /bin/told\n \
                 track_interface {\n  eth1\n }\n}\n";
    let (toml, notes) = effect(&format!("{two}{group}"));
    for expected in ["name = \"G\"", "members = [\"VI_1\", \"VI_2\"]", "[\"/bin/told\"]"] {
        assert!(toml.contains(expected), "{expected} is not in\n{toml}");
    }
    assert_eq!(toml.matches("interface-eth1").count(), 3, "{toml}");
    assert_eq!(
        notes,
        [
            "F:21:3: warning: there is no vrrp_instance \"VI_3\" that is in no group yet, it is left out"
        ]
    );
}
