//! A node that leaves, beside one of the lowest priority.

use std::time::Duration;

use vrrp_net::lab::{Signal, Ticker};

use super::{
    Case,
    stage::{OTHERS, Stage, V3_IPV4},
};
use crate::support::{Outcome, SLACK, check, now, within};

pub(super) const CASES: &[Case] = &[Case {
    name: "leaving_is_heard_by_the_weakest",
    always: V3_IPV4,
    more: OTHERS,
    play: to_the_weakest,
}];

/// The lowest priority (RFC 9568 5.2.4), of which Skew_Time is longest.
const LOWEST: u8 = 1;

/// RFC 9568 6.4.3: an Active that stops sends priority 0; 6.4.2 has a Backup take over by
/// Skew_Time. The resignation is repeated a sixteenth of an interval later (DESIGN.md, deviation),
/// and some start their timer anew at each: the third one may not come before these have taken
/// over.
fn to_the_weakest(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    let (interval, skew) = (mode.interval(), mode.skew(LOWEST));
    stage.hold("")?;
    let begun = now();
    stage.node.signal(Signal::SIGTERM)?;
    check(stage.node.wait()?, "it did not end with status 0")?;
    let zeros = stage.sent(begun).into_iter().filter(|sent| sent.message.priority == 0);
    let zeros: Vec<Duration> = zeros.map(|sent| sent.at).collect();
    let first = *zeros.first().ok_or("it did not resign")?;
    let second = *zeros.get(1).ok_or("it resigned once only")?;
    within("second resignation", second - first, (interval / 16, interval / 16), SLACK, ticker)?;
    let third = zeros.get(2).map(|third| *third - second);
    check(
        third.is_none_or(|after| after > skew),
        format!("the third one came {third:?} after the second"),
    )?;
    let late = stage.sent(first).iter().filter(|sent| sent.message.priority > 0).count();
    check(late == 0, format!("it advertised {late} times after it had resigned"))?;
    check(!stage.node.has_address(&mode.address().to_string())?, "it left the address behind")
}
