//! A [`Router`] with many virtual routers in a steady state.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    time::Duration,
};

use vrrp_core::{
    AddressList, Advert, Announcements, Authentication, Centiseconds, ChecksumForm, Claim, Desired,
    Family, IPV4_GROUP, Input, Instant, InterfaceDetails, InterfaceId, InterfaceStatus, Interval,
    Ipv4Addresses, Key, Output, Phase, Reach, Router, RxMeta, VirtualRouter, Vrid,
    play::{Given, Player, Step},
};

const OWN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// How many virtual routers share an interface.
const PER_INTERFACE: u32 = 250;
/// Between one input and the next, so that no two virtual routers have the same deadline.
const STEP: Duration = Duration::from_nanos(100);

/// A router in a steady state.
#[derive(Debug)]
pub struct World {
    now: Instant,
    router: Router,
    buffer: [u8; Advert::MAX_LEN],
}

/// An advertisement that arrives.
pub type Datagram = (RxMeta, [u8; 12]);

/// What `count` Backups hear, each one in its turn, in a shuffled order that is the same in every
/// run.
pub fn traffic(count: u32) -> impl Iterator<Item = Datagram> {
    let mut heard: Vec<Datagram> = (0..count).map(key).map(advertisement).collect();
    shuffle(&mut heard);
    heard.into_iter().cycle()
}

impl World {
    /// `count` Backups, which hear an Active of priority 200.
    #[must_use]
    pub fn of_backups(count: u32) -> Self {
        let status =
            InterfaceStatus::Up(InterfaceDetails { ipv4: Some(OWN), ..Default::default() });
        let (mut player, mut desired) = (Player::default(), Desired::new());
        for index in 0..=count / PER_INTERFACE {
            let given = Given::Interface { id: interface(index), status };
            player.play(&Step::new(Instant::EPOCH, given), &mut |_, _: &Output<'_>| {});
        }
        for Key { interface, vrid, .. } in (0..count).map(key) {
            desired.insert(interface, config(vrid)).expect("each once");
        }
        let configure = Step::new(Instant::EPOCH, Given::Configure(desired));
        player.play(&configure, &mut |_, _: &Output<'_>| {});
        player.answer_all(&mut |_, _: &Output<'_>| {});
        let mut world = Self {
            now: Instant::EPOCH,
            router: player.into_router(),
            buffer: [0; Advert::MAX_LEN],
        };
        for datagram in traffic(count).take(count.try_into().expect("a few")) {
            world.hear(&datagram);
        }
        world.expect_all(Phase::Backup);
        world
    }

    /// `count` Actives that hold their addresses and are due to advertise one after the other.
    #[must_use]
    pub fn of_actives(count: u32) -> Self {
        let mut world = Self::of_backups(count);
        // Each looks whether somebody has its address before it is Active: two deadlines.
        for _ in 0..2 * count {
            world.advertise();
        }
        world.expect_all(Phase::Held);
        world
    }

    /// One Backup hears its Active.
    pub fn hear(&mut self, (meta, bytes): &Datagram) {
        self.now = self.now + STEP;
        let accepted = self.router.receive(self.now, *meta, bytes);
        accepted.expect("it is a valid advertisement");
        self.drain();
    }

    /// The next deadline comes: an Active advertises.
    pub fn advertise(&mut self) {
        self.now = self.router.next_deadline().expect("it has a timer");
        self.give(Input::Timeout);
    }

    fn give(&mut self, input: Input<'_>) {
        self.router.handle(self.now, input);
        self.drain();
    }

    /// Polls until there is nothing left, writes the packets, and answers as a backend that
    /// succeeds.
    fn drain(&mut self) {
        let mut asked = Vec::new();
        while let Some(output) = self.router.poll_output() {
            match output {
                Output::Transmit(transmit) => {
                    for packet in transmit.packets() {
                        divan::black_box(packet.encode(&mut self.buffer).expect("large enough"));
                    }
                }
                Output::Lease(request) => {
                    asked.push((request.key, request.generation, request.want))
                }
                other => drop(divan::black_box(other)),
            }
        }
        for (key, generation, want) in asked {
            if let Some(answer) = want.done(Reach::OnLink) {
                self.give(Input::Answer { key, generation, answer });
            }
        }
    }

    fn expect_all(&self, phase: Phase) {
        for key in self.router.keys() {
            assert_eq!(self.router.status(&key).map(|status| status.phase), Some(phase), "{key}");
        }
    }
}

fn interface(index: u32) -> InterfaceId {
    InterfaceId::new(NonZeroU32::MIN.saturating_add(index))
}

fn key(number: u32) -> Key {
    let vrid = u8::try_from(number % PER_INTERFACE + 1).expect("less than 251");
    let vrid = Vrid::try_from(vrid).expect("not zero");
    Key { interface: interface(number / PER_INTERFACE), family: Family::Ipv4, vrid }
}

fn addresses(vrid: Vrid) -> Ipv4Addresses {
    Ipv4Addresses::new([Ipv4Addr::new(198, 51, 100, vrid.get())]).expect("legal")
}

/// The longest interval, so that no Backup times out, and without announcements, so that the one
/// timer of an Active is that of its advertisements.
fn config(vrid: Vrid) -> VirtualRouter {
    let interval = Centiseconds::try_from(4095).expect("legal");
    VirtualRouter::v3_ipv4(vrid, addresses(vrid), interval)
        .with_announcements(Announcements::new(&[], None).expect("legal"))
}

fn advertisement(key: Key) -> (RxMeta, [u8; 12]) {
    let addresses = addresses(key.vrid);
    let advert = Advert {
        vrid: key.vrid,
        claim: Claim::from(200),
        interval: Interval::V3(Centiseconds::try_from(4095).expect("legal")),
        authentication: Authentication::None,
        addresses: AddressList::from(&addresses),
    };
    let (source, destination) = (IpAddr::from(PEER), IpAddr::from(IPV4_GROUP));
    let mut out = [0; 12];
    advert.encode(source, destination, ChecksumForm::MessageOnly, &mut out).expect("large enough");
    (RxMeta { interface: key.interface, source, destination, ttl: 255 }, out)
}

/// Fisher and Yates, with a generator of pseudo-random numbers (xorshift) that starts the same
/// every time.
fn shuffle<T>(list: &mut [T]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..list.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let bound = u64::try_from(last).expect("64 bits") + 1;
        list.swap(last, usize::try_from(state % bound).expect("less than the length"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_stay_backups_and_actives_stay_active() {
        for count in [1, 600] {
            let mut backups = World::of_backups(count);
            let mut actives = World::of_actives(count);
            let mut traffic = traffic(count);
            for _ in 0..count * 3 {
                backups.hear(&traffic.next().expect("it goes on for ever"));
                actives.advertise();
            }
            backups.expect_all(Phase::Backup);
            actives.expect_all(Phase::Held);
        }
    }

    #[test]
    fn one_deadline_is_one_advertisement() {
        let mut actives = World::of_actives(300);
        let sent = |world: &World| -> u64 {
            world
                .router
                .keys()
                .filter_map(|key| Some(world.router.status(&key)?.counters.adverts_sent))
                .sum()
        };
        let before = sent(&actives);
        for _ in 0..1000 {
            actives.advertise();
        }
        assert_eq!(sent(&actives) - before, 1000);
    }
}
