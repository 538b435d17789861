//! Counters: one for each kind of event and each reason to reject a message.

use crate::Rejected;

/// The counters of one virtual router, from its start. They only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Counters {
    /// Advertisements handed to the driver, resignations and answers among them.
    pub adverts_sent: u64,
    /// Resignations (priority 0) handed to the driver.
    pub resignations_sent: u64,
    /// Advertisements sent at once because a weaker one was heard (RFC 9568 6.4.3).
    pub answers_sent: u64,
    /// Weaker advertisements that were not answered because ten in this interval were.
    pub answers_withheld: u64,
    /// Advertisements that the driver could not send.
    pub send_failures: u64,
    /// Advertisements accepted, resignations among them.
    pub adverts_received: u64,
    /// Resignations accepted.
    pub resignations_received: u64,
    /// Announcements of the addresses handed to the driver.
    pub announcements: u64,
    /// Times that the addresses were acquired.
    pub became_active: u64,
    /// Times that the backend failed or did not answer in time.
    pub backend_failures: u64,
    /// Times that an address was put back.
    pub repairs: u64,
    /// Times that the node stepped down because its own advertisements were overdue.
    pub stalls: u64,
    rejected: [u64; Rejected::COUNT],
}

impl Counters {
    /// Returns every counter with its name, zeros included, in a fixed order.
    /// [`rejections`](Self::rejections) counts rejected messages.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        // A new counter cannot be forgotten here.
        let Self {
            adverts_sent,
            resignations_sent,
            answers_sent,
            answers_withheld,
            send_failures,
            adverts_received,
            resignations_received,
            announcements,
            became_active,
            backend_failures,
            repairs,
            stalls,
            rejected: _,
        } = *self;
        let all = [
            ("adverts_sent", adverts_sent),
            ("resignations_sent", resignations_sent),
            ("answers_sent", answers_sent),
            ("answers_withheld", answers_withheld),
            ("send_failures", send_failures),
            ("adverts_received", adverts_received),
            ("resignations_received", resignations_received),
            ("announcements", announcements),
            ("became_active", became_active),
            ("backend_failures", backend_failures),
            ("repairs", repairs),
            ("stalls", stalls),
        ];
        all.into_iter()
    }

    /// Returns how many messages were rejected for `reason`.
    #[must_use]
    pub fn rejected(&self, reason: Rejected) -> u64 {
        self.rejected.get(reason.index()).copied().unwrap_or_default()
    }

    /// Returns every reason with its count, zeros included, in a fixed order.
    pub fn rejections(&self) -> impl Iterator<Item = (Rejected, u64)> + '_ {
        Rejected::ALL.iter().map(|reason| (*reason, self.rejected(*reason)))
    }

    pub(crate) fn count_rejected(&mut self, reason: Rejected) {
        if let Some(count) = self.rejected.get_mut(reason.index()) {
            *count = count.wrapping_add(1);
        }
    }
}
