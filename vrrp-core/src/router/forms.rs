//! Which VRRPv3 IPv4 checksum forms were heard, and which ones are sent.

use crate::{Checksum, ChecksumForm, Instant, Interval, Protocol, Wire};

const MESSAGE_ONLY: Wire = Wire::V3(ChecksumForm::MessageOnly);
const PSEUDO_HEADER: Wire = Wire::V3(ChecksumForm::PseudoHeader);

/// The VRRPv3 IPv4 checksum forms in which valid advertisements came.
///
/// A form is forgotten when, as a Backup, only the other one was heard for ten intervals: a node
/// that knows this form alone would not have understood that Active, and would have been heard. An
/// Active forgets nothing, since those for whom it sends a form are silent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeardForms {
    message_only: bool,
    pseudo_header: bool,
    /// The form that was heard last, and since when it alone; of interest when both were heard.
    last: Option<ChecksumForm>,
    alone_since: Instant,
}

/// For how many intervals a form is not heard before it is forgotten.
const FORGOTTEN_AFTER: u32 = 10;

impl HeardForms {
    /// A valid advertisement came in this form. Whether both were heard, so that they have to be
    /// [`judge`](Self::judge)d.
    pub(super) const fn heard(&mut self, form: ChecksumForm) -> bool {
        match form {
            ChecksumForm::MessageOnly => self.message_only = true,
            ChecksumForm::PseudoHeader => self.pseudo_header = true,
        }
        self.message_only && self.pseudo_header
    }

    pub(super) const fn are_both(self) -> bool {
        self.message_only && self.pseudo_header
    }

    /// Forgets the other form than the one that was heard just now, once it is old; `backup_since`
    /// when this node has been a Backup since then. Whether both forms are in use.
    pub(super) fn judge(
        &mut self,
        now: Instant,
        form: ChecksumForm,
        backup_since: Option<Instant>,
        interval: Interval,
    ) -> bool {
        if self.last != Some(form) {
            (self.last, self.alone_since) = (Some(form), now);
            return true;
        }
        let age = interval.duration().saturating_mul(FORGOTTEN_AFTER);
        let is_forgotten = |since: Instant| self.alone_since.max(since) + age <= now;
        if backup_since.is_some_and(is_forgotten) {
            self.message_only = form == ChecksumForm::MessageOnly;
            self.pseudo_header = form == ChecksumForm::PseudoHeader;
            self.last = None;
            return false;
        }
        true
    }

    /// The octets in which an advertisement leaves: one for common peers until another is heard.
    pub(super) const fn sent(self, protocol: &Protocol) -> &'static [Wire] {
        let checksum = match protocol {
            Protocol::V2 { .. } => return &[Wire::V2],
            Protocol::V3Ipv6 { .. } => return &[PSEUDO_HEADER],
            Protocol::V3Ipv4 { checksum, .. } => *checksum,
        };
        match (checksum, self.message_only, self.pseudo_header) {
            (Checksum::Rfc9568, ..) | (Checksum::Auto, true, false) => &[MESSAGE_ONLY],
            (Checksum::Rfc5798, ..) | (Checksum::Auto, false, _) => &[PSEUDO_HEADER],
            (Checksum::Auto, true, true) => &[PSEUDO_HEADER, MESSAGE_ONLY],
        }
    }
}
