//! The table of every (state x input) cell, and one test for each paragraph of RFC 9568 6.4.

mod cells;
mod groups;
mod health;
mod held;
mod look;
mod others;
mod reasserted;
mod resignations;
mod rfc;
mod short_losses;
mod vetting;

use core::time::Duration;
use std::{
    string::{String, ToString},
    vec::Vec,
};

extern crate std;

use super::*;
use crate::{Centiseconds, Interval, LeaseFailure, Preempt, Priority, Reach, Weight};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MS: Duration = Duration::from_millis(1);
/// Skew_Time of priority 100 at an interval of 1 s: 156/256 s.
pub(super) const SKEW: Duration = Duration::from_nanos(609_375_000);

pub(super) fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Some time after the epoch, so that "before" exists.
pub(super) fn t0() -> Instant {
    Instant::EPOCH + Duration::from_secs(1000)
}

pub(super) fn contender(priority: u8, preempt: Preempt) -> Role {
    Role::Contender { priority: Priority::try_from(priority).unwrap(), preempt }
}

pub(super) fn one_second() -> Timing {
    Interval::V3(Centiseconds::ONE_SECOND).timing()
}

pub(super) fn params(role: Role) -> Params {
    Params {
        timing: one_second(),
        role,
        announcements: Announcements::default(),
        backend_timeout: Duration::from_millis(2500),
        spread: 0,
        unicast: false,
        startup_delay: Duration::ZERO,
        up_delay: Duration::ZERO,
        look: Look::Off,
    }
}

/// A machine of priority 100 with the source 192.0.2.2.
pub(super) fn machine() -> Machine {
    Machine::new(params(contender(100, Preempt::Always)))
}

pub(super) fn ready() -> Input {
    Input::Link(Link::Ready(address("192.0.2.2")))
}

pub(super) fn advert(priority: u8, source: &str) -> Input {
    Input::Advert(Heard {
        claim: Claim::from(priority),
        timing: one_second(),
        source: address(source),
        in_both_forms: false,
    })
}

/// Gives inputs that are only the way to a state.
pub(super) fn drive(machine: &mut Machine, now: Instant, inputs: &[Input]) {
    for input in inputs {
        let _ = machine.handle(now, *input);
    }
}

pub(super) fn backup(role: Role) -> Machine {
    let mut machine = Machine::new(params(role));
    drive(&mut machine, t0(), &[ready(), Input::Start]);
    assert_eq!(machine.phase(), Phase::Backup);
    machine
}

/// After the backend has said that there is nothing to go on with, and that it would work.
pub(super) fn settled(role: Role) -> Machine {
    settle(Machine::new(params(role)), ready())
}

/// The same for a machine of any kind.
pub(super) fn settle(mut machine: Machine, ready: Input) -> Machine {
    let (nothing, yes) = (Input::Answer(Answer::NothingLeft), Input::Answer(Answer::Ready));
    drive(&mut machine, t0(), &[ready, Input::Start, nothing, yes]);
    assert_eq!(machine.phase(), Phase::Backup);
    machine
}

/// An owner whose backend was asked whether it would work.
pub(super) fn owner() -> Machine {
    let mut machine = Machine::new(params(Role::Owner));
    drive(&mut machine, t0(), &[ready(), Input::Start]);
    assert_eq!(machine.phase(), Phase::Initialize(Hold::Inspecting));
    machine
}

/// Promoted at the time that is given back, not yet answered by the backend.
pub(super) fn acquiring(role: Role) -> (Machine, Instant) {
    let mut machine = settled(role);
    let at = machine.deadline().unwrap();
    drive(&mut machine, at, &[Input::Timeout]);
    assert_eq!(machine.phase(), Phase::Acquiring);
    (machine, at)
}

pub(super) fn held(role: Role) -> (Machine, Instant) {
    let (mut machine, at) = acquiring(role);
    drive(&mut machine, at, &[Input::Answer(Answer::Held(Reach::OnLink))]);
    assert_eq!(machine.phase(), Phase::Held);
    (machine, at)
}

/// Started anew while the address is there: an earlier process advertised half a second ago.
pub(super) fn adopted(role: Role) -> (Machine, Instant) {
    let mut machine = backup(role);
    let advertised_at = t0() - 500 * MS;
    drive(
        &mut machine,
        t0(),
        &[Input::Answer(Answer::Adopted { reach: Reach::OnLink, advertised_at })],
    );
    assert_eq!(machine.phase(), Phase::Adopted);
    (machine, t0())
}

/// Without an address to send from for too long: it resigns from the old one.
pub(super) fn withdrawing(role: Role) -> (Machine, Instant) {
    let (mut machine, at) = held(role);
    drive(&mut machine, at, &[Input::Link(Link::NoSource)]);
    drive(&mut machine, at + 250 * MS, &[Input::Timeout]);
    assert_eq!(machine.phase(), Phase::Resigning);
    (machine, at + 250 * MS)
}

pub(super) const fn others(ready: bool) -> Input {
    Input::Others { ready }
}

/// Another interface was gone for too long: it resigns.
pub(super) fn apart_leaving(role: Role) -> (Machine, Instant) {
    let (mut machine, at) = held(role);
    drive(&mut machine, at, &[others(false)]);
    drive(&mut machine, at + 250 * MS, &[Input::Timeout]);
    assert_eq!(machine.phase(), Phase::Resigning);
    (machine, at + 250 * MS)
}

/// Held, and deleted ten times a second until it gives way, at the time that is given back.
pub(super) fn fought_over(role: Role) -> (Machine, Instant) {
    let (mut machine, mut now) = held(role);
    while machine.phase() == Phase::Held {
        now = now + 100 * MS;
        run(&mut machine, now);
        drive(
            &mut machine,
            now,
            &[Input::LeaseLost(Loss::Deleted), Input::Answer(Answer::Held(Reach::OnLink))],
        );
    }
    assert_eq!(machine.phase(), Phase::Resigning);
    (machine, now)
}

/// The same where nobody takes over.
pub(super) fn fought_over_alone(role: Role) -> (Machine, Instant) {
    let (mut machine, now) = fought_over(role);
    let end = now + 1100 * MS;
    run(&mut machine, end);
    drive(&mut machine, end, &[Input::Timeout, Input::Answer(Answer::Held(Reach::OnLink))]);
    assert_eq!(machine.phase(), Phase::Held);
    (machine, end)
}

pub(super) fn health(condition: Condition) -> Input {
    Input::Health(Health { condition, ..Health::default() })
}

/// A service that is good, and takes so much from the priority.
pub(super) fn lowered(by: i16) -> Health {
    Health { weight: Weight::try_from(-by).unwrap(), ..Health::default() }
}

/// Active although a check fails, because nobody took over.
pub(super) fn ill_alone(role: Role) -> (Machine, Instant) {
    let (mut machine, at) = held(role);
    drive(&mut machine, at, &[health(Condition::Ill)]);
    let end = at + 1100 * MS;
    run(&mut machine, end);
    drive(&mut machine, end, &[Input::Timeout, Input::Answer(Answer::Held(Reach::OnLink))]);
    assert_eq!(machine.phase(), Phase::Held);
    (machine, end)
}

/// A Backup that may not contend before ten seconds have passed.
pub(super) fn delayed(role: Role) -> Machine {
    settle(Machine::new(Params { startup_delay: 10 * SECOND, ..params(role) }), ready())
}

pub(super) const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 9]);

pub(super) const fn sighting(mac: MacAddr, solicited: bool) -> Input {
    Input::Sighting { mac, solicited }
}

/// A Backup that looks, and has not heard anything since its start; at the time that is given back
/// it has asked who answers.
pub(super) fn looking(look: Look) -> (Machine, Instant) {
    let normal = contender(100, Preempt::Always);
    let mut machine = settle(Machine::new(Params { look, ..params(normal) }), ready());
    let at = machine.deadline().unwrap();
    assert_eq!(at, t0() + 2 * SECOND + SKEW);
    assert!(machine.handle(at, Input::Timeout).probe);
    (machine, at)
}

/// The timer has run out, and somebody still answers: it waits.
pub(super) fn waiting() -> (Machine, Instant) {
    let (mut machine, at) = looking(Look::Hold);
    let end = at + SECOND;
    drive(&mut machine, at, &[sighting(MAC, true)]);
    while let Some(at) = machine.deadline().filter(|at| *at <= end) {
        drive(&mut machine, at, &[Input::Timeout, sighting(MAC, true)]);
    }
    assert!(machine.gates(end).contains(Gate::Look));
    (machine, end)
}

/// Active, and held, although somebody answered.
pub(super) fn suspected() -> (Machine, Instant) {
    let (mut machine, at) = looking(Look::Warn);
    let end = at + SECOND;
    drive(&mut machine, at, &[sighting(MAC, true)]);
    drive(&mut machine, end, &[Input::Timeout, Input::Answer(Answer::Held(Reach::OnLink))]);
    assert_eq!(machine.phase(), Phase::Held);
    (machine, end)
}

/// Gives it [`Input::Timeout`] at each deadline before `until`, as a driver does.
pub(super) fn run(machine: &mut Machine, until: Instant) {
    while let Some(at) = machine.deadline()
        && at < until
    {
        drive(machine, at, &[Input::Timeout]);
    }
}
