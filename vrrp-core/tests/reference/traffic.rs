//! Datagrams for a trace: most of them legal, the rest broken in one place.

use std::net::IpAddr;

use crate::{
    codec::{Checksum, Message, Timing},
    judge::Datagram,
    random::Random,
    settings::{Kind, Settings, ip},
};

/// One in ten is broken.
const BROKEN: u64 = 10;

impl Datagram {
    pub(crate) fn draw(random: &mut Random, settings: &Settings) -> Self {
        let mut message = legal(random, settings);
        let source = source(random, settings);
        let mut ttl = 255;
        let broken = random.chance(BROKEN);
        if broken {
            damage(random, &mut message, &mut ttl);
        }
        let mut octets = message.octets(source, settings.group);
        if broken && random.chance(30) {
            spoil(random, &mut octets);
        }
        Self { source, destination: settings.group, ttl, octets }
    }

    /// A legal one that an Active answers: of priority 0, or a weaker one.
    pub(crate) fn to_be_answered(random: &mut Random, settings: &Settings) -> Self {
        let mut message = legal(random, settings);
        message.priority = *random.pick(&[0, settings.priority.saturating_sub(1)]);
        let source = loop {
            let source = source(random, settings);
            if source != settings.source {
                break source;
            }
        };
        let octets = message.octets(source, settings.group);
        Self { source, destination: settings.group, ttl: 255, octets }
    }
}

fn source(random: &mut Random, settings: &Settings) -> IpAddr {
    if random.chance(2) {
        return settings.source;
    }
    // Lower and greater than the node's own, in network order and not as text.
    let others = match settings.kind {
        Kind::V2 | Kind::V3Ipv4 => ["192.0.2.3", "192.0.2.19", "192.0.2.21", "192.0.2.200"],
        Kind::V3Ipv6 => ["fe80::3", "fe80::1f", "fe80::21", "fe80::1:0"],
    };
    ip(random.pick::<&str>(&others))
}

fn legal(random: &mut Random, settings: &Settings) -> Message {
    let ours = settings.priority;
    let other = random.octet();
    let priority =
        *random.pick(&[0, ours, ours, ours.saturating_sub(1), ours.saturating_add(1), other, 255]);
    let mut message = settings.message(priority);
    message.addresses = addresses(random, settings);
    message.count = u8::try_from(message.addresses.len()).expect("a few");
    message.checksum = match settings.kind {
        Kind::V2 => Checksum::MessageOnly,
        Kind::V3Ipv4 => *random.pick(&[Checksum::MessageOnly, Checksum::PseudoHeader]),
        Kind::V3Ipv6 => Checksum::PseudoHeader,
    };
    match &mut message.timing {
        // RFC 3768 5.3.10: without authentication the data are ignored.
        Timing::V2 { authentication_type: 0, authentication, .. } => {
            authentication[random.pick(&[0_usize, 7]).to_owned()] = random.octet();
        }
        Timing::V2 { .. } => {}
        Timing::V3 { reserved, centiseconds } => {
            if random.chance(20) {
                *reserved = random.octet() & 0x0f;
            }
            if random.chance(40) {
                *centiseconds = *random.pick(&[1, 3, 50, 100, 101, 200, 999, 4095]);
            }
        }
    }
    message
}

/// Mostly the list of the node; else in another order, a part of it, with one more, or another
/// list.
fn addresses(random: &mut Random, settings: &Settings) -> Vec<IpAddr> {
    let mut list = settings.addresses.clone();
    let foreign = match settings.kind {
        Kind::V2 | Kind::V3Ipv4 => "203.0.113.9",
        Kind::V3Ipv6 => "2001:db8:9::9",
    };
    match random.below(20) {
        0 => list.reverse(),
        1 => list.truncate(1),
        2 => list.push(ip(foreign)),
        3 => list = vec![ip(foreign)],
        _ => {}
    }
    list
}

/// A field with a value that the text forbids.
fn damage(random: &mut Random, message: &mut Message, ttl: &mut u8) {
    match random.below(11) {
        0 => *ttl = *random.pick(&[0, 1, 64, 254]),
        1 => message.version = *random.pick(&[0, 2, 3, 4, 15]),
        2 => message.kind = *random.pick(&[0, 2, 15]),
        3 => message.vrid = *random.pick(&[0, 2, 52, 254]),
        4 => message.count = *random.pick(&[0, 1, 4, 255]),
        5 => message.trailing = vec![0; usize::from(random.octet() % 20 + 1)],
        6 => message.checksum = Checksum::Fixed(u16::from(random.octet())),
        7 => message.checksum = Checksum::PseudoHeader,
        8 => message.checksum = Checksum::MessageOnly,
        9 => message.addresses.clear(),
        _ => damage_timing(random, &mut message.timing),
    }
}

fn damage_timing(random: &mut Random, timing: &mut Timing) {
    match timing {
        Timing::V2 { authentication_type, seconds, authentication } => match random.below(3) {
            0 => *authentication_type = *random.pick(&[0, 1, 2, 255]),
            1 => *seconds = *random.pick(&[0, 1, 3, 255]),
            _ => authentication[5] ^= 1,
        },
        Timing::V3 { centiseconds, .. } => *centiseconds = 0,
    }
}

/// Octets that were lost, or one bit that flipped.
fn spoil(random: &mut Random, octets: &mut Vec<u8>) {
    let length = u64::try_from(octets.len()).expect("short");
    let place = usize::try_from(random.below(length)).expect("within");
    if random.chance(50) {
        octets.truncate(place);
    } else {
        octets[place] ^= 1 << random.below(8);
    }
}
