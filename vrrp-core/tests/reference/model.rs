//! RFC 9568 6.4 and RFC 3768 6.4 from their text: times are integers of nanoseconds, and each
//! branch is a sentence of the text or a deviation that is on record (DESIGN.md, conformance.tsv:
//! the rows `dev-`).

use std::net::IpAddr;

use crate::{
    health::{Asking, Service},
    judge::Advertisement,
    probation::Probation,
    settings::{Kind, PreemptMode, SECOND, Settings},
};

/// dev-answers: at most as many in an interval.
const ANSWERS: u32 = 10;
/// dev-handover: how long a successor is waited for beyond an interval, and at most; and when the
/// resignation is first repeated, in parts of an interval.
const GRACE: u64 = SECOND / 10;
const LONGEST: u64 = 4 * SECOND;
const FIRST_REPEAT: u64 = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Initialize,
    Backup(Backup),
    Active(Active),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backup {
    /// Active_Adver_Interval.
    pub(crate) active_adver_interval: u64,
    /// Active_Down_Timer.
    pub(crate) active_down_timer: u64,
    /// When a weaker Active is preempted (PreemptMode::After).
    pub(crate) preempt_at: Option<u64>,
    pub(crate) followed: Option<IpAddr>,
    /// How long the one that is followed counts as alive.
    pub(crate) fresh_until: u64,
    /// The last advertisement that counted was a resignation.
    pub(crate) resigned: bool,
    /// The last one was discarded, because a weaker Active is preempted.
    pub(crate) discarded: bool,
    last_words: Option<LastWords>,
}

/// dev-last-word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LastWords {
    left: u32,
    next_at: u64,
    winner_heard_at: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Active {
    /// Adver_Timer.
    pub(crate) adver_timer: u64,
    pub(crate) promoted_at: u64,
    /// The last advertisement with the own priority.
    pub(crate) advertised_at: u64,
    pub(crate) answers: u32,
    pub(crate) answers_since: u64,
    pub(crate) asking: Option<Asking>,
    pub(crate) holding: Holding,
}

/// How far the addresses are configured. RFC 9568 knows one state; on record: the backend is asked
/// first, announcements wait for it (8.1.2, 8.2.2), and a handover holds on (dev-handover).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    Acquiring,
    Held,
    Leaving { until: u64, then: Then },
}

/// What follows a handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Stop,
    /// dev-health: it stays if nobody takes over.
    Ill,
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) settings: Settings,
    pub(crate) state: State,
    pub(crate) probation: Probation,
    /// dev-health: the priority without the weights of checks; what they say is not known yet; and
    /// the last time that it left for them.
    pub(crate) base: u8,
    pub(crate) service: Service,
    pub(crate) weight: i16,
    pub(crate) lapse: Probation,
    /// The checksums of VRRPv3 over IPv4 that were heard.
    pub(crate) heard_alone: bool,
    pub(crate) heard_with_pseudo_header: bool,
    /// Once both forms were heard: whether the last one was the message alone, and since when it is
    /// only that one.
    last_alone: Option<bool>,
    last_form_since: u64,
    backup_since: u64,
    /// The priority of what is sent in this step, if anything is.
    pub(crate) sent: Option<u8>,
}

impl Model {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            base: settings.priority,
            service: Service::Good,
            weight: 0,
            lapse: Probation::default(),
            settings,
            state: State::Initialize,
            probation: Probation::default(),
            heard_alone: false,
            heard_with_pseudo_header: false,
            last_alone: None,
            last_form_since: 0,
            backup_since: 0,
            sent: None,
        }
    }

    pub(crate) fn deadline(&self) -> Option<u64> {
        match self.state {
            State::Initialize => None,
            State::Backup(backup) => {
                let last_words = backup.last_words.map(|words| words.next_at);
                [Some(backup.active_down_timer), backup.preempt_at, last_words]
                    .into_iter()
                    .flatten()
                    .min()
            }
            State::Active(active) => match active.holding {
                Holding::Acquiring => Some(active.adver_timer),
                Holding::Held => {
                    let asking = active.asking.map(|asking| asking.at);
                    asking.into_iter().chain([active.adver_timer]).min()
                }
                Holding::Leaving { until, .. } => Some(until.min(active.adver_timer)),
            },
        }
    }

    /// 6.4.1, Startup.
    pub(crate) fn startup(&mut self, now: u64) {
        self.judge_stall(now);
        match self.state {
            State::Initialize if self.settings.priority == 255 && self.may_preempt(now) => {
                self.become_active(now);
            }
            State::Initialize => {
                let interval = self.settings.advertisement_interval();
                self.become_backup(now, interval, now + self.patience(interval));
            }
            State::Backup(_) => {}
            State::Active(active) => {
                // dev-handover: the resignation is taken back, since the addresses are still held.
                // dev-health: whoever is ill leaves all the same.
                match (active.holding, self.service) {
                    (Holding::Leaving { until, then: Then::Stop }, Service::Ill) => {
                        let holding = Holding::Leaving { until, then: Then::Ill };
                        self.state = State::Active(Active { holding, ..active });
                    }
                    (Holding::Leaving { then: Then::Stop, .. }, _) => self.take_back(now, active),
                    (_, _) => {}
                }
            }
        }
    }

    /// 6.4.2 and 6.4.3, Shutdown.
    pub(crate) fn shutdown(&mut self, now: u64) {
        self.judge_stall(now);
        match self.state {
            State::Initialize => {}
            // Cancel Active_Down_Timer, go Initialize.
            State::Backup(_) => self.state = State::Initialize,
            State::Active(active) => match active.holding {
                // Cancel Adver_Timer, send priority 0, go Initialize.
                Holding::Acquiring => {
                    self.sent = Some(0);
                    self.state = State::Initialize;
                }
                // dev-handover: serve on until a successor is heard, and resign again meanwhile.
                Holding::Held => {
                    let interval = self.settings.advertisement_interval();
                    self.resign(now, active, now + (interval + GRACE).min(LONGEST), Then::Stop);
                }
                Holding::Leaving { until, then: Then::Ill } => {
                    let interval = self.settings.advertisement_interval();
                    let until = until.min(now + (interval + GRACE).min(LONGEST));
                    let holding = Holding::Leaving { until, then: Then::Stop };
                    self.state = State::Active(Active { holding, ..active });
                }
                Holding::Leaving { then: Then::Stop, .. } => self.state = State::Initialize,
            },
        }
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

    /// The backend holds the addresses.
    pub(crate) fn acquired(&mut self, now: u64) {
        self.judge_stall(now);
        if let State::Active(active) = &mut self.state
            && active.holding == Holding::Acquiring
        {
            active.holding = Holding::Held;
        }
    }

    /// A timer may have run out.
    pub(crate) fn time(&mut self, now: u64) {
        if self.deadline().is_none_or(|at| now < at) {
            return;
        }
        self.judge_stall(now);
        match self.state {
            State::Initialize => {}
            State::Backup(backup) => self.backup_timer(now, backup),
            State::Active(active) => self.active_timer(now, active),
        }
    }

    fn backup_timer(&mut self, now: u64, mut backup: Backup) {
        let preempts = backup.preempt_at.is_some_and(|at| at <= now);
        // 6.4.2, Active_Down_Timer fires.
        if backup.active_down_timer <= now || preempts {
            self.become_active(now);
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

    /// 6.4.3, Adver_Timer fires: send, restart it. It is restarted from when it was due.
    fn active_timer(&mut self, now: u64, mut active: Active) {
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
        if let Holding::Leaving { until, then: Then::Stop } = active.holding
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

    /// An advertisement that was let in.
    pub(crate) fn hear(&mut self, now: u64, heard: Advertisement) {
        self.note_form(now, &heard);
        self.judge_stall(now);
        match self.state {
            State::Initialize => {}
            State::Backup(backup) => self.backup_hears(now, backup, heard),
            State::Active(active) => self.active_hears(now, active, heard),
        }
    }

    fn backup_hears(&mut self, now: u64, mut backup: Backup, heard: Advertisement) {
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

    fn active_hears(&mut self, now: u64, active: Active, heard: Advertisement) {
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

    /// Cancel Adver_Timer, adopt the interval, recompute, set Active_Down_Timer, go Backup.
    fn yield_to(&mut self, now: u64, active: Active, heard: Advertisement) {
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

    /// Goes Backup, and adopts the interval of the one that is Active.
    fn follow(&mut self, now: u64, heard: &Advertisement) -> Backup {
        let timer = now + self.patience(heard.interval);
        let mut backup = self.become_backup(now, heard.interval, timer);
        backup.followed = Some(heard.source);
        backup.fresh_until = timer;
        self.state = State::Backup(backup);
        backup
    }

    /// 5.2.8: the checksum forms that were heard. One is forgotten when, as a Backup, only the
    /// other was heard for ten intervals.
    fn note_form(&mut self, now: u64, heard: &Advertisement) {
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

    fn become_backup(
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

    fn advertise(&mut self, now: u64, mut active: Active) {
        self.sent = Some(self.said());
        active.advertised_at = now;
        active.adver_timer = now + self.settings.advertisement_interval();
        self.state = State::Active(active);
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

/// 6.4.3: primary addresses are compared as unsigned integers in network octet order.
fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}
