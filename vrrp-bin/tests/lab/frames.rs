//! Every kind of frame that the program sends, as tshark reads it.

mod tshark;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use vrrp_core::MacAddr;
use vrrp_net::lab::{Frame, Injector, Signal, Ticker, wait_until};

use self::tshark::{Dissected, GOOD, dissect};
use crate::{
    evidence::number,
    support::{Outcome, Pair, SLACK, SOON, check, now, priority, timed, wait_for},
};

/// A virtual router, whose frames are looked at.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    version: u8,
    ipv6: bool,
    unicast: bool,
    /// The checksum of VRRPv3 over IPv4 is over the message alone.
    alone: bool,
    owner: bool,
    /// In milliseconds.
    interval: u32,
    addresses: u8,
    password: Option<&'static str>,
}

const KIND: Kind = Kind {
    name: "",
    version: 3,
    ipv6: false,
    unicast: false,
    alone: false,
    owner: false,
    interval: 100,
    addresses: 1,
    password: None,
};
const V2: Kind = Kind { version: 2, interval: 1000, ..KIND };
const V6: Kind = Kind { ipv6: true, addresses: 2, ..KIND };

const KINDS: [Kind; 16] = [
    Kind { name: "v2", ..V2 },
    Kind { name: "v2_with_password", password: Some("d0cker"), addresses: 2, ..V2 },
    Kind {
        name: "v2_owner_unicast_password_of_8_octets",
        owner: true,
        password: Some("d0cker12"),
        unicast: true,
        ..V2
    },
    Kind { name: "v2_owner_20_addresses_unicast", owner: true, unicast: true, addresses: 20, ..V2 },
    Kind { name: "v2_owner_longest_interval", owner: true, interval: 255_000, ..V2 },
    Kind { name: "v3_ipv4_rfc9568", alone: true, ..KIND },
    Kind {
        name: "v3_ipv4_rfc9568_unicast_2_addresses",
        alone: true,
        unicast: true,
        addresses: 2,
        ..KIND
    },
    Kind { name: "v3_ipv4_rfc5798_20_addresses", addresses: 20, ..KIND },
    Kind { name: "v3_ipv4_rfc5798_unicast", unicast: true, ..KIND },
    Kind { name: "v3_ipv4_shortest_interval", interval: 10, ..KIND },
    Kind { name: "v3_ipv4_owner_longest_interval", owner: true, interval: 40_950, ..KIND },
    Kind { name: "v3_ipv6_2_addresses", ..V6 },
    Kind { name: "v3_ipv6_unicast_2_addresses", unicast: true, ..V6 },
    Kind { name: "v3_ipv6_20_addresses", addresses: 20, ..V6 },
    Kind { name: "v3_ipv6_owner", owner: true, addresses: 1, ..V6 },
    Kind { name: "v3_ipv6_shortest_interval", interval: 10, ..V6 },
];

const VRID: u8 = 51;
const PRIORITY: u8 = 150;

pub(crate) fn tests() -> Vec<Trial> {
    let missing = tshark::missing();
    let mut trials: Vec<Trial> = KINDS
        .into_iter()
        .map(|kind| timed(format!("frames_{}", kind.name), move |ticker| look_at(kind, ticker)))
        .collect();
    trials.push(timed("frames_that_are_corrupt_are_flagged", |_| corrupt()));
    if let Some(reason) = &missing {
        println!("skipped: {} tests of frames: {reason}", trials.len());
    }
    trials.into_iter().map(|trial| trial.with_ignored_flag(missing.is_some())).collect()
}

impl Kind {
    fn addresses(self) -> Vec<IpAddr> {
        let v6 = |first, last| IpAddr::from([first, 0, 0, 0, 0, 0, 0, 0x100 + u16::from(last)]);
        (0..self.addresses)
            .map(|last| match (self.ipv6, last) {
                (false, _) => IpAddr::from([10, 0, 0, 100 + last]),
                // RFC 9568 5.2.9: the first one is link-local.
                (true, 0) => v6(0xfe80, 0),
                (true, _) => v6(0xfd00, last),
            })
            .collect()
    }

    fn priority(self) -> u8 {
        if self.owner { 255 } else { PRIORITY }
    }

    /// One announcement, and no refresh.
    fn config(self) -> String {
        let Self { version, ipv6, interval, .. } = self;
        let addresses: Vec<String> = self.addresses().iter().map(ToString::to_string).collect();
        let priority = if self.owner { "\"owner\"".to_owned() } else { PRIORITY.to_string() };
        let mut config = format!(
            "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = {VRID}\nversion = \
             {version}\n\
             addresses = {addresses:?}\npriority = {priority}\ninterval = \"{interval}ms\"\n\
             announce = {{ repeat = [\"0s\"], refresh = \"0s\" }}\n"
        );
        if self.unicast {
            config += if ipv6 { "peers = [\"fd00::2\"]\n" } else { "peers = [\"10.0.0.2\"]\n" };
        }
        if version == 3 && !ipv6 {
            config +=
                if self.alone { "checksum = \"rfc9568\"\n" } else { "checksum = \"rfc5798\"\n" };
        }
        config + &self.password.map(|text| format!("password = \"{text}\"\n")).unwrap_or_default()
    }

    fn period(self) -> Duration {
        Duration::from_millis(self.interval.into())
    }

    /// Whether its second advertisement is not waited for, and a second signal ends the handover.
    fn is_slow(self) -> bool {
        self.period() > Duration::from_secs(10)
    }

    /// How many resignations a node sends that nobody succeeds: one at once, one after a sixteenth
    /// of an interval, one each interval and sixteenth from then on, and the last after an interval
    /// and 100 ms.
    fn resignations(self) -> usize {
        if self.is_slow() {
            return 1;
        }
        let until = self.period() + Duration::from_millis(100);
        let sixteenth = self.period() / 16;
        let repeats = (0..).map(|count| sixteenth + count * (self.period() + sixteenth));
        2 + repeats.take_while(|at| *at < until).count()
    }

    /// The node's own address, which it advertises from.
    fn source(self, pair: &Pair) -> IpAddr {
        match (self.ipv6, self.unicast) {
            (false, _) => Ipv4Addr::new(10, 0, 0, 1).into(),
            (true, true) => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).into(),
            (true, false) => link_local(pair.a.mac).into(),
        }
    }

    /// What tshark should read in an advertisement of this priority.
    fn advert(self, pair: &Pair, priority: u8) -> Vec<(&'static str, String)> {
        let text = |value: &str| value.to_owned();
        let list = self.addresses().iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let (mac, group) = match self.ipv6 {
            false => (text("01:00:5e:00:00:12"), text("224.0.0.18")),
            true => (text("33:33:00:00:00:12"), text("ff02::12")),
        };
        let (destination_mac, destination) = match (self.unicast, self.ipv6) {
            (false, _) => (mac, group),
            (true, false) => (pair.b.mac.to_string(), text("10.0.0.2")),
            (true, true) => (pair.b.mac.to_string(), text("fd00::2")),
        };
        let source = self.source(pair).to_string();
        let mut fields = vec![
            ("eth.dst", destination_mac),
            ("vrrp.version", self.version.to_string()),
            ("vrrp.type", text("1")),
            ("vrrp.virt_rtr_id", VRID.to_string()),
            ("vrrp.prio", priority.to_string()),
            ("vrrp.addr_count", self.addresses.to_string()),
            ("vrrp.checksum.status", text(GOOD)),
            ("arp.opcode", text("")),
            ("icmpv6.type", text("")),
        ];
        fields.extend(match self.ipv6 {
            false => vec![
                ("ip.src", source),
                ("ip.dst", destination),
                ("ip.ttl", text("255")),
                // CS6, network control.
                ("ip.dsfield", text("0xc0")),
                ("ip.checksum.status", text(GOOD)),
                ("vrrp.ip_addr", list),
                ("vrrp.ipv6_addr", text("")),
            ],
            true => vec![
                ("ipv6.src", source),
                ("ipv6.dst", destination),
                ("ipv6.hlim", text("255")),
                ("ipv6.tclass", text("0x000000c0")),
                ("vrrp.ipv6_addr", list),
                ("vrrp.ip_addr", text("")),
            ],
        });
        let kind = self.password.map_or("0", |_| "1");
        let v2 = self.version == 2;
        let interval = if v2 { self.interval / 1000 } else { self.interval / 10 }.to_string();
        fields.extend([
            ("vrrp.auth_type", text(if v2 { kind } else { "" })),
            ("vrrp.auth_string", text(self.password.unwrap_or_default())),
            ("vrrp.adver_int", if v2 { interval.clone() } else { text("") }),
            ("vrrp.short_adver_int", if v2 { text("") } else { interval }),
        ]);
        fields
    }

    /// What tshark should read in the announcement of an address.
    fn announcement(self, pair: &Pair, address: IpAddr) -> Vec<(&'static str, String)> {
        let (mac, address) = (pair.a.mac.to_string(), address.to_string());
        let text = |value: &str| value.to_owned();
        match self.ipv6 {
            false => vec![
                ("eth.dst", text("ff:ff:ff:ff:ff:ff")),
                // A request.
                ("arp.opcode", text("1")),
                ("arp.isgratuitous", text("1")),
                ("arp.src.hw_mac", mac),
                ("arp.src.proto_ipv4", address.clone()),
                ("arp.dst.proto_ipv4", address),
            ],
            true => vec![
                ("eth.dst", text("33:33:00:00:00:01")),
                ("ipv6.src", address.clone()),
                ("ipv6.dst", text("ff02::1")),
                ("ipv6.hlim", text("255")),
                ("icmpv6.type", text("136")),
                ("icmpv6.checksum.status", text(GOOD)),
                // A host, not asked, to override what is in the cache (RFC 9568 8.2.2).
                ("icmpv6.nd.na.flag.r", text("0")),
                ("icmpv6.nd.na.flag.s", text("0")),
                ("icmpv6.nd.na.flag.o", text("1")),
                ("icmpv6.nd.na.target_address", address),
                // Target Link-Layer Address.
                ("icmpv6.opt.type", text("2")),
                ("icmpv6.opt.linkaddr", mac),
            ],
        }
    }
}

/// A node takes the addresses, advertises, and leaves; nobody succeeds it.
fn look_at(kind: Kind, ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&kind.config())?;
    pair.a.wait_for_phase("held")?;
    let mac = pair.a.mac;
    if !kind.is_slow() {
        let later = now() + kind.period();
        wait_for(&pair.capture, "advertisement", later, |frame| priority(frame, mac).is_some())?;
    }
    let sent =
        || pair.capture.frames().iter().filter(|frame| priority(frame, mac).is_some()).count();
    let before = sent();
    // An answer may be a tenth of a second old.
    let mut counters = Value::Null;
    let is_counted = wait_until(SOON, || {
        counters = pair.a.router(0)["counters"].clone();
        before as u64 <= number(&counters["adverts_sent"])
    });
    check(is_counted, format!("{counters}, but {before} left before"))?;
    // What was counted has been on its way at most this long.
    let captured = || sent() as u64 >= number(&counters["adverts_sent"]);
    let on_its_way = SLACK + ticker.worst_gap();
    check(wait_until(on_its_way, captured), format!("{counters}, but {} adverts left", sent()))?;
    check(counters["announcements"] == 1, format!("announcements: {counters}"))?;
    pair.a.signal(Signal::SIGTERM)?;
    if kind.is_slow() {
        wait_for(&pair.capture, "resignation", Duration::ZERO, |frame| {
            priority(frame, mac) == Some(0)
        })?;
        pair.a.signal(Signal::SIGTERM)?;
    }
    check(pair.a.wait()?, "a did not end with status 0")?;
    check(pair.capture.dropped() == 0, "the capture missed frames")?;
    let frames = dissect(&pair.capture, pair.folder.path(), kind.alone)?;
    let frames: Vec<Dissected> =
        frames.into_iter().filter(|frame| frame.get("eth.src") == pair.a.mac.to_string()).collect();
    are_right(kind, &pair, &frames)?;
    count(kind, &frames, ticker)
}

/// Every frame says what it should, and tshark has nothing to complain about.
fn are_right(kind: Kind, pair: &Pair, frames: &[Dissected]) -> Outcome {
    let adverts = frames.iter().filter(|frame| frame.is_vrrp());
    for frame in adverts {
        let priority = if frame.is_resignation() { 0 } else { kind.priority() };
        says(frame, &kind.advert(pair, priority))?;
    }
    let own = kind.source(pair);
    let is_own = |frame: &&Dissected| {
        let fields = ["arp.src.proto_ipv4", "icmpv6.nd.na.target_address"];
        fields.iter().any(|field| frame.get(field) == own.to_string())
    };
    let told = frames.iter().filter(|frame| frame.is_gratuitous_arp() || frame.is_unsolicited_na());
    // A Backup tells its peers by unicast where it is; an owner is Active at once.
    let greets = kind.unicast && !kind.owner;
    let (greetings, announced): (Vec<&Dissected>, Vec<&Dissected>) = told.partition(is_own);
    check(greetings.is_empty() != greets, format!("{} greetings", greetings.len()))?;
    greetings.iter().try_for_each(|frame| says(frame, &kind.announcement(pair, own)))?;
    let addresses = kind.addresses();
    let counts = format!("{} announcements of {} addresses", announced.len(), addresses.len());
    check(announced.len() == addresses.len(), counts)?;
    announced
        .iter()
        .zip(addresses)
        .try_for_each(|(frame, address)| says(frame, &kind.announcement(pair, address)))
}

fn says(frame: &Dissected, expected: &[(&'static str, String)]) -> Outcome {
    check(
        frame.complaint().is_empty(),
        format!("tshark complains: {}: {frame:?}", frame.complaint()),
    )?;
    for (field, value) in expected {
        let read = frame.get(field);
        check(read == value, format!("{field} is {read:?} and should be {value:?}: {frame:?}"))?;
    }
    Ok(())
}

/// The adverts come first, then as many resignations as nobody's succession takes.
fn count(kind: Kind, frames: &[Dissected], ticker: &Ticker) -> Outcome {
    let adverts: Vec<&Dissected> = frames.iter().filter(|frame| frame.is_vrrp()).collect();
    let first = adverts.iter().position(|frame| frame.is_resignation()).ok_or("no resignation")?;
    let resigned = adverts.len() - first;
    check(
        adverts.iter().skip(first).all(|frame| frame.is_resignation()),
        "an advertisement after the end",
    )?;
    // Those that the machine was too late for.
    let late = (SLACK + ticker.worst_gap()).as_millis() / kind.period().as_millis();
    let most = kind.resignations();
    let least = most.saturating_sub(usize::try_from(late)?).max(1);
    println!("{first} advertisements and {resigned} resignations");
    let counts = format!("{resigned} resignations, by the arithmetic {least} to {most}");
    check((least..=most).contains(&resigned) && first > 0, counts)
}

/// Copies of real frames, with one bit turned over: tshark sees it, and sees nothing wrong with the
/// originals.
fn corrupt() -> Outcome {
    let mut pair = Pair::new()?;
    let old = V2.config().replace("\"web\"", "\"old\"").replace("vrid = 51", "vrid = 61");
    let old = old.replace("10.0.0.100", "10.0.0.110");
    let web = Kind { alone: true, ..KIND }.config();
    pair.a.start(&format!("{web}{old}{}", V6.config().replace("\"web\"", "\"six\"")))?;
    let forged = spoil(&pair)?;
    let is_forged = |frame: &Dissected| frame.get("eth.src") == FORGER.to_string();
    let ours = |frame: &Dissected| {
        frame.is_vrrp() || frame.is_gratuitous_arp() || frame.is_unsolicited_na()
    };
    for alone in [true, false] {
        let frames = dissect(&pair.capture, pair.folder.path(), alone)?;
        let seen = frames.iter().filter(|frame| is_forged(frame)).count();
        check(seen == forged, format!("tshark saw {seen} of {forged} forged frames"))?;
        for frame in frames.iter().filter(|frame| ours(frame)) {
            // The other form of checksum makes every VRRPv3 advertisement over IPv4 wrong, and
            // nothing else.
            let is_web = frame.get("vrrp.version") == "3" && !frame.get("ip.src").is_empty();
            let wrong = is_forged(frame) || (is_web && !alone);
            let is_flagged = !frame.complaint().is_empty();
            check(
                is_flagged == wrong,
                format!("flagged: {is_flagged}, message alone: {alone}: {frame:?}"),
            )?;
        }
    }
    Ok(())
}

/// Sends a corrupt copy of a frame of each kind that a has sent, and says how many there are.
fn spoil(pair: &Pair) -> Result<usize, Failed> {
    let first = |what: &str, wanted: &dyn Fn(&Frame) -> bool| {
        let mut is_of_a = |frame: &Frame| frame.source_mac() == Some(pair.a.mac) && wanted(frame);
        let frame = pair.capture.wait_for(SOON, &mut is_of_a);
        frame
            .map(|frame| frame.bytes.to_vec())
            .ok_or_else(|| Failed::from(format!("a sends no {what}")))
    };
    let advert = |version: u8, ipv6: bool| {
        let is = move |frame: &Frame| {
            let vrrp = frame.vrrp();
            vrrp.is_some_and(|vrrp| {
                vrrp.payload[0] >> 4 == version && vrrp.source.is_ipv6() == ipv6
            })
        };
        first("advertisement", &is)
    };
    let (old, web, six) = (advert(2, false)?, advert(3, false)?, advert(3, true)?);
    let na = first("Neighbor Advertisement", &|frame| frame.unsolicited_na().is_some())?;
    // The last octet, in which every checksum has a part; and the TTL in the IPv4 header.
    let last = |frame: &[u8]| frame.len() - 1;
    let places =
        [(&old, last(&old)), (&web, last(&web)), (&web, 22), (&six, last(&six)), (&na, last(&na))];
    let injector = Injector::new(&pair.user, pair.user_cable.interface())?;
    for (original, place) in places {
        let mut frame = original.clone();
        frame[6..12].copy_from_slice(&FORGER.0);
        frame[place] ^= 1;
        injector.send(&frame)?;
    }
    let is_forged = |frame: &&Frame| frame.source_mac() == Some(FORGER);
    let all_there = || pair.capture.frames().iter().filter(is_forged).count() == places.len();
    check(wait_until(SOON, all_there), "the forged frames were not captured")?;
    Ok(places.len())
}

/// Whose frames the corrupt ones are.
const FORGER: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 0xfe]);

/// The address that the kernel makes from a MAC address (RFC 4291, appendix A).
fn link_local(MacAddr([a, b, c, d, e, f]): MacAddr) -> Ipv6Addr {
    let word = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    Ipv6Addr::new(0xfe80, 0, 0, 0, word(a ^ 2, b), word(c, 0xff), word(0xfe, d), word(e, f))
}
