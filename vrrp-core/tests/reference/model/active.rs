//! RFC 9568 6.4.3, RFC 3768 6.4.3: Active.

use std::net::IpAddr;

use super::{Active, Holding, Model, State, Then, backup::LastWords};
use crate::{
    health::{Asking, Service},
    judge::Advertisement,
    settings::Kind,
};

/// dev-answers: at most as many in an interval.
const ANSWERS: u32 = 10;
/// dev-handover: when the resignation is first repeated, in parts of an interval.
const FIRST_REPEAT: u64 = 16;

impl Model {
    /// 6.4.3, Adver_Timer fires: send, restart it. It is restarted from when it was due.
    pub(super) fn active_timer(&mut self, now: u64, mut active: Active) {
        match active.holding {
            Holding::Leaving { until, then: Then::Ill } if until <= now => {
                return self.stay_ill(now, active);
            }
            Holding::Held if active.asking.is_some_and(|asking| asking.at <= now) => {
                if self.longest_wait(now, active).is_some() {
                    return self.ask(now, active);
                }
                // It is late, and advertises first.
                let at = now + self.settings.advertisement_interval() / 16;
                active.asking = active.asking.map(|asking| Asking { at, ..asking });
            }
            Holding::Leaving { .. } | Holding::Held | Holding::Acquiring => {}
        }
        if let Holding::Leaving { until, then: Then::Stop | Then::Out } = active.holding
            && until <= now
        {
            // The last resignation leaves with the addresses.
            self.sent = Some(0);
            self.state = State::Initialize;
            return;
        }
        if now < active.adver_timer {
            return;
        }
        let mut interval = self.settings.advertisement_interval();
        if let Holding::Leaving { .. } = active.holding {
            // dev-handover: room for the weakest backup, whose Skew_Time is all but a 256th of an
            // interval.
            interval += interval / 16;
        }
        active.adver_timer += interval;
        if active.adver_timer <= now {
            active.adver_timer = now + interval;
        }
        if let Holding::Leaving { .. } = active.holding {
            self.sent = Some(0);
        } else {
            self.sent = Some(self.said());
            active.advertised_at = now;
        }
        self.state = State::Active(active);
    }

    pub(super) fn active_hears(&mut self, now: u64, active: Active, heard: Advertisement) {
        let ours = self.said();
        let is_stronger = heard.priority > ours
            || (heard.priority == ours && octets(heard.source) > octets(self.settings.source));
        if let Holding::Leaving { then: Then::Ill, .. } = active.holding {
            // dev-health: it follows the successor.
            if heard.priority != 0 {
                self.follow(now, &heard);
            }
        } else if let Holding::Leaving { .. } = active.holding {
            // dev-handover: the successor is there. Another one that leaves is none.
            if heard.priority != 0 {
                self.state = State::Initialize;
            }
        } else if heard.priority == 0 {
            // Send, restart Adver_Timer.
            if let Some(active) = self.answer(now, active) {
                self.advertise(now, active);
            }
        } else if is_stronger {
            self.yield_to(now, active, heard);
        } else if self.settings.kind != Kind::V2
            && let Some(active) = self.answer(now, active)
        {
            // Discard, and send at once. RFC 3768 6.4.3: discard.
            self.sent = Some(ours);
            self.state = State::Active(Active { advertised_at: now, ..active });
        }
    }

    /// Cancel Adver_Timer, adopt the interval, recompute, set Active_Down_Timer, go Backup.
    pub(super) fn yield_to(&mut self, now: u64, active: Active, heard: Advertisement) {
        // dev-health: who leaves for weights again and again is on probation.
        if self.settings.priority < self.base && self.service != Service::Ill {
            self.note_lapse(now);
        }
        let mut backup = self.follow(now, &heard);
        // dev-last-word: one, and more of them if the promotion was a mistake.
        self.sent = Some(self.said());
        if now < active.promoted_at + 3 * self.settings.advertisement_interval() {
            let left = if self.settings.kind == Kind::V2 { 2 } else { 6 };
            backup.last_words =
                Some(LastWords { left, next_at: now + heard.interval / 2, winner_heard_at: now });
        }
        self.state = State::Backup(backup);
    }

    /// dev-answers: whether one may be sent; it counts.
    pub(crate) fn answer(&mut self, now: u64, mut active: Active) -> Option<Active> {
        if now >= active.answers_since + self.settings.advertisement_interval() {
            (active.answers, active.answers_since) = (0, now);
        }
        let may = active.answers < ANSWERS;
        active.answers += u32::from(may);
        self.state = State::Active(active);
        may.then_some(active)
    }

    /// 6.4.1, owner, and 6.4.2: send an advertisement, take the addresses, arm Adver_Timer.
    pub(crate) fn become_active(&mut self, now: u64) {
        let active = Active {
            adver_timer: now,
            promoted_at: now,
            advertised_at: now,
            answers: 0,
            answers_since: now,
            asking: self.first_asking(now),
            holding: Holding::Acquiring,
        };
        self.advertise(now, active);
    }

    pub(super) fn advertise(&mut self, now: u64, mut active: Active) {
        self.sent = Some(self.said());
        active.advertised_at = now;
        active.adver_timer = now + self.settings.advertisement_interval();
        self.state = State::Active(active);
    }

    pub(crate) fn resign(&mut self, now: u64, active: Active, until: u64, then: Then) {
        self.sent = Some(0);
        let adver_timer = now + self.settings.advertisement_interval() / FIRST_REPEAT;
        let holding = Holding::Leaving { until, then };
        self.state = State::Active(Active { adver_timer, holding, ..active });
    }

    pub(crate) fn take_back(&mut self, now: u64, active: Active) {
        let asking = active.asking.or_else(|| self.first_asking(now));
        self.advertise(now, Active { holding: Holding::Held, asking, ..active });
        // And once more soon: a resignation that is on its way could come later.
        let interval = self.settings.advertisement_interval();
        if let State::Active(active) = &mut self.state {
            active.adver_timer = now + interval / FIRST_REPEAT;
        }
    }

    /// dev-stalled: three intervals after the last advertisement, a peer may have taken over.
    pub(crate) fn judge_stall(&mut self, now: u64) {
        let State::Active(active) = self.state else { return };
        let interval = self.settings.advertisement_interval();
        let is_leaving = matches!(active.holding, Holding::Leaving { .. });
        if is_leaving || now < active.advertised_at + 3 * interval {
            return;
        }
        self.step_down(now);
    }

    pub(crate) fn step_down(&mut self, now: u64) {
        let interval = self.settings.advertisement_interval();
        self.probation.begin(now);
        let patience = match self.service {
            Service::Ill => self.patience(interval),
            _ => interval + self.settings.skew_time(interval),
        };
        self.become_backup(now, interval, now + patience);
    }
}

/// 6.4.3: primary addresses are compared as unsigned integers in network octet order.
fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}
