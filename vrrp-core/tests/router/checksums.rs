//! Which VRRPv3 IPv4 checksum leaves.

use vrrp_core::{
    Checksum,
    ChecksumForm::{self, MessageOnly, PseudoHeader},
    Input, Output, Protocol, VirtualRouter,
};

use super::world::*;

fn with(checksum: Checksum) -> VirtualRouter {
    let interval = vrrp_core::Centiseconds::ONE_SECOND;
    VirtualRouter::new(
        vrid(51),
        Protocol::V3Ipv4 { addresses: ipv4(&["192.0.2.1"]), interval, checksum },
    )
    .with_look(vrrp_core::Look::Off)
}

/// The forms of the first advertisement after these were heard, read back from its octets, and the
/// notices.
fn sends(config: &VirtualRouter, heard: &[ChecksumForm]) -> (Vec<ChecksumForm>, Vec<String>) {
    let mut world = World::new(std::slice::from_ref(config));
    let mut notices = Vec::new();
    for form in heard {
        notices
            .extend(world.hear(&Message { form: *form, ..Message::v3(200, "192.0.2.3") }).unwrap());
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

/// The forms of the next advertisement.
fn forms(world: &mut World) -> usize {
    loop {
        world.now = world.router.next_deadline().unwrap();
        world.handle(Input::Timeout);
        let mut packets = None;
        while let Some(output) = world.router.poll_output() {
            if let Output::Transmit(transmit) = output {
                packets = Some(transmit.packets().count());
            }
        }
        if let Some(packets) = packets {
            return packets;
        }
    }
}

fn form(form: ChecksumForm) -> Message {
    Message { form, ..Message::v3(200, "192.0.2.3") }
}

#[test]
fn b18_a_checksum_form_that_nobody_sends_any_more_is_forgotten() {
    for (seconds, expected) in [(9, 2), (10, 1), (86_400, 1)] {
        let mut world = World::new(&[v3()]);
        world.hear(&form(PseudoHeader)).unwrap();
        for _ in 0..=seconds {
            world.wait(SECOND);
            world.hear(&form(MessageOnly)).unwrap();
        }
        assert_eq!(forms(&mut world), expected, "after {seconds} s");
    }
}

#[test]
fn a_form_that_is_heard_now_and_then_is_kept() {
    let mut world = World::new(&[v3()]);
    for second in 0..100 {
        world.hear(&form(if second % 8 == 0 { PseudoHeader } else { MessageOnly })).unwrap();
        world.wait(SECOND);
    }
    assert_eq!(forms(&mut world), 2);
}

/// Those for whom an Active sends a form are silent, and a weaker one that does not hear it is no
/// reason to drop them.
#[test]
fn an_active_forgets_no_form() {
    let mut world = World::held(&v3());
    for form in [PseudoHeader, MessageOnly].into_iter().chain([MessageOnly; 60]) {
        world.hear(&Message { form, ..Message::v3(50, "192.0.2.3") }).unwrap();
        world.wait(SECOND);
        world.give(Input::Timeout);
    }
    assert_eq!(forms(&mut world), 2);
}

/// What peers need does not change with the configuration of this node.
#[test]
fn a_reload_keeps_the_forms_that_were_heard() {
    let mut world = World::new(&[v3()]);
    for heard in [PseudoHeader, MessageOnly] {
        world.hear(&form(heard)).unwrap();
    }
    world.configure(&[v3().with_role(contender(120, vrrp_core::Preempt::Always))]);
    assert_eq!(forms(&mut world), 2);
}
