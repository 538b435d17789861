//! Accepts a datagram, or names the reason to reject it (RFC 9568 7.1, RFC 3768 7.1).

use core::net::IpAddr;

use super::{Notice, NoticeSet, Port, Router, entry::Entry, lists::Lists};
use crate::{
    Advert, Authentication, Claim, Decoded, Family, Hear, Interval, Peer, Phase, Protocol,
    Rejected, RxMeta, Transport,
    addresses::is_link_local,
    fsm::{Heard, Input},
};

/// The Time To Live and Hop Limit of a packet that no router has forwarded (RFC 9568 5.1.1.3).
const FROM_THE_LINK: u8 = 255;

impl Router {
    pub(super) fn take_datagram(&mut self, meta: RxMeta, bytes: &[u8]) -> Result<(), Rejected> {
        let Some(place) = self.port(meta.interface, Family::of(meta.source)) else {
            return Err(Rejected::UnknownVrid);
        };
        let Some(port) = self.ports.get_mut(place) else { return Err(Rejected::UnknownVrid) };
        // The octet may be anything, but if it names a virtual router, the message counts there.
        let named = bytes.get(1).and_then(|vrid| port.slots.get(usize::from(*vrid))?.get());
        let Some((slot, Some(entry))) =
            named.and_then(|slot| Some((slot, self.entries.get_mut(slot)?)))
        else {
            return Err(reject_unattributed(port, self.now, meta, bytes));
        };
        // By reference, so that the result is not copied for each packet.
        match &judge(entry, meta, bytes) {
            Err(reason) => {
                entry.reject(self.now, meta, bytes, *reason);
                self.mark(slot);
                Err(*reason)
            }
            Ok((Decoded { advert, form }, lists)) => {
                let notices = compare(entry, meta.source, advert, *lists);
                entry.accept(self.now, &meta, advert, *form, notices);
                let heard = Heard {
                    claim: advert.claim,
                    timing: advert.interval.timing(),
                    source: meta.source,
                    in_both_forms: entry.hears_both_forms(),
                };
                self.step(slot, Input::Advert(heard));
                Ok(())
            }
        }
    }
}

fn reject_unattributed(
    port: &mut Port,
    now: crate::Instant,
    meta: RxMeta,
    bytes: &[u8],
) -> Rejected {
    let reason = match Advert::decode(&meta, bytes) {
        Err(malformed) => Rejected::Malformed(malformed),
        Ok(_) if meta.ttl != FROM_THE_LINK => Rejected::Ttl,
        Ok(_) => Rejected::UnknownVrid,
    };
    port.other.reject(now, &meta, bytes, reason);
    reason
}

/// Decodes a message, if it is a valid advertisement for this virtual router.
fn judge<'a>(
    entry: &Entry,
    meta: RxMeta,
    bytes: &'a [u8],
) -> Result<(Decoded<'a>, Lists), Rejected> {
    let config = entry.config();
    if entry.machine().source() == Some(meta.source) {
        return Err(Rejected::OwnSource);
    }
    let (peer, exclusive) = match config.transport() {
        Transport::Multicast => (None, false),
        Transport::Unicast { peers, hear } => (find(peers, meta.source), *hear == Hear::Peers),
    };
    if meta.ttl < peer.map_or(FROM_THE_LINK, |peer| peer.min_ttl) {
        return Err(Rejected::Ttl);
    }
    let decoded = Advert::decode(&meta, bytes)?;
    match (config.protocol(), decoded.advert.interval) {
        (Protocol::V3Ipv4 { .. } | Protocol::V3Ipv6 { .. }, Interval::V3(_)) => {}
        (Protocol::V2 { interval, password, .. }, Interval::V2(theirs)) => {
            authenticate(password.as_ref(), decoded.advert.authentication)?;
            // RFC 3768 7.1: VRRPv2 cannot follow another interval.
            if theirs != *interval {
                return Err(Rejected::Interval);
            }
        }
        (Protocol::V2 { .. } | Protocol::V3Ipv4 { .. } | Protocol::V3Ipv6 { .. }, _) => {
            return Err(Rejected::WrongVersion);
        }
    }
    if exclusive && peer.is_none() {
        return Err(Rejected::UnlistedSource);
    }
    // RFC 3768 7.1 and RFC 9568 7.1 let a receiver compare the lists. If another cluster's list on
    // our VRID were accepted, the weaker cluster would give its addresses up to a node that does
    // not serve them.
    let lists = Lists::compared(config, decoded.advert.addresses);
    if lists == Lists::Disjoint {
        return Err(Rejected::NoCommonAddress);
    }
    if matches!(entry.machine().phase(), Phase::Initialize(_)) {
        return Err(Rejected::NotListening);
    }
    Ok((decoded, lists))
}

fn find(peers: &[Peer], source: IpAddr) -> Option<&Peer> {
    peers.iter().find(|peer| peer.address == source)
}

fn authenticate(
    password: Option<&crate::Password>,
    received: Authentication,
) -> Result<(), Rejected> {
    match (password, received) {
        (None, Authentication::None) => Ok(()),
        (Some(password), Authentication::SimpleText(text)) if password.matches(&text) => Ok(()),
        (Some(_), Authentication::SimpleText(_)) => Err(Rejected::Password),
        (None, Authentication::SimpleText(_)) | (Some(_), Authentication::None) => {
            Err(Rejected::AuthenticationType)
        }
    }
}

/// Returns how a valid advertisement differs from our configuration (RFC 9568 7.1, 8.3.2). The
/// advertisement counts all the same.
fn compare(entry: &Entry, source: IpAddr, advert: &Advert<'_>, lists: Lists) -> NoticeSet {
    let config = entry.config();
    let ours = entry.machine().claim();
    let interval_differs = advert.interval != config.interval() && advert.claim != Claim::Resign;
    let unlisted = match config.transport() {
        Transport::Multicast => false,
        Transport::Unicast { peers, .. } => find(peers, source).is_none(),
    };
    let no_link_local =
        config.family() == Family::Ipv6 && !advert.addresses.first().is_some_and(is_link_local);
    let owners = ours == Claim::Own && advert.claim != Claim::Resign;
    let same_priority = ours != Claim::Own && advert.claim == ours;
    let differs = interval_differs || lists == Lists::Overlapping || no_link_local;
    if !(differs || owners || same_priority || unlisted) {
        return NoticeSet::EMPTY;
    }
    let notices = [
        (Notice::IntervalDiffers, interval_differs),
        (Notice::AddressesDiffer, lists == Lists::Overlapping),
        (Notice::NoLinkLocalAddress, no_link_local),
        (Notice::SecondOwner, owners && advert.claim == Claim::Own),
        (Notice::ContendsWithOwner, owners && advert.claim != Claim::Own),
        (Notice::SamePriority, same_priority),
        (Notice::Unlisted, unlisted),
    ];
    notices.into_iter().filter(|(_, applies)| *applies).map(|(notice, _)| notice).collect()
}
