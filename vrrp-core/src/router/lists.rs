//! Compares the addresses of an advertisement with ours.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{AddressList, Family, Protocol, VirtualRouter};

/// How two lists of addresses compare as sets: their order has no meaning to the election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lists {
    /// The same addresses.
    Equal,
    /// Some addresses in common.
    Overlapping,
    /// No address in common.
    Disjoint,
}

impl Lists {
    pub(super) fn compared(config: &VirtualRouter, theirs: AddressList<'_>) -> Self {
        let ours = ours(config);
        if theirs == ours { Self::Equal } else { Self::of_other_order(ours, theirs) }
    }

    // A function of its own, so that the usual packet needs no stack for the sorted lists.
    #[cold]
    #[inline(never)]
    fn of_other_order(ours: AddressList<'_>, theirs: AddressList<'_>) -> Self {
        Self::of_sets(&Sorted::new(ours.iter()), &Sorted::new(theirs.iter()))
    }

    fn of_sets(ours: &Sorted, theirs: &Sorted) -> Self {
        let (ours, theirs) = (ours.as_slice(), theirs.as_slice());
        let is_theirs = |address: &u128| theirs.binary_search(address).is_ok();
        let is_ours = |address: &u128| ours.binary_search(address).is_ok();
        if !ours.iter().any(is_theirs) {
            return Self::Disjoint;
        }
        if ours.iter().all(is_theirs) && theirs.iter().all(is_ours) {
            Self::Equal
        } else {
            Self::Overlapping
        }
    }
}

/// Calls `each` with every address that is in one of the lists only, and whether that is theirs:
/// theirs first, each list in the order of its numbers.
pub(super) fn differences(
    config: &VirtualRouter,
    theirs: AddressList<'_>,
    mut each: impl FnMut(IpAddr, bool),
) {
    let family = config.family();
    let (ours, theirs) = (Sorted::new(ours(config).iter()), Sorted::new(theirs.iter()));
    let mut only_in = |one: &Sorted, other: &Sorted, is_theirs: bool| {
        let mut last = None;
        for number in one.as_slice() {
            // An address that is named twice is one.
            let is_new = last != Some(*number);
            if is_new && other.as_slice().binary_search(number).is_err() {
                each(address(family, *number), is_theirs);
            }
            last = Some(*number);
        }
    };
    only_in(&theirs, &ours, true);
    only_in(&ours, &theirs, false);
}

fn ours(config: &VirtualRouter) -> AddressList<'_> {
    match config.protocol() {
        Protocol::V2 { addresses, .. } | Protocol::V3Ipv4 { addresses, .. } => {
            AddressList::from(addresses)
        }
        Protocol::V3Ipv6 { addresses, .. } => AddressList::from(addresses),
    }
}

fn address(family: Family, number: u128) -> IpAddr {
    match (family, u32::try_from(number)) {
        (Family::Ipv4, Ok(number)) => Ipv4Addr::from_bits(number).into(),
        (Family::Ipv4, Err(_)) | (Family::Ipv6, _) => Ipv6Addr::from_bits(number).into(),
    }
}

/// Up to as many addresses as an advertisement can have (RFC 9568 5.2.5), as sorted numbers. All
/// are of one family.
struct Sorted {
    addresses: [u128; 255],
    len: usize,
}

impl Sorted {
    fn new(list: impl Iterator<Item = IpAddr>) -> Self {
        let mut sorted = Self { addresses: [0; 255], len: 0 };
        for (place, address) in sorted.addresses.iter_mut().zip(list) {
            *place = match address {
                IpAddr::V4(address) => u128::from(address.to_bits()),
                IpAddr::V6(address) => address.to_bits(),
            };
            sorted.len = sorted.len.saturating_add(1);
        }
        sorted.addresses.get_mut(..sorted.len).unwrap_or_default().sort_unstable();
        sorted
    }

    fn as_slice(&self) -> &[u128] {
        self.addresses.get(..self.len).unwrap_or_default()
    }
}
