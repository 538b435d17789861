//! The Linux link on a real wire: two network namespaces and what the kernel makes of it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by it")]

mod listening;
mod wire;

use std::{
    fs,
    future::poll_fn,
    io,
    net::IpAddr,
    task::Poll,
    thread,
    time::{Duration, Instant, SystemTime},
};

use etherparse::{NetHeaders, PacketHeaders};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::time::timeout;
use vrrp_core::{Cidr, Family, Vrid};
use vrrp_net::{
    lab::{self, Capture, Frame},
    link::{
        Announcement, Interest, Link, Outgoing, Overflow, Received, VridInterest, linux::Linux,
    },
};
use wire::{Node, PATIENCE, Wire, eth0, find, group};

const VRID: u8 = 7;

fn main() {
    let available = lab::enter();
    let mut trials = vec![];
    for family in [Family::Ipv4, Family::Ipv6] {
        let mut add = |name: &str, test: fn(Family)| {
            let run = move || {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(1)
                    .enable_all()
                    .build()?;
                let _context = runtime.enter();
                test(family);
                Ok::<(), Failed>(())
            };
            trials.push(
                Trial::test(format!("{name}_{family}"), run).with_ignored_flag(available.is_err()),
            );
        };
        add(
            "a_listener_hears_what_arrives_and_what_is_sent",
            listening::a_listener_hears_what_arrives_and_what_is_sent,
        );
        add("a_listener_does_not_hear_a_vlan", listening::a_listener_does_not_hear_a_vlan);
        add(
            "a_listener_ends_in_time_under_a_flood",
            listening::a_listener_ends_in_time_under_a_flood,
        );
        add("advertisements_arrive_as_they_were_sent", advertisements_arrive_as_they_were_sent);
        add("own_unicast_comes_back", own_unicast_comes_back);
        add("a_foreign_source_is_not_sent", a_foreign_source_is_not_sent);
        add("the_kernel_sorts_out_what_cannot_be_ours", the_kernel_sorts_out_what_cannot_be_ours);
        add("a_longer_datagram_fills_the_buffer", a_longer_datagram_fills_the_buffer);
        add("a_drain_finds_all_that_is_queued", a_drain_finds_all_that_is_queued);
        add("a_flood_of_refusals_costs_little", a_flood_of_refusals_costs_little);
        add("a_full_buffer_is_counted", a_full_buffer_is_counted);
        add("addresses_are_announced", addresses_are_announced);
        add("the_interest_changes_in_place", the_interest_changes_in_place);
        add(
            "a_deleted_interface_is_quiet_and_comes_back",
            a_deleted_interface_is_quiet_and_comes_back,
        );
    }
    if let Err(reason) = available {
        println!("every test is ignored: {reason}");
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn advertisements_arrive_as_they_were_sent(family: Family) {
    let Wire { a, b } = &Wire::new();
    let (mut sender, mut receiver) = (open(a, family), open(b, family));
    let capture = Capture::cable(&a.cable).unwrap();
    for (source, destination) in [
        (a.primary(family), group(family)),
        (a.primary(family), b.primary(family)),
        (a.routable(family), b.routable(family)),
    ] {
        let before = SystemTime::now();
        let advert = advert(family, VRID);
        sender.send(&Outgoing::new(eth0(), source, destination, &advert)).unwrap();
        let (received, payload) = receive(&mut receiver);
        assert_eq!(payload, advert);
        assert_eq!((received.meta.source, received.meta.destination), (source, destination));
        assert_eq!(
            (received.meta.interface, received.meta.ttl, received.refused),
            (eth0(), 255, false)
        );
        let stamp = received.stamp.expect("the kernel stamps");
        assert!(before <= stamp && stamp <= SystemTime::now());
        let frame = find(&capture, |frame| {
            frame
                .vrrp()
                .is_some_and(|vrrp| (vrrp.source, vrrp.destination) == (source, destination))
        });
        assert_eq!(frame.source_mac(), a.cable.mac().ok());
        assert_eq!(ip_header(&frame.bytes), Some((255, 0xc0, false)), "to {destination}");
        assert!(sender.try_recv(&mut [0; 64]).unwrap().is_none(), "it heard itself");
    }
}

/// TTL, traffic class and Don't Fragment of a packet.
fn ip_header(frame: &[u8]) -> Option<(u8, u8, bool)> {
    match PacketHeaders::from_ethernet_slice(frame).ok()?.net? {
        NetHeaders::Ipv4(ip, _) => {
            Some((ip.time_to_live, ip.dscp.value() << 2 | ip.ecn.value(), ip.dont_fragment))
        }
        NetHeaders::Ipv6(ip, _) => Some((ip.hop_limit, ip.traffic_class, false)),
        NetHeaders::Arp(_) => None,
    }
}

fn own_unicast_comes_back(family: Family) {
    let Wire { a, b: _b } = &Wire::new();
    let mut link = open(a, family);
    let own = a.primary(family);
    link.send(&Outgoing::new(eth0(), own, own, &advert(family, VRID))).unwrap();
    let (received, payload) = receive(&mut link);
    assert_eq!(
        (received.meta.source, received.meta.destination, received.meta.ttl),
        (own, own, 255)
    );
    assert_eq!(payload, advert(family, VRID));
}

fn a_foreign_source_is_not_sent(family: Family) {
    let Wire { a, b } = &Wire::new();
    let mut link = open(a, family);
    for destination in [group(family), b.primary(family)] {
        link.send(&Outgoing::new(eth0(), a.primary(family), destination, &advert(family, VRID)))
            .unwrap();
        link.send(&Outgoing::new(eth0(), b.primary(family), destination, &advert(family, VRID)))
            .unwrap_err();
    }
    link.close(eth0(), family);
    let error = link
        .send(&Outgoing::new(eth0(), a.primary(family), group(family), &advert(family, VRID)))
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotConnected);
}

fn the_kernel_sorts_out_what_cannot_be_ours(family: Family) {
    let Wire { a, b } = &Wire::new();
    let mut link = open(b, family);
    let forger = a.forger(family);
    let good = advert(family, VRID);
    let with = |at: usize, octet: u8| {
        let mut bad = advert(family, VRID);
        bad[at] = octet;
        bad
    };
    let refused = [
        (254, good.clone()),
        (1, good.clone()),
        (255, with(0, 0x21)),
        (255, with(0, 0x32)),
        (255, with(1, VRID + 1)),
        (255, with(1, 0)),
        (255, with(3, 0)),
        (255, with(3, 2)),
        (255, good[..good.len() - 1].to_vec()),
        (255, good[..7].to_vec()),
        (255, good[..1].to_vec()),
    ];
    for (ttl, payload) in refused {
        forger.send(ttl, &payload);
        let (received, delivered) = receive(&mut link);
        assert!(received.refused, "TTL {ttl}: {payload:02x?} was heard");
        assert_eq!((received.meta.ttl, delivered), (ttl, payload));
        forger.send(255, &good);
        let (received, delivered) = receive(&mut link);
        assert_eq!((received.refused, delivered), (false, good.clone()));
    }
    if family == Family::Ipv4 {
        forger.send_with_option(&good);
        let (received, delivered) = receive(&mut link);
        assert_eq!(
            (received.refused, delivered),
            (false, good.clone()),
            "with the Router Alert option"
        );
    }
    assert!(link.try_recv(&mut [0; 64]).unwrap().is_none(), "something came twice");
}

fn a_longer_datagram_fills_the_buffer(family: Family) {
    let Wire { a, b } = &Wire::new();
    let mut link = open(b, family);
    a.forger(family).send(255, &[0x31; 200]);
    wait(&mut link);
    let mut buffer = [0; 64];
    let received = link.try_recv(&mut buffer).unwrap().unwrap();
    assert_eq!((received.len, received.refused, buffer), (64, true, [0x31; 64]));
}

fn a_drain_finds_all_that_is_queued(family: Family) {
    let Wire { a, b } = &Wire::new();
    let (mut sender, mut receiver) = (open(a, family), open(b, family));
    wait_for_stamps(&mut sender, &mut receiver, a, family);
    let mut times = vec![];
    for _ in 0..40 {
        times.push(SystemTime::now());
        sender
            .send(&Outgoing::new(eth0(), a.primary(family), group(family), &advert(family, VRID)))
            .unwrap();
    }
    // The runtime has no chance to learn of them: a stalled driver has to find them all the same.
    let deadline = Instant::now() + PATIENCE;
    let mut stamps = vec![];
    while stamps.len() < times.len() && Instant::now() < deadline {
        stamps.extend(
            receiver.try_recv(&mut [0; 64]).unwrap().map(|received| received.stamp.unwrap()),
        );
    }
    assert_eq!(stamps.len(), times.len());
    assert!(stamps.is_sorted());
    for (sent, stamp) in times.iter().zip(&stamps) {
        assert!(stamp >= sent, "stamped before it was sent");
    }
    assert!(stamps[0] <= times[39], "the stamps are of the reading, not of the arrival");
}

/// The kernel begins to stamp a while after the first socket asked for it. Until then the stamp is
/// of the reading.
fn wait_for_stamps(sender: &mut Linux, receiver: &mut Linux, a: &Node, family: Family) {
    let stamped = || {
        sender
            .send(&Outgoing::new(eth0(), a.primary(family), group(family), &advert(family, VRID)))
            .unwrap();
        wait(receiver);
        let before_reading = SystemTime::now();
        receive(receiver).0.stamp.unwrap() < before_reading
    };
    assert!(lab::wait_until(PATIENCE, stamped), "nothing is stamped on arrival");
}

fn a_flood_of_refusals_costs_little(family: Family) {
    let Wire { a, b } = &Wire::new();
    let (mut sender, mut link) = (open(a, family), open(b, family));
    let forger = a.forger(family);
    let start = Instant::now();
    let (mut seen, mut sent) = (Seen::default(), 0);
    let flood = thread::scope(|scope| {
        let flood =
            scope.spawn(|| forger.flood(Duration::from_millis(1_500), &advert(family, VRID + 1)));
        while !flood.is_finished() {
            sender
                .send(&Outgoing::new(
                    eth0(),
                    a.primary(family),
                    group(family),
                    &advert(family, VRID),
                ))
                .unwrap();
            sent += 1;
            seen.read(&mut link, Duration::from_millis(50));
        }
        flood.join().unwrap()
    });
    assert!(flood > 10_000, "{flood} are no flood");
    let allowed = start.elapsed().as_secs_f64() * 64.0 + 8.0;
    let read = seen.refused;
    assert!(read as f64 <= allowed, "{read} refusals read where {allowed:.0} are allowed");
    // For each refusal the pace wakes, and the datagram that takes its place in the buffer.
    assert!(seen.wakes < 4 * (sent + read) + 20, "{} wake-ups for {sent} and {read}", seen.wakes);

    // The kernel's count of drops comes with the next refusal that finds room.
    seen.read(&mut link, Duration::from_secs(1));
    forger.send(255, &advert(family, VRID + 1));
    seen.read_until(&mut link, family, |_, overflow| overflow.refused > flood / 2);
    assert_eq!(seen.heard, sent, "the flood cost advertisements");
    let Overflow { heard, refused } = link.overflow(eth0(), family);
    assert_eq!(heard, 0);
    // What a busy machine lost on the way reached no socket. Advertisements too are counted while
    // the buffer is full.
    let most = flood + 1 - seen.refused + sent;
    assert!((flood / 2..=most).contains(&refused), "{refused} of {most} counted");
}

/// What was read of a link, and how often the reader was woken.
#[derive(Default)]
struct Seen {
    heard: u64,
    refused: u64,
    wakes: u64,
}

impl Seen {
    fn read(&mut self, link: &mut Linux, time: Duration) {
        let reading = async {
            loop {
                poll_fn(|cx| {
                    self.wakes += 1;
                    link.poll_readable(cx)
                })
                .await;
                while let Some(received) = link.try_recv(&mut [0; 64]).unwrap() {
                    *(if received.refused { &mut self.refused } else { &mut self.heard }) += 1;
                }
            }
        };
        let _: Result<(), _> = block_on(timeout(time, reading));
    }

    fn read_until(
        &mut self,
        link: &mut Linux,
        family: Family,
        enough: impl Fn(&Self, Overflow) -> bool,
    ) {
        let deadline = Instant::now() + PATIENCE;
        while !enough(self, link.overflow(eth0(), family)) && Instant::now() < deadline {
            self.read(link, Duration::from_millis(20));
        }
    }
}

fn a_full_buffer_is_counted(family: Family) {
    const MANY: u64 = 30_000;
    let Wire { a, b } = &Wire::new();
    let mut link = open(b, family);
    let forger = a.forger(family);
    for _ in 0..MANY {
        forger.send(255, &advert(family, VRID));
    }
    let mut seen = Seen::default();
    seen.read_until(&mut link, family, |seen, _| seen.heard > 0);
    assert!((256..MANY).contains(&seen.heard), "the buffer holds {}", seen.heard);
    forger.send(255, &advert(family, VRID));
    seen.read_until(&mut link, family, |_, overflow| overflow.heard > 0);
    let Overflow { heard, refused } = link.overflow(eth0(), family);
    assert_eq!(refused, 0);
    // A busy machine may have lost some on the way.
    let most = MANY + 1 - seen.heard;
    assert!((MANY / 2..=most).contains(&heard), "{heard} of {most} counted");
}

fn addresses_are_announced(family: Family) {
    let Wire { a, b: _b } = &Wire::new();
    let mut link = open(a, family);
    let mac = a.cable.mac().unwrap();
    let addresses: [Cidr; 2] = match family {
        Family::Ipv4 => ["192.0.2.10/32".parse().unwrap(), "192.0.2.11/24".parse().unwrap()],
        Family::Ipv6 => ["fe80::10/128".parse().unwrap(), "fd00::11/64".parse().unwrap()],
    };
    for forwarding in ["0", "1"] {
        let capture = Capture::cable(&a.cable).unwrap();
        let announce = || {
            fs::write("/proc/sys/net/ipv6/conf/eth0/forwarding", forwarding)?;
            link.announce(&Announcement::new(eth0(), family, &addresses))
        };
        a.host.run(announce).unwrap().unwrap();
        for address in &addresses {
            match address.address() {
                IpAddr::V4(address) => {
                    drop(find(&capture, |frame| frame.garp() == Some((mac, address))))
                }
                IpAddr::V6(address) => {
                    let about =
                        |frame: &Frame| frame.unsolicited_na().filter(|na| na.target == address);
                    let na = about(&find(&capture, |frame| about(frame).is_some())).unwrap();
                    assert_eq!(
                        (na.mac, na.is_override, na.is_router),
                        (Some(mac), true, forwarding == "1")
                    );
                }
            }
        }
    }
}

fn the_interest_changes_in_place(family: Family) {
    let Wire { a, b } = &Wire::new();
    let mut link = open(b, family);
    let forger = a.forger(family);
    forger.send(255, &advert(family, VRID));
    wait(&mut link);
    b.open(&mut link, family, &interest(VRID + 1, true));
    assert!(!receive(&mut link).0.refused, "what was queued is lost");
    forger.send(255, &advert(family, VRID));
    assert!(receive(&mut link).0.refused);
    forger.send(255, &advert(family, VRID + 1));
    assert!(!receive(&mut link).0.refused);

    // Without the group only unicast is heard.
    let mut sender = open(a, family);
    b.open(&mut link, family, &interest(VRID, false));
    forger.send(255, &advert(family, VRID));
    sender
        .send(&Outgoing::new(eth0(), a.primary(family), b.primary(family), &advert(family, VRID)))
        .unwrap();
    assert_eq!(receive(&mut link).0.meta.destination, b.primary(family));
    b.open(&mut link, family, &interest(VRID, true));
    forger.send(255, &advert(family, VRID));
    assert_eq!(receive(&mut link).0.meta.destination, group(family));
}

fn a_deleted_interface_is_quiet_and_comes_back(family: Family) {
    let wire = Wire::new();
    let mut link = open(&wire.b, family);
    wire.b.cable.destroy().unwrap();
    let mut seen = Seen::default();
    seen.read(&mut link, Duration::from_millis(300));
    assert!(seen.wakes < 5, "{} wake-ups", seen.wakes);
    let send = |link: &mut Linux| {
        link.send(&Outgoing::new(
            eth0(),
            wire.b.primary(family),
            group(family),
            &advert(family, VRID),
        ))
    };
    send(&mut link).unwrap_err();
    let addresses = ["192.0.2.10".parse().unwrap(), "fd00::10".parse().unwrap()];
    link.announce(&Announcement::new(eth0(), family, &addresses)).unwrap_err();
    link.close(eth0(), family);

    wire.b.cable.restore().unwrap();
    wire.wait();
    wire.b.open(&mut link, family, &interest(VRID, true));
    send(&mut link).unwrap();
    wire.a.forger(family).send(255, &advert(family, VRID));
    assert_eq!(receive(&mut link).1, advert(family, VRID));
}

/// A valid advertisement, but for its checksum, which is not the link's business.
fn advert(family: Family, vrid: u8) -> Vec<u8> {
    let mut advert = vec![0x31, vrid, 100, 1, 0, 100, 0, 0];
    match family {
        Family::Ipv4 => advert.extend([192, 0, 2, 10]),
        Family::Ipv6 => advert.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10]),
    }
    advert
}

fn interest(vrid: u8, multicast: bool) -> Interest {
    let heard = VridInterest { versions: vrrp_core::Version::V3.into(), min_ttl: 255 };
    let vrids = [(Vrid::try_from(vrid).unwrap(), heard)].into();
    Interest { vrids, multicast, ..Interest::default() }
}

fn open(node: &Node, family: Family) -> Linux {
    let mut link = Linux::new();
    node.open(&mut link, family, &interest(VRID, true));
    link
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Handle::current().block_on(future)
}

/// Waits until something can be received.
fn wait(link: &mut Linux) {
    let readable = poll_fn(|cx| link.poll_readable(cx));
    block_on(timeout(PATIENCE, readable)).expect("nothing arrived");
}

fn receive(link: &mut Linux) -> (Received, Vec<u8>) {
    let mut buffer = [0; 2048];
    let receiving = poll_fn(|cx| {
        loop {
            std::task::ready!(link.poll_readable(cx));
            if let Some(received) = link.try_recv(&mut buffer).unwrap() {
                return Poll::Ready(received);
            }
        }
    });
    let received = block_on(timeout(PATIENCE, receiving)).expect("nothing arrived");
    (received, buffer[..received.len].to_vec())
}
