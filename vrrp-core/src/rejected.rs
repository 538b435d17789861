//! Why a message was rejected: each reason has its own name and counter.

use crate::DecodeError;

/// Why a message was rejected. The message changed no state, timer or learned value; it was only
/// counted (RFC 9568 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// It is not a well-formed advertisement.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// It came from farther away than allowed (RFC 9568 5.1.1.3, 5.1.2.3).
    #[error("its TTL or hop limit is lower than 255 (or than the peer's min_ttl)")]
    Ttl,
    /// No virtual router here has its VRID on that interface and family.
    #[error("no virtual router here has this VRID")]
    UnknownVrid,
    /// Its version is not that of the virtual router.
    #[error("its version is not the one configured")]
    WrongVersion,
    /// Its VRRPv2 authentication type is not the one configured.
    #[error("its authentication type is not the one configured")]
    AuthenticationType,
    /// Its VRRPv2 password is not ours.
    #[error("its password is not ours")]
    Password,
    /// Its VRRPv2 interval is not ours (RFC 3768 7.1).
    #[error("its advertisement interval is not ours, which VRRPv2 does not allow")]
    Interval,
    /// Its source is our own address: a loop, or another host with our address.
    #[error("its source is our own address")]
    OwnSource,
    /// Its source is not among the unicast peers.
    #[error("its source is not a configured peer")]
    UnlistedSource,
    /// None of its addresses is ours: it comes from another cluster with our VRID.
    #[error("none of its addresses is one of ours")]
    NoCommonAddress,
    /// The virtual router is not taking part at the moment.
    #[error("the virtual router is not taking part")]
    NotListening,
}

impl Rejected {
    /// The number of reasons.
    pub(crate) const COUNT: usize = 21;

    /// Every reason, in the order of the counters.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Malformed(DecodeError::Truncated),
        Self::Malformed(DecodeError::Oversized),
        Self::Malformed(DecodeError::Version),
        Self::Malformed(DecodeError::Type),
        Self::Malformed(DecodeError::ZeroVrid),
        Self::Malformed(DecodeError::ZeroCount),
        Self::Malformed(DecodeError::ZeroInterval),
        Self::Malformed(DecodeError::Checksum),
        Self::Malformed(DecodeError::AuthenticationType),
        Self::Malformed(DecodeError::Family),
        Self::Ttl,
        Self::UnknownVrid,
        Self::WrongVersion,
        Self::AuthenticationType,
        Self::Password,
        Self::Interval,
        Self::OwnSource,
        Self::UnlistedSource,
        Self::NotListening,
        Self::NoCommonAddress,
        Self::Malformed(DecodeError::Signature),
    ];

    pub(crate) fn index(self) -> usize {
        Self::ALL.iter().position(|reason| *reason == self).unwrap_or(Self::COUNT)
    }

    /// Returns what to do about it, on both sides, as half a sentence.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Ttl => {
                "if there is a router between the nodes, set min_ttl for the peer on both (254 \
                 for one router)"
            }
            Self::WrongVersion => "give both nodes the same version",
            Self::AuthenticationType => "give both nodes the same password, or neither one",
            Self::Password => "give both nodes the same password",
            Self::Interval => "give both nodes the same interval",
            Self::UnlistedSource => "add it to the peers here, or stop it there",
            Self::NoCommonAddress => "give one of the two another VRID",
            Self::Malformed(DecodeError::Signature) => "switch auth_hmac off there",
            Self::Malformed(DecodeError::AuthenticationType) => {
                "choose simple text or no authentication there"
            }
            Self::Malformed(_) => "see what sends them, and what changes them on the way",
            Self::UnknownVrid | Self::OwnSource | Self::NotListening => {
                "compare the configuration of both nodes"
            }
        }
    }

    /// Returns a stable word for logs, metrics and `status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed(DecodeError::Truncated) => "truncated",
            Self::Malformed(DecodeError::Oversized) => "oversized",
            Self::Malformed(DecodeError::Version) => "unknown-version",
            Self::Malformed(DecodeError::Type) => "wrong-type",
            Self::Malformed(DecodeError::ZeroVrid) => "zero-vrid",
            Self::Malformed(DecodeError::ZeroCount) => "zero-count",
            Self::Malformed(DecodeError::ZeroInterval) => "zero-interval",
            Self::Malformed(DecodeError::Checksum) => "wrong-checksum",
            Self::Malformed(DecodeError::AuthenticationType) => "unknown-authentication-type",
            Self::Malformed(DecodeError::Family) => "mixed-families",
            Self::Malformed(DecodeError::Signature) => "signature-trailer",
            Self::Ttl => "wrong-ttl",
            Self::UnknownVrid => "unknown-vrid",
            Self::WrongVersion => "wrong-version",
            Self::AuthenticationType => "wrong-authentication-type",
            Self::Password => "wrong-password",
            Self::Interval => "wrong-interval",
            Self::OwnSource => "own-source",
            Self::UnlistedSource => "unlisted-source",
            Self::NoCommonAddress => "no-common-address",
            Self::NotListening => "not-listening",
        }
    }
}
