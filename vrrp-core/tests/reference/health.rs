//! dev-health: what the health of the service behind the addresses means, on top of the text.

use crate::{
    model::{Active, Backup, Holding, Model, State, Then},
    settings::SECOND,
};

/// How far beyond an interval a successor is waited for.
const GRACE: u64 = SECOND / 10;
/// What checks say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Good,
    Unknown,
    Ill,
    /// Ill, and not to be reached.
    Out,
}

/// How long an ill Active waits before it asks again.
const FIRST_PAUSE: u64 = 10 * SECOND;
const LONGEST_PAUSE: u64 = 300 * SECOND;

/// When it asks again, and after what pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asking {
    pub(crate) at: u64,
    pub(crate) pause: u64,
}

impl Model {
    /// dev-health: the sum of what checks say.
    pub(crate) fn health(&mut self, now: u64, service: Service, weight: i16) {
        self.judge_stall(now);
        if (service, weight) == (self.service, self.weight) {
            return;
        }
        let before = self.clone();
        (self.service, self.weight) = (service, weight);
        self.settings.priority = self.weighted(weight);
        match self.state {
            State::Initialize if before.service == Service::Out => self.enter(now),
            State::Initialize => {}
            State::Backup(_) if service == Service::Out => self.state = State::Initialize,
            State::Backup(backup) => self.stand_anew(now, backup, &before),
            State::Active(active) => self.stand_anew_as_active(now, active, &before),
        }
    }

    pub(crate) fn stand_anew_as_active(&mut self, now: u64, mut active: Active, before: &Self) {
        let leaves = |service| matches!(service, Service::Ill | Service::Out);
        if leaves(self.service) && !leaves(before.service) {
            self.note_lapse(now);
        }
        let is_new = self.service != before.service;
        match (self.service, active.holding) {
            (Service::Ill, Holding::Held) if is_new => return self.ask(now, active),
            (Service::Out, Holding::Held) if is_new => {
                return self.resign(now, active, now + self.longest_leave(), Then::Out);
            }
            // Nobody is served yet.
            (Service::Out, Holding::Acquiring) => {
                self.sent = Some(0);
                self.state = State::Initialize;
                return;
            }
            (Service::Ill, Holding::Leaving { until, then: Then::Out }) => {
                let until = until.min(now + self.settings.advertisement_interval() + GRACE);
                active.holding = Holding::Leaving { until, then: Then::Ill };
            }
            (Service::Out, Holding::Leaving { until, then: Then::Ill }) => {
                let until = until.min(now + self.longest_leave());
                active.holding = Holding::Leaving { until, then: Then::Out };
            }
            (Service::Ill | Service::Out, _) => {}
            (_, Holding::Leaving { then: Then::Ill | Then::Out, .. }) => {
                active.asking = None;
                let bound = active.advertised_at + 3 * self.settings.advertisement_interval();
                return if now >= bound {
                    self.step_down(now);
                } else {
                    self.take_back(now, active);
                };
            }
            (_, _) => active.asking = None,
        }
        self.state = State::Active(active);
        let is_leaving = matches!(active.holding, Holding::Leaving { .. });
        if self.said() != before.said()
            && !is_leaving
            && let Some(active) = self.answer(now, active)
        {
            self.sent = Some(self.said());
            self.state = State::Active(Active { advertised_at: now, ..active });
        }
    }

    /// The timers of a Backup follow its priority and its service, and a takeover that is not allowed
    /// any more is called off.
    pub(crate) fn stand_anew(&mut self, now: u64, mut backup: Backup, before: &Self) {
        let (interval, may) = (backup.active_adver_interval, self.may_preempt(now));
        let is_weaker = self.settings.priority < before.settings.priority;
        if is_weaker || !may {
            backup.preempt_at = None;
        }
        let wait = |model: &Self| match (model.service, backup.resigned) {
            (Service::Good | Service::Unknown, true) => model.settings.skew_time(interval),
            (_, _) => model.patience(interval),
        };
        if self.base == 255 && may {
            // An owner waits for nothing but the end of a delay.
            (backup.active_down_timer, backup.discarded) = (now, true);
        } else if backup.discarded && (is_weaker || !may) {
            backup.active_down_timer = now + self.patience(interval);
            backup.discarded = false;
        } else {
            backup.active_down_timer += wait(self);
            backup.active_down_timer -= wait(before);
        }
        if !backup.resigned {
            backup.fresh_until = backup.active_down_timer;
        }
        self.state = State::Backup(backup);
        let preempts = backup.preempt_at.is_some_and(|at| at <= now);
        if (backup.active_down_timer <= now || preempts) && self.delayed_until <= now {
            self.become_active(now);
        }
    }

    /// 1 to 254; the owner's stays 255.
    pub(crate) fn weighted(&self, weight: i16) -> u8 {
        if self.base == 255 {
            return 255;
        }
        u8::try_from((i16::from(self.base) + weight).clamp(1, 254)).expect("within 1 to 254")
    }

    /// dev-probation, and dev-health: who knows nothing of its service preempts nobody either.
    pub(crate) fn may_preempt(&self, now: u64) -> bool {
        self.service == Service::Good && !self.probation.is_on(now)
    }

    /// What its advertisements say: an ill node the least that it can.
    pub(crate) const fn said(&self) -> u8 {
        match (self.service, self.base) {
            (Service::Ill, 255) => 255,
            (Service::Ill, _) => 1,
            (Service::Good | Service::Unknown | Service::Out, _) => self.settings.priority,
        }
    }

    /// 6.1, Active_Down_Interval. dev-health: an ill one lets the weakest healthy one be heard for
    /// an interval before.
    pub(crate) fn patience(&self, interval: u64) -> u64 {
        if self.service != Service::Ill {
            return self.settings.active_down_interval(interval);
        }
        let weakest = 3 * interval + self.settings.skew_time_of(1, interval);
        weakest + interval + self.settings.skew_time(interval)
    }

    /// dev-health: an ill Active resigns, and waits for the weakest one, but not for longer than
    /// nobody can have taken over in silence.
    pub(crate) fn ask(&mut self, now: u64, active: Active) {
        let interval = self.settings.advertisement_interval();
        let until = now + interval + GRACE;
        let until = self.longest_wait(now, active).map_or(until, |end| until.min(end));
        self.resign(now, active, until, Then::Ill);
    }

    pub(crate) fn longest_wait(&self, now: u64, active: Active) -> Option<u64> {
        let interval = self.settings.advertisement_interval();
        let end = active.advertised_at + 3 * interval - interval / 8;
        (now + interval <= end).then_some(end)
    }

    pub(crate) fn first_asking(&self, now: u64) -> Option<Asking> {
        let first = Asking { at: now + FIRST_PAUSE, pause: FIRST_PAUSE };
        (self.service == Service::Ill).then_some(first)
    }

    /// dev-health: the end of a handover to which nobody answered.
    pub(crate) fn stay_ill(&mut self, now: u64, mut active: Active) {
        if now >= active.advertised_at + 3 * self.settings.advertisement_interval() {
            return self.step_down(now);
        }
        active.asking = match active.asking {
            None => self.first_asking(now),
            Some(Asking { pause, .. }) => {
                let pause = (2 * pause).min(LONGEST_PAUSE);
                Some(Asking { at: now + pause, pause })
            }
        };
        self.take_back(now, active);
    }

    pub(crate) fn note_lapse(&mut self, now: u64) {
        self.lapse.begin(now);
        self.probation.follow(self.lapse);
    }
}
