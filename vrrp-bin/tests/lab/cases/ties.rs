//! Equal priorities among Actives.

use vrrp_net::lab::Ticker;

use super::{
    Case,
    stage::{OTHERS, OURS, Stage, V3_IPV4},
};
use crate::support::Outcome;

pub(super) const CASES: &[Case] =
    &[Case { name: "a_tie_goes_to_the_greater_address", always: V3_IPV4, more: OTHERS, play: tie }];

/// RFC 9568 6.4.3 (RFC 3768 6.4.3): of two Actives of one priority the one with the greater address
/// stays. Either is told of with its address.
fn tie(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    stage.hold("")?;
    let at = stage.send(mode.lower(), OURS)?;
    stage.stayed(at, ticker)?;
    stage.is_told(&["notice=same-priority", &format!("source={}", mode.lower())], 1)?;
    stage.send(mode.higher(), OURS)?;
    stage.gave_way()
}
