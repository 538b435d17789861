//! [`VirtualRouter`]: the whole configuration of one virtual router.
//!
//! Nothing illegal can be built: [`Protocol`] has the three legal pairs of version and family, and
//! every value in it has a type that was checked.

mod announcements;
mod look;
mod password;
mod transport;

use alloc::vec::Vec;
use core::{net::IpAddr, time::Duration};

use crate::{
    Centiseconds, Cidr, ConfigError, Family, InterfaceId, Interval, Ipv4Addresses, Ipv6Addresses,
    Key, Priority, Role, Seconds, Version, Vrid,
};

pub use announcements::Announcements;
pub use look::Look;
pub use password::Password;
pub use transport::{Hear, Peer, Transport};

/// The checksum form in which VRRPv3 IPv4 advertisements are sent. Both forms are always accepted.
///
/// By RFC 9568 5.2.8 the checksum covers the message alone. RFC 5798 could be read to add the IPv4
/// pseudo-header, as keepalived and FRR do. A node that knows one form drops the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "two forms, and the choice between them")]
pub enum Checksum {
    /// The pseudo-header form, which silent backups may need, until a valid advertisement in the
    /// other form is heard; once both have been heard, both are sent.
    #[default]
    Auto,
    /// The message alone.
    Rfc9568,
    /// With the IPv4 pseudo-header.
    Rfc5798,
}

/// A version and family with the settings that only they have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the three legal pairs of version and family")]
pub enum Protocol {
    /// VRRPv2, for IPv4 only (RFC 3768).
    V2 {
        /// The virtual addresses.
        addresses: Ipv4Addresses,
        /// The advertisement interval; peers with another one are rejected.
        interval: Seconds,
        /// Authentication type 1 when present, type 0 when not.
        password: Option<Password>,
    },
    /// VRRPv3 for IPv4 (RFC 9568).
    V3Ipv4 {
        /// The virtual addresses.
        addresses: Ipv4Addresses,
        /// The advertisement interval; a Backup follows that of its Active.
        interval: Centiseconds,
        /// The form of checksum that is sent.
        checksum: Checksum,
    },
    /// VRRPv3 for IPv6 (RFC 9568).
    V3Ipv6 {
        /// The virtual addresses.
        addresses: Ipv6Addresses,
        /// The advertisement interval; a Backup follows that of its Active.
        interval: Centiseconds,
    },
}

/// One virtual router as it is configured.
///
/// ```
/// use core::{net::Ipv4Addr, time::Duration};
/// use vrrp_core::{Ipv4Addresses, Preempt, Role, VirtualRouter};
///
/// let addresses = Ipv4Addresses::new(["192.0.2.1".parse::<Ipv4Addr>()?])?;
/// let router = VirtualRouter::v3_ipv4(51.try_into()?, addresses, Duration::from_millis(250).try_into()?)
///     .with_role(Role::Contender { priority: 150.try_into()?, preempt: Preempt::Never });
/// assert_eq!(router.with_priority(200.try_into()?).role().claim(), 200.into());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VirtualRouter {
    vrid: Vrid,
    protocol: Protocol,
    role: Role,
    transport: Transport,
    source: Option<IpAddr>,
    announcements: Announcements,
    startup_delay: Duration,
    up_delay: Duration,
    look: Look,
}

impl VirtualRouter {
    /// Creates a virtual router of VRRPv2 for IPv4, without authentication.
    #[must_use]
    pub fn v2(vrid: Vrid, addresses: Ipv4Addresses, interval: Seconds) -> Self {
        Self::new(vrid, Protocol::V2 { addresses, interval, password: None })
    }

    /// Creates a virtual router of VRRPv3 for IPv4. The checksum form is [`Checksum::Auto`].
    #[must_use]
    pub fn v3_ipv4(vrid: Vrid, addresses: Ipv4Addresses, interval: Centiseconds) -> Self {
        Self::new(vrid, Protocol::V3Ipv4 { addresses, interval, checksum: Checksum::Auto })
    }

    /// Creates a virtual router of VRRPv3 for IPv6.
    #[must_use]
    pub fn v3_ipv6(vrid: Vrid, addresses: Ipv6Addresses, interval: Centiseconds) -> Self {
        Self::new(vrid, Protocol::V3Ipv6 { addresses, interval })
    }

    /// Creates a virtual router of any legal [`Protocol`], with a password or a checksum form if it
    /// has one.
    #[must_use]
    pub fn new(vrid: Vrid, protocol: Protocol) -> Self {
        Self {
            vrid,
            protocol,
            role: Role::default(),
            transport: Transport::Multicast,
            source: None,
            announcements: Announcements::default(),
            startup_delay: Duration::ZERO,
            up_delay: Duration::ZERO,
            look: Look::default(),
        }
    }

    /// Sets the role of this node; the default is priority 100, preempting.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// Sets the priority of a node that does not own the addresses; short for
    /// [`with_role`](Self::with_role) with an unchanged Preempt_Mode.
    #[must_use]
    pub fn with_priority(self, priority: Priority) -> Self {
        let preempt = self.role.preempt();
        self.with_role(Role::Contender { priority, preempt })
    }

    /// Sends to `peers` by unicast instead of multicast, and accepts advertisements as `hear` says.
    ///
    /// # Errors
    /// [`ConfigError`] for an empty list, a duplicate peer, a peer of the other family or with an
    /// unusable address, or `min_ttl` 0.
    pub fn with_peers(
        mut self,
        peers: impl IntoIterator<Item = impl Into<Peer>>,
        hear: Hear,
    ) -> Result<Self, ConfigError> {
        let peers: Vec<Peer> = peers.into_iter().map(Into::into).collect();
        let mut rest = peers.as_slice();
        if rest.is_empty() {
            return Err(ConfigError::NoPeers);
        }
        while let [peer, others @ ..] = rest {
            self.check_host(peer.address)?;
            if peer.min_ttl == 0 || peer.min_ttl_routed == Some(0) {
                return Err(ConfigError::MinTtl);
            }
            if others.iter().any(|other| other.address == peer.address) {
                return Err(ConfigError::AddressTwice);
            }
            rest = others;
        }
        self.transport = Transport::Unicast { peers: peers.into(), hear };
        Ok(self)
    }

    /// Returns the configuration for an interface with these networks: peers outside of them may be
    /// farther away ([`Peer::min_ttl_routed`]).
    #[must_use]
    pub fn on_networks(&self, networks: &[Cidr]) -> Self {
        let mut router = self.clone();
        if let Transport::Unicast { peers, .. } = &mut router.transport
            && peers.iter().any(|peer| peer.is_behind_router(networks))
        {
            *peers = peers.iter().map(|peer| peer.on(networks)).collect();
        }
        router
    }

    /// Pins the source address of advertisements. By default it is the interface's primary IPv4
    /// address (RFC 9568 5.1.1), or its link-local IPv6 address (5.1.2); it is a routable IPv6
    /// address if a unicast peer is not link-local.
    ///
    /// # Errors
    /// [`ConfigError`] for an address of the other family, or one that cannot be a source.
    pub fn with_source(mut self, source: IpAddr) -> Result<Self, ConfigError> {
        self.check_host(source)?;
        self.source = Some(source);
        Ok(self)
    }

    /// Sets when the addresses are announced.
    #[must_use]
    pub fn with_announcements(mut self, announcements: Announcements) -> Self {
        self.announcements = announcements;
        self
    }

    /// Sets for how long it listens after its start before it contends, an owner, too; zero by
    /// default. It does not delay the adoption of what an earlier process held.
    #[must_use]
    pub const fn with_startup_delay(mut self, delay: Duration) -> Self {
        self.startup_delay = delay;
        self
    }

    /// Sets for how long it listens after its link came up before it contends, an owner, too; zero
    /// by default. A link that is back within two intervals, and 250 ms, was not gone.
    #[must_use]
    pub const fn with_up_delay(mut self, delay: Duration) -> Self {
        self.up_delay = delay;
        self
    }

    /// Sets what it does, as a Backup, before silence alone makes it Active; by default it looks,
    /// and warns.
    #[must_use]
    pub const fn with_look(mut self, look: Look) -> Self {
        self.look = look;
        self
    }

    fn check_host(&self, address: IpAddr) -> Result<(), ConfigError> {
        if Family::of(address) != self.family() {
            return Err(ConfigError::Family);
        }
        let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
        if address.is_unspecified() || address.is_multicast() || address.is_loopback() || broadcast
        {
            return Err(ConfigError::UnusableAddress);
        }
        Ok(())
    }

    /// Returns the virtual router identifier.
    #[must_use]
    pub const fn vrid(&self) -> Vrid {
        self.vrid
    }

    /// Returns its identity on `interface`.
    #[must_use]
    pub const fn key(&self, interface: InterfaceId) -> Key {
        Key { interface, family: self.family(), vrid: self.vrid }
    }

    /// Returns the version and family with their settings.
    #[must_use]
    pub const fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Returns the address family.
    #[must_use]
    pub const fn family(&self) -> Family {
        match self.protocol {
            Protocol::V2 { .. } | Protocol::V3Ipv4 { .. } => Family::Ipv4,
            Protocol::V3Ipv6 { .. } => Family::Ipv6,
        }
    }

    /// Returns the protocol version.
    #[must_use]
    pub const fn version(&self) -> Version {
        match self.protocol {
            Protocol::V2 { .. } => Version::V2,
            Protocol::V3Ipv4 { .. } | Protocol::V3Ipv6 { .. } => Version::V3,
        }
    }

    /// Returns the advertisement interval.
    #[must_use]
    pub const fn interval(&self) -> Interval {
        match self.protocol {
            Protocol::V2 { interval, .. } => Interval::V2(interval),
            Protocol::V3Ipv4 { interval, .. } | Protocol::V3Ipv6 { interval, .. } => {
                Interval::V3(interval)
            }
        }
    }

    /// Returns the virtual addresses in wire order.
    pub fn addresses(&self) -> impl Iterator<Item = Cidr> + '_ {
        let (v4, v6) = match &self.protocol {
            Protocol::V2 { addresses, .. } | Protocol::V3Ipv4 { addresses, .. } => {
                (addresses.as_slice(), &[][..])
            }
            Protocol::V3Ipv6 { addresses, .. } => (&[][..], addresses.as_slice()),
        };
        v4.iter().copied().map(Cidr::from).chain(v6.iter().copied().map(Cidr::from))
    }

    /// Returns the role of this node.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Returns where advertisements go, and whose are accepted.
    #[must_use]
    pub const fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Returns the pinned source address, if there is one.
    #[must_use]
    pub const fn source(&self) -> Option<IpAddr> {
        self.source
    }

    /// Returns for how long it listens after its start before it contends.
    #[must_use]
    pub const fn startup_delay(&self) -> Duration {
        self.startup_delay
    }

    /// Returns for how long it listens after its link came up before it contends.
    #[must_use]
    pub const fn up_delay(&self) -> Duration {
        self.up_delay
    }

    /// Returns what it does before silence alone makes it Active.
    #[must_use]
    pub const fn look(&self) -> Look {
        self.look
    }

    /// Returns when the addresses are announced.
    #[must_use]
    pub const fn announcements(&self) -> Announcements {
        self.announcements
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    fn router() -> VirtualRouter {
        let addresses = Ipv4Addresses::new([Ipv4Addr::new(192, 0, 2, 1)]).unwrap();
        VirtualRouter::v3_ipv4(Vrid::try_from(1).unwrap(), addresses, Centiseconds::ONE_SECOND)
    }

    #[test]
    fn an_empty_peer_list_is_an_error_and_never_multicast() {
        let none: [IpAddr; 0] = [];
        assert_eq!(router().with_peers(none, Hear::Peers), Err(ConfigError::NoPeers));
    }

    #[test]
    fn peers_are_of_the_family_of_the_addresses() {
        let v6: IpAddr = "fe80::1".parse().unwrap();
        assert_eq!(router().with_peers([v6], Hear::Peers), Err(ConfigError::Family));
        assert_eq!(router().with_source(v6), Err(ConfigError::Family));
        let group: IpAddr = "224.0.0.18".parse().unwrap();
        assert_eq!(router().with_peers([group], Hear::Peers), Err(ConfigError::UnusableAddress));
    }
}
