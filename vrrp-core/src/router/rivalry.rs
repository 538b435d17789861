//! What is remembered of rivals, and how often they are reported: once an hour for each, once a minute
//! for all.

use core::{net::IpAddr, time::Duration};

use super::{Event, Rival, RivalCause};
use crate::{Instant, Key, MacAddr};

/// A rival is reported again after this long.
const AGAIN: Duration = Duration::from_secs(3600);
/// Reports are at least this far apart, whoever they are about.
const APART: Duration = Duration::from_secs(60);
/// How many rivals are remembered as reported.
const REMEMBERED: usize = 4;

/// What is known of rivals beside the machine's suspect, and what is to be polled.
#[derive(Debug, Default)]
pub(super) struct Rivalry {
    /// The address of the last sighting.
    pub(super) address: Option<IpAddr>,
    /// Whose advertisements a packet socket saw last, and when.
    pub(super) overheard: Option<(IpAddr, Instant)>,
    /// Who was last seen to answer for an address that nobody has.
    pub(super) proxy: Option<MacAddr>,
    pub(super) cause: Option<RivalCause>,
    /// Who was reported, and when.
    told: [Option<(MacAddr, Instant)>; REMEMBERED],
    /// When the next one may be reported.
    next_at: Instant,
    /// How many were not reported since.
    withheld: u32,
    /// The one that was reported last, while it is there.
    shown: Option<MacAddr>,
    found: Option<(Rival, u32)>,
    gone: Option<MacAddr>,
}

impl Rivalry {
    pub(super) fn tell(&mut self, now: Instant, rival: Rival) {
        let mac = rival.mac;
        let known = self.told.iter().position(|told| told.is_some_and(|it| it.0 == mac));
        let told = known.and_then(|place| self.told.get(place).copied().flatten());
        if told.is_some_and(|(_, at)| now < at + AGAIN) {
            return;
        }
        if now < self.next_at {
            self.withheld = self.withheld.saturating_add(1);
            return;
        }
        self.next_at = now + APART;
        let place = match known {
            Some(place) => self.told.get_mut(place),
            None => self.told.iter_mut().min_by_key(|told| told.map(|(_, at)| at)),
        };
        if let Some(place) = place {
            *place = Some((mac, now));
        }
        self.shown = Some(mac);
        self.found = Some((rival, core::mem::take(&mut self.withheld)));
    }

    pub(super) fn tell_gone(&mut self, mac: MacAddr) {
        if self.shown.take_if(|shown| *shown == mac).is_some() {
            self.gone = Some(mac);
        }
    }

    pub(super) const fn is_due(&self) -> bool {
        self.found.is_some() || self.gone.is_some()
    }

    /// Takes the next event to be polled.
    pub(super) fn take(&mut self, key: Key) -> Option<Event> {
        if let Some((rival, others)) = self.found.take() {
            return Some(Event::Rival { key, rival, others });
        }
        self.gone.take().map(|mac| Event::RivalGone { key, mac })
    }
}
