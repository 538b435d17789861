//! Another host that holds the addresses: what is asked, what is told, and which cause is found.

use std::time::Duration;

use vrrp_core::{
    Family, Input, InterfaceDetails, InterfaceStatus, Look, MacAddr, NOBODYS, Phase, Sighting,
    VirtualRouter,
};

use super::world::*;

const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 9]);
const MS: Duration = Duration::from_millis(1);
/// The lease of a peer at 1 s, and what the kernel may be late.
const LEASE: Duration = Duration::from_millis(4500);

fn warns() -> VirtualRouter {
    v3().with_look(Look::Warn)
}

fn seen(address: &str, mac: MacAddr, solicited: bool) -> Input<'static> {
    Input::Sighting(Sighting { interface: interface(1), address: ip(address), mac, solicited })
}

fn answers() -> Input<'static> {
    seen("192.0.2.1", MAC, true)
}

impl World {
    /// Serves every deadline for so long, and returns what that led to, advertisements left out.
    fn pass(&mut self, duration: Duration) -> Vec<String> {
        let until = self.now + duration;
        let mut lines = Vec::new();
        while self.router.next_deadline().is_some_and(|at| at <= until) {
            lines.extend(self.timeout());
        }
        self.now = until;
        lines.retain(|line| !line.contains("advertise"));
        lines
    }
}

/// A Backup that has looked, and was answered.
fn answered() -> World {
    let mut world = World::new(&[warns()]);
    assert_eq!(world.timeout(), ["51: probe 192.0.2.1"]);
    assert_eq!(world.give(answers()), ["51: overhear true"]);
    world
}

/// The same, Active by now, and asked again when the lease would have ended; what happens meanwhile
/// is given.
fn asked(meanwhile: impl FnOnce(&mut World)) -> World {
    let mut world = answered();
    world.pass(SECOND);
    world.done(key(&warns()), Ok(vrrp_core::Reach::OnLink));
    assert_eq!(world.phase(key(&warns())), Phase::Held);
    meanwhile(&mut world);
    let lines = world.pass(LEASE - SECOND);
    assert_eq!(lines.last().unwrap(), "51: probe 192.0.2.1 and a proxy");
    world
}

#[test]
fn nothing_is_heard_of_a_rival_that_the_network_hides() {
    let mut world = asked(|_| {});
    let told = "51: rival 02:00:00:00:00:09 with 192.0.2.1: network, 0 others";
    assert_eq!(world.give(answers()), ["51: overhear false", told]);
    let rival = world.router.status(&key(&warns())).unwrap().rival.unwrap();
    assert_eq!((rival.mac, rival.last), (MAC, world.now));
    // It is told once, and when it is gone.
    assert_eq!(world.pass(10 * SECOND).last().unwrap(), "51: probe 192.0.2.1 and a proxy");
    assert_eq!(world.give(answers()), [""; 0]);
    let lines = world.pass(14 * SECOND);
    assert_eq!(lines.last().unwrap(), "51: rival 02:00:00:00:00:09 gone");
    assert_eq!(world.router.status(&key(&warns())).unwrap().rival, None);
}

#[test]
fn an_advertisement_that_only_a_packet_socket_sees_is_this_hosts_firewalls() {
    let (key, source) = (key(&warns()), ip("192.0.2.1"));
    let mut world = asked(|world| world.handle(Input::Overheard { key, source }));
    let told = "51: rival 02:00:00:00:00:09 with 192.0.2.1: firewall, 0 others";
    assert_eq!(world.give(answers()), ["51: overhear false", told]);
    let cause = world.router.status(&key).unwrap().rival.unwrap().cause;
    assert!(cause.to_string().contains("a firewall on this host drops them"), "{cause}");
    // This node's own do not count.
    let own = ip(OWN);
    let mut world = asked(|world| world.handle(Input::Overheard { key, source: own }));
    assert!(world.give(answers())[1].contains("network"));
}

#[test]
fn a_message_that_is_refused_says_why() {
    let mut world = asked(|world| {
        assert!(world.hear(&Message::v3(200, "192.0.2.1").ttl(64)).is_err());
        world.drain();
    });
    let told = "51: rival 02:00:00:00:00:09 with 192.0.2.1: refused, 0 others";
    assert_eq!(world.give(answers()), ["51: overhear false", told]);
    let cause = world.router.status(&key(&warns())).unwrap().rival.unwrap().cause;
    assert!(cause.to_string().contains("min_ttl"), "{cause}");
}

#[test]
fn who_answers_for_an_address_that_nobody_has_is_a_proxy() {
    let mut world = asked(|_| {});
    world.give(seen(&NOBODYS.to_string(), MAC, true));
    assert!(world.give(answers())[1].contains("proxy-arp"));
}

#[test]
fn a_peer_that_died_is_not_told_of() {
    let mut world = answered();
    let mut lines = world.pass(SECOND);
    lines.extend(world.done(key(&warns()), Ok(vrrp_core::Reach::OnLink)));
    lines.extend(world.pass(20 * SECOND));
    assert!(lines.iter().all(|line| !line.contains("rival")), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.contains("overhear false")).count(), 1);
}

#[test]
fn a_claim_is_told_once_an_hour_for_each_host_and_once_a_minute_for_all() {
    let config = v3();
    let mut world = World::held(&config);
    world.pass(10 * SECOND);
    let others = (0..20).map(|last| MacAddr([2, 0, 0, 0, 1, last]));
    let told =
        |lines: Vec<String>| lines.into_iter().filter(|line| line.contains("rival 0")).count();
    let mut count = 0;
    for mac in others {
        count += told(world.give(seen("192.0.2.1", mac, false)));
        count += told(world.pass(MS));
    }
    assert_eq!(count, 1);
    // The next one is seen once the first is gone.
    let mut told_in = |tens: u32| {
        let mut count = 0;
        for _ in 0..tens {
            count += told(world.give(seen("192.0.2.1", MAC, false)));
            count += told(world.pass(10 * SECOND));
        }
        count
    };
    assert_eq!(told_in(360), 1);
    // While it is there it is not told of again; after a pause it is another time.
    assert_eq!(told_in(10), 0);
    world.pass(60 * SECOND);
    assert_eq!(world.give(seen("192.0.2.1", MAC, false)).len(), 2);
}

#[test]
fn what_is_no_other_host_does_not_count() {
    let mut world = World::held(&v3());
    world.pass(10 * SECOND);
    let own = MacAddr([2, 0, 0, 0, 0, 1]);
    let up = up().with(|details: &mut InterfaceDetails| details.mac = own);
    assert!(matches!(up, InterfaceStatus::Up(_)));
    world.give(Input::Interface { id: interface(1), status: up });
    world.pass(10 * SECOND);
    let virtual_mac = vrid(51).virtual_mac(Family::Ipv4);
    for mac in [own, virtual_mac, MacAddr([0; 6]), MacAddr([0xff; 6])] {
        assert_eq!(world.give(seen("192.0.2.1", mac, false)), [""; 0], "{mac}");
    }
    assert_eq!(world.give(seen("192.0.2.9", MAC, false)), [""; 0], "not an address of ours");
    let other =
        Sighting { interface: interface(2), address: ip("192.0.2.1"), mac: MAC, solicited: false };
    assert_eq!(world.give(Input::Sighting(other)), [""; 0], "not where it is");
    let lines = world.give(seen("192.0.2.1", MAC, false));
    assert_eq!(
        lines,
        ["51: announce", "51: rival 02:00:00:00:00:09 with 192.0.2.1: foreign, 0 others"]
    );
}
