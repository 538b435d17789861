//! Reading packets: in batches, and all of them before something that cannot be taken back.

use std::time::{Duration, SystemTime};

use vrrp_core::{Input, Instant};

use super::Driver;
use crate::{
    clock::Clock,
    link::{Link, Seen},
    monitor::Monitor,
};

/// How many packets a turn takes before it looks at anything else.
const BATCH: usize = 64;
/// How many packets are read at most before a deadline is acted on: more than a socket holds.
const DRAIN: usize = 4096;
/// After this many receive errors in a row without a packet the sockets are left alone for a
/// moment.
const ERRORS: u32 = 16;
const PAUSE: Duration = Duration::from_millis(100);
/// How late a packet is read at most when all is well.
const USUAL_DELAY: Duration = GATHER.saturating_mul(5);
/// How long packets are let gather. A tenth of the shortest interval, so that neither a resignation
/// nor an answer comes noticeably later.
const GATHER: Duration = Duration::from_millis(1);

impl<L: Link, C: Clock, M: Monitor> Driver<L, C, M> {
    /// Reads what there is, up to one batch.
    pub(super) fn receive_batch(&mut self) {
        for _ in 0..BATCH {
            if matches!(self.receive(), Read::Nothing) {
                self.gather();
                return;
            }
        }
    }

    /// When packets come thick and fast, lets some come together before the next are read.
    fn gather(&mut self) {
        let now = self.clock.now();
        let is_busy = self.last_read.is_some_and(|last| now - last < 2 * GATHER);
        let rest = self.deadline().map_or(GATHER, |deadline| (deadline - now).min(GATHER));
        // A shorter rest costs more than it saves.
        if is_busy && rest > GATHER / 8 {
            self.clock.rest(rest);
        }
        self.last_read = Some(self.clock.now());
    }

    /// Reads what is there by now: until every socket is empty or has given something later. Ports
    /// give in turns, so that they all have once as many packets in a row as there are ports were
    /// later: a flood of one is not read on because another is quiet.
    pub(super) fn drain_sockets(&mut self) {
        // Not the start of the turn: a process that was stopped since then has packets that came
        // before now.
        let start = SystemTime::now();
        let ports = self.outbox.interfaces.ports_after(None).count();
        let mut later = 0;
        for _ in 0..DRAIN {
            let stamp = match self.receive() {
                Read::Packet(stamp) => stamp,
                // What another socket holds counts nevertheless.
                Read::Error => continue,
                Read::Nothing => return,
            };
            // A stamp that has yet to come is of before the wall clock was set back, and says
            // nothing.
            let is_later = stamp.is_some_and(|stamp| stamp > start && stamp <= SystemTime::now());
            later = if is_later { later + 1 } else { 0 };
            if later > 0 && later >= ports {
                return;
            }
        }
    }

    /// Takes what was seen of others who may hold the addresses.
    pub(super) fn take_seen(&mut self) {
        for _ in 0..BATCH {
            match self.outbox.link.try_seen() {
                Some(Seen::Sighting(sighting)) => {
                    self.outbox.note_sighting(&sighting);
                    self.input(Input::Sighting(sighting));
                }
                Some(Seen::Overheard { key, source }) => {
                    self.input(Input::Overheard { key, source });
                }
                None => return,
            }
        }
    }

    /// Reads one packet and gives it to the core.
    fn receive(&mut self) -> Read {
        match self.outbox.link.try_recv(&mut self.buffer) {
            Ok(None) => Read::Nothing,
            Ok(Some(received)) => {
                self.receive_errors = 0;
                let meta = received.meta;
                self.handled_at = self.arrival(received.stamp);
                let bytes = self.buffer.get(..received.len).unwrap_or_default();
                self.router.handle(self.handled_at, Input::Datagram { meta, bytes });
                self.settle();
                Read::Packet(received.stamp)
            }
            Err(error) => {
                let now = self.clock.now();
                self.receive_errors = self.receive_errors.saturating_add(1);
                if let Some(suppressed) = self.receive_warning.pass(now) {
                    let text = "a socket could not be read";
                    tracing::warn!(event = "receive-failed", %error, suppressed, "{text}: {error}");
                }
                if self.receive_errors < ERRORS {
                    return Read::Error;
                }
                self.receive_errors = 0;
                self.receive_after = Some(now + PAUSE);
                Read::Nothing
            }
        }
    }

    /// When a packet with this stamp came. What was read with more than the usual delay counts from
    /// now: this process did not run, and what came meanwhile may have been lost.
    fn arrival(&self, stamp: Option<SystemTime>) -> Instant {
        let now = self.clock.now();
        let age = stamp.and_then(|stamp| SystemTime::now().duration_since(stamp).ok());
        age.filter(|age| *age <= USUAL_DELAY).map_or(now, |age| (now - age).max(self.handled_at))
    }
}

/// What came of reading once.
enum Read {
    /// A packet, and when the kernel received it.
    Packet(Option<SystemTime>),
    /// One socket failed; others may have something.
    Error,
    /// There is none at the moment.
    Nothing,
}
