//! How advertisements travel: to whom, from which address, and whose are accepted.

use std::{collections::HashSet, net::IpAddr};

use vrrp_core::{ConfigError, Family, Hear, Peer, Role, VirtualRouter};

use super::addresses::Addresses;
use crate::config::{
    draft::{Draft, List},
    found::{Found, Wrong},
    place::{Located, Place},
    problem::Problems,
    sentence::{Notation, family_name, unfit},
};

/// Peers and source, for all families of a virtual router.
pub(super) struct Unicast {
    /// `None` is multicast.
    peers: Option<Located<Vec<Located<Peer>>>>,
    source: Option<Located<IpAddr>>,
    hear: Hear,
}

impl Unicast {
    /// Holds what `draft` says of them to the rules for each.
    pub(super) fn settle(draft: &Draft, problems: &mut Problems) -> Result<Self, Wrong> {
        let hear = hear(draft, problems);
        let peers = match draft.peers.clone().optional()? {
            Some(list) => Some(settle_peers(list, problems)?),
            None => None,
        };
        Ok(Self { peers, source: draft.source.clone().optional()?, hear: hear? })
    }

    /// Where the list of peers starts, if there is one.
    pub(super) fn peers_place(&self) -> Option<&Place> {
        self.peers.as_ref().map(|peers| &peers.place)
    }

    /// Where the source is named, if it is.
    pub(super) fn source_place(&self) -> Option<&Place> {
        self.source.as_ref().map(|source| &source.place)
    }

    /// Reports peers and a source that no family of `addresses` can use.
    pub(super) fn check_families(
        &self,
        addresses: &Addresses,
        problems: &mut Problems,
    ) -> Result<(), Wrong> {
        let peers = self.peers.iter().flat_map(|peers| &peers.value);
        let peers = peers.map(|peer| ("peer", peer.value.address, &peer.place));
        let source = self.source.iter().map(|source| ("source", source.value, &source.place));
        let mut result = Ok(());
        for (what, address, place) in peers.chain(source) {
            if addresses.has(Family::of(address)) {
                continue;
            }
            let family = family_name(Family::of(address));
            let message = format!(
                "the {what} {address} is {family}, but no virtual address is; remove it, or add \
                 an {family} address"
            );
            result = problems.wrong(place, message);
        }
        result
    }

    /// Gives `router` the peers and the source of its family.
    pub(super) fn apply(
        &self,
        router: VirtualRouter,
        addresses: &Addresses,
        notation: Notation,
        problems: &mut Problems,
    ) -> Result<VirtualRouter, Wrong> {
        let router = self.apply_source(router, addresses, problems)?;
        let Some(peers) = &self.peers else { return Ok(router) };
        let family = router.family();
        let is_ours = |peer: &&Located<Peer>| Family::of(peer.value.address) == family;
        let ours: Vec<&Located<Peer>> = peers.value.iter().filter(is_ours).collect();
        if ours.is_empty() {
            return problems.wrong(&peers.place, no_peer(family, notation));
        }
        let checked: Vec<_> = ours.iter().map(|peer| check_peer(peer, &router, problems)).collect();
        checked.into_iter().collect::<Result<(), Wrong>>()?;
        let ours = ours.iter().map(|peer| peer.value);
        problems.check(&peers.place, router.with_peers(ours, self.hear), |error| error.to_string())
    }

    fn apply_source(
        &self,
        router: VirtualRouter,
        addresses: &Addresses,
        problems: &mut Problems,
    ) -> Result<VirtualRouter, Wrong> {
        let family = router.family();
        let Some(Located { place, value: source }) =
            self.source.as_ref().filter(|source| Family::of(source.value) == family)
        else {
            return Ok(router);
        };
        if addresses.contains(*source) && router.role() != Role::Owner {
            let message = format!(
                "the source {source} is one of the virtual addresses; write the address that the \
                 host itself has"
            );
            return problems.wrong(place, message);
        }
        problems
            .check(place, router.with_source(*source), |error| unfit(&source.to_string(), error))
    }
}

/// Whose advertisements are accepted, which is a choice for unicast only.
fn hear(draft: &Draft, problems: &mut Problems) -> Result<Hear, Wrong> {
    let Some(hear) = draft.hear.clone().optional()? else { return Ok(Hear::default()) };
    if matches!(draft.peers, Found::Absent) {
        let message =
            "`hear` applies to unicast only, and there are no `peers`; list them or remove `hear`";
        return problems.wrong(&hear.place, message);
    }
    Ok(hear.value)
}

/// At least one peer, each once.
fn settle_peers(
    mut list: List<Peer>,
    problems: &mut Problems,
) -> Result<Located<Vec<Located<Peer>>>, Wrong> {
    if list.entries.is_empty() {
        let message =
            "`peers` is empty; name at least one peer, or remove `peers` to use multicast";
        return problems.wrong(&list.place, message);
    }
    let mut seen = HashSet::new();
    for entry in &mut list.entries {
        let Ok(Located { place, value: peer }) = &*entry else { continue };
        if !seen.insert(peer.address) {
            problems.add(place, unfit(&peer.address.to_string(), ConfigError::AddressTwice));
            *entry = Err(Wrong);
        }
    }
    list.complete()
}

/// Peers may be virtual addresses: those of the node that owns them.
fn check_peer(
    peer: &Located<Peer>,
    router: &VirtualRouter,
    problems: &mut Problems,
) -> Result<(), Wrong> {
    let result = router.clone().with_peers([peer.value], Hear::Peers).map(drop);
    problems.check(&peer.place, result, |error| unfit(&peer.value.address.to_string(), error))
}

/// A family of two without a peer would advertise to nobody.
fn no_peer(family: Family, notation: Notation) -> String {
    let family = family_name(family);
    let subject = notation.subject("peers");
    let apart = match notation {
        Notation::Toml => ", or give each family a [[virtual_router]] of its own",
        Notation::Keepalived | Notation::Variables => "",
    };
    format!(
        "{subject} holds no {family} peer, but there are {family} virtual addresses; list the \
         {family} peers too{apart}"
    )
}
