//! A transition that a message caused says whose message, and with what priority.

use vrrp_core::{Event, Input, Output, Phase, Reason, Sender};

use super::world::*;

const PEER: &str = "192.0.2.3";

/// The transitions that are to be polled: reason and sender.
fn transitions(world: &mut World) -> Vec<(Reason, Option<(String, u8)>)> {
    let mut found = Vec::new();
    while let Some(output) = world.router.poll_output() {
        match output {
            Output::Event(Event::Transition { reason, sender, .. }) => {
                let sender =
                    sender.map(|Sender { source, claim }| (source.to_string(), u8::from(claim)));
                found.push((reason, sender));
            }
            Output::Lease(request) => {
                world.generations.insert(request.key, request.generation);
                world.wants.insert(request.key, request.want);
            }
            _ => {}
        }
    }
    found
}

fn hears(world: &mut World, message: &Message) -> Vec<(Reason, Option<(String, u8)>)> {
    world.handle(Input::Datagram { meta: message.meta, bytes: &message.bytes() });
    transitions(world)
}

fn by(priority: u8) -> Option<(String, u8)> {
    Some((PEER.to_owned(), priority))
}

#[test]
fn whoever_yields_names_the_stronger_one() {
    let mut world = World::held(&v3());
    let told = hears(&mut world, &Message::v3(200, PEER));
    assert_eq!(told, [(Reason::StrongerClaim, by(200))]);
    let status = world.router.status(&key(&v3())).unwrap();
    assert_eq!(status.sender, Some(Sender { source: ip(PEER), claim: 200.into() }));
}

#[test]
fn whoever_takes_over_after_a_resignation_names_the_one_that_resigned() {
    let mut world = World::new(&[v3()]);
    assert_eq!(hears(&mut world, &Message::v3(200, PEER)), []);
    assert_eq!(hears(&mut world, &Message::v3(0, PEER)), []);
    world.now = world.router.next_deadline().unwrap();
    world.handle(Input::Timeout);
    assert_eq!(transitions(&mut world), [(Reason::Resignation, by(0))]);
    // That the address is held, the backend has said.
    world.done(key(&v3()), Ok(vrrp_core::Reach::OnLink));
    assert_eq!(world.router.status(&key(&v3())).unwrap().sender, None);
}

#[test]
fn whoever_preempts_names_the_weaker_one_and_silence_names_nobody() {
    let heard = |messages: &[Message]| {
        let mut world = World::new(&[v3()]);
        for message in messages {
            world.hear(message).unwrap();
        }
        while world.phase(key(&v3())) == Phase::Backup {
            world.now = world.router.next_deadline().unwrap();
            world.handle(Input::Timeout);
        }
        transitions(&mut world)
    };
    assert_eq!(heard(&[Message::v3(50, PEER)]), [(Reason::Preemption, by(50))]);
    assert_eq!(heard(&[Message::v3(200, PEER)]), [(Reason::Silence, None)]);
}

#[test]
fn the_end_of_a_handover_names_the_successor() {
    let mut world = World::held(&v3());
    world.give(Input::Drain { key: key(&v3()), force: false });
    assert_eq!(hears(&mut world, &Message::v3(50, PEER)), [(Reason::Successor, by(50))]);
}

/// An Active whose own advertisements are overdue steps down for that, whatever it hears next.
#[test]
fn a_stall_is_nobody_s_message() {
    let mut world = World::held(&v3());
    world.wait(10 * SECOND);
    assert_eq!(hears(&mut world, &Message::v3(200, PEER)), [(Reason::Stalled, None)]);
}
