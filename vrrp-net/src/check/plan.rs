//! [`Setup`]: which checks there are, and which virtual routers they mean something to.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use vrrp_core::Health;

use super::{
    Check,
    schedule::{Initial, Schedule, When},
    tally::{State, Tally},
    track::{Last, Reading, Track, health},
};

/// A check with its name and its schedule.
#[derive(Clone)]
#[non_exhaustive]
pub struct Planned {
    /// Its name.
    pub name: Arc<str>,
    /// What looks.
    pub check: Arc<dyn Check>,
    /// How often, and how its results are believed.
    pub schedule: Schedule,
}

impl Planned {
    /// Returns one with the schedule that is there unless another is set.
    pub fn new(name: impl Into<Arc<str>>, check: impl Check) -> Self {
        Self::of(name, Arc::new(check))
    }

    /// Returns the same of a check that is shared.
    pub fn of(name: impl Into<Arc<str>>, check: Arc<dyn Check>) -> Self {
        Self { name: name.into(), check, schedule: Schedule::default() }
    }

    /// Sets the schedule.
    #[must_use]
    pub fn schedule(self, schedule: Schedule) -> Self {
        Self { schedule, ..self }
    }

    /// Whether what is known of this one holds for `other`.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.schedule == other.schedule
            && (Arc::ptr_eq(&self.check, &other.check) || self.check.is_same(&*other.check))
    }

    /// What it says before its first result.
    fn at_start(&self) -> Reading {
        Reading::of(match self.schedule.when {
            When::Always => Tally::new(&self.schedule).state(),
            // It counts as good unless the virtual router is active.
            When::Active { .. } => State::Good,
        })
    }

    /// The schedule of a check that begins again, good until it has failed often enough.
    pub(super) fn schedule_of_good(&self) -> Schedule {
        self.schedule.initial(Initial::Good)
    }
}

impl fmt::Debug for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, check, schedule } = self;
        let mut planned = f.debug_struct("Planned");
        planned.field("name", name).field("check", &check.describe()).field("schedule", schedule);
        planned.finish()
    }
}

/// A virtual router that checks mean something to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tracked {
    /// Its name.
    pub router: Arc<str>,
    /// What the checks mean to it.
    pub tracks: Vec<Track>,
    /// What becomes of the addresses when every node is ill.
    pub last: Last,
    /// Whether it starts now: see [`starts`](Self::starts).
    pub starts: bool,
}

impl Tracked {
    /// Returns one that no check means anything to yet.
    pub fn new(router: impl Into<Arc<str>>) -> Self {
        Self { router: router.into(), tracks: Vec::new(), last: Last::default(), starts: false }
    }

    /// Adds what a check means to it.
    #[must_use]
    pub fn track(mut self, track: Track) -> Self {
        self.tracks.push(track);
        self
    }

    /// Sets what becomes of the addresses when every node is ill.
    #[must_use]
    pub fn last(self, last: Last) -> Self {
        Self { last, ..self }
    }

    /// Says that it starts with these checks, while others are there already: to it a check is unknown
    /// before its first result. To one that is there a [new check](super::Checks::configure) counts
    /// as good until then.
    #[must_use]
    pub fn starts(self) -> Self {
        Self { starts: true, ..self }
    }

    /// What the checks say together. One that nobody knows says nothing.
    pub(super) fn health(&self, says: impl Fn(&str) -> Option<Reading>) -> Health {
        let readings = self.tracks.iter().filter_map(|track| Some((track, says(&track.check)?)));
        health(readings, self.last)
    }
}

/// Checks, and the virtual routers that they mean something to. Each name stands for one thing, and
/// every check that is tracked is there.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    pub(super) checks: BTreeMap<Arc<str>, Planned>,
    pub(super) routers: BTreeMap<Arc<str>, Tracked>,
}

impl Setup {
    /// Returns what these are together.
    ///
    /// # Errors
    /// [`SetupError`] where they contradict each other.
    pub fn new(
        checks: impl IntoIterator<Item = Planned>,
        routers: impl IntoIterator<Item = Tracked>,
    ) -> Result<Self, SetupError> {
        let mut setup = Self::default();
        for planned in checks {
            let name = planned.name.clone();
            if setup.checks.insert(name.clone(), planned).is_some() {
                return Err(SetupError::CheckTwice { name });
            }
        }
        for tracked in routers {
            let router = tracked.router.clone();
            let mut seen = BTreeSet::new();
            for Track { check, .. } in &tracked.tracks {
                let (router, check) = (router.clone(), check.clone());
                if !setup.checks.contains_key(&check) {
                    return Err(SetupError::NoSuchCheck { router, check });
                }
                if !seen.insert(check.clone()) {
                    return Err(SetupError::TrackedTwice { router, check });
                }
            }
            if setup.routers.insert(router.clone(), tracked).is_some() {
                return Err(SetupError::RouterTwice { router });
            }
        }
        Ok(setup)
    }

    /// Returns what the checks say of a virtual router before any of them has run: what it is to
    /// start with. Of one that nothing is tracked for, that is [`Health::default`].
    #[must_use]
    pub fn health_at_start(&self, router: &str) -> Health {
        let says = |check: &str| self.checks.get(check).map(Planned::at_start);
        self.routers.get(router).map(|tracked| tracked.health(says)).unwrap_or_default()
    }
}

/// Why checks cannot be set up as they are named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// Two checks have one name.
    #[error("two checks have the name {name:?}; give one of them another")]
    CheckTwice {
        /// The name.
        name: Arc<str>,
    },
    /// A virtual router is named twice.
    #[error("the virtual router {router:?} is named twice; put all it tracks together")]
    RouterTwice {
        /// Its name.
        router: Arc<str>,
    },
    /// A virtual router tracks a check that is not there.
    #[error("the virtual router {router:?} tracks the check {check:?}, which is not there; add it")]
    NoSuchCheck {
        /// The virtual router.
        router: Arc<str>,
        /// The check.
        check: Arc<str>,
    },
    /// A virtual router tracks one check twice.
    #[error("the virtual router {router:?} tracks the check {check:?} twice; take one out")]
    TrackedTwice {
        /// The virtual router.
        router: Arc<str>,
        /// The check.
        check: Arc<str>,
    },
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vrrp_core::Condition;

    use super::*;
    use crate::check::{Effect, File};

    fn setup(schedule: Schedule, last: Last) -> Setup {
        let web = Tracked::new("web").track(Track::new("it", Effect::Hold)).last(last);
        let it = Planned::new("it", File::present("/run/it")).schedule(schedule);
        Setup::new([it], [web]).unwrap()
    }

    #[test]
    fn before_the_first_result_the_schedule_decides() {
        let schedule = Schedule::default();
        for (schedule, last, expected) in [
            (schedule, Last::Stay, Condition::Unknown),
            (schedule, Last::Leave, Condition::Unproven),
            (schedule.initial(Initial::Good), Last::Leave, Condition::Good),
            (schedule.initial(Initial::Bad), Last::Stay, Condition::Ill),
            (schedule.while_active(Duration::ZERO).unwrap(), Last::Leave, Condition::Good),
        ] {
            let setup = setup(schedule, last);
            assert_eq!(setup.health_at_start("web").condition, expected, "{schedule:?}");
        }
        assert_eq!(setup(schedule, Last::Leave).health_at_start("db"), Health::default());
    }

    #[test]
    fn names_that_contradict_each_other_are_told() {
        let it = || Planned::new("it", File::present("/run/it"));
        let web = || Tracked::new("web").track(Track::new("it", Effect::Hold));
        let error = |checks: Vec<Planned>, routers: Vec<Tracked>| {
            Setup::new(checks, routers).unwrap_err().to_string()
        };
        assert!(error(vec![it(), it()], vec![]).starts_with("two checks have the name \"it\""));
        assert!(error(vec![], vec![web()]).contains("which is not there"));
        assert!(error(vec![it()], vec![web(), web()]).contains("named twice"));
        let twice = web().track(Track::new("it", Effect::Hold));
        assert!(error(vec![it()], vec![twice]).ends_with("twice; take one out"));
    }

    #[test]
    fn a_check_is_the_same_with_the_same_schedule_only() {
        let one = Planned::new("it", File::present("/run/it"));
        let other = Planned::new("it", File::present("/run/it"));
        assert!(one.is_same(&other));
        assert!(!one.is_same(&other.clone().schedule(Schedule::default().initial(Initial::Bad))));
        assert!(!one.is_same(&Planned::new("it", File::absent("/run/it"))));
    }
}
