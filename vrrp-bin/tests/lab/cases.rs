//! Cases that the tests and tools of other projects play, as cases of our own: one process on the
//! wire, and crafted frames. Each expectation is from the text of an RFC, which is named; what
//! stands on record as a deviation is marked so. `docs/testing.md` says which test plays which
//! case.
//!
//! Without `VRRP_TEST_ALL=1` or a filter, only some modes are played.

mod attacks;
#[path = "../../../vrrp-core/tests/reference/codec.rs"]
#[allow(dead_code, clippy::expect_used, reason = "it is shared, and its own file is no test here")]
mod codec;
mod discards;
mod election;
mod learnt;
mod leaving;
mod owner;
mod preemption;
mod resignations;
mod stage;
mod ties;

use libtest_mimic::Trial;
use vrrp_net::lab::Ticker;

use self::stage::{Mode, Stage};
use crate::support::{Outcome, timed};

/// A case, and the modes in which it is played: always, and where everything is.
struct Case {
    name: &'static str,
    always: &'static [Mode],
    more: &'static [Mode],
    play: fn(&mut Stage, &Ticker) -> Outcome,
}

pub(crate) fn tests(everything: bool) -> Vec<Trial> {
    let all = [
        election::CASES,
        preemption::CASES,
        resignations::CASES,
        ties::CASES,
        discards::CASES,
        learnt::CASES,
        owner::CASES,
        attacks::CASES,
        leaving::CASES,
    ];
    let trials = |case: &'static Case| {
        let more = case.more.iter().filter(move |_| everything);
        case.always.iter().chain(more).map(move |mode| trial(case, *mode))
    };
    all.into_iter().flatten().flat_map(trials).collect()
}

fn trial(case: &'static Case, mode: Mode) -> Trial {
    timed(format!("case_{}_{}", case.name, mode.name()), move |ticker| {
        let mut stage = Stage::new(mode)?;
        (case.play)(&mut stage, ticker).map_err(|failed| stage.explain(&failed))
    })
}
