//! Unicast peers: who is sent to, who is heard, and from how far away.

use std::net::IpAddr;

use vrrp_core::{Hear, Input, Output, Peer, Rejected};

use super::world::*;

/// Where the next advertisement goes, and from where.
fn destinations(world: &mut World) -> (IpAddr, Vec<IpAddr>) {
    while let Some(output) = world.router.poll_output() {
        if let Output::Transmit(transmit) = output {
            let destinations = transmit.packets().map(|packet| packet.destination()).collect();
            return (transmit.source(), destinations);
        }
    }
    panic!("nothing was transmitted");
}

fn promoted(config: &vrrp_core::VirtualRouter) -> World {
    let mut world = World::new(std::slice::from_ref(config));
    let key = key(config);
    while world.phase(key) != vrrp_core::Phase::Acquiring {
        assert!(world.router.poll_output().is_none_or(|output| matches!(output, Output::Greet(_))));
        world.now = world.router.next_deadline().unwrap();
        world.handle(Input::Timeout);
    }
    world
}

#[test]
fn multicast_goes_to_the_group_of_the_family() {
    assert_eq!(destinations(&mut promoted(&v3())), (ip(OWN), vec![ip("224.0.0.18")]));
    assert_eq!(destinations(&mut promoted(&v2())), (ip(OWN), vec![ip("224.0.0.18")]));
    assert_eq!(destinations(&mut promoted(&v3_ipv6())), (ip(OWN_IPV6), vec![ip("ff02::12")]));
}

#[test]
fn each_peer_but_this_node_is_sent_to() {
    let config =
        v2().with_peers([ip("192.0.2.3"), ip(OWN), ip("198.51.100.4")], Hear::Peers).unwrap();
    let (source, peers) = destinations(&mut promoted(&config));
    assert_eq!((source, peers), (ip(OWN), vec![ip("192.0.2.3"), ip("198.51.100.4")]));

    let alone = v3().with_peers([ip(OWN)], Hear::Peers).unwrap();
    assert_eq!(destinations(&mut promoted(&alone)).1, [] as [IpAddr; 0]);
}

#[test]
fn ipv6_peers_beyond_the_link_are_sent_to_from_a_routable_address() {
    let on_link = v3_ipv6().with_peers([ip("fe80::3")], Hear::Peers).unwrap();
    assert_eq!(destinations(&mut promoted(&on_link)).0, ip(OWN_IPV6));
    let routed = v3_ipv6().with_peers([ip("fe80::3"), ip("2001:db8::3")], Hear::Peers).unwrap();
    assert_eq!(destinations(&mut promoted(&routed)).0, ip("2001:db8::2"));
}

#[test]
fn a_peer_may_come_from_as_far_as_its_min_ttl_says_and_no_other_may() {
    let far = Peer::from(ip("198.51.100.4")).min_ttl(60);
    let config = v3().with_peers([far, ip("192.0.2.3").into()], Hear::Any).unwrap();
    let mut world = World::new(&[config]);
    assert!(world.hear(&Message::v3(200, "198.51.100.4").ttl(60)).is_ok());
    assert_eq!(world.hear(&Message::v3(200, "198.51.100.4").ttl(59)), Err(Rejected::Ttl));
    assert_eq!(world.hear(&Message::v3(200, "192.0.2.3").ttl(254)), Err(Rejected::Ttl));
    assert_eq!(world.hear(&Message::v3(200, "192.0.2.9").ttl(254)), Err(Rejected::Ttl));
}

#[test]
fn an_unlisted_speaker_is_heard_and_reported_if_anybody_may_speak() {
    let config = v3().with_peers([ip("192.0.2.3")], Hear::Any).unwrap();
    let mut world = World::new(&[config]);
    assert_eq!(
        world.hear(&Message::v3(200, "192.0.2.9")).unwrap(),
        ["51: unlisted-speaker 192.0.2.9"]
    );
    let status = world.router.status(&key(&v3())).unwrap();
    assert_eq!(status.active_peer, Some(ip("192.0.2.9")));
    assert_eq!(world.hear(&Message::v3(200, "192.0.2.3")).unwrap(), [""; 0]);
}

#[test]
fn a_multicast_virtual_router_hears_unicast_too() {
    let mut world = World::new(&[v3()]);
    let mut message = Message::v3(200, "192.0.2.3");
    message.meta.destination = ip(OWN);
    assert_eq!(world.hear(&message).unwrap(), [""; 0]);
    message.form = vrrp_core::ChecksumForm::PseudoHeader;
    assert!(world.hear(&message).is_ok());
}
