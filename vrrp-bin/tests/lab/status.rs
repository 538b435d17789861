//! `vrrp status` says why: each refusal, and each case with two holders or none, is a line that a
//! person understands, and no line wraps at 80 characters.

mod screens;

use std::{net::Ipv4Addr, process::Command};

use libtest_mimic::{Failed, Trial};
use vrrp_core::{
    Advert, Authentication, Centiseconds, ChecksumForm, Cidr, Claim, IPV4_GROUP, Interval,
    Ipv4Addresses, Seconds, Vrid,
};
use vrrp_net::lab::{Injector, VrrpFrame, wait_until};

use crate::{
    disagreement::unwrapped,
    forge::{Destination, Flaw, Target, forged},
    schema,
    support::{Node, Outcome, Pair, SOON, check, timed},
};

/// The longest line.
const WIDTH: usize = 80;

/// `everything`: also what makes the screens of the documentation, which takes a while.
pub(crate) fn tests(everything: bool) -> Vec<Trial> {
    let missing = Command::new("nft").arg("--version").output().is_err();
    if missing {
        println!("skipped: a test of a host that can send nothing: nft is not installed");
    }
    let mut trials = vec![
        timed("f05_status_says_that_nothing_can_be_sent", |_| cannot_send())
            .with_ignored_flag(missing),
        timed("status_has_a_line_for_each_message_that_is_refused_or_differs", |_| refusals()),
        timed("f20_status_says_which_address_is_in_the_way", |_| address_present()),
        timed("f03_status_says_which_peer_there_is_no_way_to", |_| no_way()),
    ];
    trials.extend(everything.then(screens::trial));
    trials
}

/// What `vrrp` prints for these arguments, none of it wider than 80 characters.
pub(crate) fn said(node: &Node, arguments: &[&str]) -> Result<String, Failed> {
    let output = node.ask(arguments)?;
    let text = String::from_utf8(output.stdout)?;
    for line in text.lines() {
        let width = line.chars().count();
        check(width <= WIDTH, format!("{arguments:?}: {width} characters: {line}"))?;
    }
    Ok(text)
}

/// Waits until `status` has a line that begins with `name` and has `words` in it, and prints it.
fn has_line(node: &Node, name: &str, words: &str) -> Outcome {
    let (mut text, mut failure, mut found) = (String::new(), None, None);
    wait_until(SOON, || {
        match said(node, &["status"]) {
            Ok(table) => text = table,
            Err(error) => failure = Some(error),
        }
        let is_it = |line: &String| line.starts_with(&format!("{name}: ")) && line.contains(words);
        found = unwrapped(&text).into_iter().find(is_it);
        found.is_some() || failure.is_some()
    });
    if let Some(failure) = failure {
        return Err(failure);
    }
    let line =
        found.ok_or_else(|| format!("no {words:?} of {name} in:\n{text}\n{}", node.log()))?;
    println!("{line}");
    schema::check(&schema::load()?, &node.status().ok_or("no status")?)?;
    Ok(())
}

/// An advertisement for `web` (or `old`, in version 2) that comes from 10.0.0.9.
struct Message {
    version: u8,
    priority: u8,
    interval: u8,
    addresses: Vec<Ipv4Addr>,
    authentication: Authentication,
    form: ChecksumForm,
    trailer: Vec<u8>,
}

impl Message {
    fn of(version: u8, priority: u8) -> Self {
        let text = Authentication::SimpleText(*b"d0cker\0\0");
        let of_version_2 = version == 2;
        Self {
            version,
            priority,
            interval: 1,
            addresses: vec![Ipv4Addr::new(10, 0, 0, if of_version_2 { 110 } else { 100 })],
            authentication: if of_version_2 { text } else { Authentication::None },
            form: ChecksumForm::PseudoHeader,
            trailer: Vec::new(),
        }
    }

    fn frame(&self, vrid: u8) -> Result<Vec<u8>, Failed> {
        let addresses = Ipv4Addresses::new(self.addresses.iter().copied().map(Cidr::from))?;
        let interval = match self.version {
            2 => Interval::V2(Seconds::try_from(self.interval)?),
            _ => Interval::V3(Centiseconds::try_from(u16::from(self.interval) * 100)?),
        };
        let advert = Advert {
            vrid: Vrid::try_from(vrid)?,
            claim: Claim::from(self.priority),
            interval,
            authentication: self.authentication,
            addresses: (&addresses).into(),
        };
        let (source, group) = (Ipv4Addr::new(10, 0, 0, 9).into(), IPV4_GROUP.into());
        let mut message = vec![0; Advert::MAX_LEN];
        let length = advert.encode(source, group, self.form, &mut message)?;
        message.truncate(length);
        message.extend(&self.trailer);
        Ok(VrrpFrame::new(source, group, message).encode()?)
    }
}

/// Two virtual routers that are active: `web` of VRRPv3, and `old` of VRRPv2 with a password.
const CONFIG: &str = r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["10.0.0.100/24"]
priority = 150

[[virtual_router]]
name = "old"
interface = "eth0"
vrid = 61
version = 2
password = "d0cker"
addresses = ["10.0.0.110/24"]
priority = 150
"#;

fn refusals() -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(CONFIG)?;
    pair.a.wait_for_phase("held")?;
    let injector = Injector::new(&pair.user, pair.user_cable.interface())?;
    let node = &pair.a;
    // E1 to E3, and F-09 without a router.
    let flawed = [
        (
            Target::V2,
            Flaw::Password,
            "old",
            "10.0.0.9 (priority 200) is active, too, and is \
            refused: password differs; both hold the addresses: give both nodes the same password",
        ),
        (Target::V3Ipv4, Flaw::ZeroInterval, "web", "10.0.0.9 is refused: its interval is 0;"),
        (Target::V3Ipv4, Flaw::Checksum, "web", "10.0.0.9 is refused: its checksum is wrong;"),
        (
            Target::V3Ipv4,
            Flaw::Ttl,
            "web",
            "is refused: TTL 254 where 255 is needed: a router has \
            passed it on, or it is forged;",
        ),
    ];
    for (target, flaw, name, words) in flawed {
        injector.send(&forged(target, Some(flaw), 200, false, Destination::group(target))?)?;
        has_line(node, name, words)?;
    }
    let other = Ipv4Addr::new(10, 0, 0, 77);
    let signature = [&[1, 3, 0, 0][..], &[9; 24]].concat();
    let (v2, v3) = (Message::of(2, 200), Message::of(3, 200));
    let refused = [
        (Message { interval: 2, ..Message::of(2, 200) }, 61, "old", "interval 2 s, ours 1 s;"),
        (
            Message { authentication: Authentication::None, ..v2 },
            61,
            "old",
            "it has no password, \
            and this node has one; both hold the addresses",
        ),
        (v3, 61, "old", "version 3, ours 2;"),
        (
            Message { authentication: Authentication::None, ..Message::of(2, 200) },
            51,
            "web",
            "version 2, ours 3;",
        ),
        (
            Message { trailer: signature, ..Message::of(3, 200) },
            51,
            "web",
            "signed by keepalived's \
            auth_hmac, key 3; this node has no key;",
        ),
        (
            Message { addresses: vec![other], ..Message::of(3, 200) },
            51,
            "web",
            "10.0.0.9 (priority \
            200) is another cluster: it has 10.0.0.77, this node has not; this node has \
            10.0.0.100, it has not; give one of the two another VRID",
        ),
    ];
    for (message, vrid, name, words) in refused {
        injector.send(&message.frame(vrid)?)?;
        has_line(node, name, words)?;
    }
    accepted(node, &injector, other)
}

/// E4, E5 and F-51: what is heard, and differs.
fn accepted(node: &Node, injector: &Injector, other: Ipv4Addr) -> Outcome {
    let mut longer = Message::of(3, 50);
    longer.addresses.push(other);
    injector.send(&longer.frame(51)?)?;
    has_line(
        node,
        "web",
        "10.0.0.9 (priority 50): it has 10.0.0.77, this node has not; give both \
        nodes the same addresses",
    )?;
    let slower = Message { interval: 2, ..Message::of(3, 50) };
    injector.send(&slower.frame(51)?)?;
    has_line(
        node,
        "web",
        "10.0.0.9 (priority 50): interval 2 s, ours 1 s; give both nodes the same",
    )?;
    // From the lower address: it gives way to none.
    injector.send(&Message::of(2, 150).frame(61)?)?;
    has_line(node, "old", "10.0.0.9 (priority 150): it has the priority of this node; give each")?;
    // A checksum without the pseudo-header is as good as one with it.
    let alone = Message { form: ChecksumForm::MessageOnly, ..Message::of(3, 50) };
    injector.send(&alone.frame(51)?)?;
    let heard = "\n  heard     10.0.0.9: priority 50, interval 1 s, VRRPv3, heard ";
    let mut text = String::new();
    let is_heard = wait_until(SOON, || {
        text = said(node, &["status", "web"]).unwrap_or_else(|error| format!("{error:?}"));
        text.contains(heard)
    });
    println!("{text}");
    check(is_heard, format!("no {heard:?} in:\n{text}"))
}

fn config(more: &str) -> String {
    format!(
        "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
         [\"10.0.0.100/24\"]\n{more}"
    )
}

fn run(node: &Node, command: &str) -> Outcome {
    let (program, rest) = command.split_once(' ').ok_or("a command")?;
    let output =
        node.host.run(|| Command::new(program).args(rest.split_whitespace()).output())??;
    let said = String::from_utf8_lossy(&output.stderr);
    check(output.status.success(), format!("{command}: {said}"))
}

/// F-20: nobody holds it, since the host has it already.
fn address_present() -> Outcome {
    let mut pair = Pair::new()?;
    run(&pair.a, "ip address add 10.0.0.100/24 dev eth0")?;
    pair.a.start(&config(""))?;
    has_line(&pair.a, "web", "the backend cannot hold the addresses (address-present): ")?;
    let table = said(&pair.a, &["status", "web"])?;
    println!("{table}");
    check(table.contains("ip address del"), format!("it does not say what to do:\n{table}"))
}

/// F-03: both may be active. (Over IPv4 what has no route is taken to be on the link.)
fn no_way() -> Outcome {
    let mut pair = Pair::new()?;
    let peers = "peers = [{ address = \"fd88::2\", min_ttl = 254 }]\n";
    pair.a.start(&config(peers).replace("10.0.0.100/24", "fd00::100/64"))?;
    pair.a.wait_for_phase("held")?;
    has_line(&pair.a, "web", "there is no way to the peer fd88::2; it does not hear this node,")
}

/// F-05: this node leaves, and another one may hold the address.
fn cannot_send() -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&config(""))?;
    pair.a.wait_for_phase("held")?;
    for command in [
        "add table ip shut",
        "add chain ip shut out { type filter hook output priority 0 ; }",
        "add rule ip shut out ip protocol 112 drop",
    ] {
        run(&pair.a, &format!("nft {command}"))?;
    }
    has_line(
        &pair.a,
        "web",
        "nothing can be sent on eth0: its advertisement to 224.0.0.18 could \
        not be sent: Operation not permitted",
    )
}
