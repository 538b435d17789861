//! [`Claim`]: `state`, `priority` and preemption, which depend on each other.

use std::time::Duration;

use vrrp_core::{Preempt, Priority};

use super::super::{
    blocks::Statement,
    report::Report,
    values::{first, number, only, seconds},
};
use crate::config::{Draft, Found, Located, Place, Rank, Wrong, preempt_after};

/// What a virtual router says of its claim.
#[derive(Default)]
pub(super) struct Claim {
    master: Option<Place>,
    priority: Option<Located<u8>>,
    never: Option<Place>,
    delay: Option<Located<Duration>>,
}

impl Claim {
    /// Takes one of its statements.
    pub(super) fn take(&mut self, statement: &Statement, report: &mut Report) -> Result<(), Wrong> {
        match statement.keyword() {
            "state" => self.state(statement, report)?,
            "priority" => self.priority = Some(number(statement, 1..=u8::MAX, report)?),
            "preempt" => self.never = None,
            "preempt_delay" => self.delay = Some(seconds(statement, 0.0..=1000.0, report)?),
            _ => self.never = Some(statement.place()),
        }
        Ok(())
    }

    fn state(&mut self, statement: &Statement, report: &mut Report) -> Result<(), Wrong> {
        let word = first(statement, report)?;
        only(statement, 1, report);
        self.master = match &*word.text {
            "MASTER" => Some(word.place.clone()),
            "BACKUP" => None,
            other => {
                let message =
                    format!("{other:?} is no state, and is BACKUP; write MASTER or BACKUP");
                report.warn(&word.place, message);
                None
            }
        };
        Ok(())
    }

    /// keepalived starts every virtual router as a backup, whatever `state` says. MASTER is the
    /// owner unless there is a priority, and preempts.
    pub(super) fn settle(self, draft: &mut Draft, report: &mut Report) {
        let Self { master, priority, never, delay } = self;
        if let (None, Some(place)) = (&priority, &master) {
            let message = "MASTER without a priority is the owner of the addresses, with 255; \
                write a priority from 1 to 254 if this host is not";
            report.warn(place, message);
        }
        let owner = master.as_ref().map(|place| Located::new(place.clone(), u8::MAX));
        let priority = priority.or(owner);
        let rank = |priority: u8| Priority::try_from(priority).map_or(Rank::Owner, Rank::Contender);
        let is_owner = priority.as_ref().is_some_and(|priority| priority.value == u8::MAX);
        draft.priority = Found::of(Ok(priority.map(|priority| priority.map(rank))));
        let always = if is_owner { Some("priority 255") } else { master.map(|_| "state MASTER") };
        draft.preempt = match (always, never, delay) {
            (Some(why), never, delay) => {
                let place = never.or_else(|| delay.map(|delay| delay.place));
                if let Some(place) = place {
                    let message = format!(
                        "this is left out, as keepalived does: with {why} a node preempts at once"
                    );
                    report.warn(&place, message);
                }
                Found::Absent
            }
            (None, Some(place), _) => Found::Value(Located::new(place, Preempt::Never)),
            (None, None, Some(delay)) => Found::Value(delay.map(preempt_after)),
            (None, None, None) => Found::Absent,
        };
    }
}
