//! [`Speakers`]: who was heard, in a bounded list.

mod pace;

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use vrrp_core::MacAddr;

use super::message::{Heard, Message, Way};
use pace::Pace;

/// How many speakers are kept at most.
pub const MOST: usize = 256;

/// Who speaks for which virtual router, by interface, source address and VRID.
#[derive(Clone, Debug, Default)]
pub struct Speakers {
    found: BTreeMap<Name, Speaker>,
    left_out: u64,
}

/// What a speaker is told from others by: the version is not in it, since one that speaks two is one.
type Name = (Arc<str>, bool, u8, IpAddr);

/// Somebody who speaks for a virtual router.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Speaker {
    /// The interface's name.
    pub interface: Arc<str>,
    /// Its IP address.
    pub source: IpAddr,
    /// Whether it is this host: a program here sends it.
    pub is_here: bool,
    /// Whom its last message was for, if that is known.
    pub destination: Option<IpAddr>,
    /// Its MAC address, if it has one of six octets.
    pub mac: Option<MacAddr>,
    /// The Time To Live or Hop Limit of its last message, if that is known.
    pub ttl: Option<u8>,
    /// Its last message; of those that are no resignation, if there is one.
    pub message: Message,
    /// How many of its messages passed the interface.
    pub messages: u64,
    /// How many of them the kernel handed on to programs.
    pub handed_on: u64,
    /// When the first one came.
    pub first: SystemTime,
    /// When the last one came.
    pub last: SystemTime,
    pace: Pace,
}

impl Speakers {
    /// Nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts what was heard. A speaker that finds no place among the first [`MOST`] is left out, and
    /// its messages are counted.
    pub fn hear(&mut self, heard: &Heard) {
        let Heard { interface, source, way, message, .. } = heard;
        let name = (Arc::clone(interface), *way == Way::Sent, message.vrid, *source);
        if let Some(speaker) = self.found.get_mut(&name) {
            speaker.hear(heard);
        } else if *way == Way::HandedOn {
            // Its frame comes first, unless its speaker was left out.
        } else if self.found.len() < MOST {
            self.found.insert(name, Speaker::new(heard));
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// Those that were heard, by interface, VRID and address.
    pub fn iter(&self) -> impl Iterator<Item = &Speaker> {
        self.found.values()
    }

    /// How many messages there were of speakers that are left out.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

impl Speaker {
    fn new(heard: &Heard) -> Self {
        Self {
            interface: Arc::clone(&heard.interface),
            source: heard.source,
            is_here: heard.way == Way::Sent,
            destination: heard.destination,
            mac: heard.mac,
            ttl: heard.ttl,
            message: heard.message.clone(),
            messages: 1,
            handed_on: 0,
            first: heard.at,
            last: heard.at,
            pace: Pace::default(),
        }
    }

    /// The mean time between its advertisements, as it was measured; `None` before the second one.
    ///
    /// A time of less than half the interval that it names counts only if there is none other: it is an
    /// answer to a weaker node, or the same again in another version.
    #[must_use]
    pub fn measured(&self) -> Option<Duration> {
        self.pace.mean()
    }

    /// By how much the times between its advertisements deviate from the interval that they name, as
    /// [`vrrp_core::Jitter`] has it; `None` before the second one.
    #[must_use]
    pub fn jitter(&self) -> Option<Duration> {
        self.pace.jitter()
    }

    fn hear(&mut self, heard: &Heard) {
        if heard.way == Way::HandedOn {
            self.handed_on = self.handed_on.saturating_add(1);
            return;
        }
        self.messages = self.messages.saturating_add(1);
        // A resignation comes when it is due, and not in time.
        if heard.message.priority > 0 && self.message.priority > 0 {
            let gap = heard.at.duration_since(self.last);
            self.pace.take(gap.ok(), heard.message.interval);
        }
        (self.last, self.mac, self.ttl) = (heard.at, heard.mac, heard.ttl);
        self.destination = heard.destination;
        // What it claims while it serves says more than that it leaves.
        if heard.message.priority > 0 || self.message.priority == 0 {
            self.message.clone_from(&heard.message);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::listen::Authenticated;

    fn heard(source: u32, priority: u8, way: Way) -> Heard {
        Heard {
            at: SystemTime::UNIX_EPOCH,
            interface: "eth0".into(),
            way,
            source: Ipv4Addr::from_bits(source).into(),
            destination: None,
            mac: None,
            ttl: Some(255),
            message: Message {
                version: 3,
                vrid: 51,
                priority,
                interval: None,
                addresses: Vec::new(),
                authenticated: Authenticated::No,
                form: None,
                fault: None,
            },
        }
    }

    #[test]
    fn a_speaker_is_counted_and_its_resignation_does_not_hide_what_it_claimed() {
        let mut speakers = Speakers::new();
        for (priority, way) in [
            (100, Way::Arrived),
            (100, Way::HandedOn),
            (0, Way::Arrived),
            // Of one that has sent no frame.
            (100, Way::HandedOn),
        ] {
            speakers.hear(&heard(1, priority, way));
        }
        speakers.hear(&heard(2, 0, Way::HandedOn));
        speakers.hear(&heard(1, 200, Way::Sent));
        let [one, here] = &speakers.iter().collect::<Vec<_>>()[..] else { panic!("two") };
        assert_eq!((one.messages, one.handed_on, one.message.priority), (2, 2, 100));
        assert_eq!((here.is_here, here.message.priority), (true, 200));
    }

    #[test]
    fn a_flood_of_sources_does_not_grow_the_list() {
        let mut speakers = Speakers::new();
        for source in 0..100_000 {
            speakers.hear(&heard(source, 100, Way::Arrived));
        }
        assert_eq!(speakers.iter().count(), MOST);
        assert_eq!(speakers.left_out(), 100_000 - u64::try_from(MOST).unwrap());
    }
}
