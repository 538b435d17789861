//! `unicast_peer` and the address that advertisements are sent from.

use std::{collections::HashSet, net::IpAddr};

use vrrp_core::{Hear, Peer};

use super::super::{
    blocks::Statement,
    report::Report,
    values::{first, only},
};
use crate::config::{Draft, Found, List, Located, Wrong};

/// The address behind the keyword.
pub(super) fn source(statement: &Statement, report: &mut Report) -> Result<Located<IpAddr>, Wrong> {
    let word = first(statement, report)?;
    only(statement, 1, report);
    let Ok(address) = word.text.parse() else {
        let message = format!("{:?} is no IP address, it is left out", word.text);
        return report.skip(&word.place, message);
    };
    Ok(Located::new(word.place.clone(), address))
}

/// The peers of a block, each once. keepalived does not look at the TTL of peers unless it is told
/// to.
pub(super) fn peers(block: &Statement, report: &mut Report) -> Found<List<Peer>> {
    let mut list = List::new(block.place());
    let mut seen = HashSet::new();
    for entry in block.inner() {
        let Ok(peer) = peer(entry, report) else { continue };
        if seen.insert(peer.address) {
            list.entries.push(Ok(Located::new(entry.place(), peer)));
        } else {
            report
                .warn(&entry.place(), format!("{} is listed twice and counts once", peer.address));
        }
    }
    if list.entries.is_empty() {
        let message = "there is no peer here, and advertisements are sent by multicast, as \
            keepalived does; list the other nodes, or remove the block";
        report.warn(&block.place(), message);
        return Found::Absent;
    }
    Found::Value(list)
}

fn peer(entry: &Statement, report: &mut Report) -> Result<Peer, Wrong> {
    let text = entry.keyword();
    let Ok(address) = text.parse::<IpAddr>() else {
        let message = format!("{text:?} is no IP address, it is left out");
        return report.skip(&entry.place(), message);
    };
    let mut peer = Peer::from(address).min_ttl(1);
    let mut words = entry.arguments().iter();
    while let Some(word) = words.next() {
        let value = words.next().and_then(|value| value.text.parse::<u8>().ok());
        match (&*word.text, value) {
            ("min_ttl", Some(least)) => peer = peer.min_ttl(least),
            ("max_ttl", Some(_)) => {
                report.warn(&word.place, "`max_ttl` is left out: a TTL is not too high here");
            }
            (other, _) => {
                let message =
                    format!("{other:?} is left out; write min_ttl and a number, or nothing");
                report.warn(&word.place, message);
            }
        }
    }
    Ok(peer)
}

/// keepalived hears everybody unless it is told to hear its peers.
pub(super) fn settle(draft: &mut Draft, checks_source: bool, report: &mut Report) {
    let Some(peers) = draft.peers.value() else { return };
    let hear = if checks_source { Hear::Peers } else { Hear::Any };
    draft.hear = Found::Value(Located::new(peers.place.clone(), hear));
    // A peer of the other family can be sent nothing.
    let family = draft.addresses.value().and_then(|list| {
        let first = list.entries.iter().flatten().next();
        first.map(|address| address.value.cidr.address().is_ipv6())
    });
    let Some(is_ipv6) = family else { return };
    let Found::Value(mut peers) = std::mem::take(&mut draft.peers) else { return };
    peers.entries.retain(|entry| {
        let Ok(Located { place, value: peer }) = entry else { return true };
        let fits = peer.address.is_ipv6() == is_ipv6;
        if !fits {
            report.warn(
                place,
                format!("{} is left out: it is not of the family of the addresses", peer.address),
            );
        }
        fits
    });
    draft.peers = if peers.entries.is_empty() { Found::Absent } else { Found::Value(peers) };
    if matches!(draft.peers, Found::Absent) {
        draft.hear = Found::Absent;
    }
}
