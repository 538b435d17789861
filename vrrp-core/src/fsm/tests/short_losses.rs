//! A link, a source or a way to the peers that is gone: for a moment, or for good.

use super::*;

fn contending() -> Role {
    contender(100, Preempt::Always)
}

fn lost(link: Link) -> Input {
    Input::Link(link)
}

const GONE: [Link; 4] = [Link::Missing, Link::Down, Link::NoSocket, Link::NoSource];

/// Two intervals, and a quarter of a second at most.
const WAIT: Duration = Duration::from_millis(250);

#[test]
fn f01_an_active_waits_for_what_is_gone_and_goes_on() {
    for link in GONE {
        let (mut machine, promoted) = held(contending());
        let now = promoted + 100 * MS;
        assert_eq!(machine.handle(now, lost(link)), Effects::default(), "{link:?}");
        assert_eq!((machine.phase(), machine.waits_until()), (Phase::Held, Some(now + WAIT)));
        assert_eq!(machine.active_until(), Some(promoted + 3 * SECOND), "the bound goes on");
        let effects = machine.handle(now + 50 * MS, ready());
        assert_eq!(effects.transmit, Some(Say::Claim));
        assert_eq!(effects.transition, None);
        assert_eq!(
            effects.announce,
            link != Link::NoSource,
            "a port that was down is forgotten by switches"
        );
        assert_eq!(effects.lease, (link == Link::Missing).then_some(Want::Repair));
        assert_eq!((machine.phase(), machine.waits_until()), (Phase::Held, None));
    }
}

/// Without a carrier every send succeeds: nothing is sent meanwhile, so that nothing counts as
/// sent.
#[test]
fn f01_nothing_is_sent_and_nothing_counts_as_sent_meanwhile() {
    let (mut machine, promoted) = held(contending());
    let now = promoted + 950 * MS;
    drive(&mut machine, now, &[lost(Link::Down)]);
    let (resigned, weaker) = (advert(0, "192.0.2.1"), advert(99, "192.0.2.3"));
    for input in [Input::Timeout, resigned, weaker, Input::Moved, Input::Announce] {
        let effects = machine.handle(promoted + 1100 * MS, input);
        assert_eq!((effects.transmit, effects.announce), (None, false), "{input:?}");
    }
    assert_eq!(machine.active_until(), Some(promoted + 3 * SECOND));
}

#[test]
fn f01_the_wait_is_two_intervals_and_never_beyond_the_bound() {
    let mut quick = params(contending());
    quick.timing = Interval::V3(Centiseconds::try_from(10).unwrap()).timing();
    let mut machine = settle(Machine::new(quick), ready());
    let promoted = machine.deadline().unwrap();
    drive(&mut machine, promoted, &[Input::Timeout, Input::Answer(Answer::Held(Reach::OnLink))]);
    let mut late = machine;
    drive(&mut machine, promoted + 10 * MS, &[lost(Link::Down)]);
    assert_eq!(machine.waits_until(), Some(promoted + 210 * MS));
    drive(&mut late, promoted + 280 * MS, &[lost(Link::Down)]);
    assert_eq!(late.waits_until(), Some(promoted + 300 * MS), "the bound");
    drive(&mut late, promoted + 300 * MS, &[Input::Timeout]);
    assert_eq!(late.phase(), Phase::Initialize(Hold::LinkDown));
}

#[test]
fn f01_a_link_that_stays_away_is_a_fault() {
    for (link, hold) in [
        (Link::Missing, Hold::InterfaceMissing),
        (Link::Down, Hold::LinkDown),
        (Link::NoSocket, Hold::NoSocket),
    ] {
        let (mut machine, promoted) = held(contending());
        drive(&mut machine, promoted, &[lost(link)]);
        let effects = machine.handle(promoted + WAIT, Input::Timeout);
        assert_eq!(machine.phase(), Phase::Initialize(hold));
        assert_eq!((effects.transition, effects.transmit), (Some(Reason::Interface), None));
        assert_eq!(
            effects.lease,
            Some(Want::Release { reason: Reason::Interface, successor: None })
        );
    }
}

/// The peers are told from the old source, and the addresses are served until one of them follows.
#[test]
fn f01_a_source_that_stays_away_is_a_handover() {
    let (mut machine, promoted) = held(contending());
    drive(&mut machine, promoted, &[lost(Link::NoSource)]);
    let effects = machine.handle(promoted + WAIT, Input::Timeout);
    assert_eq!((effects.transmit, effects.lease), (Some(Say::Resign), Some(Want::Leaving)));
    assert_eq!((machine.phase(), machine.source()), (Phase::Resigning, Some(address("192.0.2.2"))));
    let effects = machine.handle(promoted + WAIT + SKEW, advert(1, "192.0.2.3"));
    let successor = Some(address("192.0.2.3"));
    assert_eq!(effects.lease, Some(Want::Release { reason: Reason::Successor, successor }));
    assert_eq!(machine.phase(), Phase::Initialize(Hold::NoSource));
}

#[test]
fn f01_without_a_way_to_tell_anybody_it_lets_go_at_once() {
    let (mut machine, now) = withdrawing(contending());
    let effects = machine.handle(now, Input::SendFailed);
    assert_eq!(effects.lease, Some(Want::Release { reason: Reason::Interface, successor: None }));
    assert_eq!(machine.phase(), Phase::Initialize(Hold::NoSource));
}

#[test]
fn f01_a_source_that_is_back_during_the_handover_ends_it() {
    let (mut machine, now) = withdrawing(contending());
    let effects = machine.handle(now + 100 * MS, ready());
    assert_eq!((effects.transmit, effects.lease), (Some(Say::Claim), Some(Want::Repair)));
    assert_eq!(machine.phase(), Phase::Held);
}

#[test]
fn f01_a_stronger_active_is_left_to_while_something_is_gone() {
    let (mut machine, promoted) = held(contending());
    drive(&mut machine, promoted, &[lost(Link::NoSource)]);
    let effects = machine.handle(promoted + MS, advert(200, "192.0.2.1"));
    let successor = Some(address("192.0.2.1"));
    assert_eq!(effects.lease, Some(Want::Release { reason: Reason::StrongerClaim, successor }));
    assert_eq!(machine.phase(), Phase::Initialize(Hold::NoSource));
}

/// The kernel takes addresses away with the link, or with the host's own.
#[test]
fn f01_addresses_that_went_along_are_put_back() {
    let (mut machine, promoted) = held(contending());
    drive(&mut machine, promoted, &[lost(Link::NoSource)]);
    let effects = machine.handle(promoted, Input::LeaseLost(Loss::Lapsed));
    assert_eq!(
        (effects.lease, effects.transmit),
        (Some(Want::Repair), None),
        "at once: the link is there"
    );
    let (mut machine, promoted) = held(contending());
    drive(&mut machine, promoted, &[lost(Link::Down)]);
    assert_eq!(machine.handle(promoted, Input::LeaseLost(Loss::Lapsed)).lease, None);
    assert_eq!(machine.handle(promoted + MS, ready()).lease, Some(Want::Repair), "with the link");
}

/// The kernel tells of the addresses before it tells of the interface: what cannot be put back is
/// no fault.
#[test]
fn f01_a_repair_that_fails_for_want_of_a_link_is_no_fault() {
    let (mut machine, promoted) = held(contending());
    assert_eq!(machine.handle(promoted, Input::LeaseLost(Loss::Lapsed)).lease, Some(Want::Repair));
    drive(
        &mut machine,
        promoted,
        &[lost(Link::Missing), Input::Answer(Answer::Failed(LeaseFailure::Failed))],
    );
    assert_eq!(machine.phase(), Phase::Held);
    assert_eq!(machine.handle(promoted + MS, ready()).lease, Some(Want::Repair));
    assert_eq!(machine.probation_until(), None);
}

#[test]
fn f01_who_is_asked_to_leave_without_a_link_leaves_at_once() {
    for (link, phase) in
        [(Link::Down, Phase::Initialize(Hold::Stopped)), (Link::NoSource, Phase::Resigning)]
    {
        let (mut machine, promoted) = held(contending());
        drive(&mut machine, promoted, &[lost(link), Input::Shutdown]);
        assert_eq!(machine.phase(), phase, "{link:?}");
    }
}

#[test]
fn f01_back_again_it_listens_for_long_enough_to_hear_an_active() {
    let mut machine = settled(contending());
    drive(&mut machine, t0(), &[lost(Link::Down)]);
    drive(&mut machine, t0() + SECOND, &[ready(), Input::Answer(Answer::Ready)]);
    assert_eq!(machine.deadline(), Some(t0() + 2 * SECOND + SKEW));
}

/// Peers may have given up the way to a node that was away: it waits the whole time, and says where
/// it is.
#[test]
fn f06_by_unicast_it_makes_itself_known_until_somebody_is_heard() {
    let unicast = || Machine::new(Params { unicast: true, ..params(contending()) });
    let mut machine = unicast();
    drive(&mut machine, t0(), &[ready()]);
    assert!(machine.handle(t0(), Input::Start).greet, "at once");
    drive(&mut machine, t0(), &[Input::Answer(Answer::NothingLeft), Input::Answer(Answer::Ready)]);
    let mut alone = machine;
    let mut greeted = Vec::new();
    while alone.phase() == Phase::Backup {
        let at = alone.deadline().unwrap();
        if alone.handle(at, Input::Timeout).greet {
            greeted.push(at - t0());
        }
    }
    assert_eq!(greeted, [SECOND, 2 * SECOND, 3 * SECOND], "each interval");
    assert_eq!(alone.active_until(), None);
    drive(&mut machine, t0() + 100 * MS, &[advert(200, "192.0.2.1")]);
    assert_eq!(
        machine.deadline(),
        Some(t0() + 100 * MS + 3 * SECOND + SKEW),
        "heard: no more of it"
    );
    let mut back = settle(unicast(), ready());
    drive(&mut back, t0(), &[lost(Link::Down)]);
    assert!(back.handle(t0() + SECOND, ready()).greet);
    let State::Backup(backup) = back.state() else { panic!("{back:?}") };
    assert_eq!(backup.active_down_at, t0() + 4 * SECOND + SKEW, "the whole Active_Down_Interval");
}

/// An Active that reaches no peer goes on: it is no fault of this node. But any other Active cannot
/// know of it.
#[test]
fn f03_who_reaches_nobody_gives_way_to_any_active_that_it_hears() {
    let (mut machine, promoted) = held(contending());
    for second in 1..=5 {
        let now = promoted + second * SECOND;
        drive(&mut machine, now, &[Input::Timeout, Input::Unreached]);
        assert_eq!(machine.active_until(), Some(now + 3 * SECOND), "it counts as sent");
    }
    let now = promoted + 5100 * MS;
    let effects = machine.handle(now, advert(1, "192.0.2.3"));
    assert_eq!((machine.phase(), effects.transition), (Phase::Backup, Some(Reason::Unreached)));
    // It does not take over again at once, weaker as the other one is.
    drive(&mut machine, now + SECOND, &[advert(1, "192.0.2.3")]);
    assert_eq!(machine.deadline(), Some(now + 4 * SECOND + SKEW));
}

#[test]
fn f03_a_promotion_on_silence_happens_without_a_way_to_the_peers() {
    let (mut machine, promoted) = acquiring(contending());
    drive(&mut machine, promoted, &[Input::Unreached, Input::Answer(Answer::Held(Reach::OnLink))]);
    assert_eq!(machine.phase(), Phase::Held);
    // One that was reached again is an Active like any other.
    drive(&mut machine, promoted + SECOND, &[Input::Timeout, advert(1, "192.0.2.3")]);
    assert_eq!(machine.phase(), Phase::Held);
}

#[test]
fn f02_another_hardware_address_is_announced_at_once() {
    let (mut machine, promoted) = held(contending());
    let now = promoted + 10_300 * MS;
    run(&mut machine, now);
    assert_eq!(machine.handle(now, ready()), Effects::default());
    assert!(machine.handle(now, Input::Moved).announce);
    let mut backup = settled(contending());
    assert_eq!(backup.handle(t0(), Input::Moved), Effects::default());
}

/// The kernel refuses to send on a link that goes down before it tells of that.
#[test]
fn errors_of_just_before_a_lost_link_are_the_links() {
    for (late, forgiven) in [(249 * MS, true), (250 * MS, false)] {
        let (mut machine, promoted) = held(contending());
        for interval in 1..=3 {
            drive(&mut machine, promoted + interval * SECOND, &[Input::Timeout, Input::SendFailed]);
        }
        let at = promoted + 3 * SECOND;
        assert_eq!(machine.phase(), Phase::Initialize(Hold::Send));
        assert!(machine.probation_until().is_some());
        drive(&mut machine, at + late, &[lost(Link::Down), ready()]);
        let expected = if forgiven { Phase::Backup } else { Phase::Initialize(Hold::Send) };
        assert_eq!(
            (machine.phase(), machine.probation_until().is_none()),
            (expected, forgiven),
            "{late:?}"
        );
    }
}

/// The same for a promotion that nobody heard of; and what was a fault before stays one.
#[test]
fn a_probation_of_before_is_not_forgiven() {
    let (mut machine, promoted) = acquiring(contending());
    drive(&mut machine, promoted, &[Input::Answer(Answer::Failed(LeaseFailure::Failed))]);
    let before = machine.probation_until();
    assert!(before.is_some());
    let at = machine.deadline().unwrap();
    drive(&mut machine, at, &[Input::Timeout, Input::Answer(Answer::Ready)]);
    let at = machine.deadline().unwrap();
    drive(&mut machine, at, &[Input::Timeout, Input::SendFailed]);
    assert_eq!(machine.phase(), Phase::Backup, "it stands back");
    assert!(machine.probation_until() > before);
    drive(&mut machine, at + 10 * MS, &[lost(Link::Down)]);
    assert_eq!(machine.probation_until(), before);
}
