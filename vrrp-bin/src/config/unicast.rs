//! `peers`, `hear` and `source`: who is spoken to, who is heard, and from which address.

use std::net::IpAddr;

use vrrp_core::{ConfigError, Family, Hear, Peer, Role, VirtualRouter};

use super::{
    addresses::{Addresses, address_of, family_name, unfit},
    keys,
    problem::{At, Problems},
    section::{Item, Section},
};

/// How advertisements travel, for all families of a `[[virtual_router]]`.
pub(super) struct Unicast {
    /// The list, and where it starts; `None` is multicast.
    pub(super) peers: Option<At<Vec<At<Peer>>>>,
    pub(super) source: Option<At<IpAddr>>,
    hear: Hear,
}

/// Reads the three keys. `None` if anything in them is wrong.
pub(super) fn read(section: &Section<'_>, problems: &mut Problems) -> Option<Unicast> {
    let hear = section.or("hear", Hear::default(), |item| hear(item, section, problems));
    let source = section.or("source", None, |item| source(item, problems).map(Some));
    let peers = section.or("peers", None, |item| peers(item, problems).map(Some));
    Some(Unicast { peers: peers?, source: source?, hear: hear? })
}

fn hear(item: Item<'_>, section: &Section<'_>, problems: &mut Problems) -> Option<Hear> {
    let hear = item.choice(problems, &[("peers", Hear::Peers), ("any", Hear::Any)])?;
    if section.get("peers").is_none() {
        problems.add(
            item.at,
            "`hear` is for unicast, and there are no `peers`; list them or remove `hear`",
        );
        return None;
    }
    Some(hear.value)
}

fn source(item: Item<'_>, problems: &mut Problems) -> Option<At<IpAddr>> {
    let text = item.text(problems, "192.0.2.1")?.value;
    let message = |_| {
        format!("`source` is {text:?}, which is not an IP address; write for example \"192.0.2.1\"")
    };
    let value = problems.check(item.at, text.parse(), message)?;
    Some(At { at: item.at, value })
}

fn peers(item: Item<'_>, problems: &mut Problems) -> Option<At<Vec<At<Peer>>>> {
    let items = item.list(problems, "[\"192.0.2.2\", \"192.0.2.3\"]")?;
    if items.is_empty() {
        problems.add(
            item.at,
            "`peers` is empty; name at least one peer, or remove `peers` to use multicast",
        );
        return None;
    }
    let peers: Vec<Option<At<Peer>>> = items.into_iter().map(|item| peer(item, problems)).collect();
    let peers = peers.into_iter().collect::<Option<Vec<_>>>()?;
    for (index, peer) in peers.iter().enumerate() {
        if peers.iter().take(index).any(|earlier| earlier.value.address == peer.value.address) {
            problems
                .add(peer.at, unfit(&peer.value.address.to_string(), ConfigError::AddressTwice));
        }
    }
    Some(At { at: item.at, value: peers })
}

fn peer(item: Item<'_>, problems: &mut Problems) -> Option<At<Peer>> {
    let min_ttl = ttl(item, "min_ttl", problems)?;
    let min_ttl_routed = ttl(item, "min_ttl_routed", problems)?;
    let item = address_of(item, &keys::PEER, "192.0.2.2", problems)?;
    let text = item.text(problems, "192.0.2.2")?.value;
    let message =
        |_| format!("{text:?} is not an IP address of a peer; write for example \"192.0.2.2\"");
    let address: IpAddr = problems.check(item.at, text.parse(), message)?;
    let value = Peer { min_ttl_routed, ..Peer::from(address).min_ttl(min_ttl.unwrap_or(u8::MAX)) };
    Some(At { at: item.at, value })
}

/// A limit of a peer that is written as a table; `None`: what is there is wrong.
fn ttl(item: Item<'_>, key: &str, problems: &mut Problems) -> Option<Option<u8>> {
    let section = item.as_section(&keys::PEER, &mut Problems::default());
    let Some(item) = section.and_then(|peer| peer.get(key)) else { return Some(None) };
    let ttl = item.number::<std::num::NonZeroU8>(problems, "write a number from 1 to 255", 254)?;
    Some(Some(ttl.value.get()))
}

impl Unicast {
    /// Reports peers and a source that no family of `addresses` can use.
    pub(super) fn check_families(&self, addresses: &Addresses, problems: &mut Problems) {
        let used = |address| addresses.families().any(|family| family == Family::of(address));
        let unused = |what: &str, address: IpAddr| {
            let family = family_name(Family::of(address));
            format!(
                "{what} {address} is {family}, but no virtual address is; remove it, or add an \
                 {family} address"
            )
        };
        if let Some(source) = &self.source
            && !used(source.value)
        {
            problems.add(source.at, unused("the source", source.value));
        }
        for peer in self.peers.iter().flat_map(|peers| &peers.value) {
            if !used(peer.value.address) {
                problems.add(peer.at, unused("the peer", peer.value.address));
            }
        }
    }

    /// Tells `router` the peers and the source of its family.
    pub(super) fn apply(
        &self,
        mut router: VirtualRouter,
        addresses: &Addresses,
        problems: &mut Problems,
    ) -> Option<VirtualRouter> {
        let family = router.family();
        if let Some(source) = self.source.filter(|source| Family::of(source.value) == family) {
            if addresses.contains(source.value) && router.role() != Role::Owner {
                let message = format!(
                    "the source {} is one of the virtual addresses; write the address that the \
                     host itself has",
                    source.value
                );
                problems.add(source.at, message);
                return None;
            }
            let message = |error| unfit(&source.value.to_string(), error);
            router = problems.check(source.at, router.with_source(source.value), message)?;
        }
        let Some(peers) = &self.peers else { return Some(router) };
        let ours: Vec<&At<Peer>> =
            peers.value.iter().filter(|peer| Family::of(peer.value.address) == family).collect();
        let mut complete = true;
        for peer in &ours {
            complete &= check_peer(peer, &router, problems).is_some();
        }
        if ours.is_empty() {
            let family = family_name(family);
            let message = format!(
                "`peers` holds no {family} peer, but `addresses` holds {family} addresses; list \
                 the {family} peers too, or give each family a [[virtual_router]] of its own"
            );
            problems.add(peers.at, message);
            return None;
        }
        let unicast = router.with_peers(ours.iter().map(|peer| peer.value), self.hear);
        complete.then_some(unicast.ok()?)
    }
}

/// Peers may be virtual addresses: those of the node that owns them.
fn check_peer(peer: &At<Peer>, router: &VirtualRouter, problems: &mut Problems) -> Option<()> {
    let message = |error| unfit(&peer.value.address.to_string(), error);
    problems
        .check(peer.at, router.clone().with_peers([peer.value], Hear::Peers), message)
        .map(|_| ())
}
