//! [`Tally`]: outcomes in, a state out.

use super::{
    outcome::Outcome,
    schedule::{Initial, NotRun, Schedule},
};

/// What a check is known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "whoever shows one decides on each")]
pub enum State {
    /// There was no result yet.
    Unknown,
    /// It passes.
    Good,
    /// It fails.
    Bad,
}

impl State {
    /// Returns a stable word for logs, metrics and `status`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }
}

impl std::fmt::Display for State {
    /// Writes the word of [`as_str`](Self::as_str).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Counts the results of a check. It does no I/O, and knows no time.
///
/// While nothing is known the first result decides at once: a node that starts wants to know, and
/// whoever comes from keepalived expects it. From then on `fall` failures in a row make it bad, and
/// `rise` passes in a row good.
///
/// ```
/// use vrrp_net::check::{Outcome, Schedule, State, Tally};
///
/// let mut tally = Tally::new(&Schedule::default());
/// assert_eq!(tally.judge(&Outcome::Passed(String::new())), State::Good);
/// for expected in [State::Good, State::Good, State::Bad] {
///     assert_eq!(tally.judge(&Outcome::Failed(String::new())), expected);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Tally {
    rise: u8,
    fall: u8,
    not_run: NotRun,
    state: State,
    /// How many results in a row spoke against the state.
    against: u8,
}

impl Tally {
    /// Returns one that begins as the schedule says.
    #[must_use]
    pub const fn new(schedule: &Schedule) -> Self {
        let state = match schedule.initial {
            Initial::Unknown => State::Unknown,
            Initial::Good => State::Good,
            Initial::Bad => State::Bad,
        };
        let (rise, fall) = (schedule.rise.get(), schedule.fall.get());
        Self { rise, fall, not_run: schedule.not_run, state, against: 0 }
    }

    /// Returns one that goes on from a state that is known already.
    pub(super) const fn going_on(schedule: &Schedule, state: State) -> Self {
        Self { state, ..Self::new(schedule) }
    }

    /// Returns the state.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Counts one result, and returns the state after it.
    pub const fn judge(&mut self, outcome: &Outcome) -> State {
        match (outcome, self.not_run) {
            (Outcome::Passed(_) | Outcome::Number(0), _) => self.count(State::Good, self.rise),
            (Outcome::Failed(_) | Outcome::Number(_), _) | (Outcome::NotRun(_), NotRun::Fail) => {
                self.count(State::Bad, self.fall);
            }
            // It says nothing, and ends no row.
            (Outcome::NotRun(_), NotRun::Ignore) => {}
        }
        self.state
    }

    const fn count(&mut self, towards: State, needed: u8) {
        self.against = match (self.state, towards) {
            (State::Unknown, _) => needed,
            (State::Good, State::Good) | (State::Bad, State::Bad) => 0,
            _ => self.against.saturating_add(1),
        };
        if self.against >= needed {
            (self.state, self.against) = (towards, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU8;

    use proptest::prelude::*;

    use super::*;

    /// The states after each of the outcomes: `+` passed, `-` failed, `?` not run.
    fn states(schedule: Schedule, outcomes: &str) -> String {
        let mut tally = Tally::new(&schedule);
        let judged = outcomes.chars().map(|outcome| {
            let text = String::new();
            match tally.judge(&match outcome {
                '+' => Outcome::Passed(text),
                '-' => Outcome::Failed(text),
                '?' => Outcome::NotRun(text),
                number => Outcome::Number(number.to_digit(10).unwrap().try_into().unwrap()),
            }) {
                State::Unknown => 'u',
                State::Good => 'g',
                State::Bad => 'b',
            }
        });
        judged.collect()
    }

    #[test]
    fn the_first_result_decides_and_then_rows_do() {
        let schedule = Schedule::default();
        assert_eq!(states(schedule, "++"), "gg");
        assert_eq!(states(schedule, "-++"), "bbg");
        assert_eq!(states(schedule, "+--+---"), "gggggg".to_owned() + "b");
        assert_eq!(states(schedule, "-+-++"), "bbbbg");
        let one = schedule.rise(NonZeroU8::MIN).fall(NonZeroU8::MIN);
        assert_eq!(states(one, "+-+-"), "gbgb");
        assert_eq!(states(one, "05109"), "gbbgb");
    }

    #[test]
    fn what_could_not_be_run_counts_as_nothing_or_as_failed() {
        let schedule = Schedule::default();
        assert_eq!(states(schedule, "??+?-?-?-?"), "uuggggggbb");
        assert_eq!(states(schedule.not_run(NotRun::Fail), "+???"), "gggb");
        assert_eq!(states(schedule.not_run(NotRun::Fail), "?"), "b");
    }

    #[test]
    fn a_check_can_begin_good_or_bad() {
        let schedule = Schedule::default();
        assert_eq!(states(schedule.initial(Initial::Good), "---"), "ggb");
        assert_eq!(states(schedule.initial(Initial::Bad), "++"), "bg");
    }

    proptest! {
        #[test]
        fn a_state_changes_only_after_a_row(
            rise in 1_u8..6,
            fall in 1_u8..6,
            // Passed, failed, or not run.
            outcomes in proptest::collection::vec(proptest::option::of(any::<bool>()), 0..200),
        ) {
            let schedule = Schedule::default()
                .rise(NonZeroU8::new(rise).unwrap())
                .fall(NonZeroU8::new(fall).unwrap());
            let mut tally = Tally::new(&schedule);
            let mut results = Vec::new();
            for outcome in outcomes {
                let before = tally.state();
                let text = String::new();
                let after = tally.judge(&match outcome {
                    Some(true) => Outcome::Passed(text),
                    Some(false) => Outcome::Failed(text),
                    None => Outcome::NotRun(text),
                });
                results.extend(outcome);
                let row = |of: bool, length: u8| {
                    let last: Vec<bool> = results.iter().rev().take(length.into()).copied().collect();
                    last.len() == usize::from(length) && last.iter().all(|result| *result == of)
                };
                let expected = match (before, outcome) {
                    (before, None) => before,
                    (State::Unknown, Some(true)) => State::Good,
                    (State::Unknown, Some(false)) => State::Bad,
                    (State::Good, Some(_)) if row(false, fall) => State::Bad,
                    (State::Bad, Some(_)) if row(true, rise) => State::Good,
                    (before, Some(_)) => before,
                };
                prop_assert_eq!(after, expected);
            }
        }
    }
}
