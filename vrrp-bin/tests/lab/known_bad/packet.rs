//! Messages octet by octet, written without the program's own encoder.

use std::net::IpAddr;

use libtest_mimic::Failed;
use vrrp_core::{IPV4_GROUP, IPV6_GROUP, MacAddr};
use vrrp_net::lab::VrrpFrame;

use super::stage::Router;

/// VRRP's protocol number, a part of the pseudo-header.
const PROTOCOL: u32 = 112;
/// Where the IPv4 header begins in a frame, and how long it is without options.
const IPV4: (usize, usize) = (14, 20);

/// What a checksum covers (RFC 9568 5.2.8): VRRPv3 over IPv4 is found with and without a
/// pseudo-header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Message,
    PseudoHeader,
}

/// A message for a virtual router and what carries it: valid and strong, until something is
/// changed.
#[derive(Clone)]
pub(super) struct Packet {
    pub(super) message: Vec<u8>,
    pub(super) ttl: u8,
    pub(super) form: Form,
    source: IpAddr,
    destination: IpAddr,
    options: usize,
    padding: usize,
}

impl Packet {
    /// The advertisement that this virtual router waits for, with this priority octet.
    pub(super) fn of(router: Router, priority: u8) -> Self {
        let mut message = vec![router.version << 4 | 1, router.vrid, priority, 0, 0, 0, 0, 0];
        match router.version {
            2 => message[5] = u8::try_from(router.interval / 1000).unwrap_or(1),
            _ => message[4..6].copy_from_slice(&(router.interval / 10).to_be_bytes()),
        }
        let destination = if router.is_ipv6() { IPV6_GROUP.into() } else { IPV4_GROUP.into() };
        let form = if router.version == 3 { Form::PseudoHeader } else { Form::Message };
        let source = router.attacker();
        let packet = Self { message, ttl: 255, form, source, destination, options: 0, padding: 0 };
        let packet = packet.addresses(&[router.address()]);
        match (router.version, router.password) {
            (2, Some(password)) => packet.authentication(1, password),
            (2, None) => packet.authentication(0, ""),
            _ => packet,
        }
    }

    /// Names these addresses instead; authentication data goes.
    pub(super) fn addresses(mut self, addresses: &[IpAddr]) -> Self {
        self.message.truncate(8);
        self.message[3] = u8::try_from(addresses.len()).unwrap_or(u8::MAX);
        for address in addresses {
            match address {
                IpAddr::V4(address) => self.message.extend(address.octets()),
                IpAddr::V6(address) => self.message.extend(address.octets()),
            }
        }
        self.sealed()
    }

    /// Sets VRRPv2's authentication type and adds the data: the password, filled up with zeroes.
    pub(super) fn authentication(mut self, kind: u8, password: &str) -> Self {
        self.message.truncate(8 + 4 * usize::from(self.message[3]));
        self.message[4] = kind;
        let padded = password.bytes().chain([0; 8]).take(8);
        self.message.extend(padded);
        self.sealed()
    }

    /// Sets one octet; the checksum stays right.
    pub(super) fn octet(mut self, at: usize, value: u8) -> Self {
        self.message[at] = value;
        self.sealed()
    }

    /// Cuts the message, or adds what nobody asked for; the checksum stays right, if there is room
    /// for one.
    pub(super) fn length(mut self, octets: usize) -> Self {
        self.message.resize(octets, 0xa5);
        if octets < 8 { self } else { self.sealed() }
    }

    /// Adds what keepalived's auth_hmac does: the checksum does not cover it.
    pub(super) fn signed(mut self) -> Self {
        self.message.extend([1, 7, 0, 0]);
        self.message.extend([0xa5; 24]);
        self
    }

    pub(super) fn ttl(mut self, ttl: u8) -> Self {
        self.ttl = ttl;
        self
    }

    pub(super) fn form(mut self, form: Form) -> Self {
        self.form = form;
        self.sealed()
    }

    /// Turns bits of the checksum over.
    pub(super) fn corrupt(mut self, bits: u16) -> Self {
        let [high, low] = bits.to_be_bytes();
        self.message[6] ^= high;
        self.message[7] ^= low;
        self
    }

    /// Leaves the checksum field zero.
    pub(super) fn without_checksum(mut self) -> Self {
        self.message[6..8].fill(0);
        self
    }

    /// Fills the IPv4 header with so many octets of options that mean nothing.
    pub(super) fn options(mut self, octets: usize) -> Self {
        self.options = octets;
        self
    }

    /// Adds so many octets to the frame behind the IP packet, as Ethernet does with short ones.
    pub(super) fn padding(mut self, octets: usize) -> Self {
        self.padding = octets;
        self
    }

    fn sealed(mut self) -> Self {
        self.message[6..8].fill(0);
        let mut sum = words(&self.message);
        if self.form == Form::PseudoHeader {
            let length = u32::try_from(self.message.len()).unwrap_or_default();
            sum += octets(self.source) + octets(self.destination) + PROTOCOL + length;
        }
        self.message[6..8].copy_from_slice(&checksum(sum));
        self
    }

    /// The frame, to the group's MAC address or to this one.
    pub(super) fn frame(&self, to: Option<MacAddr>) -> Result<Vec<u8>, Failed> {
        let mut frame = VrrpFrame::new(self.source, self.destination, self.message.clone());
        frame.ttl = self.ttl;
        frame.destination_mac = to.unwrap_or(frame.destination_mac);
        let mut frame = frame.encode()?;
        if self.options > 0 {
            add_options(&mut frame, self.options);
        }
        frame.resize(frame.len() + self.padding, 0xa5);
        Ok(frame)
    }
}

/// Puts options (No Operation, RFC 791 3.1) between the IPv4 header and what it carries.
fn add_options(frame: &mut Vec<u8>, octets: usize) {
    let (start, length) = IPV4;
    frame.splice(start + length..start + length, std::iter::repeat_n(1, octets));
    frame[start] = 0x40 | u8::try_from((length + octets) / 4).unwrap_or(0xf);
    let total = u16::try_from(frame.len() - start).unwrap_or_default();
    frame[start + 2..start + 4].copy_from_slice(&total.to_be_bytes());
    frame[start + 10..start + 12].fill(0);
    let sum = checksum(words(&frame[start..start + length + octets]));
    frame[start + 10..start + 12].copy_from_slice(&sum);
}

/// The form in which the checksum of a message is right.
pub(super) fn form_of(frame: &VrrpFrame) -> Option<Form> {
    let sum = words(&frame.payload);
    let length = u32::try_from(frame.payload.len()).ok()?;
    let pseudo = octets(frame.source) + octets(frame.destination) + PROTOCOL + length;
    let right = |sum| checksum(sum) == [0, 0];
    if right(sum) { Some(Form::Message) } else { right(sum + pseudo).then_some(Form::PseudoHeader) }
}

/// The sum of 16-bit words, an odd octet filled up with zero (RFC 1071).
fn words(octets: &[u8]) -> u32 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    octets.chunks(2).map(word).sum()
}

fn octets(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(address) => words(&address.octets()),
        IpAddr::V6(address) => words(&address.octets()),
    }
}

fn checksum(sum: u32) -> [u8; 2] {
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    let [_, _, high, low] = folded.to_be_bytes();
    [!high, !low]
}
