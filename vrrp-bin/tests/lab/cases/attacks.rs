//! What the tools of attackers send: the protocol is as it is, and the log says who it was.

use std::{fs, net::IpAddr, time::Duration};

use vrrp_net::lab::Ticker;

use super::{
    Case,
    stage::{OTHERS, OURS, OWNER, STRONGER, Stage, V3_IPV4, V3_IPV6, WEAKER},
};
use crate::support::{Outcome, check, now};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a_stream_of_255_takes_the_address_and_no_longer",
        always: V3_IPV4,
        more: OTHERS,
        play: stream,
    },
    Case {
        name: "a_slow_stream_of_255_keeps_the_address",
        always: &[],
        more: V3_IPV4,
        play: slow_stream,
    },
    Case {
        name: "a_takeover_is_logged_with_its_source",
        always: V3_IPV4,
        more: OTHERS,
        play: is_named,
    },
    Case { name: "a_global_source_is_heard", always: V3_IPV6, more: &[], play: global_source },
    Case { name: "many_sources_make_few_lines", always: V3_IPV4, more: OTHERS, play: many_sources },
];

/// RFC 9568 6.4.3 and 6.4.2: whoever sends 255 is followed, until Active_Down_Interval after the
/// last one.
fn stream(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    stage.hold("")?;
    let begun = stage.send(mode.higher(), OWNER)?;
    let last = stage.stream(mode.higher(), OWNER, 4)?;
    stage.is_silent(begun, last, 1)?;
    stage.takes_over("takeover after the attack", last, mode.down(OURS), ticker)?;
    stage.node.wait_for_phase("held")
}

/// RFC 9568 6.4.2: one in three intervals, which are less than Active_Down_Interval, keeps the node
/// away.
fn slow_stream(stage: &mut Stage, _: &Ticker) -> Outcome {
    let mode = stage.mode;
    stage.hold("")?;
    let forged = stage.frame(mode.higher(), &mode.message(OWNER));
    let begun = stage.send_frame(&forged)?;
    // Two of three frames are nobody's: a type for experiments (RFC 5342 B.2).
    let mut nothing = vec![0xff; 6];
    nothing.extend([2, 0, 0, 0, 0, 0xfe, 0x88, 0xb5]);
    nothing.resize(60, 0);
    let forged = forged.encode()?;
    let frame = |number: u64| if number % 3 == 2 { forged.clone() } else { nothing.clone() };
    stage.injector.inject(10, 15 * mode.interval(), frame)?;
    stage.gave_way()?;
    stage.is_silent(begun, now(), 1)
}

/// No RFC asks for it, and an operator needs it: who, and with which priority.
fn is_named(stage: &mut Stage, _: &Ticker) -> Outcome {
    let mode = stage.mode;
    stage.hold("")?;
    stage.send(mode.higher(), STRONGER)?;
    stage.gave_way()?;
    let source = format!("source={}", mode.higher());
    let priority = format!("priority={STRONGER}");
    stage.is_told(&["event=transition", "from=held", "to=backup", &source, &priority], 1)
}

/// RFC 9568 5.1.2.2 has a sender use a link-local address; 7.1 does not ask the receiver to look.
fn global_source(stage: &mut Stage, _: &Ticker) -> Outcome {
    stage.hold("")?;
    stage.send("fd00::9".parse()?, OWNER)?;
    stage.gave_way()
}

/// RFC 9568 7.1: the log is limited, and memory is. 150 sources that are weaker and 150 with the
/// node's priority, below its own address: it stays Active.
fn many_sources(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    // No route leads to most of the sources.
    for interface in ["all", "eth0"] {
        let setting = format!("/proc/sys/net/ipv4/conf/{interface}/rp_filter");
        stage.node.host.run(|| fs::write(setting, "0"))??;
    }
    stage.hold("")?;
    let (begun, before) = (now(), lines(stage));
    let mut frames = Vec::new();
    for number in 1..=300_u16 {
        let priority = if number <= 150 { WEAKER } else { OURS };
        let from = source(stage, number);
        frames.push(stage.frame(from, &mode.message(priority)).encode()?);
    }
    let frame =
        |number: u64| frames[usize::try_from(number).unwrap_or_default() % frames.len()].clone();
    // 600 in a second, so that each comes once.
    let injected = stage.injector.inject(600, Duration::from_millis(500), frame)?;
    check(injected.sent == 300, format!("{} frames were sent", injected.sent))?;
    stage.stayed(begun, ticker)?;
    stage.is_told(&["WARN", "notice=same-priority", "source="], 1)?;
    let told = lines(stage) - before;
    check((1..=5).contains(&told), format!("300 sources made {told} lines"))?;
    let state = stage.state();
    let kept = |list: &str| state[list].as_array().map_or(0, Vec::len);
    check(
        kept("peers_heard") + kept("peers_refused") <= 64,
        format!("it keeps all of them: {state}"),
    )
}

fn lines(stage: &Stage) -> usize {
    stage.node.log().lines().count()
}

/// One of many that are below the addresses of the node.
fn source(stage: &Stage, number: u16) -> IpAddr {
    let [high, low] = number.to_be_bytes();
    match stage.mode.is_ipv6() {
        false => IpAddr::from([9, 255, high, low]),
        true => IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 1, number]),
    }
}
