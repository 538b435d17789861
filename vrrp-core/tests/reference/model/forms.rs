//! RFC 9568 5.2.8: which checksums of VRRPv3 over IPv4 a node has heard.

use super::{Model, State};
use crate::judge::Advertisement;

impl Model {
    /// 5.2.8: the checksum forms that were heard. One is forgotten when, as a Backup, only the
    /// other was heard for ten intervals.
    pub(super) fn note_form(&mut self, now: u64, heard: &Advertisement) {
        if heard.right_alone == heard.right_with_pseudo_header {
            return;
        }
        let alone = heard.right_alone;
        self.heard_alone |= alone;
        self.heard_with_pseudo_header |= !alone;
        if !(self.heard_alone && self.heard_with_pseudo_header) {
            return;
        }
        if self.last_alone != Some(alone) {
            (self.last_alone, self.last_form_since) = (Some(alone), now);
            return;
        }
        let since = self.last_form_since.max(self.backup_since);
        let is_backup = matches!(self.state, State::Backup(_));
        if is_backup && since + 10 * self.settings.advertisement_interval() <= now {
            (self.heard_alone, self.heard_with_pseudo_header) = (alone, !alone);
            self.last_alone = None;
        }
    }
}
