//! The owner of the addresses, and others that claim to be it (RFC 9568 erratum 8298).

use std::time::Duration;

use vrrp_net::lab::{Signal, Ticker};

use super::{
    Case,
    election::{announces, is_well_formed},
    stage::{OTHERS, OURS, OWNER, Stage, V3, V3_IPV4},
};
use crate::{
    interfaces::ip,
    support::{Outcome, SLACK, check, now, wait_for, within},
};

pub(super) const CASES: &[Case] = &[
    Case { name: "an_owner_is_active_at_once", always: V3_IPV4, more: OTHERS, play: at_once },
    Case { name: "an_owner_becomes_a_backup", always: &[], more: V3, play: becomes_a_backup },
    Case {
        name: "an_owner_contends_with_another",
        always: V3_IPV4,
        more: OTHERS,
        play: two_owners,
    },
    Case {
        name: "an_owner_stays_beside_who_is_none",
        always: V3_IPV4,
        more: OTHERS,
        play: beside_others,
    },
];

/// Starts the node as the owner of the addresses, which its host has.
fn own(stage: &mut Stage) -> Outcome {
    for address in stage.mode.addresses() {
        let (length, nodad) = if address.is_ipv6() { (64, " nodad") } else { (24, "") };
        ip(&stage.node.host, &format!("address add {address}/{length} dev eth0{nodad}"))?;
    }
    stage.node.start(&stage.mode.config("\"owner\"", ""))
}

fn has_its_own(stage: &Stage) -> Outcome {
    for address in stage.mode.addresses() {
        check(
            stage.node.has_address(&address.to_string())?,
            format!("the host has lost its own {address}"),
        )?;
    }
    Ok(())
}

/// RFC 9568 6.4.1: the owner sends an advertisement, announces, and is Active, without waiting;
/// 6.4.3: stopped, it sends priority 0.
fn at_once(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    own(stage)?;
    stage.node.wait_for_phase("held")?;
    let first = stage.next_advert(Duration::ZERO)?;
    let announced =
        wait_for(&stage.capture, "announcement", first, |frame| announces(stage, frame))?;
    within("announcement", announced - first, (Duration::ZERO, Duration::ZERO), SLACK, ticker)?;
    let early =
        stage.capture.frames().iter().any(|frame| frame.at < first && announces(stage, frame));
    check(!early, "the address was announced before it was advertised")?;
    let begun = now();
    stage.node.signal(Signal::SIGTERM)?;
    check(stage.node.wait()?, "it did not end with status 0")?;
    let zero = wait_for(&stage.capture, "resignation", begun, |frame| {
        frame.vrrp().is_some_and(|vrrp| {
            vrrp.source_mac == stage.node.mac && vrrp.payload.get(2) == Some(&0)
        })
    })?;
    within("resignation", zero - begun, (Duration::ZERO, SLACK), SLACK, ticker)?;
    is_well_formed(stage, OWNER)?;
    has_its_own(stage)
}

/// An owner that is started again as none, beside a stronger one: 255, 0, and then silence (RFC
/// 9568 6.4.3, 6.4.1, 6.4.2).
fn becomes_a_backup(stage: &mut Stage, _: &Ticker) -> Outcome {
    let mode = stage.mode;
    // The addresses are put by the program: they may not be the host's own when it is no owner any
    // more.
    stage.node.start(&mode.config("\"owner\"", ""))?;
    stage.node.wait_for_phase("held")?;
    stage.node.signal(Signal::SIGTERM)?;
    check(stage.node.wait()?, "it did not end with status 0")?;
    let mut priorities: Vec<u8> =
        stage.sent(Duration::ZERO).iter().map(|sent| sent.message.priority).collect();
    priorities.dedup();
    check(priorities == [OWNER, 0], format!("it advertised {priorities:?}"))?;
    let begun = now();
    stage.start("")?;
    let stronger = OURS + 10;
    while stage.state()["active_peer"] != mode.higher().to_string() {
        check(now() < begun + crate::support::SOON, "it follows nobody")?;
        stage.stream(mode.higher(), stronger, 1)?;
    }
    stage.stream(mode.higher(), stronger, 7)?;
    stage.is_silent(begun, now(), 0)?;
    check(!stage.node.has_address(&mode.address().to_string())?, "a backup has the address")
}

/// Erratum 8298 in place of 7.1's discard: priority 255 is compared as any other is. The owner
/// stays beside one with a lower address, yields to one with a greater address, names both, and
/// keeps the addresses that are its host's.
fn two_owners(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    own(stage)?;
    stage.settle()?;
    let at = stage.send(mode.lower(), OWNER)?;
    stage.stayed(at, ticker)?;
    stage.is_told(&["WARN", "notice=second-owner", &format!("source={}", mode.lower())], 1)?;
    stage.send(mode.higher(), OWNER)?;
    stage.node.wait_for_phase("backup")?;
    let source = format!("source={}", mode.higher());
    stage.is_told(&["event=transition", "from=held", "to=backup", &source, "priority=255"], 1)?;
    has_its_own(stage)
}

/// RFC 9568 6.4.3: 250 is less than the owner's 255. It is told of, since nobody should be Active
/// beside an owner.
fn beside_others(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    const STRONG: u8 = 250;
    let mode = stage.mode;
    own(stage)?;
    stage.settle()?;
    let begun = stage.send(mode.higher(), STRONG)?;
    stage.stream(mode.higher(), STRONG, 5)?;
    stage.stayed(begun, ticker)?;
    stage.is_told(
        &["WARN", "notice=contends-with-owner", &format!("source={}", mode.higher())],
        1,
    )?;
    has_its_own(stage)
}
