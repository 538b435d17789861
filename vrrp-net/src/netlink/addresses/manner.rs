//! [`Manner`]: how an address is put, besides where.

use std::{fmt, net::Ipv4Addr};

use netlink_packet_route::{
    AddressFamily,
    address::{AddressAttribute, AddressMessage},
};

/// What `ip address add` takes besides the address and the interface. IPv6 addresses have none of
/// it: the kernel derives their scope from the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "lab", expect(clippy::exhaustive_structs, reason = "written as a literal"))]
pub struct Manner {
    /// `IFA_LABEL`; `None`: the kernel takes the interface's name.
    pub label: Option<LabelText>,
    /// `ifa_scope`: how far the address is valid; 0: everywhere.
    pub scope: u8,
    /// `IFA_BROADCAST`.
    pub broadcast: Option<Ipv4Addr>,
}

impl Manner {
    /// Reads it from RTM_NEWADDR or RTM_DELADDR.
    pub(super) fn decode(message: &AddressMessage) -> Self {
        let mut manner = Self::default();
        if message.header.family != AddressFamily::Inet {
            return manner;
        }
        manner.scope = message.header.scope.into();
        for attribute in &message.attributes {
            match attribute {
                AddressAttribute::Label(label) => manner.label = Some(label.as_str().into()),
                AddressAttribute::Broadcast(ip) => manner.broadcast = Some(*ip),
                _ => {}
            }
        }
        manner
    }

    /// Writes it into RTM_NEWADDR.
    pub(super) fn write(&self, message: &mut AddressMessage) {
        if message.header.family != AddressFamily::Inet {
            return;
        }
        let Self { label, scope, broadcast } = self;
        message.header.scope = (*scope).into();
        message.attributes.extend(label.map(|label| AddressAttribute::Label(label.to_string())));
        message.attributes.extend(broadcast.map(AddressAttribute::Broadcast));
    }

    /// Whether both are the same to the kernel on the interface of this name.
    pub(crate) fn is_same_on(&self, other: &Self, interface: &str) -> bool {
        let of = |manner: &Self| {
            let label = manner.label.unwrap_or_else(|| interface.into());
            (label, manner.scope, manner.broadcast)
        };
        of(self) == of(other)
    }
}

/// The text of a label: at most 15 octets, which are kept in place. A host may have ten thousand
/// addresses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LabelText([u8; Self::LENGTH]);

impl LabelText {
    /// `IFNAMSIZ` of the kernel. What is left over is zero, one octet at least.
    const LENGTH: usize = 16;
}

impl From<&str> for LabelText {
    /// Cuts off what is too long, as the kernel does.
    fn from(text: &str) -> Self {
        let mut octets = [0; Self::LENGTH];
        for (place, octet) in octets.iter_mut().take(Self::LENGTH - 1).zip(text.bytes()) {
            *place = octet;
        }
        Self(octets)
    }
}

impl fmt::Display for LabelText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.split(|octet| *octet == 0).next().unwrap_or_default();
        f.write_str(&String::from_utf8_lossy(text))
    }
}

impl fmt::Debug for LabelText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_kept_as_the_kernel_keeps_it() {
        for (text, expected) in
            [("eth0:web", "eth0:web"), ("0123456789012345", "012345678901234"), ("", "")]
        {
            assert_eq!(LabelText::from(text).to_string(), expected);
        }
    }

    #[test]
    fn without_a_label_the_kernel_takes_the_name_of_the_interface() {
        let plain = Manner::default();
        let of = |label: &str| Manner { label: Some(label.into()), ..plain };
        assert!(plain.is_same_on(&of("eth0"), "eth0"));
        assert!(!plain.is_same_on(&of("eth0:web"), "eth0"));
        assert!(!plain.is_same_on(&of("eth0"), "wan0"), "it was renamed, and the label too");
        assert!(!plain.is_same_on(&Manner { scope: 253, ..plain }, "eth0"));
        let broadcast = Some(Ipv4Addr::BROADCAST);
        assert!(!plain.is_same_on(&Manner { broadcast, ..plain }, "eth0"));
    }
}
