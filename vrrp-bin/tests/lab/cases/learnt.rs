//! The interval of the Active, which a Backup goes by.

use vrrp_net::lab::Ticker;

use super::{
    Case,
    codec::{Message, Timing},
    stage::{OURS, STRONGER, Stage, V3_IPV4, V3_IPV6},
};
use crate::support::{Outcome, SLACK, check, within};

pub(super) const CASES: &[Case] =
    &[Case { name: "the_interval_is_learnt", always: V3_IPV4, more: V3_IPV6, play: learnt }];

/// RFC 9568 6.1 and 6.4.2: Skew_Time and Active_Down_Interval are computed from the interval that
/// the Active advertises; once the node is Active it advertises its own.
fn learnt(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    stage.follow(mode.higher(), STRONGER, "")?;
    let slow =
        Message { timing: Timing::V3 { reserved: 0, centiseconds: 20 }, ..mode.message(STRONGER) };
    let at = stage.send_message(mode.higher(), &slow)?;
    let down = 2 * mode.down(OURS);
    let first = stage.takes_over("takeover by the interval of the other one", at, down, ticker)?;
    stage.stayed(first, ticker)?;
    let gaps: Vec<_> = stage.sent(first).iter().map(|sent| sent.at).collect();
    let gap = gaps.windows(2).map(|pair| pair[1] - pair[0]).min().unwrap_or_default();
    within("shortest gap between its own", gap, (mode.interval(), mode.interval()), SLACK, ticker)?;
    let own = stage.sent(first).iter().all(|sent| sent.message.timing == mode.message(OURS).timing);
    check(own, "it advertises an interval that is not its own")
}
