//! Advertisements that would win any election, if there were not one thing wrong with each.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use libtest_mimic::Failed;
use vrrp_core::{
    Advert, Authentication, Centiseconds, ChecksumForm, Cidr, Claim, IPV4_GROUP, IPV6_GROUP,
    Interval, Ipv4Addresses, Ipv6Addresses, MacAddr, Seconds, Vrid,
};
use vrrp_net::lab::VrrpFrame;

/// A virtual router of the nodes that are attacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    V3Ipv4,
    V3Ipv6,
    /// With a password.
    V2,
}

/// What is wrong with an advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Truncated,
    Oversized,
    Checksum,
    Ttl,
    Type,
    Vrid,
    ZeroInterval,
    ZeroCount,
    Password,
}

impl Target {
    pub(crate) const ALL: [Self; 3] = [Self::V3Ipv4, Self::V3Ipv6, Self::V2];

    /// Its name in the configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V3Ipv4 => "web",
            Self::V3Ipv6 => "six",
            Self::V2 => "old",
        }
    }

    pub(crate) fn version(self) -> u8 {
        if self == Self::V2 { 2 } else { 3 }
    }

    pub(crate) fn vrid(self) -> u8 {
        if self == Self::V2 { 61 } else { 51 }
    }

    pub(crate) fn is_ipv6(self) -> bool {
        self == Self::V3Ipv6
    }

    pub(crate) fn interval(self) -> Duration {
        Duration::from_millis(if self == Self::V2 { 1000 } else { 250 })
    }

    /// Who the attacker says that it is: an address above those of the nodes.
    pub(crate) fn attacker(self, unicast: bool) -> IpAddr {
        match (self.is_ipv6(), unicast) {
            (false, _) => Ipv4Addr::new(10, 0, 0, 9).into(),
            (true, true) => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 9).into(),
            (true, false) => Ipv6Addr::new(0xfe80, 0, 0, 0, 0xffff, 0xffff, 0xffff, 9).into(),
        }
    }

    pub(crate) fn group(self) -> IpAddr {
        if self.is_ipv6() { IPV6_GROUP.into() } else { IPV4_GROUP.into() }
    }

    /// The flaws that it is attacked with: each of them at least at one target.
    pub(crate) fn flaws(self) -> &'static [Flaw] {
        use Flaw::{
            Checksum, Oversized, Password, Truncated, Ttl, Type, Vrid, ZeroCount, ZeroInterval,
        };
        match self {
            Self::V3Ipv4 => {
                &[Truncated, Oversized, Checksum, Ttl, Type, Vrid, ZeroInterval, ZeroCount]
            }
            Self::V3Ipv6 => &[Truncated, Checksum, Ttl, Vrid, ZeroInterval],
            Self::V2 => &[Password, Checksum, Ttl, ZeroInterval],
        }
    }
}

impl Flaw {
    /// What `status` calls it.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Oversized => "oversized",
            Self::Checksum => "wrong-checksum",
            Self::Ttl => "wrong-ttl",
            Self::Type => "wrong-type",
            Self::Vrid => "unknown-vrid",
            Self::ZeroInterval => "zero-interval",
            Self::ZeroCount => "zero-count",
            Self::Password => "wrong-password",
        }
    }
}

/// Where a forged message goes to.
#[derive(Clone, Copy)]
pub(crate) struct Destination {
    pub(crate) address: IpAddr,
    /// `None`: the group's.
    pub(crate) mac: Option<MacAddr>,
}

impl Destination {
    pub(crate) fn group(target: Target) -> Self {
        Self { address: target.group(), mac: None }
    }
}

/// The frame of an advertisement for `target` with this priority octet and `flaw`, as the attacker
/// sends it.
pub(crate) fn forged(
    target: Target,
    flaw: Option<Flaw>,
    priority: u8,
    unicast: bool,
    to: Destination,
) -> Result<Vec<u8>, Failed> {
    let (source, destination) = (target.attacker(unicast), to.address);
    // Those that are configured: a list that has nothing in common with them is a flaw, too.
    let octet = if target == Target::V2 { 110 } else { 100 };
    let ipv4 = Ipv4Addresses::new([Cidr::from(Ipv4Addr::new(10, 0, 0, octet))])?;
    let ipv6 = Ipv6Addresses::new([Cidr::from(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x100))])?;
    let text = if flaw == Some(Flaw::Password) { b"d0ckers\0" } else { b"d0cker\0\0" };
    let advert = Advert {
        vrid: Vrid::try_from(if flaw == Some(Flaw::Vrid) { 52 } else { target.vrid() })?,
        claim: Claim::from(priority),
        interval: match target {
            Target::V2 => Interval::V2(Seconds::ONE),
            Target::V3Ipv4 | Target::V3Ipv6 => Interval::V3(Centiseconds::try_from(25)?),
        },
        authentication: match target {
            Target::V2 => Authentication::SimpleText(*text),
            Target::V3Ipv4 | Target::V3Ipv6 => Authentication::None,
        },
        addresses: if target.is_ipv6() { (&ipv6).into() } else { (&ipv4).into() },
    };
    let mut message = vec![0; Advert::MAX_LEN];
    let length = advert.encode(source, destination, ChecksumForm::MessageOnly, &mut message)?;
    message.truncate(length);
    spoil(&mut message, flaw);
    let mut frame = VrrpFrame::new(source, destination, message);
    if flaw == Some(Flaw::Ttl) {
        frame.ttl = 254;
    }
    frame.destination_mac = to.mac.unwrap_or(frame.destination_mac);
    Ok(frame.encode()?)
}

/// Makes the one thing wrong. The checksum stays right, unless it is the thing.
fn spoil(message: &mut Vec<u8>, flaw: Option<Flaw>) {
    let version = message[0] >> 4;
    match flaw {
        Some(Flaw::Truncated) => message.truncate(10),
        Some(Flaw::Oversized) => message.extend([0; 4]),
        Some(Flaw::Checksum) => message[7] ^= 1,
        Some(Flaw::Type) => set(message, 0, version << 4 | 2),
        Some(Flaw::ZeroCount) => set(message, 3, 0),
        Some(Flaw::ZeroInterval) => {
            // The authentication type of VRRPv2 precedes its interval.
            if version == 3 {
                set(message, 4, 0);
            }
            set(message, 5, 0);
        }
        Some(Flaw::Ttl | Flaw::Vrid | Flaw::Password) | None => {}
    }
}

/// Changes an octet, and the checksum with it (RFC 1624 3).
fn set(message: &mut [u8], at: usize, octet: u8) {
    let word = |message: &[u8], at: usize| u16::from_be_bytes([message[at], message[at + 1]]);
    let even = at & !1;
    let (before, checksum) = (word(message, even), word(message, 6));
    message[at] = octet;
    let sum = u32::from(!checksum) + u32::from(!before) + u32::from(word(message, even));
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    let [_, _, high, low] = folded.to_be_bytes();
    (message[6], message[7]) = (!high, !low);
}
