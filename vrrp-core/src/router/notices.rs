//! What is reported about the peers of a virtual router: [`Notice`], and sets of them.

use core::fmt;

use crate::Rejected;

/// A peer that disagrees with this node, or that should not be there.
///
/// [`Display`](fmt::Display) says what is wrong and what to do, as the end of a sentence that
/// begins with the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Notice {
    /// Its advertisement interval differs (RFC 9568 7.1).
    IntervalDiffers,
    /// Its address list differs in part (RFC 9568 7.1).
    AddressesDiffer,
    /// Its first IPv6 address is not link-local (RFC 9568 5.2.9).
    NoLinkLocalAddress,
    /// It claims to own the addresses, and so do we (RFC 9568 8.3.2).
    SecondOwner,
    /// It advertises while we own the addresses (RFC 9568 7.1, erratum 8298).
    ContendsWithOwner,
    /// It has our priority (RFC 9568 8.3.2).
    SamePriority,
    /// It is not in our peer list, and is heard because the list is not exclusive.
    Unlisted,
    /// Both VRRPv3 IPv4 checksum forms are in use, so both are sent.
    BothChecksums,
    /// We are the Active, and it stays a weaker one: it does not hear us.
    WeakerActive,
    /// We are the Active, and it resigns again and again.
    Resignations,
    /// It resigned, but we follow another Active, which continues.
    ResignedByAnother,
    /// Its messages are refused.
    Refused(Rejected),
    /// We are the Active, it claims more, and its messages are refused: both hold the addresses.
    StrongerRefused(Rejected),
}

/// The notices other than refusals, in the order of their numbers.
const PLAIN: [Notice; 11] = [
    Notice::IntervalDiffers,
    Notice::AddressesDiffer,
    Notice::NoLinkLocalAddress,
    Notice::SecondOwner,
    Notice::ContendsWithOwner,
    Notice::SamePriority,
    Notice::Unlisted,
    Notice::BothChecksums,
    Notice::WeakerActive,
    Notice::Resignations,
    Notice::ResignedByAnother,
];

impl Notice {
    /// How many kinds are limited separately: see [`kind`](Self::kind).
    pub(super) const KINDS: usize = PLAIN.len() + Rejected::COUNT;

    /// Returns a number of its own.
    fn index(self) -> usize {
        match self {
            Self::StrongerRefused(reason) => Self::KINDS.saturating_add(reason.index()),
            other => other.kind(),
        }
    }

    /// Returns the number under which reports of it are limited: a refusal has one for each reason,
    /// whoever is stronger.
    pub(super) fn kind(self) -> usize {
        match self {
            Self::IntervalDiffers => 0,
            Self::AddressesDiffer => 1,
            Self::NoLinkLocalAddress => 2,
            Self::SecondOwner => 3,
            Self::ContendsWithOwner => 4,
            Self::SamePriority => 5,
            Self::Unlisted => 6,
            Self::BothChecksums => 7,
            Self::WeakerActive => 8,
            Self::Resignations => 9,
            Self::ResignedByAnother => 10,
            Self::Refused(reason) | Self::StrongerRefused(reason) => {
                PLAIN.len().saturating_add(reason.index())
            }
        }
    }

    /// Returns the notice of that number.
    fn of_index(index: usize) -> Option<Self> {
        let stronger = index.checked_sub(Self::KINDS).and_then(|index| Rejected::ALL.get(index));
        let refused = index.checked_sub(PLAIN.len()).and_then(|index| Rejected::ALL.get(index));
        match (PLAIN.get(index), refused, stronger) {
            (Some(plain), _, _) => Some(*plain),
            (None, Some(reason), _) => Some(Self::Refused(*reason)),
            (None, None, Some(reason)) => Some(Self::StrongerRefused(*reason)),
            (None, None, None) => None,
        }
    }

    /// Returns why its messages are refused, if they are.
    #[must_use]
    pub const fn refusal(self) -> Option<Rejected> {
        match self {
            Self::Refused(reason) | Self::StrongerRefused(reason) => Some(reason),
            _ => None,
        }
    }

    /// Returns a stable word for logs, metrics and `status`. For a refusal,
    /// [`refusal`](Self::refusal) has a second one.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IntervalDiffers => "interval-differs",
            Self::AddressesDiffer => "addresses-differ",
            Self::NoLinkLocalAddress => "no-link-local-address",
            Self::SecondOwner => "second-owner",
            Self::ContendsWithOwner => "contends-with-owner",
            Self::SamePriority => "same-priority",
            Self::Unlisted => "unlisted-speaker",
            Self::BothChecksums => "both-checksums",
            Self::WeakerActive => "weaker-active",
            Self::Resignations => "resignations",
            Self::ResignedByAnother => "resigned-by-another",
            Self::Refused(_) => "refused",
            Self::StrongerRefused(_) => "stronger-refused",
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IntervalDiffers => {
                "its advertisement interval is not the one of this node; give both nodes the same"
            }
            Self::AddressesDiffer => {
                "its addresses are not all those of this node; give both nodes the same (an older \
                 keepalived drops such messages, and both become active)"
            }
            Self::NoLinkLocalAddress => {
                "its first address is not link-local, as RFC 9568 wants it; give both nodes a \
                 link-local address"
            }
            Self::SecondOwner => {
                "it claims to own the addresses (priority 255), and so does this node; lower one \
                 of the two"
            }
            Self::ContendsWithOwner => {
                "it advertises although this node owns the addresses; see whether it hears this \
                 node"
            }
            Self::SamePriority => "it has the priority of this node; give each node its own",
            Self::Unlisted => {
                "it is not in the list of peers here, and is heard; add it to the list here, or \
                 stop it there"
            }
            Self::BothChecksums => {
                "both checksum forms of VRRPv3 over IPv4 are in use, so both are sent; choose one \
                 for all nodes"
            }
            Self::WeakerActive => {
                "it is active and does not give way to this node, which is stronger: it does not \
                 hear this node. See whether a firewall there drops VRRP, whether its interface is \
                 a port of a bridge, and whether both nodes have multicast or both have each other \
                 as peers, with the same password"
            }
            Self::Resignations => {
                "it resigns again and again although this node is the active one; see what is \
                 stopped and started there, or who forges its messages"
            }
            Self::ResignedByAnother => {
                "it resigned, and this node follows another active one, which goes on: nothing was \
                 changed by it; see why it was active there, or who forges its messages"
            }
            Self::Refused(Rejected::NoCommonAddress) => {
                "its messages are refused: it has no address in common with this node, so that it \
                 is another cluster; give one of the two another VRID"
            }
            Self::Refused(reason) => {
                return write!(
                    f,
                    "its messages are refused: {reason}; both may be active until that ends: {}",
                    reason.remedy()
                );
            }
            Self::StrongerRefused(reason) => {
                return write!(
                    f,
                    "it claims more than this node, which is active too, since its messages are \
                     refused: {reason}; {}",
                    reason.remedy()
                );
            }
        })
    }
}

/// A set of notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NoticeSet(u64);

// Each notice has a bit of its own.
const _: () = assert!(
    PLAIN.len() + 2 * Rejected::COUNT <= 64,
    "too many notices for the bits of a NoticeSet"
);

impl NoticeSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);

    fn bit(notice: Notice) -> u64 {
        u32::try_from(notice.index()).ok().and_then(|index| 1_u64.checked_shl(index)).unwrap_or(0)
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns whether `notice` is in the set.
    #[must_use]
    pub fn contains(self, notice: Notice) -> bool {
        self.0 & Self::bit(notice) != 0
    }

    /// Returns the notices in the set, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Notice> {
        (0..64).filter_map(Notice::of_index).filter(move |notice| self.contains(*notice))
    }

    pub(super) fn insert(&mut self, notice: Notice) {
        self.0 |= Self::bit(notice);
    }

    /// Removes `notice`, and returns whether it was in the set.
    pub(super) fn remove(&mut self, notice: Notice) -> bool {
        let there = self.contains(notice);
        self.0 &= !Self::bit(notice);
        there
    }
}

impl FromIterator<Notice> for NoticeSet {
    fn from_iter<I: IntoIterator<Item = Notice>>(notices: I) -> Self {
        let mut set = Self::EMPTY;
        for notice in notices {
            set.insert(notice);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notice_has_a_bit_of_its_own() {
        let refused = Rejected::ALL
            .into_iter()
            .flat_map(|reason| [Notice::Refused(reason), Notice::StrongerRefused(reason)]);
        let all = || PLAIN.into_iter().chain(refused.clone());
        for notice in all() {
            let set = NoticeSet::from_iter([notice]);
            assert!(set.iter().eq([notice]), "{notice:?}");
            assert_eq!(set.0.count_ones(), 1);
        }
        assert_eq!(all().collect::<NoticeSet>().iter().count(), PLAIN.len() + 2 * Rejected::COUNT);
    }

    #[test]
    fn what_is_taken_out_is_out() {
        let mut set = NoticeSet::from_iter([Notice::SamePriority, Notice::WeakerActive]);
        assert!(set.remove(Notice::SamePriority));
        assert!(!set.remove(Notice::SamePriority));
        assert!(set.iter().eq([Notice::WeakerActive]));
        assert!(set.remove(Notice::WeakerActive) && set.is_empty());
    }
}
