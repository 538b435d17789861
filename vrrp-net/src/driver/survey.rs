//! The status of the node, put together over several turns.
//!
//! To look at a thousand virtual routers takes milliseconds, in which no advertisement would leave.
//! So a turn looks at a page of them, and packets and timers have their turn between two pages.

use std::{ops::Bound, sync::Arc};

use vrrp_core::{Family, Key};

use super::{Driver, mailbox::Reply, outbox::Outbox};
use crate::{NodeStatus, clock::Clock, link::Link, monitor::Monitor};

/// How many virtual routers and ports a turn looks at.
const PAGE: usize = 64;

/// What is asked of the whole node.
///
/// A turn takes one command and makes one page, so that while a survey goes on no more ask for the next
/// one than it has pages.
#[derive(Default)]
pub(super) struct Surveys {
    under_way: Option<Survey>,
    /// Who has asked since that began. They are told of the next one: pages of this one were made
    /// before they asked.
    waiting: Vec<Reply<Arc<NodeStatus>>>,
}

/// A status that is being put together.
struct Survey {
    askers: Vec<Reply<Arc<NodeStatus>>>,
    status: NodeStatus,
    /// The last virtual router that was looked at.
    router: Option<Key>,
    /// The last one that there was when it began: it ends, whatever is added meanwhile.
    end: Option<Key>,
    /// The last port that was looked at.
    port: Option<(Arc<str>, Family)>,
    /// Whether names may have passed from one virtual router to another meanwhile.
    reconfigured: bool,
}

impl Surveys {
    pub(super) fn ask(&mut self, reply: Reply<Arc<NodeStatus>>) {
        self.waiting.push(reply);
    }

    /// Whether the next page can be made at once.
    pub(super) const fn are_due(&self) -> bool {
        self.under_way.is_some() || !self.waiting.is_empty()
    }

    pub(super) fn note_configuration(&mut self) {
        if let Some(survey) = &mut self.under_way {
            survey.reconfigured = true;
        }
    }

    /// Takes the survey that is under way, or begins the next one. Nobody may wait for it any more.
    fn take(&mut self, end: Option<Key>) -> Option<Survey> {
        let mut survey = self.under_way.take().unwrap_or_else(|| Survey {
            askers: std::mem::take(&mut self.waiting),
            status: NodeStatus::default(),
            router: None,
            end,
            port: None,
            reconfigured: false,
        });
        survey.askers.retain(|reply| !reply.is_closed());
        (!survey.askers.is_empty()).then_some(survey)
    }
}

impl<L: Link, C: Clock, M: Monitor> Driver<L, C, M> {
    /// Makes a page of the status that somebody has asked for, and answers when it is the last one.
    pub(super) fn survey(&mut self) {
        if !self.surveys.are_due() {
            return;
        }
        let end = self.outbox.members.last_key_value().map(|(key, _)| *key);
        let Some(mut survey) = self.surveys.take(end) else { return };
        let room = self.look_at_routers(&mut survey, PAGE);
        let room = self.look_at_ports(&mut survey, room);
        if room == 0 {
            self.surveys.under_way = Some(survey);
            return;
        }
        self.conclude(survey);
    }

    /// Looks at the next virtual routers, `room` at most; returns for how many more there is room.
    fn look_at_routers(&self, survey: &mut Survey, mut room: usize) -> usize {
        let after = survey.router.map_or(Bound::Unbounded, Bound::Excluded);
        // Once the last one was looked at, what is after it is none of this survey's.
        let Some(end) = survey.end.filter(|end| survey.router.is_none_or(|last| last < *end))
        else {
            return room;
        };
        let members = self.outbox.members.range((after, Bound::Included(end)));
        for (key, entry) in members.take(room) {
            survey.router = Some(*key);
            survey.status.routers.extend(self.status_of(key, entry));
            room = room.saturating_sub(1);
        }
        room
    }

    /// The same with ports.
    fn look_at_ports(&self, survey: &mut Survey, mut room: usize) -> usize {
        let now = self.clock.now();
        let last = survey.port.take();
        for (name, interface, family) in
            self.outbox.interfaces.ports_after(last.as_ref()).take(room)
        {
            survey.port = Some((name.clone(), family));
            survey.status.ports.push(self.status_of_port(name, interface, family, now));
            room = room.saturating_sub(1);
        }
        survey.port = survey.port.take().or(last);
        room
    }

    fn conclude(&self, survey: Survey) {
        let Survey { askers, mut status, reconfigured, .. } = survey;
        if reconfigured {
            // A name that was one's is another's now: each is there under its own, or gone.
            let Outbox { members, .. } = &self.outbox;
            status.routers.retain_mut(|router| {
                let entry = members.get(&router.key);
                entry.is_some_and(|entry| {
                    router.name = entry.name.clone();
                    true
                })
            });
        }
        status.lateness = self.lateness.clone();
        let status = Arc::new(status);
        for asker in askers {
            // That nobody waits for it any more is no error.
            let _ = asker.send(status.clone());
        }
    }
}
