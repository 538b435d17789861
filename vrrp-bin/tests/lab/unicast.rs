//! Unicast peers: the way to them can be lost, and they can lose the way here.

use std::{
    net::IpAddr,
    process::Command,
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;
use vrrp_net::lab::{Cable, Frame, Host, Switch, Ticker, wait_until};

use crate::support::{
    Node, Outcome, Pair, SLACK, SOON, check, cut_after, milliseconds, now, priority, timed,
    wait_for, within,
};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        timed("f03_the_peers_route_is_withdrawn_ipv4", |ticker| withdrawn(&ROUTED_IPV4, ticker)),
        timed("f03_the_peers_route_is_withdrawn_ipv6", |ticker| withdrawn(&ROUTED_IPV6, ticker)),
        timed("f09_nodes_behind_a_router", |_| behind_a_router()),
        timed("f06_a_node_that_returns_is_found_by_its_peer", |_| returns()),
    ]
}

fn ip(host: &Host, arguments: &str) -> Outcome {
    let output = host.run(|| Command::new("ip").args(arguments.split_whitespace()).output())??;
    let said = String::from_utf8_lossy(&output.stderr);
    check(output.status.success(), format!("ip {arguments}: {said}"))
}

/// Two nodes that reach each other by a route.
struct Routed {
    /// The nodes' addresses, behind each other.
    a: &'static str,
    b: &'static str,
    /// What they are reached by.
    via_a: &'static str,
    via_b: &'static str,
    address: &'static str,
    bits: u8,
}

const ROUTED_IPV4: Routed = Routed {
    a: "198.51.100.1",
    b: "203.0.113.2",
    via_a: "10.0.0.1",
    via_b: "10.0.0.2",
    address: "10.0.0.100",
    bits: 32,
};
const ROUTED_IPV6: Routed = Routed {
    a: "fd77::1",
    b: "fd88::2",
    via_a: "fd00::1",
    via_b: "fd00::2",
    address: "fd00::100",
    bits: 128,
};

impl Routed {
    fn config(&self, priority: u8, source: &str, peer: &str) -> String {
        let link_local = if self.bits == 128 { "\"fe80::100\", " } else { "" };
        format!(
            "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\n\
             addresses = [{link_local}\"{}\"]\npriority = {priority}\ninterval = \"100ms\"\n\
             source = \"{source}\"\npeers = [\"{peer}\"]\n",
            self.address
        )
    }

    fn lay(&self, pair: &Pair) -> Outcome {
        let Self { a, b, via_a, via_b, bits, .. } = self;
        let nodad = if *bits == 128 { " nodad" } else { "" };
        for (host, own, other, via) in [(&pair.a.host, a, b, via_b), (&pair.b.host, b, a, via_a)] {
            ip(host, &format!("address add {own}/{bits} dev eth0{nodad}"))?;
            ip(host, &format!("route add {other}/{bits} via {via}"))?;
        }
        Ok(())
    }
}

/// The peer dies, and its route goes with it: the survivor takes over after Active_Down_Interval,
/// and keeps the address. When the peer is back, one of them is active.
fn withdrawn(routed: &Routed, ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    routed.lay(&pair)?;
    let [stronger, weaker] = [(200, routed.a, routed.b), (100, routed.b, routed.a)];
    pair.a.start(&routed.config(stronger.0, stronger.1, stronger.2))?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&routed.config(weaker.0, weaker.1, weaker.2))?;
    pair.b.wait_for_phase("backup")?;
    let heard =
        || pair.b.router(0)["counters"]["adverts_received"].as_u64().unwrap_or_default() > 2;
    check(wait_until(SOON, heard), "b does not hear a")?;
    let is_of_a = |frame: &Frame| priority(frame, pair.a.mac).is_some();
    let last = cut_after(&pair.a.cable, &pair.capture, Duration::from_millis(100), is_of_a)?;
    ip(&pair.b.host, &format!("route del {}/{}", routed.a, routed.bits))?;
    let address: IpAddr = routed.address.parse()?;
    let announced = |frame: &Frame| {
        let arp = frame.garp().map(|(mac, ip)| (mac, IpAddr::from(ip)));
        let neighbour = frame
            .unsolicited_na()
            .map(|told| (told.mac.unwrap_or_default(), IpAddr::from(told.target)));
        arp.or(neighbour) == Some((pair.b.mac, address))
    };
    let at = wait_for(&pair.capture, "announcement", last, announced)?;
    let down = Duration::from_micros(360_937);
    within("takeover without a way to the peer", at - last, (down, down), SLACK, ticker)?;
    // For many intervals: it is no fault of this node.
    pair.b.wait_for_phase("held")?;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        check(pair.b.phase() == "held", format!("it gave the address up:\n{}", pair.b.log()))?;
    }
    let log = pair.b.log();
    let told = log.lines().filter(|line| line.contains("event=peer-unreachable")).count();
    let expected = usize::from(routed.bits == 128);
    check(told == expected, format!("{told} lines say that there is no way:\n{log}"))?;
    ip(&pair.b.host, &format!("route add {}/{} via {}", routed.a, routed.bits, routed.via_a))?;
    pair.a.cable.mend()?;
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")
}

/// Nodes in two subnets with a router between them, which takes one from the TTL: the lists of
/// container images do not say so.
fn behind_a_router() -> Outcome {
    let folder = TempDir::with_prefix("vrrp-test-")?;
    let (left, right) = (Switch::new()?, Switch::new()?);
    let router = Host::new("router")?;
    let _cables = [
        Cable::new(&router, "eth0", &left, &["10.0.0.254/24"])?,
        Cable::new(&router, "eth1", &right, &["10.1.0.254/24"])?,
    ];
    router.run(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1"))??;
    let mut a = Node::new("a", &left, &["10.0.0.1/24"], folder.path())?;
    let mut b = Node::new("b", &right, &["10.1.0.2/24"], folder.path())?;
    for (node, gateway) in [(&a, "10.0.0.254"), (&b, "10.1.0.254")] {
        ip(&node.host, &format!("route add default via {gateway}"))?;
    }
    let config = |priority: u8, peer: &str| {
        format!(
            "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
             [\"10.99.0.10\"]\n\
             priority = {priority}\ninterval = \"100ms\"\n\
             peers = [{{ address = \"{peer}\", min_ttl_routed = 1 }}]\n"
        )
    };
    a.start(&config(200, "10.1.0.2"))?;
    a.wait_for_phase("held")?;
    b.start(&config(100, "10.0.0.1"))?;
    b.wait_for_phase("backup")?;
    let heard = || b.router(0)["counters"]["adverts_received"].as_u64().unwrap_or_default() > 10;
    check(wait_until(SOON, heard), format!("b does not hear a: {:#}", b.router(0)))?;
    check(b.phase() == "backup" && a.phase() == "held", "there is not one holder")?;
    let named =
        |log: &str| log.lines().filter(|line| line.contains("event=peer-behind-router")).count();
    check(
        named(&a.log()) == 1 && named(&b.log()) == 1,
        format!("it is not named once:\n{}", b.log()),
    )?;
    // In a network of the interface it is a peer on the link, from which a routed message is
    // refused.
    ip(&b.host, "address add 10.0.0.2/16 dev eth0")?;
    b.wait_for_phase("held")?;
    let refused = b.router(0)["peers_refused"].to_string();
    check(refused.contains("wrong-ttl"), format!("nothing is refused: {refused}"))?;
    ip(&b.host, "address del 10.0.0.2/16 dev eth0")?;
    b.wait_for_phase("backup")
}

/// Both by unicast at 100 ms, without preemption: the stronger one was away for so long that its
/// peer has given up its address.
fn returns() -> Outcome {
    let config = |priority: u8, peer: &str| {
        format!(
            "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
             [\"10.0.0.100/24\"]\n\
             priority = {priority}\ninterval = \"100ms\"\npreempt = false\npeers = [\"{peer}\"]\n"
        )
    };
    let mut pair = Pair::new()?;
    pair.a.start(&config(200, "10.0.0.2"))?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&config(100, "10.0.0.1"))?;
    pair.b.wait_for_phase("backup")?;
    for round in 0..8 {
        ip(&pair.a.host, "link set eth0 down")?;
        pair.b.wait_for_phase("held")?;
        ip(&pair.b.host, "neighbour flush all")?;
        let failed = || neighbour(&pair.b).is_ok_and(|said| said.contains("FAILED"));
        check(
            wait_until(SOON, failed),
            format!("the neighbour entry does not fail: {}", neighbour(&pair.b)?),
        )?;
        // At other phases of the peer's retries each time.
        std::thread::sleep(Duration::from_millis(130 * round));
        let begun = now();
        ip(&pair.a.host, "link set eth0 up")?;
        pair.a.wait_for_phase("backup")?;
        std::thread::sleep(Duration::from_millis(800));
        let took = pair.capture.frames().iter().any(|frame| {
            frame.at > begun && priority(frame, pair.a.mac).is_some_and(|priority| priority > 0)
        });
        let took_after = milliseconds(now() - begun);
        check(
            !took,
            format!(
                "round {round}: it took the address away within {took_after}:\n{}",
                pair.a.log()
            ),
        )?;
        check(pair.a.phase() == "backup" && pair.b.phase() == "held", "the wrong one is active")?;
        // Who came back takes over for the next round.
        pair.b.signal(vrrp_net::lab::Signal::SIGTERM)?;
        pair.b.wait()?;
        pair.a.wait_for_phase("held")?;
        pair.b.start(&config(100, "10.0.0.1"))?;
        pair.b.wait_for_phase("backup")?;
    }
    Ok(())
}

/// What b's kernel knows of a.
fn neighbour(node: &Node) -> Result<String, Failed> {
    let list = || Command::new("ip").args(["neighbour", "show", "10.0.0.1"]).output();
    Ok(String::from_utf8_lossy(&node.host.run(list)??.stdout).into_owned())
}
