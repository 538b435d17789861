//! Which VRRPv3 IPv4 checksum forms were heard, and which ones are sent.

use crate::{Checksum, ChecksumForm, Instant, Interval, Protocol, Wire};

const MESSAGE_ONLY: Wire = Wire::V3(ChecksumForm::MessageOnly);
const PSEUDO_HEADER: Wire = Wire::V3(ChecksumForm::PseudoHeader);

/// The VRRPv3 IPv4 checksum forms in which valid advertisements were heard.
///
/// A Backup forgets a form once it has heard only the other one for ten intervals: a node that
/// knows the first form alone would not have understood that Active, and would have been heard. An
/// Active forgets nothing, because the nodes that need a form are silent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeardForms {
    message_only: bool,
    pseudo_header: bool,
    /// The form that was heard last, and since when only that one; relevant once both were heard.
    last: Option<ChecksumForm>,
    alone_since: Instant,
}

/// A form is forgotten after this many intervals without it.
const FORGOTTEN_AFTER: u32 = 10;

impl HeardForms {
    /// Notes the form of a valid advertisement. Returns whether both were heard, and have to be
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

    /// Forgets the form that was not heard just now, once it is old. `backup_since` is when this
    /// node became a Backup, if it is one. Returns whether both forms are in use.
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

    /// Returns the encodings in which an advertisement is sent: the one for common peers until
    /// another is heard.
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
