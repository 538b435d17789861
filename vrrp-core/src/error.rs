//! [`ConfigError`]: what cannot be configured.

/// What cannot be configured, and what would be right. The mistake is the caller's: no packet,
/// kernel or peer can cause one of these errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// RFC 9568 5.2.3.
    #[error("a VRID is a number from 1 to 255")]
    Vrid,
    /// RFC 9568 5.2.4.
    #[error(
        "a priority is a number from 1 to 254; the owner of the addresses has the role \"owner\" \
         instead"
    )]
    Priority,
    /// RFC 3768 5.3.7.
    #[error("a VRRPv2 interval is 1 s to 255 s in whole seconds")]
    IntervalSeconds,
    /// RFC 9568 5.2.7.
    #[error("a VRRPv3 interval is 10 ms to 40.95 s in steps of 10 ms")]
    IntervalCentiseconds,
    /// Not an IP address of the wanted family.
    #[error("this is not an IP address of the family that is wanted here")]
    Address,
    /// The prefix is longer than the address, or not a number.
    #[error("a prefix length is 0 to 32 for IPv4 and 0 to 128 for IPv6")]
    PrefixLength,
    /// RFC 9568 5.2.5.
    #[error("a virtual router has 1 to 255 addresses")]
    AddressCount,
    /// The same address is in a list twice.
    #[error("an address stands in the list twice")]
    AddressTwice,
    /// Unspecified, loopback, multicast or broadcast.
    #[error("an unspecified, loopback, multicast or broadcast address cannot be used here")]
    UnusableAddress,
    /// A unicast virtual router without peers would be silent, and must never fall back to
    /// multicast.
    #[error("the peer list is empty; leave it out for multicast, or name at least one peer")]
    NoPeers,
    /// A peer or source of the other family.
    #[error("peers and source address must be of the same family as the virtual addresses")]
    Family,
    /// RFC 2338 5.3.10.
    #[error("a VRRPv2 password has 1 to 8 octets")]
    Password,
    /// No packet arrives with a Time To Live of 0.
    #[error("min_ttl is a number from 1 to 255")]
    MinTtl,
    /// More announcement repeats than [`Announcements`](crate::Announcements) holds.
    #[error("an announcement is repeated at most 6 times, each within 60 s, in ascending order")]
    Announcements,
    /// Not a word of [`Look`](crate::Look).
    #[error("look is \"warn\", \"hold\" or \"off\"")]
    Look,
    /// More than what makes 1 of 254, or 254 of 1.
    #[error("a weight is a number from -253 to 253")]
    Weight,
}
