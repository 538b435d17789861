//! Ten thousand virtual routers.

use std::collections::BTreeMap;

use vrrp_core::{
    Desired, Input, Instant, Key, Output, Phase, Preempt, Reach, Router, VirtualRouter,
};

use super::world::*;

/// 250 VRIDs on each of 40 interfaces, with priorities from 1 to 254.
fn ten_thousand() -> Desired {
    let mut desired = Desired::new();
    for number in 1..=40_u32 {
        for octet in 1..=250_u8 {
            let priority = u8::try_from((u32::from(octet) * 7 + number * 31) % 254 + 1).unwrap();
            let config = VirtualRouter::new(vrid(octet), v3().protocol().clone());
            let config = config.with_role(contender(priority, Preempt::Always));
            desired.insert(interface(number), config).unwrap();
        }
    }
    desired
}

fn started() -> (Router, Instant) {
    let (mut router, now) = (Router::new(), Instant::EPOCH + SECOND);
    for number in 1..=40 {
        router.handle(now, Input::Interface { id: interface(number), status: up() });
    }
    router.handle(now, Input::Configure(&ten_thousand()));
    // No earlier process left anything, and every backend would work.
    loop {
        let mut asked = Vec::new();
        while let Some(output) = router.poll_output() {
            if let Output::Lease(request) = output {
                asked.push((request.key, request.generation, request.want));
            }
        }
        if asked.is_empty() {
            return (router, now);
        }
        for (key, generation, want) in asked {
            if let Some(answer) = want.done(Reach::OnLink) {
                router.handle(now, Input::Answer { key, generation, answer });
            }
        }
    }
}

#[test]
fn deadlines_come_in_order_and_everybody_gets_a_turn() {
    let (mut router, start) = started();
    let mut promoted: BTreeMap<Key, Instant> = BTreeMap::new();
    let mut last = start;
    while promoted.len() < 10_000 {
        let now = router.next_deadline().unwrap();
        assert!(now > last, "{now:?} does not come after {last:?}");
        last = now;
        router.handle(now, Input::Timeout);
        while let Some(output) = router.poll_output() {
            if let Output::Lease(request) = output {
                promoted.entry(request.key).or_insert(now);
            }
        }
        assert!(now < start + 4 * SECOND, "{} were promoted by then", promoted.len());
    }
    for (key, config) in ten_thousand().iter() {
        let expected = start + config.interval().timing().active_down(config.role().claim());
        assert_eq!(promoted[&key], expected, "{key}");
    }
}

#[test]
fn one_late_timeout_serves_all_that_are_due() {
    let (mut router, start) = started();
    let now = start + 10 * SECOND;
    router.handle(now, Input::Timeout);
    let mut acquires = 0;
    while let Some(output) = router.poll_output() {
        acquires += usize::from(matches!(output, Output::Lease(_)));
    }
    assert_eq!(acquires, 10_000);
    assert_eq!(router.next_deadline(), Some(now + SECOND));
    assert!(router.keys().all(|key| router.status(&key).unwrap().phase == Phase::Acquiring));
}

#[test]
fn all_can_go_and_come_back() {
    let (mut router, now) = started();
    for _ in 0..3 {
        for desired in [Desired::new(), ten_thousand()] {
            router.handle(now, Input::Configure(&desired));
            while router.poll_output().is_some() {}
            router.handle(now, Input::Timeout);
            while router.poll_output().is_some() {}
            assert_eq!(router.keys().count(), desired.len());
        }
    }
}
