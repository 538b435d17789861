//! What an operator changes while it runs: claim, Preempt_Mode, addresses, drains and shutdowns.

use vrrp_core::{fsm, *};

use super::{machine::*, world::*};

fn other_address() -> VirtualRouter {
    VirtualRouter::v3_ipv4(vrid(51), ipv4(&["192.0.2.77"]), Centiseconds::ONE_SECOND)
}

#[test]
fn b01a_a_priority_that_falls_ends_a_preemption_that_is_under_way() {
    // The Active has 50 and is alive; we had 100, and have 10 from 3.2 s on (a check failed).
    let mut machine = backup(params(100, Preempt::Always));
    for second in 1..=3 {
        let _ = machine.handle(t0() + second * SECOND + 100 * MS, heard(50));
    }
    let _ = machine.handle(t0() + 3200 * MS, fsm::Input::Reconfigure(params(10, Preempt::Always)));
    let _ = machine.handle(t0() + 3610 * MS, fsm::Input::Timeout); // its next advertisement comes at 4.1 s
    assert_eq!(machine.phase(), Phase::Backup, "10 takes over from a live 50");
}

#[test]
fn b01b_a_preempt_delay_ends_with_its_configuration() {
    for now in [params(100, Preempt::Never), params(10, Preempt::After(10 * SECOND))] {
        let mut machine = backup(params(100, Preempt::After(10 * SECOND)));
        for second in 0..10 {
            let _ = machine.handle(t0() + second * SECOND, heard(50));
        }
        let _ = machine.handle(t0() + 9500 * MS, fsm::Input::Reconfigure(now));
        let _ = machine.handle(t0() + 10 * SECOND, fsm::Input::Timeout);
        assert_eq!(machine.phase(), Phase::Backup, "{:?}", now.role);
    }
}

#[test]
fn b02a_one_more_address_takes_none_away() {
    let with = |list: &[&str]| VirtualRouter::v3_ipv4(vrid(51), ipv4(list), Centiseconds::ONE_SECOND);
    // One more; the same in another order.
    for next in [&["192.0.2.4", "192.0.2.1"][..], &["192.0.2.1", "192.0.2.4", "192.0.2.5"]] {
        let mut world = World::held(&with(&["192.0.2.1", "192.0.2.4"]));
        let start = world.now;
        world.configure(&[with(next)]);
        while !matches!(world.phase(key(&v3())), Phase::Acquiring | Phase::Held) {
            world.timeout();
        }
        assert!(
            world.now - start < SECOND,
            "{next:?}: a lone node acquires again after {:?}",
            world.now - start
        );
    }
}

#[test]
fn b02b_going_back_to_what_is_in_force_is_taken_back() {
    for between in [vec![other_address()], vec![]] {
        let mut world = World::held(&v3());
        world.configure(&between);
        world.configure(&[v3()]);
        assert_eq!(world.phase(key(&v3())), Phase::Held);
    }
}

#[test]
fn b03a_a_drain_survives_a_reload() {
    let mut world = World::held(&v3());
    world.give(drain(false));
    world.configure(&[other_address()]);
    world.hear(&Message::v3(50, "192.0.2.3")).unwrap();
    world.give(Input::Timeout);
    assert_eq!(world.phase(key(&v3())), Phase::Initialize(Hold::Drained));
}

#[test]
fn b03b_a_drain_during_a_replacement_counts() {
    let mut world = World::held(&v3());
    world.configure(&[other_address()]);
    world.give(drain(false));
    world.hear(&Message::v3(50, "192.0.2.3")).unwrap();
    world.give(Input::Timeout);
    assert_eq!(world.phase(key(&v3())), Phase::Initialize(Hold::Drained));
}

#[test]
fn b16_a_drain_while_acquiring_waits_too() {
    let mut world = World::new(&[v3()]);
    world.timeout();
    assert_eq!(
        world.give(drain(false)).first().map(String::as_str),
        Some("51: acquiring -> resigning (drain)")
    );
}

#[test]
fn b17_a_reload_is_no_second_shutdown() {
    let mut world = World::held(&v3());
    world.give(Input::Shutdown);
    assert_eq!(world.configure(&[]), [""; 0]);
}
