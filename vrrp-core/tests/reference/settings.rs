//! How the virtual router of a trace is configured, and what its messages look like.

use std::net::IpAddr;

use crate::{
    codec::{Checksum, Message},
    random::Random,
};

pub(crate) const SECOND: u64 = 1_000_000_000;
pub(crate) const CENTISECOND: u64 = SECOND / 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    V2,
    V3Ipv4,
    V3Ipv6,
}

/// Preempt_Mode, with a delay that RFC 9568 does not know: a weaker Active is preempted so long
/// after it was first heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PreemptMode {
    Always,
    Never,
    After(u64),
}

/// The checksum that is sent in VRRPv3 over IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Auto,
    Rfc9568,
    Rfc5798,
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) kind: Kind,
    pub(crate) vrid: u8,
    pub(crate) priority: u8,
    pub(crate) preempt: PreemptMode,
    /// For how long it does not contend after its start.
    pub(crate) startup_delay: u64,
    /// In the unit of the message: seconds in VRRPv2, centiseconds in VRRPv3.
    pub(crate) interval: u16,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) password: Option<&'static str>,
    pub(crate) form: Form,
    /// Whether it looks who answers before it takes over; nobody does.
    pub(crate) looks: bool,
    /// Whether neighbours have to be told of the addresses.
    pub(crate) on_link: bool,
    pub(crate) source: IpAddr,
    pub(crate) group: IpAddr,
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

impl Settings {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let kind = *random.pick(&[Kind::V2, Kind::V3Ipv4, Kind::V3Ipv4, Kind::V3Ipv6]);
        let (list, source, group) = match kind {
            Kind::V2 | Kind::V3Ipv4 => {
                (&["192.0.2.1", "192.0.2.4", "10.9.8.7"][..], "192.0.2.20", "224.0.0.18")
            }
            Kind::V3Ipv6 => {
                (&["fe80::1", "2001:db8::1", "2001:db8::4"][..], "fe80::20", "ff02::12")
            }
        };
        let interval = match kind {
            Kind::V2 => *random.pick(&[1, 1, 2, 5, 40, 255]),
            Kind::V3Ipv4 | Kind::V3Ipv6 => {
                *random.pick(&[1, 2, 7, 10, 33, 100, 100, 250, 1000, 4095])
            }
        };
        let delay = random.below(12 * SECOND);
        let count = usize::try_from(1 + random.below(3)).expect("a few");
        Self {
            kind,
            vrid: *random.pick(&[1, 51, 255]),
            priority: *random.pick(&[1, 50, 99, 100, 100, 200, 254, 255]),
            preempt: *random.pick(&[
                PreemptMode::Always,
                PreemptMode::Always,
                PreemptMode::Never,
                PreemptMode::After(delay),
            ]),
            startup_delay: if random.chance(30) { random.below(20 * SECOND) } else { 0 },
            interval,
            addresses: list[..count].iter().map(|address| ip(address)).collect(),
            password: if random.chance(40) { Some("secret") } else { None },
            form: *random.pick(&[Form::Auto, Form::Auto, Form::Rfc9568, Form::Rfc5798]),
            looks: random.chance(50),
            on_link: random.chance(30),
            source: ip(source),
            group: ip(group),
        }
    }

    /// RFC 9568 6.1: an owner preempts whatever Preempt_Mode says.
    pub(crate) fn preempt_mode(&self) -> PreemptMode {
        if self.priority == 255 { PreemptMode::Always } else { self.preempt }
    }

    /// An interval of a message, in nanoseconds.
    pub(crate) fn nanoseconds(&self, interval: u16) -> u64 {
        match self.kind {
            Kind::V2 => u64::from(interval) * SECOND,
            Kind::V3Ipv4 | Kind::V3Ipv6 => u64::from(interval) * CENTISECOND,
        }
    }

    /// Advertisement_Interval.
    pub(crate) fn advertisement_interval(&self) -> u64 {
        self.nanoseconds(self.interval)
    }

    /// RFC 9568 6.1: ((256 - Priority) * Active_Adver_Interval) / 256. RFC 3768 6.1: (256 -
    /// Priority) / 256 seconds.
    pub(crate) fn skew_time(&self, active_adver_interval: u64) -> u64 {
        self.skew_time_of(self.priority, active_adver_interval)
    }

    /// The same of another priority.
    pub(crate) fn skew_time_of(&self, priority: u8, active_adver_interval: u64) -> u64 {
        let base = match self.kind {
            Kind::V2 => SECOND,
            Kind::V3Ipv4 | Kind::V3Ipv6 => active_adver_interval,
        };
        (256 - u64::from(priority)) * base / 256
    }

    /// RFC 9568 6.1, RFC 3768 6.1: 3 * Active_Adver_Interval + Skew_Time.
    pub(crate) fn active_down_interval(&self, active_adver_interval: u64) -> u64 {
        3 * active_adver_interval + self.skew_time(active_adver_interval)
    }

    /// An advertisement of this node of a priority, by RFC 9568 5.2 or RFC 3768 5.3.
    pub(crate) fn message(&self, priority: u8) -> Message {
        match self.kind {
            Kind::V2 => {
                let seconds = u8::try_from(self.interval).expect("at most 255");
                let message = Message::v2(self.vrid, priority, seconds, &self.addresses);
                match self.password {
                    Some(password) => message.password(password),
                    None => message,
                }
            }
            Kind::V3Ipv4 | Kind::V3Ipv6 => {
                Message::v3(self.vrid, priority, self.interval, &self.addresses)
            }
        }
    }

    /// The checksums that a message is sent with, one packet for each. 5.2.8, on record as a
    /// deviation: `auto` sends the form with a pseudo-header until it hears the other one, and both
    /// once it has heard both.
    pub(crate) fn checksums(
        &self,
        heard_alone: bool,
        heard_with_pseudo_header: bool,
    ) -> &'static [Checksum] {
        match (self.kind, self.form, heard_alone, heard_with_pseudo_header) {
            (Kind::V2, ..)
            | (Kind::V3Ipv4, Form::Rfc9568, ..)
            | (Kind::V3Ipv4, Form::Auto, true, false) => &[Checksum::MessageOnly],
            (Kind::V3Ipv6, ..)
            | (Kind::V3Ipv4, Form::Rfc5798, ..)
            | (Kind::V3Ipv4, Form::Auto, false, _) => &[Checksum::PseudoHeader],
            (Kind::V3Ipv4, Form::Auto, true, true) => {
                &[Checksum::PseudoHeader, Checksum::MessageOnly]
            }
        }
    }
}
