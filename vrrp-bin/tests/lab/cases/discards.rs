//! Messages that are refused, as far as `known_bad.rs` does not send them already: another
//! cluster's, a node's own, and those of unlisted peers; and that each refusal is told once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use vrrp_net::lab::{Ticker, VrrpFrame, wait_until};

use super::{
    Case,
    codec::{Checksum, Message},
    stage::{ALL, Mode, OTHERS, OWNER, STRONGER, Stage, V2, V3_IPV4, V3_IPV6},
};
use crate::support::{Outcome, SOON, check, now};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "the_list_of_another_cluster_is_refused",
        always: ALL,
        more: &[],
        play: another_cluster,
    },
    Case {
        name: "a_list_that_differs_in_part_is_heard",
        always: V3_IPV4,
        more: OTHERS,
        play: other_list,
    },
    Case { name: "its_own_source_is_refused", always: V3_IPV6, more: &[], play: own_source },
    Case { name: "each_refusal_is_told_once", always: V3_IPV4, more: OTHERS, play: told_once },
    Case { name: "only_listed_peers_are_heard", always: V3_IPV4, more: OTHERS, play: unlisted },
    Case { name: "a_password_must_be_the_same", always: V2, more: &[], play: passwords },
];

/// The node refuses this message for this reason.
fn refuses(stage: &Stage, frame: &VrrpFrame, reason: &str) -> Outcome {
    let before = stage.refused(reason);
    stage.send_frame(frame)?;
    let counted = || stage.refused(reason) == before + 1;
    check(wait_until(SOON, counted), format!("not counted as {reason}: {}", stage.state()))
}

fn others(mode: Mode) -> Vec<IpAddr> {
    match mode.is_ipv6() {
        false => vec![Ipv4Addr::new(10, 0, 0, 200).into()],
        true => {
            let v6 = |first| IpAddr::from(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0x200));
            vec![v6(0xfe80), v6(0xfd00)]
        }
    }
}

fn with_list(message: Message, list: &[IpAddr]) -> Message {
    Message {
        count: u8::try_from(list.len()).unwrap_or(u8::MAX),
        addresses: list.to_vec(),
        ..message
    }
}

/// RFC 3768 7.1: a router MAY compare the lists, and then it MUST drop what differs, unless its
/// priority is 255. RFC 9568 7.1 leaves it to the receiver. What has nothing in common with ours,
/// whatever its priority, is another cluster's (DESIGN.md, deviation).
fn another_cluster(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    stage.hold("")?;
    let begun = now();
    for priority in [STRONGER, OWNER, 0] {
        let message = with_list(mode.message(priority), &others(mode));
        refuses(stage, &stage.frame(mode.higher(), &message), "no-common-address")?;
    }
    stage.stayed(begun, ticker)?;
    stage.is_told(&["WARN", "no-common-address", &format!("source={}", mode.higher())], 2)?;
    let refused = stage.state()["peers_refused"].to_string();
    check(
        refused.contains(&mode.higher().to_string()),
        format!("status does not name it: {refused}"),
    )
}

/// RFC 9568 7.1: a list that differs SHOULD be logged, and is no reason to discard. RFC 3768 7.1's
/// check is a MAY: it is not made.
fn other_list(stage: &mut Stage, _: &Ticker) -> Outcome {
    let mode = stage.mode;
    stage.hold("")?;
    let list = [mode.addresses(), others(mode)].concat();
    stage.send_message(mode.higher(), &with_list(mode.message(STRONGER), &list))?;
    stage.gave_way()?;
    stage.is_told(&["WARN", "notice=addresses-differ", &format!("source={}", mode.higher())], 1)
}

/// RFC 9568 7.1: a node that hears itself is in a loop, or somebody has its address. The kernel
/// discards such packets of IPv4.
fn own_source(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    stage.hold("")?;
    let own = stage.sent(std::time::Duration::ZERO).first().map(|sent| sent.frame.source);
    let own = own.ok_or("it never advertised")?;
    let begun = now();
    // From another MAC address than its own.
    refuses(stage, &stage.frame(own, &stage.mode.message(STRONGER)), "own-source")?;
    stage.stayed(begun, ticker)
}

/// RFC 9568 7.1: what is discarded is logged, and the log limited: ten messages with one flaw from
/// one source are a line.
fn told_once(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    stage.hold("")?;
    let good = mode.message(STRONGER);
    let ttl = |stage: &Stage, ttl| VrrpFrame { ttl, ..stage.frame(mode.higher(), &good) };
    let corrupt = Message { checksum: Checksum::Fixed(0x1234), ..good.clone() };
    for _ in 0..10 {
        let at = now();
        stage.send_frame(&ttl(stage, 254))?;
        stage.send_message(mode.third(), &corrupt)?;
        stage.next_advert(at)?;
    }
    let counted = || stage.refused("wrong-ttl") == 10 && stage.refused("wrong-checksum") == 10;
    check(wait_until(SOON, counted), format!("not counted: {}", stage.state()))?;
    stage.stayed(now(), ticker)?;
    for (reason, source) in [("wrong-ttl", mode.higher()), ("wrong-checksum", mode.third())] {
        stage.is_told(&["WARN", reason, &format!("source={source}")], 1)?;
    }
    Ok(())
}

/// A node with peers hears these and nobody else, by unicast or multicast (RFC 9568 does not know
/// unicast; this is the rule of DESIGN.md and of other implementations).
fn unlisted(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    let [listed, stranger, own] = match mode.is_ipv6() {
        false => [9, 8, 5].map(|last| IpAddr::from([10, 0, 0, last])),
        true => [9, 8, 5].map(|last| IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, last])),
    };
    stage.hold(&format!("peers = [\"{listed}\"]\n"))?;
    let message = mode.message(OWNER);
    let unicast = |from| VrrpFrame {
        destination: own,
        destination_mac: stage.node.mac,
        ..VrrpFrame::new(from, mode.group(), message.octets(from, own))
    };
    let begun = now();
    refuses(stage, &unicast(stranger), "unlisted-source")?;
    stage.is_told(&["WARN", "unlisted-source", &format!("source={stranger}")], 2)?;
    // Nobody listens to the group: it may be counted or not, and changes nothing.
    stage.send(mode.third(), OWNER)?;
    stage.stayed(begun, ticker)?;
    stage.send_frame(&unicast(listed))?;
    stage.gave_way()
}

/// RFC 2338 5.3.6 and 7.1: the type and the password have to be those that are configured.
fn passwords(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let (mode, from) = (stage.mode, stage.mode.higher());
    stage.hold("password = \"d0cker\"\n")?;
    let begun = now();
    refuses(stage, &stage.frame(from, &mode.message(OWNER)), "wrong-authentication-type")?;
    let wrong = mode.message(OWNER).password("d0ckerr");
    refuses(stage, &stage.frame(from, &wrong), "wrong-password")?;
    stage.stayed(begun, ticker)?;
    stage.send_message(from, &mode.message(OWNER).password("d0cker"))?;
    stage.gave_way()
}
