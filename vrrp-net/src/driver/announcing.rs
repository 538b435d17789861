//! Announcements that a program asks for.

use std::time::Duration;

use vrrp_core::{Input, Key};

use super::Driver;
use crate::{Error, clock::Clock, link::Link, monitor::Monitor};

/// How far such announcements of one virtual router are apart. RFC 9568 has no limit; RFC 4861 7.2.6
/// has one of a second for unsolicited Neighbor Advertisements, and RFC 5227 1.1 has its two
/// announcements 2 s apart: each goes to everybody on the link, for every address.
const PAUSE: Duration = Duration::from_secs(1);

impl<L: Link, C: Clock, M: Monitor> Driver<L, C, M> {
    /// Announces the addresses of a virtual router, if it holds them. One that comes too soon is
    /// refused, and not put off: whoever asks knows what became of it.
    pub(super) fn announce_on_request(&mut self, key: Key, name: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let entry = self.entry(&key, name)?;
        if !entry.phase.is_active() {
            return Err(Error::NotActive { name: name.to_owned(), phase: entry.phase });
        }
        let again_at = entry.announced_at.map(|at| at + PAUSE);
        if let Some(again_at) = again_at.filter(|at| now < *at) {
            return Err(Error::TooSoon { name: name.to_owned(), wait: again_at - now });
        }
        let before = self.announcements(&key);
        self.input(Input::Announce { key });
        if self.announcements(&key) == before {
            return Err(Error::Unannounced(name.to_owned()));
        }
        if let Some(entry) = self.outbox.members.get_mut(&key) {
            entry.announced_at = Some(now);
        }
        Ok(())
    }

    /// How often the core has had the addresses announced.
    fn announcements(&self, key: &Key) -> Option<u64> {
        self.router.status(key).map(|status| status.counters.announcements)
    }
}
