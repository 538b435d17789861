//! [`VirtualAddress`]: an address that a lease holds, and how it is held.

use std::{fmt, net::Ipv4Addr, str::FromStr, sync::Arc};

use vrrp_core::Cidr;

/// An address that a lease holds, and how it is held.
///
/// ```
/// use vrrp_net::{VirtualAddress, backend::Scope};
///
/// let address = VirtualAddress::from("192.0.2.12/24".parse::<vrrp_net::Cidr>()?)
///     .on("eth1")
///     .label("eth1:web".parse()?)
///     .scope(Scope::LINK);
/// assert_eq!(address.to_string(), "192.0.2.12/24 dev eth1 scope link label eth1:web");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct VirtualAddress {
    /// The address, with the prefix length of its subnet.
    pub cidr: Cidr,
    /// The interface that it is put on and announced on; `None`: the lease's.
    pub interface: Option<Arc<str>>,
    /// Its label, which `ifconfig` shows. IPv6 addresses have none.
    pub label: Option<Label>,
    /// How far it is valid. The kernel derives that of an IPv6 address from the address.
    pub scope: Scope,
    /// Its broadcast address, if it has one. IPv6 addresses have none.
    pub broadcast: Option<Ipv4Addr>,
}

impl From<Cidr> for VirtualAddress {
    /// On the lease's interface, as the kernel puts an address of its own accord.
    fn from(cidr: Cidr) -> Self {
        Self { cidr, interface: None, label: None, scope: Scope::GLOBAL, broadcast: None }
    }
}

impl VirtualAddress {
    /// Puts it on another interface than the lease's.
    #[must_use]
    pub fn on(self, interface: &str) -> Self {
        Self { interface: Some(interface.into()), ..self }
    }

    /// Gives it a label.
    #[must_use]
    pub fn label(self, label: Label) -> Self {
        Self { label: Some(label), ..self }
    }

    /// Sets how far it is valid.
    #[must_use]
    pub fn scope(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// Gives it a broadcast address.
    #[must_use]
    pub fn broadcast(self, broadcast: Ipv4Addr) -> Self {
        Self { broadcast: Some(broadcast), ..self }
    }
}

impl fmt::Display for VirtualAddress {
    /// As `ip address add` takes it; what is not said is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cidr, interface, label, scope, broadcast } = self;
        cidr.fmt(f)?;
        if let Some(interface) = interface {
            write!(f, " dev {interface}")?;
        }
        if let Some(broadcast) = broadcast {
            write!(f, " brd {broadcast}")?;
        }
        if *scope != Scope::GLOBAL {
            write!(f, " scope {scope}")?;
        }
        if let Some(label) = label {
            write!(f, " label {label}")?;
        }
        Ok(())
    }
}

/// The label of an IPv4 address (`IFA_LABEL`): 1 to 15 octets without white space or `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Arc<str>);

/// A text that is no label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a label has 1 to {} octets, and neither white space nor / in it, such as eth0:web",
    Label::MAX
)]
#[non_exhaustive]
pub struct LabelError;

impl Label {
    /// The most octets that it has: one less than `IFNAMSIZ` of the kernel.
    pub const MAX: usize = 15;

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        let is_bad =
            |octet: u8| octet.is_ascii_whitespace() || octet.is_ascii_control() || octet == b'/';
        let fits = (1..=Self::MAX).contains(&text.len()) && !text.bytes().any(is_bad);
        fits.then(|| Self(text.into())).ok_or(LabelError)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far an address is valid (`ifa_scope`), by the kernel's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(u8);

/// A text that is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scope is global, site, link, host, nowhere, or a number from 0 to 255")]
#[non_exhaustive]
pub struct ScopeError;

impl Scope {
    /// Everywhere.
    pub const GLOBAL: Self = Self(0);
    /// Within a site.
    pub const SITE: Self = Self(200);
    /// On the link.
    pub const LINK: Self = Self(253);
    /// On this host.
    pub const HOST: Self = Self(254);
    /// Nowhere.
    pub const NOWHERE: Self = Self(255);

    const NAMES: [(&'static str, Self); 5] = [
        ("global", Self::GLOBAL),
        ("site", Self::SITE),
        ("link", Self::LINK),
        ("host", Self::HOST),
        ("nowhere", Self::NOWHERE),
    ];

    /// Returns the kernel's number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl From<u8> for Scope {
    fn from(number: u8) -> Self {
        Self(number)
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let named = Self::NAMES.iter().find(|(name, _)| *name == text);
        let numbered = || text.parse().ok().map(Self);
        named.map(|(_, scope)| *scope).or_else(numbered).ok_or(ScopeError)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(_, scope)| scope == self) {
            Some((name, _)) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_fits_into_the_name_of_an_interface() {
        for text in ["eth0:web", "a", "012345678901234"] {
            assert_eq!(text.parse::<Label>().map(|label| label.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "0123456789012345", "a b", "a/b", "a\n"] {
            assert_eq!(text.parse::<Label>(), Err(LabelError), "{text:?}");
        }
    }

    #[test]
    fn a_scope_has_a_name_or_a_number() {
        for (text, number) in [("global", 0), ("site", 200), ("link", 253), ("host", 254), ("7", 7)]
        {
            let scope: Scope = text.parse().unwrap();
            assert_eq!((scope.get(), scope.to_string()), (number, text.to_owned()));
        }
        assert_eq!("253".parse(), Ok(Scope::LINK));
        for text in ["", "256", "-1", "universe"] {
            assert_eq!(text.parse::<Scope>(), Err(ScopeError), "{text:?}");
        }
    }
}
