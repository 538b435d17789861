//! A node that starts, or returns, makes its own address known before any virtual ones.

use super::{Backup, Effects, Greeting, Machine};
use crate::Instant;

impl Machine {
    /// Greets at once, and then repeatedly. Multicast reaches this node without it.
    pub(super) fn greet(&self, now: Instant, backup: &mut Backup, effects: &mut Effects) {
        if !self.params.unicast {
            return;
        }
        let until = now + self.params.timing.active_down(self.claim());
        backup.greeting = Some(Greeting { next_at: now, until });
        self.greet_again(now, backup, effects);
    }

    /// Greets if it is due.
    pub(super) fn greet_again(&self, now: Instant, backup: &mut Backup, effects: &mut Effects) {
        if let Some(greeting) = backup.greeting.filter(|greeting| greeting.next_at <= now) {
            effects.greet = true;
            let next = Greeting { next_at: now + self.params.timing.interval(), ..greeting };
            backup.greeting = Some(next).filter(|next| next.next_at < next.until);
        }
    }
}
