//! Another host holds the addresses: it is said once, with its hardware address and the likely cause,
//! and held addresses are defended. After a crash of a healthy peer, and after each planned stop,
//! nothing is said.

mod looks;
mod stops;

use std::{
    net::Ipv4Addr,
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
pub(crate) use looks::silence;
use vrrp_core::MacAddr;
use vrrp_net::lab::{Frame, Host, Injector, wait_until};

use crate::{
    processor::used,
    support::{Node, Outcome, Pair, SOON, adverts, check, milliseconds, now, timed, timed_alone},
};

const INTERVAL: Duration = Duration::from_secs(1);
/// The virtual address of these nodes.
const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
/// A hardware address that no host of the lab has.
const FOREIGN: MacAddr = MacAddr([2, 0, 0, 0, 0xfe, 1]);
/// RFC 5227 1.1, DEFEND_INTERVAL.
const DEFENCE: Duration = Duration::from_secs(10);
/// How late the kernel of a dead program may be to end its lease, as the look allows for.
const LATE: Duration = Duration::from_millis(2500);

pub(crate) fn tests(everything: bool) -> Vec<Trial> {
    let mut trials = vec![timed("f30_a_claim_is_said_and_defended", |_| claim())];
    if everything {
        trials.extend([
            timed("f30_a_third_host_that_has_the_address_is_said_once", |_| third_host()),
            timed_alone("a_flood_of_claims_disturbs_nothing", |_| flood()),
        ]);
        trials.extend(looks::tests());
        trials.extend(stops::tests());
    }
    trials
}

fn config(priority: u8, more: &str) -> String {
    format!(
        "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
         [\"{VIP}/24\"]\npriority = {priority}\n{more}"
    )
}

fn run(host: &Host, program: &str, arguments: &str) -> Result<String, Failed> {
    let run = || {
        let mut command = Command::new(program);
        command.args(arguments.split_whitespace()).stdin(Stdio::null()).output()
    };
    let output = host.run(run)??;
    let said = String::from_utf8_lossy(&output.stderr);
    check(output.status.success(), format!("{program} {arguments}: {said}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The lines of the log about rivals.
fn said(node: &Node) -> Vec<String> {
    node.log().lines().filter(|line| line.contains(" event=rival")).map(str::to_owned).collect()
}

/// Waits for the one line that says that there is a rival, and sees what it has.
fn is_said(node: &Node, fields: &[&str]) -> Outcome {
    let found = wait_until(SOON, || !said(node).is_empty());
    check(found, format!("{} says nothing:\n{}", node.name, node.log()))?;
    let lines = said(node);
    let is_it = |line: &String| fields.iter().all(|field| line.contains(field));
    check(lines.len() == 1 && lines.iter().all(is_it), format!("{lines:#?}, not {fields:?}"))
}

/// A gratuitous ARP request of a host that has the address as its own.
fn gratuitous(mac: MacAddr) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(mac.0);
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    for address in [mac.0, [0; 6]] {
        frame.extend(address);
        frame.extend(VIP.octets());
    }
    frame
}

/// When `mac` announced the address after `since`.
fn announced(pair: &Pair, mac: MacAddr, since: Duration) -> Vec<Duration> {
    let own = gratuitous(mac);
    let is_it = |frame: &&Frame| frame.at >= since && frame.bytes.starts_with(&own);
    pair.capture.frames().iter().filter(is_it).map(|frame| frame.at).collect()
}

/// What a client believes of the address.
fn neighbour(host: &Host) -> Result<String, Failed> {
    run(host, "ip", &format!("neigh show {VIP}"))
}

/// Somebody announces the address: a client is misled, and led back long before the next refresh.
fn claim() -> Outcome {
    let mut pair = Pair::new()?;
    // The burst of announcements would heal the client, too.
    let quiet = "announce = { repeat = [\"0s\"], refresh = \"60s\" }\nlook = \"off\"\n";
    pair.a.start(&config(200, quiet))?;
    pair.a.wait_for_phase("held")?;
    let held = now();
    run(&pair.user, "ping", &format!("-c 1 -W 2 {VIP}"))?;
    // What is said in the first seconds may come from the kernel of a program that has died.
    wait_until(SOON, || now() > held + 2 * INTERVAL + LATE);
    let injector = Injector::new(&pair.b.host, "eth0")?;
    let begun = now();
    injector.send(&gratuitous(FOREIGN))?;
    is_said(&pair.a, &[&FOREIGN.to_string(), "cause=foreign", "address=10.0.0.100"])?;
    println!("said after {}", milliseconds(now() - begun));
    let is_healed =
        || neighbour(&pair.user).is_ok_and(|told| told.contains(&pair.a.mac.to_string()));
    check(wait_until(SOON, is_healed), format!("the client has {:?}", neighbour(&pair.user)))?;
    let healed = now() - begun;
    println!("the client knew better within {}", milliseconds(healed));
    check(healed < Duration::from_secs(2), "only later")?;
    // Nine more in five seconds are neither said nor defended.
    injector.inject(2, 5 * INTERVAL, |_| gratuitous(FOREIGN))?;
    let defences = announced(&pair, pair.a.mac, begun);
    check(defences.len() == 1, format!("{} announcements", defences.len()))?;
    is_said(&pair.a, &["event=rival "])?;
    let rival = pair.a.status().is_some();
    check(rival && pair.a.phase() == "held", "it is not active any more")
}

/// F-30: another host of the segment has the address as its own, and uses it.
fn third_host() -> Outcome {
    let mut pair = Pair::new()?;
    run(&pair.b.host, "ip", &format!("address add {VIP}/24 dev eth0"))?;
    pair.a.start(&config(200, ""))?;
    let begun = now();
    pair.a.wait_for_phase("held")?;
    let mac = pair.b.mac.to_string();
    is_said(&pair.a, &[&mac, "cause=network", "has the address as its own"])?;
    println!("said {} after the start", milliseconds(now() - begun));
    // It goes on to say so by itself.
    let injector = Injector::new(&pair.b.host, "eth0")?;
    let since = now();
    injector.inject(10, 25 * INTERVAL, |_| gratuitous(pair.b.mac))?;
    let defences = announced(&pair, pair.a.mac, since);
    // The end of the burst of a promotion, and one in ten seconds.
    println!("{} announcements in 25 s", defences.len());
    check((2..=5).contains(&defences.len()), format!("{} announcements", defences.len()))?;
    check(said(&pair.a).len() == 1, format!("{:#?}", said(&pair.a)))?;
    // Once it is gone that is said, too.
    run(&pair.b.host, "ip", &format!("address del {VIP}/24 dev eth0"))?;
    let gone = || said(&pair.a).iter().any(|line| line.contains("event=rival-gone"));
    check(wait_until(3 * DEFENCE, gone), format!("{:#?}", said(&pair.a)))
}

/// Thousands of claims a second of ever other hosts: the schedule is kept, and they are not read.
fn flood() -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&config(200, "interval = \"100ms\"\n"))?;
    pair.a.wait_for_phase("held")?;
    let injector = Injector::new(&pair.b.host, "eth0")?;
    let begun = now();
    let pid = pair.a.process()?.pid();
    let before = used(pid)?;
    let injected = injector.inject(5000, 5 * INTERVAL, |number| {
        let [.., a, b] = number.to_be_bytes();
        gratuitous(MacAddr([2, 0, 0, 1, a, b]))
    })?;
    let used = used(pid)? - before;
    let sent = adverts(&pair.capture, pair.a.mac, begun);
    let gaps = sent.windows(2).filter_map(|pair| Some(*pair.last()? - *pair.first()?));
    let worst = gaps.max().unwrap_or(SOON);
    println!(
        "{} claims in {}: worst gap of advertisements {}, {} of processor time",
        injected.sent,
        milliseconds(injected.took),
        milliseconds(worst),
        milliseconds(used)
    );
    check(worst < Duration::from_millis(300), "the schedule is disturbed")?;
    // To read all of them takes more.
    check(used < Duration::from_millis(500), "they are read")?;
    check(said(&pair.a).len() <= 2, format!("{:#?}", said(&pair.a)))?;
    check(pair.a.phase() == "held", "it is not active any more")
}
