//! One machine without a router.

use std::time::Duration;

use vrrp_core::{fsm, *};

use super::world::*;

pub(crate) const MS: Duration = Duration::from_millis(1);

pub(crate) fn t0() -> Instant {
    Instant::EPOCH + 1000 * SECOND
}
pub(crate) fn params(priority: u8, preempt: Preempt) -> fsm::Params {
    fsm::Params {
        timing: v3_every(100),
        role: contender(priority, preempt),
        announcements: Announcements::default(),
        backend_timeout: 2500 * MS,
        spread: 0,
        unicast: false,
        startup_delay: Duration::ZERO,
        up_delay: Duration::ZERO,
        look: Look::Off,
    }
}
pub(crate) fn v3_every(centiseconds: u16) -> Timing {
    Interval::V3(Centiseconds::try_from(centiseconds).unwrap()).timing()
}
pub(crate) fn hears(priority: u8, timing: Timing) -> fsm::Input {
    fsm::Input::Advert(fsm::Heard {
        claim: Claim::from(priority),
        timing,
        source: ip("192.0.2.1"),
        in_both_forms: false,
    })
}
pub(crate) fn heard(priority: u8) -> fsm::Input {
    hears(priority, v3_every(100))
}
pub(crate) fn backup(params: fsm::Params) -> fsm::Machine {
    let mut machine = fsm::Machine::new(params);
    let ready = fsm::Input::Link(fsm::Link::Ready(ip("192.0.2.2")));
    // Nothing was left behind, and the backend would work.
    let nothing = fsm::Input::Answer(Answer::NothingLeft);
    for input in [ready, fsm::Input::Start, nothing, fsm::Input::Answer(Answer::Ready)] {
        let _ = machine.handle(t0(), input);
    }
    machine
}
pub(crate) fn held(params: fsm::Params) -> (fsm::Machine, Instant) {
    let mut machine = backup(params);
    let at = machine.deadline().unwrap();
    let _ = machine.handle(at, fsm::Input::Timeout);
    let _ = machine.handle(at, fsm::Input::Answer(Answer::Held(Reach::OnLink)));
    assert_eq!(machine.phase(), Phase::Held);
    (machine, at)
}

/// Of [`v3`].
pub(crate) fn drain(force: bool) -> Input<'static> {
    Input::Drain { key: key(&v3()), force }
}
