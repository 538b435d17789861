//! Which VRRPv3 IPv4 checksum leaves.

use vrrp_core::{
    Checksum,
    ChecksumForm::{self, MessageOnly, PseudoHeader},
    Input, Output, Protocol, VirtualRouter,
};

use super::world::*;

fn with(checksum: Checksum) -> VirtualRouter {
    let interval = vrrp_core::Centiseconds::ONE_SECOND;
    VirtualRouter::new(vrid(51), Protocol::V3Ipv4 { addresses: ipv4(&["192.0.2.1"]), interval, checksum })
}

/// The forms of the first advertisement after these were heard, read back from its octets, and the notices.
fn sends(config: &VirtualRouter, heard: &[ChecksumForm]) -> (Vec<ChecksumForm>, Vec<String>) {
    let mut world = World::new(std::slice::from_ref(config));
    let mut notices = Vec::new();
    for form in heard {
        notices.extend(world.hear(&Message { form: *form, ..Message::v3(200, "192.0.2.3") }).unwrap());
    }
    world.now = world.router.next_deadline().unwrap();
    world.handle(Input::Timeout);
    while let Some(output) = world.router.poll_output() {
        let Output::Transmit(transmit) = output else { continue };
        let forms = transmit.packets().map(|packet| {
            let mut out = [0; 64];
            let length = packet.encode(&mut out).unwrap();
            let (source, destination) = (packet.source(), packet.destination());
            let meta = vrrp_core::RxMeta { interface: interface(1), source, destination, ttl: 255 };
            vrrp_core::Advert::decode(&meta, &out[..length]).unwrap().form.unwrap()
        });
        return (forms.collect(), notices);
    }
    panic!("nothing was transmitted");
}

#[test]
fn auto_sends_the_pseudo_header_until_the_other_form_is_heard() {
    let auto = with(Checksum::Auto);
    assert_eq!(sends(&auto, &[]).0, [PseudoHeader]);
    assert_eq!(sends(&auto, &[PseudoHeader]).0, [PseudoHeader]);
    assert_eq!(sends(&auto, &[MessageOnly, MessageOnly]), (vec![MessageOnly], vec![]));
}

#[test]
fn auto_sends_both_once_both_were_heard_and_says_so_once() {
    let (forms, notices) = sends(&with(Checksum::Auto), &[MessageOnly, PseudoHeader, MessageOnly]);
    assert_eq!(forms, [PseudoHeader, MessageOnly]);
    assert_eq!(notices, ["51: both-checksums 192.0.2.3"]);
}

#[test]
fn a_fixed_form_stays_whatever_is_heard() {
    for heard in [&[][..], &[MessageOnly], &[PseudoHeader], &[MessageOnly, PseudoHeader]] {
        assert_eq!(sends(&with(Checksum::Rfc9568), heard).0, [MessageOnly]);
        assert_eq!(sends(&with(Checksum::Rfc5798), heard).0, [PseudoHeader]);
    }
}

#[test]
fn a_fixed_form_is_not_reported_to_be_both() {
    for checksum in [Checksum::Rfc9568, Checksum::Rfc5798] {
        assert_eq!(sends(&with(checksum), &[MessageOnly, PseudoHeader]).1, [""; 0]);
    }
}
