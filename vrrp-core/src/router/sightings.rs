//! What other hosts say of the addresses, who of them is a rival, and the likely cause.

use core::{net::IpAddr, time::Duration};

use super::{NOBODYS, Rival, RivalCause, Router, Sighting, entry::Entry};
use crate::{
    DecodeError, Family, Instant, Key, MacAddr, Rejected,
    fsm::{Input, Suspect},
};

/// Beyond four intervals, for how long a refused message counts as fresh.
const FRESH: Duration = Duration::from_secs(10);

impl Router {
    /// Takes that another host says that it has an address.
    pub(super) fn take_sighting(&mut self, sighting: Sighting) {
        let Sighting { interface, address, mac, solicited } = sighting;
        let family = Family::of(address);
        let own = self.interfaces.get(&interface).and_then(|status| status.details());
        let is_own = own.is_some_and(|details| details.mac == mac);
        let Some(place) = self.port(interface, family) else { return };
        if is_own || !is_unicast(mac) {
            return;
        }
        for vrid in 0..=usize::from(u8::MAX) {
            let slots = self.ports.get(place).map(|port| &port.slots);
            let slot = slots.and_then(|slots| slots.get(vrid)?.get());
            let Some((slot, Some(entry))) =
                slot.and_then(|slot| Some((slot, self.entries.get_mut(slot)?)))
            else {
                continue;
            };
            let key = entry.key();
            if mac == key.vrid.virtual_mac(family) {
                continue;
            }
            if address == IpAddr::V4(NOBODYS) {
                entry.rest.rivalry.proxy = Some(mac);
            }
            if entry.config().addresses().any(|own| own.address() == address) {
                entry.rest.rivalry.address = Some(address);
                self.step(slot, Input::Sighting { mac, solicited });
            }
        }
    }

    /// Takes that a packet socket has seen an advertisement for a virtual router.
    pub(super) fn overhear(&mut self, key: &Key, source: IpAddr) {
        let now = self.now;
        if let Some(slot) = self.slot(key)
            && let Some(Some(entry)) = self.entries.get_mut(slot)
            && entry.machine().source() != Some(source)
        {
            entry.rest.rivalry.overheard = Some((source, now));
        }
    }
}

/// Returns whether a host can have this hardware address.
fn is_unicast(mac: MacAddr) -> bool {
    let MacAddr([first, ..]) = mac;
    mac != MacAddr::default() && first & 1 == 0
}

impl Entry {
    /// Returns the hardware address of its rival, if it has one.
    pub(super) fn rival_mac(&self) -> Option<MacAddr> {
        self.machine().suspect().filter(|suspect| suspect.is_rival()).map(Suspect::mac)
    }

    /// Returns its rival.
    pub(super) fn rival(&self) -> Option<Rival> {
        let suspect = self.machine().suspect().filter(|suspect| suspect.is_rival())?;
        Some(Rival {
            mac: suspect.mac(),
            address: self.rest.rivalry.address?,
            since: suspect.since(),
            last: suspect.seen_at(),
            cause: self.rest.rivalry.cause?,
        })
    }

    /// Follows up on a step before which it had the rival `before`.
    #[cold]
    pub(super) fn look_after_rival(&mut self, now: Instant, before: Option<MacAddr>) {
        if let Some(suspect) = self.machine().suspect().copied() {
            self.rest.rivalry.cause = Some(self.cause(now, &suspect));
        }
        let after = self.rival_mac();
        if let Some(gone) = before.filter(|before| Some(*before) != after) {
            self.rest.rivalry.tell_gone(gone);
        }
        if let Some(rival) = self.rival()
            && before != after
        {
            self.rest.rivalry.tell(now, rival);
        }
        self.note_notices();
    }

    /// Returns the likely cause of a rival.
    fn cause(&self, now: Instant, suspect: &Suspect) -> RivalCause {
        let rivalry = &self.rest.rivalry;
        let fresh = FRESH.max(self.config().interval().duration().saturating_mul(4));
        let since = if suspect.is_looked_for() { suspect.since() } else { now - fresh };
        let refused = self.tally.speakers.as_slice().iter().filter_map(|speaker| {
            let reason = speaker.verdict.err().filter(|reason| may_be_rivals(*reason))?;
            (speaker.last_heard >= since).then_some((speaker.last_heard, speaker.source, reason))
        });
        let overheard = rivalry.overheard.filter(|(_, at)| *at >= since);
        match (refused.max_by_key(|(at, ..)| *at), overheard) {
            (Some((_, source, reason)), _) => RivalCause::Refused { source, reason },
            (None, _) if rivalry.proxy == Some(suspect.mac()) => RivalCause::Proxy,
            (None, Some((source, _))) => RivalCause::Firewall { source },
            (None, None) if suspect.is_looked_for() => RivalCause::Network,
            (None, None) => RivalCause::Foreign,
        }
    }
}

/// Returns whether messages that are refused for this reason may be those of a node that holds our
/// addresses.
const fn may_be_rivals(reason: Rejected) -> bool {
    match reason {
        Rejected::OwnSource
        | Rejected::UnknownVrid
        | Rejected::NotListening
        | Rejected::NoCommonAddress
        | Rejected::Malformed(DecodeError::Family) => false,
        Rejected::Malformed(_)
        | Rejected::Ttl
        | Rejected::WrongVersion
        | Rejected::AuthenticationType
        | Rejected::Password
        | Rejected::Interval
        | Rejected::UnlistedSource => true,
    }
}
