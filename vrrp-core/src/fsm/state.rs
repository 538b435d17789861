//! What a machine remembers in each state of RFC 9568 6.4. Every deadline is in the state that it
//! belongs to.

use core::{net::IpAddr, time::Duration};

use super::{Announcing, Asking, Fight, Params, Parting, Suspect};
use crate::{Hold, Instant, Phase, Reason, Timing};

/// Advertisements sent at once in answer to others: at most this many an interval.
const ANSWERS_AN_INTERVAL: u8 = 10;
/// How long a handover waits for a successor beyond one interval.
const HANDOVER_GRACE: Duration = Duration::from_millis(100);
/// The longest handover of a node that stops: whoever ends a process does not wait forever. From an
/// interval of 4 s on, the Skew_Time of a weak successor is longer, and clients wait for the rest
/// of it.
const LONGEST_STOP: Duration = Duration::from_secs(4);

/// The state of RFC 9568 6.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 9568 6.4 has three states")]
pub enum State {
    /// Not taking part; [`Machine::hold`](super::Machine::hold) says why.
    Initialize,
    /// Watching an Active.
    Backup(Backup),
    /// Being the Active.
    #[doc(alias = "master")]
    Active(Active),
}

/// A fault of this node, and when the node tries again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fault {
    pub(super) hold: Hold,
    pub(super) retry_at: Instant,
    /// The pause before `retry_at`; `None` when nothing has failed yet.
    pub(super) pause: Option<Duration>,
    /// Until when the backend may answer whether it would work, if it was asked.
    pub(super) inspect_until: Option<Instant>,
}

/// The timers and learned values of Backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "models and tests look into it")]
pub struct Backup {
    /// Active_Adver_Interval of the Active that is followed.
    pub active_timing: Timing,
    /// Active_Down_Timer.
    pub active_down_at: Instant,
    /// When nobody was heard for an Active_Down_Interval: there is no Active then, whatever this node
    /// waits for. An owner does not wait so long, nor does a takeover from a weaker Active.
    pub quiet_at: Instant,
    /// The reason for a promotion if the timer ran out now.
    pub expecting: Reason,
    /// When a weaker Active is preempted, if that is delayed.
    pub preempt_at: Option<Instant>,
    /// The Active that is followed.
    pub active: Option<IpAddr>,
    /// Whether a resignation set Active_Down_Timer, and nobody was followed since.
    pub resigned: bool,
    /// Why it would have been Active at the last input, if a timer had run out.
    pub ran_out: Option<Reason>,
    /// What the backend was asked before this node contends.
    pub vetting: Vetting,
    /// Last words that the winner may not have heard yet.
    pub parting: Option<Parting>,
    /// How it makes itself known.
    pub greeting: Option<Greeting>,
    /// Whether it has looked who answers for the addresses since anybody was heard.
    pub looked: bool,
    /// Who has answered.
    pub suspect: Option<Suspect>,
}

impl Backup {
    pub(super) const fn new(active_timing: Timing, active_down_at: Instant) -> Self {
        Self {
            active_timing,
            active_down_at,
            quiet_at: active_down_at,
            expecting: Reason::Silence,
            preempt_at: None,
            active: None,
            resigned: false,
            ran_out: None,
            vetting: Vetting::Passed,
            parting: None,
            greeting: None,
            looked: false,
            suspect: None,
        }
    }

    pub(super) fn deadline(&self, opens: Opens, look_at: Option<Instant>) -> Option<Instant> {
        let contention =
            self.preempt_at.map_or(self.active_down_at, |at| at.min(self.active_down_at));
        // While the backend is asked, contention waits for it.
        let contention = self.vetting.until().map_or(contention, |until| until.max(contention));
        let contention = match opens {
            Opens::Now => Some(contention),
            Opens::At(until) => Some(until.max(contention)),
            // An answer of the backend is awaited nevertheless, and somebody else may wait for the
            // timer.
            Opens::Later if self.ran_out.is_some() => {
                let until = self.vetting.until();
                let quiet_at = self.tells_silence().then_some(self.quiet_at);
                until.into_iter().chain(quiet_at).min()
            }
            Opens::Later => Some(contention),
        };
        let others = [
            self.parting.map(Parting::next_at),
            self.greeting.map(|greeting| greeting.next_at),
            self.suspect.map(|suspect| suspect.ask_at()),
            look_at,
        ];
        others.into_iter().flatten().chain(contention).min()
    }

    /// Returns whether an Active other than `source` is followed, and was heard within its
    /// Active_Down_Interval.
    pub(super) fn follows_another(&self, now: Instant, source: IpAddr) -> bool {
        self.active.is_some_and(|active| active != source)
            && !self.resigned
            && now < self.active_down_at
    }

    /// Returns whether its group has yet to learn that there is no Active: it was not silence that let
    /// the timer run out.
    fn tells_silence(&self) -> bool {
        matches!(self.ran_out, Some(Reason::Owner | Reason::Preemption))
    }

    /// Returns why it should be Active by now, if it should.
    pub(super) fn contends(&self, now: Instant) -> Option<Reason> {
        if self.active_down_at <= now {
            Some(self.expecting)
        } else {
            self.preempt_at.is_some_and(|at| at <= now).then_some(Reason::Preemption)
        }
    }
}

/// When a Backup whose timer ran out may become the Active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opens {
    /// Now.
    Now,
    /// Not before then.
    At(Instant),
    /// When somebody says so.
    Later,
}

/// What the backend was asked before this node contends, and until when it may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the questions to a backend, and its answer")]
pub enum Vetting {
    /// What an earlier process left behind ([`Want::Adopt`](crate::Want::Adopt)).
    Adopt {
        /// No answer by then is a no.
        until: Instant,
    },
    /// Whether an acquire could succeed ([`Want::Inspect`](crate::Want::Inspect)).
    Inspect {
        /// No answer by then is a no.
        until: Instant,
    },
    /// Nothing yet, because another request came first. It is asked when contention is due.
    Due,
    /// It said yes, or has held the addresses.
    Passed,
}

impl Vetting {
    /// Returns when the open question counts as answered by a no.
    pub(super) const fn until(self) -> Option<Instant> {
        match self {
            Self::Adopt { until } | Self::Inspect { until } => Some(until),
            Self::Due | Self::Passed => None,
        }
    }
}

/// The peers of a node that was away may have given up its own address (a failed neighbour entry is
/// tried again after a second). Until they learn it again, their unicast advertisements do not
/// reach the node. So it makes its address known once an interval, until it has heard somebody or
/// has waited long enough for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Greeting {
    pub(super) next_at: Instant,
    pub(super) until: Instant,
}

/// The timers of Active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Active {
    /// When it was promoted.
    pub(super) since: Instant,
    /// Adver_Timer.
    pub(super) next_advert_at: Instant,
    /// When the last advertisement that was not reported as failed was sent.
    pub(super) sent_at: Instant,
    /// The same for the one before, in case the last one turns out to have failed.
    pub(super) sent_before: Instant,
    /// When the interval in which answers are counted began.
    pub(super) answers_since: Instant,
    pub(super) answers: u8,
    /// Whether it adopted what an earlier process held.
    pub(super) adopted: bool,
    /// Whether the last advertisement could reach no peer.
    pub(super) unreached: bool,
    /// What is known while the link or the source is gone for a moment.
    pub(super) away: Option<Away>,
    /// When another interface that it relies on has been gone for too long, while one is.
    pub(super) apart_until: Option<Instant>,
    /// When an ill node asks again whether another one takes over.
    pub(super) asking: Option<Asking>,
    /// When a weaker Active beside this one has been silent for long enough to be gone.
    pub(super) reassert_at: Option<Instant>,
    pub(super) fight: Fight,
    /// Another host that says that it has the addresses.
    pub(super) suspect: Option<Suspect>,
    /// When they were last announced because another host said so.
    pub(super) defended_at: Option<Instant>,
    pub(super) lease: Lease,
}

impl Active {
    /// Creates an Active since `now` that last advertised at `sent_at`.
    pub(super) const fn new(now: Instant, sent_at: Instant, lease: Lease) -> Self {
        Self {
            since: now,
            next_advert_at: now,
            sent_at,
            sent_before: sent_at,
            answers_since: now,
            answers: 0,
            adopted: false,
            unreached: false,
            away: None,
            apart_until: None,
            asking: None,
            reassert_at: None,
            fight: Fight::None,
            suspect: None,
            defended_at: None,
            lease,
        }
    }

    pub(super) const fn phase(&self) -> Phase {
        match self.lease {
            Lease::Acquiring { .. } => Phase::Acquiring,
            Lease::Held { .. } if self.adopted => Phase::Adopted,
            Lease::Held { .. } => Phase::Held,
            Lease::Resigning { .. } => Phase::Resigning,
        }
    }

    pub(super) const fn is_resigning(&self) -> bool {
        self.handover().is_some()
    }

    /// Returns what follows the handover under way, if there is one.
    pub(super) const fn handover(&self) -> Option<Then> {
        match self.lease {
            Lease::Resigning { then, .. } => Some(then),
            Lease::Acquiring { .. } | Lease::Held { .. } => None,
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        if let (Lease::Held { repair_until, .. }, Some(away)) = (self.lease, self.away) {
            // Nothing is sent meanwhile.
            let others = [repair_until, self.fight.repair_at(), self.apart_until];
            let others = others.into_iter().flatten();
            return others.fold(away.until, Instant::min);
        }
        let lease = match self.lease {
            Lease::Acquiring { give_up_at } => Some(give_up_at),
            Lease::Held { announcing, repair_until } => {
                let announcing = announcing.and_then(|announcing| announcing.deadline());
                let asking = self.asking.map(|asking| asking.at);
                let (fight, apart) = (self.fight.repair_at(), self.apart_until);
                let suspect = self.suspect.map(|suspect| suspect.ask_at());
                let others =
                    [announcing, repair_until, fight, asking, self.reassert_at, apart, suspect];
                others.into_iter().flatten().min()
            }
            Lease::Resigning { until, unanswered, .. } => {
                Some(unanswered.map_or(until, |unanswered| until.min(unanswered.until())))
            }
        };
        lease.map_or(self.next_advert_at, |at| at.min(self.next_advert_at))
    }

    /// Returns the earliest time at which a peer may take over if it heard the last advertisement
    /// and nothing since.
    pub(super) fn superseded_at(&self, params: &Params) -> Instant {
        self.sent_at + params.timing.silence()
    }

    /// Returns until when a successor can be waited for and a resignation still be taken back, before
    /// anybody may have taken over in silence; `None` if that leaves the weakest one no time.
    pub(super) fn longest_wait(&self, now: Instant, params: &Params) -> Option<Instant> {
        let interval = params.timing.interval();
        let end = self.superseded_at(params) - interval / 8;
        (now + interval <= end).then_some(end)
    }

    /// Returns whether every address is there, as far as is known. Nothing is announced while one
    /// is lost (8.1.2, 8.2.2), but again once it is back.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.lease, Lease::Held { repair_until: None, .. })
            && self.fight.repair_at().is_none()
            && self.apart_until.is_none()
    }

    /// Notes that a weaker Active was heard beside this one, which has held the addresses before.
    /// It is gone when nothing more comes for an interval, and a quarter in case one is late.
    pub(super) fn outlive(&mut self, now: Instant, ours: Timing, theirs: Timing) {
        let interval = ours.interval().max(theirs.interval());
        self.reassert_at = Some(now + interval.saturating_mul(5) / 4);
    }

    /// Returns whether a weaker Active beside this one is gone, once for each.
    pub(super) fn has_outlived(&mut self, now: Instant) -> bool {
        let Lease::Held { .. } = self.lease else { return false };
        self.away.is_none() && self.reassert_at.take_if(|at| *at <= now).is_some()
    }

    pub(super) fn may_answer(&mut self, now: Instant, timing: Timing) -> bool {
        if now >= self.answers_since + timing.interval() {
            self.answers_since = now;
            self.answers = 0;
        }
        if self.answers >= ANSWERS_AN_INTERVAL {
            return false;
        }
        self.answers = self.answers.saturating_add(1);
        true
    }
}

/// What an Active lacks at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Away {
    /// When it has been gone for too long.
    pub(super) until: Instant,
    /// The address that advertisements were sent from.
    pub(super) source: IpAddr,
    /// Whether lost addresses can only be put back once the link is there.
    pub(super) repair: bool,
}

/// What the backend has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the phases of Active")]
pub enum Lease {
    /// It was asked for the addresses, and has until `give_up_at` to answer.
    Acquiring {
        /// When the request counts as failed.
        give_up_at: Instant,
    },
    /// It holds them.
    Held {
        /// The announcements that are due; `None` if neighbours need none.
        announcing: Option<Announcing>,
        /// When the repair under way counts as failed, if there is one.
        repair_until: Option<Instant>,
    },
    /// It still holds them, until a successor is heard.
    Resigning {
        /// When that takes too long.
        until: Instant,
        /// What follows.
        then: Then,
        /// The `announcing` of before, in case the resignation is taken back.
        announcing: Option<Announcing>,
        /// What the backend was asked, before or since, and has not answered.
        unanswered: Option<Unanswered>,
    },
}

/// What follows a handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the reasons to hand over")]
pub enum Then {
    /// The virtual router stops.
    Stop,
    /// It waits to be resumed, or stays Active if nobody took over.
    Drain {
        /// It waits to be resumed even if nobody took over.
        force: bool,
    },
    /// It follows the successor, on probation: something on this host keeps deleting the addresses.
    GiveWay,
    /// It waits for an address to send from, or for another interface.
    Withdraw,
    /// It follows the successor: a check failed. It stays Active if nobody takes over.
    Ill,
    /// It waits for a check that failed, even if nobody takes over.
    Out,
    /// It follows the successor, who has the rest of its group. It stays Active if nobody takes
    /// over.
    Follow,
    /// It waits with the rest of its group, even if nobody takes over.
    Join,
}

impl Then {
    pub(super) const fn reason(self) -> Reason {
        match self {
            Self::Stop => Reason::Shutdown,
            Self::Drain { .. } => Reason::Drain,
            Self::GiveWay => Reason::Fight,
            Self::Withdraw => Reason::Interface,
            Self::Ill | Self::Out => Reason::CheckFailed,
            Self::Follow | Self::Join => Reason::Group,
        }
    }

    /// Returns whether it follows its successor, and whether another reason to leave takes its
    /// place.
    pub(super) const fn gives_way(self) -> bool {
        matches!(self, Self::GiveWay | Self::Follow)
    }

    /// Returns whether it stays Active if nobody takes over.
    pub(super) const fn may_be_taken_back(self) -> bool {
        match self {
            Self::Drain { force: false } | Self::GiveWay | Self::Ill | Self::Follow => true,
            Self::Stop | Self::Drain { force: true } | Self::Withdraw | Self::Out | Self::Join => {
                false
            }
        }
    }

    /// Returns how long it waits for a successor. A drain waits for the weakest one, because it is
    /// refused when nobody takes over.
    pub(super) fn patience(self, interval: Duration) -> Duration {
        let wait = interval.saturating_add(HANDOVER_GRACE);
        match self {
            Self::Stop | Self::Withdraw | Self::Out | Self::Join => wait.min(LONGEST_STOP),
            Self::Drain { .. } | Self::GiveWay | Self::Ill | Self::Follow => wait,
        }
    }
}

/// What the backend has not answered yet during a handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the requests that put addresses")]
pub enum Unanswered {
    /// The addresses were never held.
    Acquire {
        /// When the request counts as failed.
        until: Instant,
    },
    /// An address was lost.
    Repair {
        /// When the request counts as failed.
        until: Instant,
    },
}

impl Unanswered {
    pub(super) const fn until(self) -> Instant {
        match self {
            Self::Acquire { until } | Self::Repair { until } => until,
        }
    }
}
