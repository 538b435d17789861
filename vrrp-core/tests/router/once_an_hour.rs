//! What is told about peers is bounded: once an hour for each source, once a minute for each
//! reason, whatever happens meanwhile.

use std::{collections::BTreeSet, time::Duration};

use vrrp_core::{Event, Output, Speaker};

use super::world::*;

const PEER: &str = "192.0.2.3";
const HOUR: Duration = Duration::from_secs(3600);

fn same() -> Message {
    Message::v3(100, PEER)
}

fn refused(source: &str) -> Message {
    Message::v3(200, source).ttl(254)
}

/// What it says of a message, let in or not.
fn told(world: &mut World, message: &Message) -> Vec<String> {
    let mut lines = match world.hear(message) {
        Ok(lines) => lines,
        Err(_) => world.drain(),
    };
    lines.retain(|line| line.ends_with(&message.meta.source.to_string()));
    lines
}

#[test]
fn a_notice_is_told_again_after_an_hour() {
    for (message, line) in [
        (same(), "51: same-priority 192.0.2.3"),
        (refused(PEER), "51: refused wrong-ttl 192.0.2.3"),
    ] {
        let mut world = World::new(&[v3()]);
        for hour in 0..3 {
            assert_eq!(told(&mut world, &message), [line], "hour {hour}");
            world.wait(HOUR - Duration::from_millis(1));
            assert_eq!(told(&mut world, &message), [""; 0], "hour {hour}");
            world.wait(Duration::from_millis(1));
        }
    }
}

/// Finding 7: the same was told again after each transition.
#[test]
fn a_transition_does_not_have_a_notice_told_again() {
    let mut world = World::new(&[v3()]);
    assert_eq!(told(&mut world, &same()), ["51: same-priority 192.0.2.3"]);
    assert_eq!(told(&mut world, &refused(PEER)), ["51: refused wrong-ttl 192.0.2.3"]);
    world.hold(key(&v3()));
    assert_eq!(told(&mut world, &same()), [""; 0]);
    assert_eq!(world.phase(key(&v3())).as_str(), "backup", "the greater address wins");
    assert_eq!(told(&mut world, &refused(PEER)), [""; 0]);
    assert_eq!(told(&mut world, &same()), [""; 0]);
}

#[test]
fn a_second_source_is_named_a_minute_later_and_the_rest_is_counted() {
    let mut world = World::new(&[v3()]);
    let sources = ["192.0.2.3", "192.0.2.4", "192.0.2.5"];
    let mut lines = Vec::new();
    let begun = world.now;
    while world.now < begun + 130 * SECOND {
        for source in sources {
            let Message { meta, .. } = refused(source);
            world.router.receive(world.now, meta, &refused(source).bytes()).unwrap_err();
            while let Some(output) = world.router.poll_output() {
                if let Output::Event(Event::Notice { source, others, .. }) = output {
                    lines.push(((world.now - begun).as_secs(), source.to_string(), others));
                }
            }
        }
        world.wait(SECOND);
    }
    let expected = [(0, sources[0], 0), (60, sources[1], 1), (120, sources[2], 0)];
    assert_eq!(lines, expected.map(|(at, source, others)| (at, source.to_owned(), others)));
}

/// As many are named as are remembered; nobody is told of twice for want of a place.
#[test]
fn a_source_without_a_place_is_counted_only() {
    let mut world = World::new(&[v3()]);
    let mut named = Vec::new();
    for _ in 0..600 {
        for last in 11..=16 {
            named.extend(told(&mut world, &refused(&format!("192.0.2.{last}"))));
        }
        world.wait(SECOND);
    }
    let expected = [11, 12, 13, 14].map(|last| format!("51: refused wrong-ttl 192.0.2.{last}"));
    assert_eq!(named, expected);
}

/// The first of its kind is told of all the same: a flood that fills the places must not hide
/// another one.
#[test]
fn a_source_without_a_place_is_told_of_where_nobody_else_was() {
    let mut world = World::new(&[v3()]);
    for last in 11..=16 {
        told(&mut world, &refused(&format!("192.0.2.{last}")));
    }
    let same = |last: u8| Message::v3(100, &format!("192.0.2.{last}"));
    assert_eq!(told(&mut world, &same(17)), ["51: same-priority 192.0.2.17"]);
    assert_eq!(told(&mut world, &same(18)), [""; 0]);
}

/// Different reasons and virtual routers do not wait for each other.
#[test]
fn each_reason_and_each_virtual_router_has_a_minute_of_its_own() {
    let other = vrrp_core::VirtualRouter::new(vrid(52), v3().protocol().clone());
    let mut world = World::new(&[v3(), other]);
    assert_eq!(told(&mut world, &refused(PEER)), ["51: refused wrong-ttl 192.0.2.3"]);
    let elsewhere = Message { vrid: 52, ..refused(PEER) };
    assert_eq!(told(&mut world, &elsewhere), ["52: refused wrong-ttl 192.0.2.3"]);
    assert_eq!(told(&mut world, &Message::v2(200, PEER)), ["51: refused wrong-version 192.0.2.3"]);
}

/// Of 300 sources, accepted or refused, each at once and each ten times: a few lines, and who was
/// there stays.
#[test]
fn three_hundred_sources_make_a_few_lines_and_push_out_no_peer() {
    let mut world = World::new(&[v3()]);
    let mut lines = Vec::new();
    for round in 0..10 {
        lines.extend(told(&mut world, &Message::v3(200, PEER)));
        lines.extend(told(&mut world, &refused("192.0.2.4")));
        for source in 0..300 {
            let source = format!("198.51.{}.{}", source / 200, source % 200 + 1);
            let forged = if round % 2 == 0 { refused(&source) } else { Message::v3(100, &source) };
            lines.extend(told(&mut world, &forged));
        }
        world.wait(SECOND / 10);
    }
    assert!((2..=3).contains(&lines.len()), "{lines:?}");
    let speakers = world.snapshot(key(&v3())).speakers;
    assert_eq!(speakers.len(), 8);
    for peer in [PEER, "192.0.2.4"] {
        assert!(
            speakers.iter().any(|speaker| speaker.source == ip(peer) && speaker.messages == 10),
            "{peer}"
        );
    }
}

/// Each source once, for an hour and more: what is told stays at a line a minute.
#[test]
fn a_flood_of_sources_that_are_new_each_time_makes_a_line_a_minute() {
    let mut world = World::new(&[v3()]);
    let mut lines = 0;
    for second in 0..600_u16 {
        for last in 0..10_u8 {
            let [high, low] = second.to_be_bytes();
            lines += told(&mut world, &refused(&format!("10.{high}.{low}.{last}"))).len();
        }
        world.wait(SECOND);
    }
    assert_eq!(lines, 10);
}

#[test]
fn the_oldest_speaker_makes_room_once_it_is_silent() {
    let mut world = World::new(&[v3()]);
    let sources = |speakers: &[Speaker]| -> BTreeSet<String> {
        speakers.iter().map(|speaker| speaker.source.to_string()).collect()
    };
    for last in [11, 12, 13, 14] {
        world.hear(&Message::v3(200, &format!("192.0.2.{last}"))).unwrap();
        world.wait(SECOND / 10);
    }
    world.hear(&Message::v3(200, "192.0.2.15")).unwrap();
    let expected = ["192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14"].map(str::to_owned);
    assert_eq!(
        sources(&world.snapshot(key(&v3())).speakers),
        expected.clone().into(),
        "all are fresh"
    );
    world.hear(&Message::v3(200, "192.0.2.11")).unwrap();
    world.wait(5 * SECOND);
    world.hear(&Message::v3(200, "192.0.2.11")).unwrap();
    world.hear(&Message::v3(200, "192.0.2.16")).unwrap();
    let expected = ["192.0.2.11", "192.0.2.13", "192.0.2.14", "192.0.2.16"].map(str::to_owned);
    assert_eq!(sources(&world.snapshot(key(&v3())).speakers), expected.into());
}
