//! Nodes that refuse each other, or do not give way, are told of on both sides.

use std::time::Duration;

use vrrp_core::{
    Authentication, ChecksumForm, Hear, Input, Interval, Notice, Password, Protocol, Rejected,
    Role, Seconds, VirtualRouter,
};

use super::world::*;

const PEER: &str = "192.0.2.3";

fn with_password(text: &[u8]) -> VirtualRouter {
    let password = Some(Password::try_from(text).unwrap());
    let protocol =
        Protocol::V2 { addresses: ipv4(&["192.0.2.1"]), interval: Seconds::ONE, password };
    VirtualRouter::new(vrid(51), protocol)
}

/// What it says of a message that it refuses.
fn refuses(world: &mut World, message: &Message) -> Vec<String> {
    assert!(world.hear(message).is_err(), "{message:?} was let in");
    world.drain()
}

/// A message for each reason to refuse one that is told of, and who refuses it.
fn refusals() -> Vec<(Rejected, VirtualRouter, Message)> {
    let texted = Message {
        authentication: Authentication::SimpleText(*b"bbbb\0\0\0\0"),
        ..Message::v2(200, PEER)
    };
    let slow =
        Message { interval: Interval::V2(Seconds::try_from(2).unwrap()), ..Message::v2(200, PEER) };
    let disjoint = Message { addresses: vec!["192.0.2.77"], ..Message::v3(200, PEER) };
    vec![
        (Rejected::Ttl, v3(), Message::v3(200, PEER).ttl(254)),
        (Rejected::WrongVersion, v3(), Message::v2(200, PEER)),
        (Rejected::WrongVersion, v2(), Message::v3(200, PEER)),
        (Rejected::Password, with_password(b"aaaa"), texted.clone()),
        (Rejected::AuthenticationType, v2(), texted),
        (Rejected::AuthenticationType, with_password(b"aaaa"), Message::v2(200, PEER)),
        (Rejected::Interval, v2(), slow),
        (
            Rejected::UnlistedSource,
            v3().with_peers([ip("192.0.2.4")], Hear::Peers).unwrap(),
            Message::v3(200, PEER),
        ),
        (Rejected::NoCommonAddress, v3(), disjoint),
    ]
}

#[test]
fn each_reason_to_refuse_a_speaker_is_told_with_its_source() {
    for (reason, config, message) in refusals() {
        let mut world = World::new(std::slice::from_ref(&config));
        let line = format!("51: refused {} {PEER}", reason.as_str());
        assert_eq!(refuses(&mut world, &message), [line]);
        assert_eq!(refuses(&mut world, &message), [""; 0], "once");
        let status = world.router.status(&key(&config)).unwrap();
        assert!(
            status.speakers[0].notices.iter().eq([Notice::Refused(reason)]),
            "{:?}",
            status.speakers
        );
        assert_eq!(status.speakers[0].claim, Some(200.into()), "{}", reason.as_str());
    }
}

#[test]
fn a_stronger_active_that_is_refused_is_told_of_as_one() {
    for (reason, config, message) in refusals() {
        // Another cluster serves other addresses.
        let word = if reason == Rejected::NoCommonAddress { "refused" } else { "stronger-refused" };
        let mut world = World::held(&config);
        assert_eq!(
            refuses(&mut world, &message),
            [format!("51: {word} {} {PEER}", reason.as_str())]
        );
        let mut world = World::held(&config);
        let weaker = Message { priority: 50, ..message };
        assert_eq!(
            refuses(&mut world, &weaker),
            [format!("51: refused {} {PEER}", reason.as_str())]
        );
    }
}

#[test]
fn of_the_same_priority_the_greater_address_is_the_stronger_one() {
    for (source, word) in [(PEER, "stronger-refused"), ("192.0.2.1", "refused")] {
        let mut world = World::held(&v3());
        let same = Message::v3(100, source).ttl(254);
        assert_eq!(refuses(&mut world, &same), [format!("51: {word} wrong-ttl {source}")]);
    }
}

/// F-29: whoever refuses a peer from its start on, and becomes active beside it, says so in one
/// line.
#[test]
fn what_was_told_by_a_backup_is_no_second_line_from_an_active() {
    let mut world = World::new(&[v3()]);
    let refused = Message::v3(200, PEER).ttl(254);
    assert_eq!(refuses(&mut world, &refused), ["51: refused wrong-ttl 192.0.2.3"]);
    world.hold(key(&v3()));
    assert_eq!(refuses(&mut world, &refused), [""; 0]);
    let status = world.router.status(&key(&v3())).unwrap();
    assert!(status.speakers[0].notices.contains(Notice::StrongerRefused(Rejected::Ttl)));
    // That both hold the address is worth a line of its own, a minute later.
    world.wait(60 * SECOND);
    assert_eq!(refuses(&mut world, &refused), ["51: stronger-refused wrong-ttl 192.0.2.3"]);
}

#[test]
fn a_wrong_checksum_and_keepalived_s_signature_are_told_by_name() {
    let message = Message::v3(200, PEER);
    for (change, word) in [
        (vec![], "wrong-checksum"),
        (vec![0; 4], "oversized"),
        ([&[1, 7, 0, 0][..], &[9; 24]].concat(), "signature-trailer"),
        ([&[2, 7, 0, 0][..], &[9; 24]].concat(), "oversized"),
        ([&[1, 7, 0, 0][..], &[9; 25]].concat(), "oversized"),
    ] {
        let mut world = World::new(&[v3()]);
        let mut bytes = message.bytes();
        bytes[2] ^= u8::from(change.is_empty());
        bytes.extend(change);
        assert!(world.receive(message.meta, &bytes).is_err());
        assert_eq!(world.drain(), [format!("51: refused {word} {PEER}")]);
        let status = world.router.status(&key(&v3())).unwrap();
        assert_eq!(status.speakers[0].claim, None, "nobody knows what it claims");
    }
}

#[test]
fn who_does_not_take_part_and_who_hears_itself_says_nothing() {
    let mut world = World::new(&[v3()]);
    assert_eq!(refuses(&mut world, &Message::v3(200, OWN)), [""; 0]);
    world.give(Input::Shutdown);
    assert_eq!(refuses(&mut world, &Message::v3(200, PEER).ttl(254)), [""; 0]);
    assert_eq!(refuses(&mut world, &Message::v3(200, PEER)), [""; 0]);
}

/// F-12, F-50: it cannot hear this node.
#[test]
fn a_weaker_active_that_goes_on_for_three_of_its_intervals_is_told_of() {
    for (config, message) in [(v3(), Message::v3(50, PEER)), (v2(), Message::v2(50, PEER))] {
        let mut world = World::held(&config);
        let begun = world.now;
        let told =
            |lines: &[String]| lines.iter().any(|line| line == "51: weaker-active 192.0.2.3");
        while !told(&world.hear(&message).unwrap()) {
            assert!(world.now < begun + 5 * SECOND, "nothing is told");
            world.wait(SECOND);
            world.give(Input::Timeout);
        }
        assert_eq!(world.now - begun, 3 * SECOND);
        let status = world.router.status(&key(&config)).unwrap();
        assert!(status.speakers[0].notices.iter().eq([Notice::WeakerActive]));
        for _ in 0..10 {
            world.wait(SECOND);
            world.give(Input::Timeout);
            assert!(!told(&world.hear(&message).unwrap()), "again");
        }
    }
}

/// A timer is never exact: the third interval of a weaker Active may seem a little short.
#[test]
fn a_weaker_active_is_told_of_after_its_third_interval_though_it_comes_early() {
    let mut world = World::held(&v3());
    let mut lines = Vec::new();
    for pause in [1_000, 1_000, 980, 0] {
        lines = world.hear(&Message::v3(50, PEER)).unwrap();
        world.wait(Duration::from_millis(pause));
        world.give(Input::Timeout);
    }
    assert!(lines.contains(&"51: weaker-active 192.0.2.3".to_owned()), "{lines:?}");
}

#[test]
fn a_weaker_active_that_gives_way_is_not_told_of() {
    let mut world = World::held(&v3());
    let told = |lines: &[String]| lines.iter().any(|line| line.contains("weaker-active"));
    // Six last words of one that yielded, half an interval apart; then, much later, one more claim.
    for pause in [500, 500, 500, 500, 500, 60_000, 500] {
        assert!(!told(&world.hear(&Message::v3(50, PEER)).unwrap()));
        let until = world.now + Duration::from_millis(pause);
        while world.now < until {
            world.wait(SECOND / 2);
            world.give(Input::Timeout);
        }
    }
}

/// What it said before we were Active is no answer to us.
#[test]
fn the_three_intervals_of_a_weaker_active_begin_anew_with_a_promotion() {
    let mut world = World::held(&v3());
    let told = |lines: &[String]| lines.iter().any(|line| line.contains("weaker-active"));
    for _ in 0..3 {
        assert!(!told(&world.hear(&Message::v3(50, PEER)).unwrap()));
        world.wait(SECOND);
        world.give(Input::Timeout);
    }
    for priority in [200, 0] {
        world.hear(&Message::v3(priority, "192.0.2.4")).unwrap();
    }
    world.hold(key(&v3()));
    for _ in 0..3 {
        assert!(!told(&world.hear(&Message::v3(50, PEER)).unwrap()));
        world.wait(SECOND);
        world.give(Input::Timeout);
    }
    assert!(told(&world.hear(&Message::v3(50, PEER)).unwrap()));
}

/// Of its interval, which is not ours.
#[test]
fn a_weaker_active_has_three_of_its_own_intervals() {
    let mut world = World::held(&v3());
    let interval = Interval::V3(vrrp_core::Centiseconds::try_from(400).unwrap());
    let slow = Message { interval, ..Message::v3(50, PEER) };
    let mut lines = Vec::new();
    let begun = world.now;
    while !lines.contains(&"51: weaker-active 192.0.2.3".to_string()) {
        lines = world.hear(&slow).unwrap();
        for _ in 0..4 {
            world.wait(SECOND);
            world.give(Input::Timeout);
        }
        assert!(world.now < begun + 20 * SECOND, "nothing is told");
    }
    assert_eq!(world.now - begun, 16 * SECOND, "told with the fourth");
}

/// Finding 5: 536 messages of priority 0 to an Active, and no line of log.
#[test]
fn a_stream_of_resignations_at_an_active_is_told_once() {
    let mut world = World::held(&v3());
    let mut told = Vec::new();
    for _ in 0..536 {
        world.wait(Duration::from_millis(5));
        world.give(Input::Timeout);
        told.extend(world.hear(&Message::v3(0, PEER)).unwrap());
    }
    told.retain(|line| !line.starts_with("51: advertise"));
    assert_eq!(told, ["51: resignations 192.0.2.3"]);
}

#[test]
fn the_end_of_a_handover_is_no_stream_of_resignations() {
    let mut world = World::new(&[v3()]);
    world.hear(&Message::v3(200, PEER)).unwrap();
    world.hear(&Message::v3(0, PEER)).unwrap();
    world.hold(key(&v3()));
    for _ in 0..3 {
        assert_eq!(world.hear(&Message::v3(0, PEER)).unwrap(), ["51: advertise 100"]);
    }
}

/// Finding 4: a third node's message made a second Active.
#[test]
fn a_resignation_of_another_than_the_active_that_is_followed_moves_no_timer_and_is_told() {
    let mut world = World::new(&[v3()]);
    world.hear(&Message::v3(200, PEER)).unwrap();
    world.wait(SECOND / 2);
    let before = world.router.next_deadline();
    assert_eq!(
        world.hear(&Message::v3(0, "192.0.2.9")).unwrap(),
        ["51: resigned-by-another 192.0.2.9"]
    );
    assert_eq!(world.router.next_deadline(), before);
    assert_eq!(world.hear(&Message::v3(0, "192.0.2.9")).unwrap(), [""; 0], "once");
    assert_eq!(world.router.status(&key(&v3())).unwrap().active_peer, Some(ip(PEER)));
}

#[test]
fn a_node_that_hands_over_may_say_so_once_more_after_its_successor_was_heard() {
    let mut world = World::new(&[v3()]);
    for (priority, source) in [(200, PEER), (0, PEER), (150, "192.0.2.4")] {
        world.hear(&Message::v3(priority, source)).unwrap();
        world.wait(SECOND / 16);
    }
    let before = world.router.next_deadline();
    assert_eq!(world.hear(&Message::v3(0, PEER)).unwrap(), [""; 0]);
    assert_eq!(world.router.next_deadline(), before, "its successor is there");
}

#[test]
fn a_list_with_nothing_in_common_is_refused_whatever_the_priority() {
    type Make = fn(u8, &str) -> Message;
    let makes: [(VirtualRouter, Make); 2] = [(v3(), Message::v3), (v2(), Message::v2)];
    for (config, make) in makes {
        for priority in [0, 1, 100, 200, 255] {
            for mut world in [World::new(std::slice::from_ref(&config)), World::held(&config)] {
                let before = world.snapshot(key(&config));
                let message =
                    Message { addresses: vec!["192.0.2.77", "192.0.2.78"], ..make(priority, PEER) };
                assert_eq!(world.hear(&message), Err(Rejected::NoCommonAddress));
                assert_eq!(world.drain(), ["51: refused no-common-address 192.0.2.3"]);
                let after = world.snapshot(key(&config));
                assert_eq!(after.counters.rejected(Rejected::NoCommonAddress), 1);
                assert_eq!((after.phase, after.deadline), (before.phase, before.deadline));
            }
        }
    }
}

#[test]
fn one_common_address_of_many_is_enough_to_be_heard() {
    let ours: Vec<String> = (1..=255).map(|last| format!("198.51.100.{last}")).collect();
    let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
    let config = VirtualRouter::v3_ipv4(vrid(51), ipv4(&ours), vrrp_core::Centiseconds::ONE_SECOND);
    let theirs =
        (0..254).map(|last| format!("203.0.113.{last}")).chain(["198.51.100.255".to_owned()]);
    let addresses: Vec<&'static str> = theirs.map(|text| &*text.leak()).collect();
    let mut world = World::new(std::slice::from_ref(&config));
    let mut message =
        Message { addresses, form: ChecksumForm::PseudoHeader, ..Message::v3(200, PEER) };
    assert_eq!(world.hear(&message).unwrap(), ["51: addresses-differ 192.0.2.3"]);
    message.addresses.pop();
    assert_eq!(world.hear(&message), Err(Rejected::NoCommonAddress));
    message.addresses = ours.iter().rev().map(|text| &*(*text).to_owned().leak()).collect();
    let mut world = World::new(std::slice::from_ref(&config));
    assert_eq!(world.hear(&message).unwrap(), [""; 0], "another order is the same list");
}

#[test]
fn an_owner_refuses_another_cluster_too() {
    let mut world = World::held(&v3().with_role(Role::Owner));
    let message = Message { addresses: vec!["192.0.2.77"], ..Message::v3(255, PEER) };
    assert_eq!(refuses(&mut world, &message), ["51: refused no-common-address 192.0.2.3"]);
}
