//! Who becomes Active, and what a Backup and an Active do with the addresses.

use std::{fs, net::IpAddr, time::Duration};

use vrrp_net::lab::{Client, Frame, Ticker, wait_until};

use super::{
    Case,
    codec::{Checksum, Timing, read},
    stage::{Mode, OTHERS, OURS, OWNER, STRONGER, Stage, V2, V3, V3_IPV4, V3_IPV6, WEAKER},
};
use crate::{
    interfaces::ip,
    support::{Outcome, SLACK, SOON, check, now, wait_for, within},
};

pub(super) const CASES: &[Case] = &[
    Case { name: "silence_elects", always: V3, more: V2, play: silence_elects },
    Case { name: "a_backup_is_silent", always: V3_IPV4, more: OTHERS, play: backup_is_silent },
    Case { name: "an_active_node_is_preempted", always: V3, more: V2, play: preempted },
    Case {
        name: "weaker_advertisements_are_answered",
        always: V3,
        more: &[],
        play: weaker_is_answered,
    },
    Case {
        name: "weaker_advertisements_are_not_answered",
        always: V2,
        more: &[],
        play: weaker_is_discarded,
    },
    Case { name: "addresses_answer_while_active", always: V3, more: V2, play: addresses_answer },
    Case { name: "a_router_says_that_it_is_one", always: V3_IPV6, more: &[], play: router_flag },
];

/// RFC 9568 6.4.1 and 6.4.2 (RFC 3768 6.4.1, 6.4.2): nobody is heard for Active_Down_Interval; the
/// advertisement comes before the announcement, and is as 5.2 has it.
fn silence_elects(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    let begun = now();
    stage.start("")?;
    // It listens before it tells its state: it began to between these two moments.
    check(wait_until(SOON, || stage.node.status().is_some()), "it tells no state")?;
    let latest = now();
    let first = stage.next_advert(begun)?;
    let down = mode.down(OURS);
    within("first advertisement", first - begun, (down, down + (latest - begun)), SLACK, ticker)?;
    is_well_formed(stage, OURS)?;
    let announced =
        wait_for(&stage.capture, "announcement", begun, |frame| announces(stage, frame))?;
    check(first < announced, "the address was announced before it was advertised")?;
    stage.node.wait_for_phase("held")?;
    check(stage.node.has_address(&mode.address().to_string())?, "it is held without the address")
}

/// Every advertisement of the node has the fields of RFC 9568 5.1 and 5.2 (RFC 3768 5.2, 5.3).
pub(super) fn is_well_formed(stage: &Stage, priority: u8) -> Outcome {
    let mode = stage.mode;
    let sent = stage.sent(Duration::ZERO);
    check(!sent.is_empty(), "it sent nothing")?;
    for sent in sent {
        let (frame, message) = (&sent.frame, &sent.message);
        let mut expected = mode.message(message.priority);
        check([priority, 0].contains(&message.priority), format!("priority {}", message.priority))?;
        let received =
            read(frame.source, frame.destination, &frame.payload).ok_or("it cannot be read")?;
        // RFC 9568 5.2.8; over IPv4 the older form is sent as well as the newer one (DESIGN.md).
        let right = match (mode, mode.is_ipv6()) {
            (Mode::V3Ipv4, _) => received.right_alone || received.right_with_pseudo_header,
            (_, true) => received.right_with_pseudo_header,
            (_, false) => received.right_alone,
        };
        check(right, format!("a wrong checksum: {message:?}"))?;
        let Checksum::Fixed(bits) = message.checksum else { return Err("it was not read".into()) };
        expected.checksum = Checksum::Fixed(bits);
        check(*message == expected, format!("it sent {message:?} and not {expected:?}"))?;
        check(
            matches!(message.timing, Timing::V2 { .. }) == (mode == Mode::V2),
            "a wrong version",
        )?;
        check(frame.ttl == 255, format!("TTL {}", frame.ttl))?;
        check(frame.destination == mode.group(), format!("sent to {}", frame.destination))?;
    }
    Ok(())
}

/// Whether the node says by this frame that it has the address (RFC 9568 8.1.2, 8.2.2).
pub(super) fn announces(stage: &Stage, frame: &Frame) -> bool {
    match stage.mode.address() {
        IpAddr::V4(address) => frame.garp() == Some((stage.node.mac, address)),
        IpAddr::V6(address) => {
            let told = frame.unsolicited_na().is_some_and(|told| told.target == address);
            told && frame.source_mac() == Some(stage.node.mac)
        }
    }
}

/// RFC 9568 6.4.2: a Backup that hears an Active sends nothing, holds nothing, and answers neither
/// ARP nor Neighbor Solicitations for the addresses.
fn backup_is_silent(stage: &mut Stage, _: &Ticker) -> Outcome {
    let mode = stage.mode;
    stage.follow(mode.higher(), STRONGER, "")?;
    let client = Client::start(&stage.peer, mode.address(), 20)?;
    stage.stream(mode.higher(), STRONGER, 7)?;
    let asked = || stage.capture.frames().iter().any(|frame| asks(stage, frame));
    check(asked(), "the client asked for no neighbour")?;
    let answers = stage.capture.frames().iter().filter(|frame| answers(stage, frame)).count();
    check(answers == 0, format!("{answers} answers for the address"))?;
    check(client.report().answered == 0, "the client had a reply")?;
    stage.is_silent(Duration::ZERO, now(), 0)?;
    check(!stage.node.has_address(&mode.address().to_string())?, "a backup has the address")?;
    check(stage.state()["phase"] == "backup", "it is no backup")
}

/// RFC 9568 6.4.3: a higher priority, once, and the node is Backup for Active_Down_Interval.
/// Erratum 8298 is about owners alone: this node is none.
fn preempted(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    stage.hold("")?;
    let at = stage.send(stage.mode.higher(), OWNER)?;
    stage.gave_way()?;
    // It comes at once, so that the winner announces (DESIGN.md, deviation).
    let last_word = stage.mode.interval() / 2;
    stage.is_silent(at, at + stage.mode.down(OURS) / 2, 1)?;
    stage.takes_over(
        "takeover after one message",
        at + last_word,
        stage.mode.down(OURS) - last_word,
        ticker,
    )?;
    stage.node.wait_for_phase("held")
}

/// RFC 9568 6.4.3: a lower priority is discarded, and an advertisement sent at once; Adver_Timer is
/// not set anew.
fn weaker_is_answered(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    stage.hold("")?;
    let interval = stage.mode.interval();
    let before = stage.next_advert(now())?;
    let at = stage.send(stage.mode.higher(), WEAKER)?;
    let answer = stage.next_advert(at)?;
    within("answer", answer - at, (Duration::ZERO, Duration::ZERO), SLACK, ticker)?;
    let next = stage.next_advert(answer + Duration::from_nanos(1))?;
    within("the advertisement that was due", next - before, (interval, interval), SLACK, ticker)?;
    stage.stayed(before, ticker)
}

/// RFC 3768 6.4.3 discards it and answers nothing.
fn weaker_is_discarded(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    stage.hold("")?;
    let before = stage.next_advert(now())?;
    stage.send(stage.mode.higher(), WEAKER)?;
    let next = stage.next_advert(before + Duration::from_nanos(1))?;
    let interval = stage.mode.interval();
    within("the advertisement that was due", next - before, (interval, interval), SLACK, ticker)?;
    stage.stayed(before, ticker)
}

/// RFC 9568 6.4.3: an Active answers ARP and Neighbor Solicitations with the MAC address that it
/// announced, and takes packets for the addresses (Accept_Mode, on by default here); once it gave
/// way it does neither (6.4.2).
fn addresses_answer(stage: &mut Stage, _: &Ticker) -> Outcome {
    stage.hold("")?;
    let client = Client::start(&stage.peer, stage.mode.address(), 20)?;
    let mark = client.mark();
    check(client.wait_for_reply(mark, SOON), "the client got no reply")?;
    let answered = |since| {
        stage.capture.frames().iter().any(|frame| frame.at >= since && answers(stage, frame))
    };
    check(wait_until(SOON, || answered(Duration::ZERO)), "nobody answers for the address")?;
    let announced = stage.capture.frames().iter().any(|frame| announces(stage, frame));
    check(announced, "the address was not announced")?;
    stage.dismiss()?;
    let gone = now();
    ip(&stage.peer, "neighbour flush all")?;
    // Each second, until somebody answers.
    let asked_since = |since| {
        let asked = |frame: &Frame| asks(stage, frame);
        wait_for(&stage.capture, "request for the address", since, asked)
    };
    let first = asked_since(gone)?;
    asked_since(first + Duration::from_millis(500))?;
    check(!answered(gone), "it answers for an address that it gave up")
}

/// RFC 9568 6.4.3 and 8.2.2, RFC 4861 7.2.6: where the host forwards, R is set in what it announces
/// and in what it answers; O is set in the announcement, S only in the answer.
fn router_flag(stage: &mut Stage, _: &Ticker) -> Outcome {
    stage.node.host.run(|| fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1"))??;
    stage.hold("")?;
    let frames = stage.capture.frames();
    let told =
        frames.iter().filter(|frame| announces(stage, frame)).filter_map(Frame::unsolicited_na);
    let told: Vec<_> = told.collect();
    check(!told.is_empty(), "the address was not announced")?;
    let right = told
        .iter()
        .all(|told| told.is_router && told.is_override && told.mac == Some(stage.node.mac));
    check(right, format!("announced as {told:?}"))?;
    let _client = Client::start(&stage.peer, stage.mode.address(), 20)?;
    let is_answer = |frame: &Frame| answers(stage, frame);
    let at = wait_for(&stage.capture, "answer for the address", Duration::ZERO, is_answer)?;
    let frames = stage.capture.frames();
    let answer =
        frames.iter().find(|frame| frame.at == at && answers(stage, frame)).ok_or("no answer")?;
    let flags = answer.bytes.get(FLAGS).copied().unwrap_or_default();
    check(
        flags & (ROUTER | SOLICITED) == ROUTER | SOLICITED,
        format!("the answer's flags are {flags:#04x}"),
    )
}

/// Where the fields of ARP (RFC 826) and of neighbour discovery over IPv6 (RFC 4861 4.3, 4.4) are
/// in a frame.
const ETHERTYPE: std::ops::Range<usize> = 12..14;
const ARP_OPERATION: std::ops::Range<usize> = 20..22;
const ARP_SENDER: std::ops::Range<usize> = 28..32;
const ARP_TARGET: std::ops::Range<usize> = 38..42;
const ND_TYPE: usize = 54;
const FLAGS: usize = 58;
const ND_TARGET: std::ops::Range<usize> = 62..78;
const ROUTER: u8 = 0x80;
const SOLICITED: u8 = 0x40;

/// Whether the client asks by this frame who has the address.
fn asks(stage: &Stage, frame: &Frame) -> bool {
    frame.source_mac() != Some(stage.node.mac) && speaks_of(stage, frame, [0, 1], ARP_TARGET, 135)
}

/// Whether the node answers by this frame that it has the address. What it says of its own accord
/// is no answer.
fn answers(stage: &Stage, frame: &Frame) -> bool {
    let asked_for = frame.garp().is_none() && frame.unsolicited_na().is_none();
    let is_from = frame.source_mac() == Some(stage.node.mac);
    asked_for && is_from && speaks_of(stage, frame, [0, 2], ARP_SENDER, 136)
}

fn speaks_of(
    stage: &Stage,
    frame: &Frame,
    operation: [u8; 2],
    place: std::ops::Range<usize>,
    kind: u8,
) -> bool {
    let has = |range, octets: &[u8]| frame.bytes.get(range) == Some(octets);
    match stage.mode.address() {
        IpAddr::V4(address) => {
            has(ETHERTYPE, &[0x08, 0x06])
                && has(ARP_OPERATION, &operation)
                && has(place, &address.octets())
        }
        IpAddr::V6(address) => {
            has(ETHERTYPE, &[0x86, 0xdd])
                && frame.bytes.get(ND_TYPE) == Some(&kind)
                && has(ND_TARGET, &address.octets())
        }
    }
}
