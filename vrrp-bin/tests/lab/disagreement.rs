//! Nodes that refuse each other, or do not give way: each that can know says so within three
//! intervals, in one line of log, in one of `status`, and in `health`.

use std::{
    process::{Command, Output},
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;
use vrrp_core::MacAddr;
use vrrp_net::lab::{Cable, Capture, Frame, Host, Keepalived, Switch, wait_until};

use crate::support::{
    Node, Outcome, Pair, SOON, check, milliseconds, now, priority, timed, wait_for,
};

const INTERVAL: Duration = Duration::from_secs(1);
/// Until a line that was written is found: the log is written by a thread of its own, and read
/// every now and then.
const FOUND: Duration = Duration::from_millis(300);

pub(crate) fn tests() -> Vec<Trial> {
    let mut trials = vec![
        timed("f09_peers_behind_a_router_without_min_ttl_are_told", |_| behind_a_router()),
        timed("f12_a_weaker_active_that_is_a_port_of_a_bridge_is_told", |_| port_of_a_bridge()),
        timed("f29_nodes_with_two_passwords_are_told", |_| refuse(&PASSWORDS)),
        timed("f29_nodes_with_two_intervals_of_vrrpv2_are_told", |_| refuse(&INTERVALS)),
        timed("f29_nodes_with_two_versions_are_told", |_| refuse(&VERSIONS)),
        timed("f50_a_weaker_active_by_unicast_is_told_by_the_stronger_one", |_| half_changed()),
    ];
    let missing = Keepalived::missing();
    if let Some(reason) = &missing {
        println!("skipped: a test of a keepalived that drops lists: {reason}");
    }
    let beside = timed("e5_keepalived_that_drops_our_list_is_told", |_| keepalived_drops_ours());
    trials.push(beside.with_ignored_flag(missing.is_some()));
    trials
}

fn config(priority: u8, more: &str) -> String {
    format!(
        "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
         [\"10.0.0.100/24\"]\n\
         priority = {priority}\n{more}"
    )
}

fn ip(host: &Host, arguments: &str) -> Outcome {
    let output = host.run(|| Command::new("ip").args(arguments.split_whitespace()).output())??;
    let said = String::from_utf8_lossy(&output.stderr);
    check(output.status.success(), format!("ip {arguments}: {said}"))
}

/// What a node has to say of its peer.
struct Said<'a> {
    notice: &'a str,
    reason: Option<&'a str>,
    source: &'a str,
    priority: u8,
    /// What is wrong and what to do, as it is in the log.
    sentence: &'a str,
    /// The same in `status`, with both sides named.
    line: &'a str,
}

impl Said<'_> {
    /// The sentence, with who it is.
    fn text(&self) -> String {
        format!("{}, priority {}: {}", self.source, self.priority, self.sentence)
    }

    /// Waits for the line of log, and sees that it came within three intervals of what showed it,
    /// and alone.
    fn in_log(&self, node: &Node, shown: Duration) -> Outcome {
        let fields = [
            format!("web: {} ", self.text()),
            format!(" notice={} ", self.notice),
            self.reason.map_or_else(String::new, |reason| format!(" reason={reason} ")),
            format!(" source={} priority={}", self.source, self.priority),
        ];
        let is_it = |line: &String| fields.iter().all(|field| line.contains(field));
        let found = wait_until(SOON, || notices(node).iter().any(is_it));
        let (name, took) = (node.name, now().saturating_sub(shown));
        check(found, format!("{name} does not say {fields:?}:\n{}", node.log()))?;
        println!("{name} said it after {}", milliseconds(took));
        check(
            took <= 3 * INTERVAL + FOUND,
            format!("{name} said it after {} only", milliseconds(took)),
        )?;
        let lines = notices(node);
        check(lines.len() == 1, format!("{name} says more than one thing: {lines:#?}"))
    }

    /// `status` and `health` have a line for it, and only `health --strict` fails.
    fn in_status(&self, node: &Node) -> Outcome {
        let line = format!("web: {} (priority {}){}", self.source, self.priority, self.line);
        let count = |text: &str, line: &str| text.lines().filter(|other| *other == line).count();
        // What a peer claims is of interest once it has been heard while this node is active.
        let mut found = Vec::new();
        let is_there = || {
            let table = node.ask(&["status"]).map(|table| stdout(&table)).unwrap_or_default();
            found = unwrapped(&table);
            found.iter().filter(|other| **other == line).count() == 1
        };
        check(wait_until(SOON, is_there), format!("no {line:?} in:\n{found:#?}"))?;
        println!("{}: {line}", node.name);
        for (arguments, status) in [(&["health"][..], 0), (&["health", "--strict"], 1)] {
            let health = node.ask(arguments)?;
            let text = stdout(&health);
            check(
                health.status.code() == Some(status),
                format!("{arguments:?}: {}: {text}", health.status),
            )?;
            let line = format!("web: {}", self.text());
            check(count(&text, &line) == 1, format!("{arguments:?}: no {line:?} in:\n{text}"))?;
        }
        Ok(())
    }
}

/// The lines of `status`, those that go on in the next line put together.
pub(crate) fn unwrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match lines.last_mut() {
            Some(last) if line.starts_with(' ') => last.extend([" ", line.trim_start()]),
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn notices(node: &Node) -> Vec<String> {
    node.log().lines().filter(|line| line.contains(" event=notice ")).map(str::to_owned).collect()
}

/// When the first advertisement of `mac` after `since` passed the switch.
fn first(capture: &Capture, mac: MacAddr, since: Duration) -> Result<Duration, Failed> {
    wait_for(capture, "advertisement", since, |frame: &Frame| priority(frame, mac).is_some())
}

const TTL: &str = "its TTL or hop limit is lower than 255 (or than the peer's min_ttl)";
const ROUTED: &str = "TTL 254 where 255 is needed: a router has passed it on, or it is forged";
const MIN_TTL: &str =
    "if there is a router between the nodes, set min_ttl for the peer on both (254 for one router)";

fn refused(reason: &str, remedy: &str) -> String {
    format!("its messages are refused: {reason}; both may be active until that ends: {remedy}")
}

/// How `status` says it, where the other one may be active.
fn refused_line(detail: &str, remedy: &str) -> String {
    format!(" is refused: {detail}; both may be active until that ends: {remedy}")
}

/// How `status` says it, where the other one is active, too, and stronger.
fn stronger_line(detail: &str, remedy: &str) -> String {
    format!(" is active, too, and is refused: {detail}; both hold the addresses: {remedy}")
}

fn stronger(reason: &str, remedy: &str) -> String {
    format!(
        "it claims more than this node, which is active too, since its messages are refused: \
         {reason}; {remedy}"
    )
}

/// b is the weaker one and starts later: as a Backup it refuses a, and says so before it is active
/// beside it.
fn both_say(
    (a, b): (&Node, &Node),
    (a_from, b_from): (&str, &str),
    reason: &str,
    (why, remedy): (&str, &str),
    (a_says, b_says): (&str, &str),
    heard_by_b: Duration,
    heard_by_a: impl FnOnce() -> Result<Duration, Failed>,
) -> Outcome {
    let sentence = refused(why, remedy);
    let (a_line, b_line) = (refused_line(a_says, remedy), stronger_line(b_says, remedy));
    let said = |source, priority| Said {
        notice: "refused",
        reason: Some(reason),
        source,
        priority,
        sentence: &sentence,
        line: &a_line,
    };
    said(a_from, 200).in_log(b, heard_by_b)?;
    said(b_from, 100).in_log(a, heard_by_a()?)?;
    b.wait_for_phase("held")?;
    let both = stronger(why, remedy);
    said(b_from, 100).in_status(a)?;
    let both = Said { notice: "stronger-refused", sentence: &both, ..said(a_from, 200) };
    Said { line: &b_line, ..both }.in_status(b)
}

/// F-09.
fn behind_a_router() -> Outcome {
    let folder = TempDir::with_prefix("vrrp-test-")?;
    let (left, right) = (Switch::new()?, Switch::new()?);
    let captures = [Capture::start(&left)?, Capture::start(&right)?];
    let router = Host::new("router")?;
    let cables = [
        Cable::new(&router, "eth0", &left, &["10.0.0.254/24"])?,
        Cable::new(&router, "eth1", &right, &["10.1.0.254/24"])?,
    ];
    router.run(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1"))??;
    let mut a = Node::new("a", &left, &["10.0.0.1/24"], folder.path())?;
    let mut b = Node::new("b", &right, &["10.1.0.2/24"], folder.path())?;
    for (node, gateway) in [(&a, "10.0.0.254"), (&b, "10.1.0.254")] {
        ip(&node.host, &format!("route add default via {gateway}"))?;
    }
    a.start(&config(200, "peers = [\"10.1.0.2\"]\n"))?;
    a.wait_for_phase("held")?;
    let begun = now();
    b.start(&config(100, "peers = [\"10.0.0.1\"]\n"))?;
    b.wait_for_phase("backup")?;
    // The router forwards from its own interface, in either network.
    let heard_by_b = first(&captures[1], cables[1].mac()?, now())?;
    let heard_by_a = || first(&captures[0], cables[0].mac()?, begun);
    both_say(
        (&a, &b),
        ("10.0.0.1", "10.1.0.2"),
        "wrong-ttl",
        (TTL, MIN_TTL),
        (ROUTED, ROUTED),
        heard_by_b,
        heard_by_a,
    )
}

/// What differs between two nodes that refuse each other for it.
struct Differing {
    a: &'static str,
    b: &'static str,
    reason: &'static str,
    why: &'static str,
    remedy: &'static str,
    /// What differs, as a sees it and as b does.
    a_says: &'static str,
    b_says: &'static str,
}

const PASSWORDS: Differing = Differing {
    a: "version = 2\npassword = \"aaaa\"\n",
    b: "version = 2\npassword = \"bbbb\"\n",
    reason: "wrong-password",
    why: "its password is not ours",
    remedy: "give both nodes the same password",
    a_says: "password differs",
    b_says: "password differs",
};
const INTERVALS: Differing = Differing {
    a: "version = 2\n",
    b: "version = 2\ninterval = \"2s\"\n",
    reason: "wrong-interval",
    why: "its advertisement interval is not ours, which VRRPv2 does not allow",
    remedy: "give both nodes the same interval",
    a_says: "interval 2 s, ours 1 s",
    b_says: "interval 1 s, ours 2 s",
};
const VERSIONS: Differing = Differing {
    a: "version = 2\n",
    b: "",
    reason: "wrong-version",
    why: "its version is not the one configured",
    remedy: "give both nodes the same version",
    a_says: "version 3, ours 2",
    b_says: "version 2, ours 3",
};

/// F-29.
fn refuse(differing: &Differing) -> Outcome {
    let Differing { a, b, reason, why, remedy, a_says, b_says } = differing;
    let mut pair = Pair::new()?;
    pair.a.start(&config(200, a))?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&config(100, b))?;
    pair.b.wait_for_phase("backup")?;
    let heard_by_b = first(&pair.capture, pair.a.mac, now())?;
    let heard_by_a = || first(&pair.capture, pair.b.mac, heard_by_b);
    both_say(
        (&pair.a, &pair.b),
        ("10.0.0.1", "10.0.0.2"),
        reason,
        (why, remedy),
        (a_says, b_says),
        heard_by_b,
        heard_by_a,
    )
}

const DOES_NOT_GIVE_WAY: &str = "it is active and does not give way to this node, which is \
    stronger: it does not hear this node. See whether a firewall there drops VRRP, whether its \
    interface is a port of a bridge, and whether both nodes have multicast or both have each other \
    as peers, with the same password";

/// The one that is deaf cannot know.
fn does_not_give_way(stronger: &Node, source: &str, shown: Duration) -> Outcome {
    let said = Said {
        notice: "weaker-active",
        reason: None,
        source,
        priority: 100,
        sentence: DOES_NOT_GIVE_WAY,
        line: &format!(": {DOES_NOT_GIVE_WAY}"),
    };
    said.in_log(stronger, shown)?;
    said.in_status(stronger)
}

/// F-12: a sends, and hears nothing.
fn port_of_a_bridge() -> Outcome {
    let mut pair = Pair::new()?;
    pair.b.start(&config(200, ""))?;
    pair.b.wait_for_phase("held")?;
    for arguments in ["link add br9 type bridge", "link set br9 up", "link set eth0 master br9"] {
        ip(&pair.a.host, arguments)?;
    }
    let begun = now();
    pair.a.start(&config(100, ""))?;
    let shown = first(&pair.capture, pair.a.mac, begun)?;
    does_not_give_way(&pair.b, "10.0.0.1", shown)?;
    check(pair.a.phase() == "held" && pair.b.phase() == "held", "they are not both active")?;
    check(notices(&pair.a).is_empty(), format!("a hears something: {}", pair.a.log()))
}

/// F-50: one node is changed to unicast, and the other not yet.
fn half_changed() -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&config(200, ""))?;
    pair.a.wait_for_phase("held")?;
    let begun = now();
    pair.b.start(&config(100, "peers = [\"10.0.0.1\"]\n"))?;
    let shown = first(&pair.capture, pair.b.mac, begun)?;
    does_not_give_way(&pair.a, "10.0.0.2", shown)?;
    check(pair.a.phase() == "held" && pair.b.phase() == "held", "they are not both active")
}

/// keepalived up to 2.3.2 drops what has another list, and is active beside us: we tell of its list
/// at once.
fn keepalived_drops_ours() -> Outcome {
    let mut pair = Pair::new()?;
    let more = "addresses = [\"10.0.0.100/24\"]";
    let ours = config(200, "").replace(more, "addresses = [\"10.0.0.100/24\", \"10.0.0.101/24\"]");
    pair.b.start(&ours)?;
    pair.b.wait_for_phase("held")?;
    let begun = now();
    let theirs = "global_defs {\n  router_id a\n  vrrp_version 3\n}\nvrrp_instance web {\n  state \
        BACKUP\n  interface eth0\n  virtual_router_id 51\n  priority 100\n  advert_int 1\n  \
        virtual_ipaddress {\n    10.0.0.100/24\n  }\n}\n";
    let keepalived = Keepalived::start(&pair.a.host, pair.folder.path(), theirs)?;
    let shown = first(&pair.capture, pair.a.mac, begun)
        .map_err(|why| format!("{why:?}\n{}", keepalived.log()))?;
    let said = Said {
        notice: "addresses-differ",
        reason: None,
        source: "10.0.0.1",
        priority: 100,
        sentence: "its addresses are not all those of this node; give both nodes the same (an \
            older keepalived drops such messages, and both become active)",
        line: ": this node has 10.0.0.101, it has not; give both nodes the same addresses (an older \
            keepalived drops such messages, and both become active)",
    };
    said.in_log(&pair.b, shown)?;
    said.in_status(&pair.b)?;
    // It is active all the same. Whether it says so again is chance: what it drops restarts its
    // timer.
    check(keepalived.log().contains("Entering MASTER STATE"), keepalived.log())
}
