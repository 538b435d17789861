//! [`Course`]: which states one virtual router is told, out of its phases.

use vrrp_core::{Phase, Reason};

use super::State;

/// What is told of one virtual router, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) state: State,
    pub(super) phase: Phase,
    pub(super) reason: Reason,
}

/// What was told of one virtual router, and what may be told yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Course {
    told: Option<State>,
    /// It has started as Backup, for this reason, and its backend may still say that the addresses
    /// are held by an earlier process.
    undecided: Option<Reason>,
}

impl Course {
    /// What was told last.
    pub(super) const fn told(&self) -> Option<State> {
        self.told
    }

    /// Whether its backend has to answer before anything is told.
    pub(super) const fn is_undecided(&self) -> bool {
        self.undecided.is_some()
    }

    /// It went from one phase to another: returns what is to be told, in order.
    pub(super) fn transition(&mut self, from: Phase, to: Phase, reason: Reason) -> Vec<Step> {
        let is_start = matches!(self.told, None | Some(State::Stop))
            && matches!((from, to), (Phase::Initialize(_), Phase::Backup));
        if is_start {
            self.undecided = Some(reason);
            return Vec::new();
        }
        let first = match to {
            // It was not adopted.
            Phase::Acquiring | Phase::Held | Phase::Resigning => self.decide(),
            Phase::Adopted | Phase::Backup | Phase::Initialize(_) => None,
        };
        self.undecided = None;
        let then = State::of(to).and_then(|state| self.tell(state, to, reason));
        first.into_iter().chain(then).collect()
    }

    /// It started as Backup, and its backend holds nothing.
    pub(super) fn decide(&mut self) -> Option<Step> {
        let reason = self.undecided.take()?;
        self.tell(State::Backup, Phase::Backup, reason)
    }

    /// It is in this phase, whatever was seen before; `is_asking`: its backend has not answered yet.
    pub(super) fn level(&mut self, phase: Phase, is_asking: bool, reason: Reason) -> Option<Step> {
        let may_adopt = is_asking && matches!(self.told, None | Some(State::Stop));
        if phase == Phase::Backup && may_adopt {
            self.undecided = Some(reason);
            return None;
        }
        self.undecided = None;
        State::of(phase).and_then(|state| self.tell(state, phase, reason))
    }

    /// The same state twice in a row is told once.
    fn tell(&mut self, state: State, phase: Phase, reason: Reason) -> Option<Step> {
        (self.told.replace(state) != Some(state)).then_some(Step { state, phase, reason })
    }
}

#[cfg(test)]
mod tests {
    use vrrp_core::{Hold, LeaseFailure};

    use super::*;

    const STOPPED: Phase = Phase::Initialize(Hold::Stopped);
    const DOWN: Phase = Phase::Initialize(Hold::LinkDown);

    /// What is told along these phases.
    fn along(course: &mut Course, phases: &[Phase]) -> Vec<State> {
        let steps =
            phases.windows(2).flat_map(|pair| course.transition(pair[0], pair[1], Reason::Startup));
        steps.map(|step| step.state).collect()
    }

    fn from_start(phases: &[Phase]) -> Vec<State> {
        along(&mut Course::default(), &[&[STOPPED], phases].concat())
    }

    #[test]
    fn a_start_is_told_once_its_backend_has_answered() {
        let mut course = Course::default();
        assert_eq!(along(&mut course, &[STOPPED, Phase::Backup]), []);
        assert!(course.is_undecided());
        assert_eq!(course.decide().map(|step| step.state), Some(State::Backup));
        assert_eq!(course.decide(), None);
        let rest = [Phase::Backup, Phase::Acquiring, Phase::Held, Phase::Resigning, Phase::Backup];
        assert_eq!(along(&mut course, &rest), [State::Active, State::Backup]);
        assert_eq!(along(&mut course, &[Phase::Backup, STOPPED]), [State::Stop]);
        // It is added again.
        assert_eq!(along(&mut course, &[STOPPED, Phase::Backup]), []);
        assert!(course.is_undecided());
    }

    #[test]
    fn a_start_that_adopts_is_told_active_alone() {
        assert_eq!(from_start(&[Phase::Backup, Phase::Adopted]), [State::Active]);
        let owner = [Phase::Initialize(Hold::Inspecting), Phase::Adopted];
        assert_eq!(from_start(&owner), [State::Active]);
    }

    #[test]
    fn a_start_is_told_in_order_when_it_comes_fast() {
        let fast = [Phase::Backup, Phase::Acquiring, Phase::Held];
        assert_eq!(from_start(&fast), [State::Backup, State::Active]);
        let owner = [Phase::Initialize(Hold::Inspecting), Phase::Acquiring, Phase::Held];
        assert_eq!(from_start(&owner), [State::Active]);
        assert_eq!(from_start(&[DOWN, Phase::Backup]), [State::Fault, State::Backup]);
        assert_eq!(from_start(&[Phase::Backup, STOPPED]), [State::Stop]);
    }

    #[test]
    fn what_does_not_come_about_is_not_told() {
        let mut course = Course { told: Some(State::Backup), undecided: None };
        let fails = Phase::Initialize(Hold::Backend(LeaseFailure::Failed));
        let phases = [Phase::Backup, Phase::Acquiring, Phase::Resigning, fails, DOWN, fails];
        assert_eq!(along(&mut course, &phases), [State::Fault]);
        let stays = [Phase::Backup, Phase::Acquiring, Phase::Held, Phase::Resigning, Phase::Held];
        assert_eq!(along(&mut course, &stays), [State::Active]);
        let drained = [Phase::Held, Phase::Resigning, Phase::Initialize(Hold::Drained)];
        assert_eq!(along(&mut course, &drained), [State::Backup]);
    }

    #[test]
    fn a_level_tells_what_was_missed() {
        let mut course = Course::default();
        let mut level = |phase, is_asking| {
            course.level(phase, is_asking, Reason::Startup).map(|step| step.state)
        };
        assert_eq!(level(Phase::Backup, true), None);
        assert_eq!(level(Phase::Backup, false), Some(State::Backup));
        assert_eq!(level(Phase::Backup, true), None);
        assert_eq!(level(Phase::Acquiring, false), None);
        assert_eq!(level(Phase::Held, false), Some(State::Active));
        assert_eq!(level(Phase::Held, false), None);
        assert_eq!(level(Phase::Initialize(Hold::Send), false), Some(State::Fault));
    }
}
