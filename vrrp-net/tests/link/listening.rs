//! The listener beside what a host sends and receives.

use std::time::{Duration, Instant};

use vrrp_core::{DecodeError, Family};
use vrrp_net::listen::{Heard, Listener, Speaker, Speakers, Way};

use crate::{
    VRID, advert,
    wire::{PATIENCE, Wire, group},
};

/// What a message passes: both ways of hearing one that arrives, and the one of what is sent.
pub(crate) fn a_listener_hears_what_arrives_and_what_is_sent(family: Family) {
    let Wire { a, b } = &Wire::new();
    let mut listener = a.host.run(|| Listener::open(["eth0"])).unwrap().unwrap();
    let message = advert(family, VRID);
    b.forger(family).send(254, &message);
    a.forger(family).send(255, &message);
    let heard = hear(&mut listener, |heard| heard.len() == 3);
    let of = |way| heard.iter().find(|heard| heard.way == way).unwrap();
    let arrived = of(Way::Arrived);
    assert_eq!((arrived.source, arrived.destination), (b.primary(family), Some(group(family))));
    assert_eq!((arrived.ttl, arrived.message.vrid), (Some(254), VRID));
    // What cannot be accepted is read all the same.
    assert_eq!(arrived.message.fault, Some(DecodeError::Checksum));
    assert_eq!(arrived.mac.unwrap().to_string(), "02:00:00:00:00:fe");
    assert_eq!(&*arrived.interface, "eth0");
    let sent = of(Way::Sent);
    assert_eq!((sent.source, sent.ttl), (a.primary(family), Some(255)));
    assert_eq!(of(Way::HandedOn).source, b.primary(family));

    let mut speakers = Speakers::new();
    heard.iter().for_each(|heard| speakers.hear(heard));
    let [one, other] = &speakers.iter().collect::<Vec<&Speaker>>()[..] else { panic!("two") };
    assert_eq!((one.is_here, one.messages, one.handed_on), (false, 1, 1));
    assert_eq!((other.is_here, other.messages, other.handed_on), (true, 1, 0));
}

/// A frame of a VLAN passes its parent, and is heard by whoever listens to the VLAN's interface.
pub(crate) fn a_listener_does_not_hear_a_vlan(family: Family) {
    let Wire { a, b } = &Wire::new();
    let mut listener = a.host.run(|| Listener::open(["eth0"])).unwrap().unwrap();
    let forger = b.forger(family);
    forger.send_in_vlan(7, &advert(family, VRID));
    // Nor what is for another host, which a switch may flood.
    forger.send_to([2, 0, 0, 0, 0, 0xaa], &advert(family, VRID));
    forger.send(255, &advert(family, VRID + 1));
    let heard = hear(&mut listener, |heard| heard.iter().any(|it| it.message.vrid == VRID + 1));
    assert!(heard.iter().all(|heard| heard.message.vrid == VRID + 1), "{heard:#?}");
}

pub(crate) fn a_listener_ends_in_time_under_a_flood(family: Family) {
    let Wire { a, b } = &Wire::new();
    let mut listener = a.host.run(|| Listener::open(["eth0"])).unwrap().unwrap();
    let forger = b.forger(family);
    let flood =
        std::thread::spawn(move || forger.flood(Duration::from_millis(600), &advert(family, VRID)));
    let begun = Instant::now();
    let mut count = 0;
    while listener.next(begun + Duration::from_millis(300)).unwrap().is_some() {
        count += 1;
    }
    let took = begun.elapsed();
    assert!(count > 100, "{count}");
    assert!(took < Duration::from_millis(300) + PATIENCE, "{took:?}");
    assert!(flood.join().unwrap() > 1000);
}

/// Everything that is heard until it is `enough`.
fn hear(listener: &mut Listener, enough: impl Fn(&[Heard]) -> bool) -> Vec<Heard> {
    let (mut heard, end) = (Vec::new(), Instant::now() + PATIENCE);
    while !enough(&heard) {
        heard.push(listener.next(end).unwrap().expect("more should be heard"));
    }
    heard
}
