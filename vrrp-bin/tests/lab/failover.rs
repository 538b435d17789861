//! Election, a cut, healing, a graceful stop and a return, as a client and the wire see them.

use std::{net::IpAddr, time::Duration};

use libtest_mimic::Trial;
use vrrp_core::MacAddr;
use vrrp_net::lab::{Client, Frame, Signal, Ticker};

use crate::support::{
    Outcome, Pair, SLACK, SOON, adverts, check, cut_after, now, priority, timed, wait_for, within,
};

#[derive(Clone, Copy, Debug)]
enum Family {
    Ipv4,
    Ipv6,
}

#[derive(Clone, Copy, Debug)]
struct Variant {
    family: Family,
    version: u8,
    unicast: bool,
    interval: Duration,
}

impl Variant {
    fn address(self) -> IpAddr {
        match self.family {
            Family::Ipv4 => IpAddr::from([10, 0, 0, 100]),
            Family::Ipv6 => IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 0x100]),
        }
    }

    fn config(self, priority: u8) -> String {
        let Self { version, interval, .. } = self;
        let (addresses, peers) = match self.family {
            Family::Ipv4 => ("\"10.0.0.100/24\"", "\"10.0.0.1\", \"10.0.0.2\""),
            Family::Ipv6 => ("\"fe80::100\", \"fd00::100/64\"", "\"fd00::1\", \"fd00::2\""),
        };
        // The list holds the node's own address, so that one file serves both.
        let peers = if self.unicast { format!("peers = [{peers}]") } else { String::new() };
        let password = if version == 2 { "password = \"d0cker\"" } else { "" };
        let interval = interval.as_millis();
        format!(
            "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
             [{addresses}]\n\
             version = {version}\npriority = {priority}\ninterval = \
             \"{interval}ms\"\n{peers}\n{password}\n"
        )
    }

    /// Skew_Time of a priority by RFC 9568 6.1 (RFC 3768 6.1 for VRRPv2, whose interval here is 1
    /// s).
    fn skew(self, priority: u32) -> Duration {
        self.interval * (256 - priority) / 256
    }

    fn active_down(self, priority: u32) -> Duration {
        3 * self.interval + self.skew(priority)
    }

    fn announces(self, frame: &Frame, mac: MacAddr) -> bool {
        match self.address() {
            IpAddr::V4(address) => frame.garp() == Some((mac, address)),
            IpAddr::V6(address) => {
                let advertised = frame.unsolicited_na().is_some_and(|na| na.target == address);
                advertised && frame.source_mac() == Some(mac)
            }
        }
    }
}

/// How long a backup may have the address yet: until its successor is seen to have it.
const LINGER: Duration = Duration::from_millis(50);

pub(crate) fn tests() -> Vec<Trial> {
    let second = Duration::from_secs(1);
    let mut variants = Vec::new();
    for unicast in [false, true] {
        for (family, version) in [(Family::Ipv4, 3), (Family::Ipv6, 3), (Family::Ipv4, 2)] {
            variants.push(Variant { family, version, unicast, interval: second });
        }
        variants.push(Variant { family: Family::Ipv4, version: 3, unicast, interval: second / 10 });
    }
    let name = |variant: &Variant| {
        let cast = if variant.unicast { "unicast" } else { "multicast" };
        format!(
            "failover_v{}_{:?}_{cast}_{}ms",
            variant.version,
            variant.family,
            variant.interval.as_millis()
        )
        .to_lowercase()
    };
    variants
        .into_iter()
        .map(|variant| timed(name(&variant), move |ticker| failover(variant, ticker)))
        .collect()
}

fn failover(variant: Variant, ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let client = Client::start(&pair.user, variant.address(), 1000)?;
    elect(&mut pair, variant)?;
    cut(&mut pair, variant, &client, ticker)?;
    mend(&mut pair, variant, &client, ticker)?;
    stop(&mut pair, variant, &client, ticker)?;
    come_back(&mut pair, variant, &client, ticker)
}

/// The stronger node becomes Active, and only then announces the address.
fn elect(pair: &mut Pair, variant: Variant) -> Outcome {
    pair.a.start(&variant.config(200))?;
    pair.b.start(&variant.config(100))?;
    let mac = pair.a.mac;
    let advert = wait_for(&pair.capture, "advertisement", Duration::ZERO, |frame| {
        priority(frame, mac) == Some(200)
    })?;
    let announced = wait_for(&pair.capture, "announcement", Duration::ZERO, |frame| {
        variant.announces(frame, mac)
    })?;
    check(advert < announced, "the address was announced before it was advertised")?;
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")?;
    check(pair.a.has_address(&variant.address().to_string())?, "a is held without the address")?;
    pair.b.wait_for_address(variant.address(), false)
}

/// The active node's port dies: the other one takes over within Active_Down_Interval.
fn cut(pair: &mut Pair, variant: Variant, client: &Client, ticker: &Ticker) -> Outcome {
    let (a, b) = (pair.a.mac, pair.b.mac);
    let mark = client.mark();
    let is_of_a = |frame: &Frame| priority(frame, a).is_some();
    let last = cut_after(&pair.a.cable, &pair.capture, variant.interval, is_of_a)?;
    let took = wait_for(&pair.capture, "advertisement of b", last, |frame| {
        priority(frame, b) == Some(100)
    })?;
    let expected = variant.active_down(100);
    within("takeover after a cut", took - last, (expected, expected), SLACK, ticker)?;
    let announced =
        wait_for(&pair.capture, "announcement of b", took, |frame| variant.announces(frame, b))?;
    within(
        "first announcement",
        announced - took,
        (Duration::ZERO, Duration::ZERO),
        SLACK,
        ticker,
    )?;
    let back = client.mark();
    check(client.wait_for_reply(back, SOON), "the client got no answer from b")?;
    println!("cut: {}", client.since(mark));
    pair.b.wait_for_phase("held")
}

/// Both were Active. The stronger one wins, announces, and the weaker one lets go.
fn mend(pair: &mut Pair, variant: Variant, client: &Client, ticker: &Ticker) -> Outcome {
    let (a, b) = (pair.a.mac, pair.b.mac);
    let mark = client.mark();
    let begun = now();
    pair.a.cable.mend()?;
    pair.b.wait_for_phase("backup")?;
    let yielded = now();
    pair.b.wait_for_address(variant.address(), false)?;
    within("b let go", now() - yielded, (Duration::ZERO, LINGER), SLACK, ticker)?;
    wait_for(&pair.capture, "announcement of a", begun, |frame| variant.announces(frame, a))?;
    pair.a.wait_for_phase("held")?;
    let settled = now();
    let back = client.mark();
    check(client.wait_for_reply(back, SOON), "the client got no answer from a")?;
    println!("mended: {}", client.since(mark));
    // VRRPv2's winner does not answer, so that the last word is repeated for an interval. Two
    // intervals later b has said nothing more.
    let silent = if variant.version == 2 { settled + variant.interval } else { settled };
    wait_for(&pair.capture, "advertisement of a", silent + 2 * variant.interval, |frame| {
        priority(frame, a).is_some()
    })?;
    let late = adverts(&pair.capture, b, silent);
    check(late.is_empty(), format!("b advertised {} times after it had yielded", late.len()))
}

/// TERM: a resigns and serves until b has taken over, within Skew_Time.
fn stop(pair: &mut Pair, variant: Variant, client: &Client, ticker: &Ticker) -> Outcome {
    let (a, b) = (pair.a.mac, pair.b.mac);
    let mark = client.mark();
    let begun = now();
    pair.a.signal(Signal::SIGTERM)?;
    let resigned =
        wait_for(&pair.capture, "resignation of a", begun, |frame| priority(frame, a) == Some(0))?;
    let took = wait_for(&pair.capture, "advertisement of b", resigned, |frame| {
        priority(frame, b) == Some(100)
    })?;
    let skew = variant.skew(100);
    within("hand-over after SIGTERM", took - resigned, (skew, skew), SLACK, ticker)?;
    check(pair.a.wait()?, "a did not end with status 0")?;
    check(!pair.a.has_address(&variant.address().to_string())?, "a left the address behind")?;
    pair.b.wait_for_phase("held")?;
    let back = client.mark();
    check(client.wait_for_reply(back, SOON), "the client got no answer from b")?;
    let loss = client.since(mark);
    println!("graceful stop: {loss}");
    check(
        loss.lost <= tolerable(ticker),
        format!("the client lost packets in a graceful stop: {loss}"),
    )
}

/// The stronger node returns and preempts.
fn come_back(pair: &mut Pair, variant: Variant, client: &Client, ticker: &Ticker) -> Outcome {
    let a = pair.a.mac;
    let mark = client.mark();
    let begun = now();
    pair.a.start(&variant.config(200))?;
    wait_for(&pair.capture, "announcement of a", begun, |frame| variant.announces(frame, a))?;
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")?;
    pair.b.wait_for_address(variant.address(), false)?;
    let back = client.mark();
    check(client.wait_for_reply(back, SOON), "the client got no answer from a")?;
    let loss = client.since(mark);
    println!("return and preemption: {loss}");
    let why = || {
        format!("the client lost packets in a preemption: {loss}\n{}{}", pair.a.log(), pair.b.log())
    };
    check(loss.lost <= tolerable(ticker), why())
}

/// How many of 1,000 packets a second may be lost in the slack and the ticker's worst gap. A gap
/// between replies in which none was lost is a pause of the client.
fn tolerable(ticker: &Ticker) -> u64 {
    u64::try_from((SLACK + ticker.worst_gap()).as_millis()).unwrap_or(u64::MAX)
}
