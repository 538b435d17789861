//! RFC 9568 6.4.2, RFC 3768 6.4.2: Backup.

use std::net::IpAddr;

use super::{Backup, Model, State};
use crate::{health::Service, judge::Advertisement, settings::PreemptMode};

/// dev-last-word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastWords {
    pub(super) left: u32,
    pub(super) next_at: u64,
    pub(super) winner_heard_at: u64,
}

impl Model {
    pub(super) fn backup_timer(&mut self, now: u64, mut backup: Backup) {
        let preempts = backup.preempt_at.is_some_and(|at| at <= now);
        // 6.4.2, Active_Down_Timer fires.
        if backup.active_down_timer <= now || preempts {
            if self.delayed_until <= now {
                self.become_active(now);
            }
            return;
        }
        // dev-last-word: every half interval of the winner.
        if let Some(words) = backup.last_words.filter(|words| words.next_at <= now) {
            self.sent = Some(self.said());
            let next_at = now + backup.active_adver_interval / 2;
            let next = LastWords { left: words.left - 1, next_at, ..words };
            backup.last_words = Some(next).filter(|words| words.left > 0);
            self.state = State::Backup(backup);
        }
    }

    pub(super) fn backup_hears(&mut self, now: u64, mut backup: Backup, heard: Advertisement) {
        let mode = self.settings.preempt_mode();
        let may_preempt = mode != PreemptMode::Never && self.may_preempt(now);
        let is_weaker = heard.priority < self.settings.priority;
        if heard.priority == 0 {
            self.resigned(now, &mut backup, heard.source);
        } else if is_weaker && may_preempt && mode == PreemptMode::Always {
            // Preempt_Mode true and the priority less than the local one: discard.
            backup.discarded = true;
        } else {
            // Preempt_Mode false, or the priority at least the local one: adopt, recompute,
            // restart.
            let is_stranger = backup.followed.is_some_and(|followed| followed != heard.source)
                && !backup.resigned
                && now < backup.fresh_until;
            backup.active_adver_interval = heard.interval;
            backup.active_down_timer = now + self.patience(heard.interval);
            backup.fresh_until = backup.active_down_timer;
            backup.followed = Some(heard.source);
            (backup.resigned, backup.discarded) = (false, false);
            let in_both_forms = self.heard_alone && self.heard_with_pseudo_header;
            backup.last_words = backup
                .last_words
                .and_then(|words| words.winner_heard(now, heard.interval, in_both_forms));
            backup.preempt_at = match mode {
                // The last word of the one that yielded to the one that is followed begins no
                // delay.
                PreemptMode::After(_) if is_weaker && may_preempt && is_stranger => {
                    backup.preempt_at
                }
                PreemptMode::After(delay) if is_weaker && may_preempt => {
                    Some(backup.preempt_at.unwrap_or(now + delay))
                }
                PreemptMode::After(_) | PreemptMode::Always | PreemptMode::Never => None,
            };
        }
        self.state = State::Backup(backup);
    }

    /// 6.4.2, priority 0: Active_Down_Timer is set to Skew_Time. Skew_Time is that of the
    /// Active_Adver_Interval.
    fn resigned(&self, now: u64, backup: &mut Backup, source: IpAddr) {
        let follows_another = backup.followed.is_some_and(|followed| followed != source);
        // dev-stranger-resigns: the one that is followed goes on.
        if follows_another && now < backup.fresh_until {
            return;
        }
        let skew_time = match self.service {
            // dev-health: the wait of an ill one only begins anew.
            Service::Ill => now + self.patience(backup.active_adver_interval),
            _ => now + self.settings.skew_time(backup.active_adver_interval),
        };
        // On record (6.4.2): a repeated resignation does not postpone the takeover.
        backup.active_down_timer =
            if backup.resigned { skew_time.min(backup.active_down_timer) } else { skew_time };
        backup.fresh_until = now;
        (backup.resigned, backup.discarded) = (true, false);
        backup.preempt_at = None;
        backup.last_words = None;
    }

    /// Goes Backup, and adopts the interval of the one that is Active.
    pub(super) fn follow(&mut self, now: u64, heard: &Advertisement) -> Backup {
        let timer = now + self.patience(heard.interval);
        let mut backup = self.become_backup(now, heard.interval, timer);
        backup.followed = Some(heard.source);
        backup.fresh_until = timer;
        self.state = State::Backup(backup);
        backup
    }

    pub(super) fn become_backup(
        &mut self,
        now: u64,
        active_adver_interval: u64,
        active_down_timer: u64,
    ) -> Backup {
        self.backup_since = now;
        let backup = Backup {
            active_adver_interval,
            active_down_timer,
            preempt_at: None,
            followed: None,
            fresh_until: 0,
            resigned: false,
            discarded: false,
            last_words: None,
        };
        self.state = State::Backup(backup);
        backup
    }
}

impl LastWords {
    /// A winner that advertises before three quarters of its interval are over has answered.
    fn winner_heard(self, now: u64, interval: u64, in_both_forms: bool) -> Option<Self> {
        if in_both_forms && now < self.winner_heard_at + interval / 16 {
            return Some(self);
        }
        let has_answered = now < self.winner_heard_at + interval * 3 / 4;
        (!has_answered).then_some(Self { winner_heard_at: now, ..self })
    }
}
