//! The time after a start, or after the link came up, in which a node listens and does not contend.

use core::time::Duration;

use super::{Link, Machine, away::short_loss, state::Opens};
use crate::{Condition, Gate, Instant};

/// A gate that opens by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Delay {
    pub(super) gate: Gate,
    pub(super) until: Instant,
}

impl Machine {
    /// Begins the delay of a start.
    pub(super) fn delay_start(&mut self, now: Instant) {
        self.delay(now, Gate::StartupDelay, self.params.startup_delay);
    }

    /// Notes since when the link is gone, and begins a delay once it is back. What is short enough
    /// for an Active to wait for begins none.
    pub(super) fn watch_link(&mut self, now: Instant, link: Link) {
        match link {
            Link::Missing | Link::Down => {
                self.down_since.get_or_insert(now);
            }
            Link::NoSocket | Link::NoSource | Link::Ready(_) => {
                let since = self.down_since.take();
                self.delay_return(now, since);
            }
        }
    }

    /// The same of the other interfaces that it relies on: a switch forwards nothing for a while
    /// after a link came up.
    pub(super) fn watch_others(&mut self, now: Instant, ready: bool) {
        if !ready {
            self.others_down_since.get_or_insert(now);
            return;
        }
        let since = self.others_down_since.take();
        self.delay_return(now, since);
    }

    /// Begins the delay of a link that was gone since then, unless that was short.
    fn delay_return(&mut self, now: Instant, since: Option<Instant>) {
        let wait = short_loss(self.params.timing);
        if self.wanted && since.is_some_and(|since| now > since + wait) {
            self.delay(now, Gate::UpDelay, self.params.up_delay);
        }
    }

    /// The longer one counts.
    fn delay(&mut self, now: Instant, gate: Gate, delay: Duration) {
        let until = now + delay;
        if until > now && self.delay.is_none_or(|other| other.until < until) {
            self.delay = Some(Delay { gate, until });
        }
    }

    pub(super) fn delay_gate(&self, now: Instant) -> Option<Gate> {
        self.delay.filter(|delay| now < delay.until).map(|delay| delay.gate)
    }

    /// Returns when a timer that has run out may have its way.
    pub(super) fn opens(&self) -> Opens {
        match (self.health.condition, self.delay) {
            (Condition::Unproven, _) => Opens::Later,
            (_, _) if self.group_gate().is_some() => Opens::Later,
            (_, Some(delay)) => {
                Opens::At(self.looks_until().map_or(delay.until, |at| at.max(delay.until)))
            }
            (_, None) => self.looks_until().map_or(Opens::Now, Opens::At),
        }
    }

    /// Returns whether a promotion is forbidden now, whatever the timer says.
    pub(super) fn is_gated(&self, now: Instant) -> bool {
        match self.opens() {
            Opens::Now => false,
            Opens::At(until) => now < until,
            Opens::Later => true,
        }
    }
}
