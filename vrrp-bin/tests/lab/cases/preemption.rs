//! Preempt_Mode, and equal priorities in Backup.

use vrrp_net::lab::Ticker;

use super::{
    Case,
    stage::{OTHERS, OURS, STRONGER, Stage, V3_IPV4, WEAKER},
};
use crate::support::Outcome;

pub(super) const CASES: &[Case] = &[
    Case { name: "a_backup_preempts", always: V3_IPV4, more: OTHERS, play: preempts },
    Case {
        name: "no_preemption_without_preempt_mode",
        always: V3_IPV4,
        more: OTHERS,
        play: does_not_preempt,
    },
    Case {
        name: "an_equal_priority_is_followed",
        always: V3_IPV4,
        more: OTHERS,
        play: equal_is_followed,
    },
];

/// RFC 9568 6.4.2: with Preempt_Mode a lower priority is discarded, and Active_Down_Timer runs on.
fn preempts(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    stage.follow(mode.higher(), STRONGER, "")?;
    let last = stage.send(mode.higher(), STRONGER)?;
    stage.stream(mode.lower(), WEAKER, 3)?;
    stage.takes_over("takeover beside a weaker one", last, mode.down(OURS), ticker)?;
    stage.node.wait_for_phase("held")
}

/// RFC 9568 6.4.2: without it, a lower priority starts Active_Down_Timer anew.
fn does_not_preempt(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    stage.follow(mode.higher(), WEAKER, "preempt = false\n")?;
    let begun = stage.send(mode.higher(), WEAKER)?;
    let last = stage.stream(mode.higher(), WEAKER, 6)?;
    stage.is_silent(begun, last, 0)?;
    stage.takes_over("takeover after silence", last, mode.down(OURS), ticker)?;
    stage.node.wait_for_phase("held")
}

/// RFC 9568 6.4.2: a Backup compares priorities only. An equal one starts Active_Down_Timer anew,
/// whatever address it comes from.
fn equal_is_followed(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    stage.follow(mode.lower(), OURS, "")?;
    let begun = stage.send(mode.lower(), OURS)?;
    let last = stage.stream(mode.lower(), OURS, 6)?;
    stage.is_silent(begun, last, 0)?;
    stage.takes_over("takeover after silence", last, mode.down(OURS), ticker)?;
    stage.node.wait_for_phase("held")
}
