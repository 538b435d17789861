//! [`Model`]: what the screen shows, as far as it is known. It reads no clock, and waits for nothing.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use super::{
    order::{Done, Order},
    palette::Palette,
};
use crate::{
    events,
    report::{Status, ToldEvent, VirtualRouter},
    status::wrong,
};

/// How many events are kept.
const EVENTS: usize = 200;
/// How many samples of jitter are kept for each virtual router.
const SAMPLES: usize = 300;

/// What comes of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The screen goes on.
    GoOn,
    /// The daemon is to do that.
    Do(Order),
    /// The screen is to be closed.
    Leave,
    /// Nothing can be read from the terminal; why.
    Fail(String),
}

/// What the screen is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// All virtual routers.
    All,
    /// The chosen one, from this line on.
    One(u16),
}

/// A daemon that does not answer.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) sentence: String,
    pub(super) since: Instant,
}

/// What the screen shows.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) palette: Palette,
    /// The last status, and when it came.
    pub(super) status: Option<(Status, Instant)>,
    /// What is wrong with each virtual router of it, in the same order.
    pub(super) wrong: Vec<Vec<String>>,
    pub(super) lost: Option<Lost>,
    pub(super) view: View,
    pub(super) shows_help: bool,
    /// What was asked for, and is to be confirmed.
    pub(super) question: Option<Order>,
    /// What the daemon does at the moment.
    pub(super) busy: Option<Order>,
    /// What came of the last order.
    pub(super) done: Option<Done>,
    /// The latest first.
    pub(super) events: VecDeque<String>,
    /// By the name of the virtual router: what the jitter of its Active was, in seconds, at each status;
    /// the latest first.
    pub(super) jitter: BTreeMap<String, VecDeque<f64>>,
    /// The place of the chosen one, and its name: places change.
    chosen: usize,
    chosen_name: Option<String>,
}

impl Model {
    /// Nothing is known yet.
    pub(super) fn new(palette: Palette) -> Self {
        Self {
            palette,
            status: None,
            wrong: Vec::new(),
            lost: None,
            view: View::All,
            shows_help: false,
            question: None,
            busy: None,
            done: None,
            events: VecDeque::new(),
            jitter: BTreeMap::new(),
            chosen: 0,
            chosen_name: None,
        }
    }

    /// Something has happened.
    pub(super) fn take_event(&mut self, event: &ToldEvent) {
        self.events.push_front(events::sentence(event));
        self.events.truncate(EVENTS);
    }

    /// The daemon does not answer, which `sentence` says.
    pub(super) fn take_loss(&mut self, sentence: String, now: Instant) {
        let since = self.lost.as_ref().map_or(now, |lost| lost.since);
        self.lost = Some(Lost { sentence, since });
    }

    /// What was ordered is done, or not.
    pub(super) fn take_outcome(&mut self, done: Done) {
        (self.busy, self.done) = (None, Some(done));
    }

    /// That is how everything is now.
    pub(super) fn take_status(&mut self, status: Status, now: Instant) {
        let names: BTreeSet<&String> = status.virtual_routers.iter().map(|it| &it.name).collect();
        self.jitter.retain(|name, _| names.contains(name));
        for router in &status.virtual_routers {
            let active = router.peers_heard.iter().find(|peer| peer.active);
            if let Some(jitter) = active.and_then(|peer| peer.jitter_seconds) {
                let samples = self.jitter.entry(router.name.clone()).or_default();
                samples.push_front(jitter);
                samples.truncate(SAMPLES);
            }
        }
        let place = self
            .chosen_name
            .as_ref()
            .and_then(|name| status.virtual_routers.iter().position(|router| router.name == *name));
        if place.is_none() {
            // The one that all was shown of is gone.
            self.view = View::All;
        }
        let last = status.virtual_routers.len().saturating_sub(1);
        self.lost = None;
        self.wrong = status.virtual_routers.iter().map(wrong::sentences).collect();
        self.status = Some((status, now));
        self.choose(place.unwrap_or(self.chosen).min(last));
    }

    /// The virtual routers, in the order of their names.
    pub(super) fn routers(&self) -> &[VirtualRouter] {
        self.status.as_ref().map_or(&[], |(status, _)| &status.virtual_routers)
    }

    /// The place of the chosen one.
    pub(super) fn chosen(&self) -> usize {
        self.chosen
    }

    /// The chosen one; none if there is none at all.
    pub(super) fn router(&self) -> Option<&VirtualRouter> {
        self.routers().get(self.chosen)
    }

    /// Chooses the one at this place, or the last one.
    pub(super) fn choose(&mut self, place: usize) {
        self.chosen = place.min(self.routers().len().saturating_sub(1));
        self.chosen_name = self.router().map(|router| router.name.clone());
    }

    /// Shows all of the one of this name; returns whether there is one.
    pub(super) fn open(&mut self, name: &str) -> bool {
        let Some(place) = self.routers().iter().position(|router| router.name == name) else {
            return false;
        };
        self.choose(place);
        self.view = View::One(0);
        true
    }

    /// How old the last status is.
    pub(super) fn age(&self, now: Instant) -> Duration {
        self.status.as_ref().map_or(Duration::ZERO, |(_, at)| now.saturating_duration_since(*at))
    }
}
