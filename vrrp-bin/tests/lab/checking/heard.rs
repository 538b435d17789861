//! `vrrp check --listen`: what others say on the wire.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use vrrp_core::{
    Advert, Authentication, Centiseconds, ChecksumForm, Cidr, Claim, IPV4_GROUP, IPV6_GROUP,
    Interval, Ipv4Addresses, Ipv6Addresses, Seconds,
};
use vrrp_net::lab::{Host, Injector, Keepalived, VrrpFrame};

use super::site::{Found, Site, line};
use crate::support::{Outcome, Pair, check, timed};

pub(super) fn tests(everything: bool) -> Vec<Trial> {
    let mut tests = vec![
        timed("check_hears_what_does_not_go_with_it", |_| differences()),
        timed("check_hears_other_passwords_and_intervals_of_vrrpv2", |_| version_2()),
        timed("check_hears_ipv6", |_| version_6()),
        timed("check_hears_beside_its_own_daemon", |_| beside()),
        timed("check_is_not_filled_by_a_flood", |_| flood()),
    ];
    if everything {
        tests.push(timed("check_hears_keepalived", |_| keepalived()));
    }
    tests
}

/// An advertisement, and what is different about it.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) from: u8,
    pub(crate) vrid: u8,
    pub(crate) priority: u8,
    pub(crate) interval: Interval,
    pub(crate) password: Option<&'static [u8; 8]>,
    pub(crate) addresses: &'static [u8],
    pub(crate) ttl: u8,
    pub(crate) to: Ipv4Addr,
    pub(crate) spoil: fn(&mut Vec<u8>),
}

/// A good one of 10.0.0.FROM for VRID 51, of a weaker node.
pub(crate) fn said(from: u8) -> Said {
    Said {
        from,
        vrid: 51,
        priority: 50,
        interval: Interval::V3(Centiseconds::ONE_SECOND),
        password: None,
        addresses: &[100, 101],
        ttl: 255,
        to: IPV4_GROUP,
        spoil: |_| {},
    }
}

impl Said {
    pub(crate) fn frame(&self) -> Result<Vec<u8>, Failed> {
        self.frame_of(Ipv4Addr::new(10, 0, 0, self.from))
    }

    /// The same, of another source.
    pub(crate) fn frame_of(&self, source: Ipv4Addr) -> Result<Vec<u8>, Failed> {
        let address = |host: &u8| Cidr::from(Ipv4Addr::new(10, 0, 0, *host));
        let addresses = Ipv4Addresses::new(self.addresses.iter().map(address))?;
        let advert = Advert {
            vrid: self.vrid.try_into()?,
            claim: Claim::from(self.priority),
            interval: self.interval,
            authentication: match self.password {
                Some(text) => Authentication::SimpleText(*text),
                None => Authentication::None,
            },
            addresses: (&addresses).into(),
        };
        let source = IpAddr::from(source);
        let mut message = vec![0; Advert::MAX_LEN];
        let form = ChecksumForm::MessageOnly;
        let length = advert.encode(source, self.to.into(), form, &mut message)?;
        message.truncate(length);
        (self.spoil)(&mut message);
        let mut frame = VrrpFrame::new(source, self.to.into(), message);
        frame.ttl = self.ttl;
        Ok(frame.encode()?)
    }
}

/// What is found while `host` sends each of these ten times a second.
fn while_said(site: &Site, host: &Host, said: &[Said], config: &str) -> Result<Found, Failed> {
    let frames: Vec<Vec<u8>> = said.iter().map(Said::frame).collect::<Result<_, _>>()?;
    while_sent(site, host, &frames, config)
}

fn while_sent(site: &Site, host: &Host, frames: &[Vec<u8>], config: &str) -> Result<Found, Failed> {
    sending(host, frames, || site.check(config, &["--listen", "600ms"]))
}

/// Does something while `host` sends each of these ten times a second.
pub(crate) fn sending<T>(
    host: &Host,
    frames: &[Vec<u8>],
    work: impl FnOnce() -> Result<T, Failed>,
) -> Result<T, Failed> {
    let (injector, over) = (Injector::new(host, "eth0")?, AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                for frame in frames {
                    // A frame that is not sent is missed by the test.
                    let _ = injector.send(frame);
                }
                thread::sleep(Duration::from_millis(100));
            }
        });
        let done = work();
        over.store(true, Ordering::Relaxed);
        done
    })
}

/// Does something while 192.0.2.7 on `host` speaks for VRID 51 and 192.0.2.99.
pub(super) fn while_another_cluster_speaks<T>(
    host: &Host,
    work: impl FnOnce() -> Result<T, Failed>,
) -> Result<T, Failed> {
    let addresses = Ipv4Addresses::new([Cidr::from(Ipv4Addr::new(192, 0, 2, 99))])?;
    let advert = Advert {
        vrid: 51.try_into()?,
        claim: Claim::from(150),
        interval: Interval::V3(Centiseconds::ONE_SECOND),
        authentication: Authentication::None,
        addresses: (&addresses).into(),
    };
    let (source, group) = (IpAddr::from([192, 0, 2, 7]), IpAddr::from(IPV4_GROUP));
    let mut message = vec![0; Advert::MAX_LEN];
    let length = advert.encode(source, group, ChecksumForm::MessageOnly, &mut message)?;
    message.truncate(length);
    sending(host, &[VrrpFrame::new(source, group, message).encode()?], work)
}

const WEB: &str = "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
    [\"10.0.0.100/24\", \"10.0.0.101/24\"]\n";

fn differences() -> Outcome {
    let site = Site::new()?;
    // What has no way back is dropped, as by a firewall.
    site.set("ipv4/conf/all/rp_filter", "1")?;
    let speakers = [
        said(2),
        Said { priority: 100, ..said(3) },
        Said { interval: Interval::V2(Seconds::ONE), ..said(4) },
        Said { interval: Interval::V3(Centiseconds::try_from(200)?), ..said(5) },
        Said { addresses: &[100, 102], ..said(6) },
        Said { addresses: &[200], ..said(7) },
        Said { spoil: |message| message[7] ^= 1, ..said(8) },
        Said { ttl: 254, ..said(9) },
        Said {
            spoil: |message| {
                message.extend([1, 7, 0, 0]);
                message.extend([0x5a; 24]);
            },
            ..said(10)
        },
        Said { to: Ipv4Addr::new(10, 0, 0, 1), ..said(11) },
        // Another VRID is nobody's business.
        Said { vrid: 1, addresses: &[200], ..said(12) },
    ];
    let found = while_said(&site, &site.b, &speakers, WEB)?;
    found.is_exactly(&[
        (
            "same-priority",
            "4:8: 10.0.0.3 has the priority 100 of web, so that their addresses decide which of the \
             two is active; give each node a priority of its own",
        ),
        (
            "version-differs",
            "4:8: 10.0.0.4 speaks VRRPv2 and web VRRPv3, so that neither hears the other and both \
             would be active; write `version = 2`, or change it there",
        ),
        ("interval-differs", "4:8: 10.0.0.5 advertises every 2s and web every 1s, so that how soon"),
        (
            "addresses-differ",
            "4:8: 10.0.0.6 has 10.0.0.102 in place of 10.0.0.101 of web, so that some addresses do \
             not move with the others",
        ),
        (
            "vrid-in-use",
            "4:8: 10.0.0.7 uses VRID 51 on eth0 for other addresses (10.0.0.200); choose another \
             `vrid`, such as 2, which nobody was heard to use",
        ),
        (
            "unreadable",
            "4:8: web will refuse what 10.0.0.8 sends, because its checksum is wrong; find out",
        ),
        ("ttl", "4:8: what 10.0.0.9 sends arrives with TTL 254 and web refuses less than 255"),
        ("password-differs", "4:8: 10.0.0.10 signs what it sends by keepalived's auth_hmac, which"),
        ("transport-differs", "4:8: 10.0.0.11 sends to single nodes and web to all by multicast"),
    ])?;
    let speakers = found.json["heard"]["speakers"].as_array().map_or(&[][..], Vec::as_slice);
    let good = speakers.iter().find(|speaker| speaker["source"] == "10.0.0.2");
    let expected = [
        ("vrid", Value::from(51)),
        ("mac", "02:00:00:00:00:fe".into()),
        ("priority", 50.into()),
        ("interval_ms", 1000.into()),
        ("authentication", "none".into()),
        ("checksum", "message-only".into()),
        ("this_host", false.into()),
        ("ttl", 255.into()),
    ];
    let is_right = good.is_some_and(|it| expected.iter().all(|(key, value)| it[key] == *value));
    check(is_right && speakers.len() == 11, format!("{speakers:#?}"))?;

    // Nobody was heard: that is no warning.
    let alone = site.check(WEB, &["--listen", "100ms"])?;
    alone.is_exactly(&[])?;
    let silence = alone.one("silence").map(line);
    let expected = "4:8: nobody else was heard for VRID 51 on eth0 (ipv4) within 100ms";
    check(silence.as_deref() == Some(expected), format!("{alone:#?}"))?;

    // No way leads back to 10.0.0.2 by eth0.
    crate::interfaces::ip(&site.a, "link add eth1 type veth peer name far1")?;
    crate::interfaces::ip(&site.a, "link set eth1 up")?;
    crate::interfaces::ip(&site.a, "link set far1 up")?;
    crate::interfaces::ip(&site.a, "route add 10.0.0.2/32 dev eth1")?;
    let found = while_said(&site, &site.b, &[said(2)], WEB)?;
    let expected = "4:8: what 10.0.0.2 sends arrives on eth0 and does not reach programs, so that";
    check(
        found.one("firewall").map(line).is_some_and(|it| it.starts_with(expected)),
        format!("{found:#?}"),
    )
}

/// For people, each speaker is a line.
fn version_2() -> Outcome {
    let site = Site::new()?;
    let config = format!("{WEB}version = 2\npassword = \"s3cret\"\n");
    let second = |from| Said { interval: Interval::V2(Seconds::ONE), ..said(from) };
    let speakers = [
        Said { password: Some(b"s3cret\0\0"), ..second(2) },
        Said { password: Some(b"s3cre7\0\0"), ..second(3) },
        second(4),
        Said {
            password: Some(b"s3cret\0\0"),
            interval: Interval::V2(Seconds::try_from(2)?),
            ..said(5)
        },
    ];
    let found = while_said(&site, &site.b, &speakers, &config)?;
    found.is_exactly(&[
        (
            "password-differs",
            "4:8: 10.0.0.3 has another password than web, so that neither accepts",
        ),
        ("password-differs", "4:8: 10.0.0.4 has no password and web has one, so that neither"),
        (
            "interval-differs",
            "4:8: 10.0.0.5 advertises every 2s and web every 1s, so that neither accepts the other",
        ),
    ])?;
    check(!found.json.to_string().contains("s3cre"), "a password is told")
}

/// IPv6 goes another way through the sockets.
fn version_6() -> Outcome {
    let site = Site::new()?;
    let config = WEB.replace("10.0.0.100/24", "fd00::100/64").replace("10.0.0.101/24", "fe80::100");
    let listed = ["fe80::100".parse::<Ipv6Addr>()?, "fd00::100".parse()?];
    let addresses = Ipv6Addresses::new(listed.map(Cidr::from))?;
    let advert = Advert {
        vrid: 51.try_into()?,
        claim: Claim::from(100),
        interval: Interval::V3(Centiseconds::ONE_SECOND),
        authentication: Authentication::None,
        addresses: (&addresses).into(),
    };
    let (source, group) = (IpAddr::from("fe80::2".parse::<Ipv6Addr>()?), IPV6_GROUP.into());
    let mut message = vec![0; Advert::MAX_LEN];
    let length = advert.encode(source, group, ChecksumForm::PseudoHeader, &mut message)?;
    message.truncate(length);
    let frame = VrrpFrame::new(source, group, message).encode()?;
    let found = while_sent(&site, &site.b, &[frame], &config)?;
    found.is_exactly(&[("same-priority", "4:8: fe80::2 has the priority 100 of web, so that")])?;
    let speaker = &found.json["heard"]["speakers"][0];
    let is_right = speaker["handed_on"].as_u64() > Some(1)
        && speaker["checksum"] == "pseudo-header"
        && speaker["addresses"] == serde_json::json!(listed);
    check(is_right, format!("{speaker:#}"))
}

/// A daemon of this configuration runs here, and another one on the other host.
fn beside() -> Outcome {
    let mut pair = Pair::new()?;
    let config = |priority: u8| format!("{WEB}interval = \"100ms\"\npriority = {priority}\n");
    pair.a.start(&config(200))?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&config(100))?;
    pair.b.wait_for_phase("backup")?;
    let file = pair.folder.path().join("a.toml");
    let listen = |file: &std::path::Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
        command.args(["check", "--json", "--listen", "500ms", "-c"]).arg(file);
        Found::of(&super::site::run(&pair.a.host, command)?)
    };
    let found = listen(&file)?;
    found.is_exactly(&[])?;
    let speakers = &found.json["heard"]["speakers"];
    check(
        speakers[0]["this_host"] == true && speakers[1].is_null(),
        format!("it hears its own daemon alone: {found:#?}"),
    )?;

    // With another control socket it is not its own.
    let other = pair.folder.path().join("other.toml");
    std::fs::write(
        &other,
        format!("{}[daemon]\ncontrol = \"/nonexistent/control.sock\"\n", config(200)),
    )?;
    let found = listen(&other)?;
    let taken = found.one("runs-already").map(line).unwrap_or_default();
    check(
        taken.starts_with("4:8: process ") && taken.contains("(vrrp) runs VRID 51 on eth0 already"),
        format!("{found:#?}"),
    )?;
    // Nor with another virtual router.
    let text = std::fs::read_to_string(&file)?.replace("vrid = 51", "vrid = 52");
    std::fs::write(&other, text)?;
    let found = listen(&other)?;
    let in_use = found.one("control-in-use").map(line).unwrap_or_default();
    check(in_use.contains("that runs none of these virtual routers"), format!("{found:#?}"))?;
    drop(pair);

    // Another program of this host is not heard by vrrp.
    let site = Site::new()?;
    let found = while_said(&site, &site.a, &[said(1)], WEB)?;
    found.is_exactly(&[(
        "vrid-here",
        "4:8: another program of this host speaks for VRID 51 on eth0, from 10.0.0.1, and vrrp",
    )])
}

/// A flood of made-up speakers fills neither the list nor the place of a peer.
fn flood() -> Outcome {
    let site = Site::new()?;
    let injector = Injector::new(&site.b, "eth0")?;
    let peer = said(2).frame()?;
    let other = Said { vrid: 7, ..said(3) };
    let others: Vec<Vec<u8>> = (0..5_000_u32)
        .map(|number| other.frame_of(Ipv4Addr::from_bits(0x0a01_0000 + number)))
        .collect::<Result<_, _>>()?;
    let found = thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let frame = |number: u64| {
                let number = usize::try_from(number).unwrap_or_default();
                let is_peer = number.is_multiple_of(100);
                if is_peer { peer.clone() } else { others[number % others.len()].clone() }
            };
            injector.inject(20_000, Duration::from_secs(1), frame)
        });
        let found = site.check(WEB, &["--listen", "800ms"]);
        let sent = sender.join().map_err(|_| "the flood panicked")??;
        check(sent.sent > 10_000, format!("{sent:?}"))?;
        found
    })?;
    found.is_exactly(&[])?;
    let heard = &found.json["heard"];
    let speakers = heard["speakers"].as_array().map_or(&[][..], Vec::as_slice);
    let has_peer = speakers.iter().any(|speaker| speaker["source"] == "10.0.0.2");
    check(speakers.len() == 257 && has_peer, format!("{} speakers", speakers.len()))?;
    check(heard["left_out"].as_u64() > Some(1000), format!("{} left out", heard["left_out"]))
}

fn keepalived() -> Outcome {
    if let Some(missing) = Keepalived::missing() {
        println!("{missing}");
        return Ok(());
    }
    let site = Site::new()?;
    let theirs = "vrrp_instance web {\n interface eth0\n virtual_router_id 51\n priority 100\n \
        advert_int 2\n authentication {\n auth_type PASS\n auth_pass other\n }\n virtual_ipaddress \
        {\n 10.0.0.100/24\n 10.0.0.101/24\n }\n}\n";
    let _running = Keepalived::start(&site.b, site.folder.path(), theirs)?;
    let ours = format!("{WEB}version = 2\npassword = \"s3cret\"\n");
    let found = site.check(&ours, &["--listen", "12s"])?;
    found.is_exactly(&[("password-differs", "4:8: 10.0.0.2 has another password than web")])?;
    let ours = format!("{WEB}version = 2\npassword = \"other\"\n");
    site.check(&ours, &["--listen", "5s"])?.is_exactly(&[
        ("interval-differs", "10.0.0.2 advertises every 2s and web every 1s, so that neither"),
        ("same-priority", "10.0.0.2 has the priority 100 of web"),
    ])
}
