//! Checks of the service behind the addresses, and what they mean to virtual routers: the rules
//! for those, whoever reads them.

use std::{collections::HashMap, num::NonZeroU8, time::Duration};

use vrrp_net::check::{Initial, Last, NotRun, Schedule, ScheduleError, When};

use super::{
    draft::Draft,
    duration,
    found::{Found, Wrong},
    look::{Look, Program},
    names::{Known, settle_name, user_name},
    place::{Located, Place},
    problem::Problems,
};

/// What a check counts as before its first result.
pub(super) const INITIALS: &[(&str, Initial)] =
    &[("unknown", Initial::Unknown), ("good", Initial::Good), ("bad", Initial::Bad)];
/// What a run that could not be made counts as.
pub(super) const NOT_RUNS: &[(&str, NotRun)] =
    &[("ignore", NotRun::Ignore), ("fail", NotRun::Fail)];
/// What becomes of the addresses when every node is ill.
pub(crate) const LASTS: &[(&str, Last)] = &[("stay", Last::Stay), ("leave", Last::Leave)];

/// What a check may look at, for sentences.
const LOOKS: &str = "http, tcp, dns, command, file, process, interface or route";

/// A check as a reader found it. What is absent has a default, or is missing.
pub(crate) struct CheckDraft {
    /// Where it starts: the place of whatever is not there.
    pub(crate) place: Place,
    pub(crate) name: Found<Located<String>>,
    /// What it looks at, each with its key.
    pub(crate) looks: Vec<(&'static str, Found<Located<Look>>)>,
    pub(crate) user: Found<Located<String>>,
    pub(crate) interval: Found<Located<Duration>>,
    pub(crate) timeout: Found<Located<Duration>>,
    pub(crate) rise: Found<NonZeroU8>,
    pub(crate) fall: Found<NonZeroU8>,
    pub(crate) initial: Found<Located<Initial>>,
    /// There if it counts only while a virtual router is active.
    pub(crate) while_active: Found<Located<()>>,
    pub(crate) grace: Found<Located<Duration>>,
    pub(crate) not_run: Found<NotRun>,
}

/// A check that keeps every rule.
#[derive(Clone, Debug)]
pub(crate) struct CheckConfig {
    /// Its name, unique in the configuration.
    pub(crate) name: String,
    /// What it looks at.
    pub(crate) look: Look,
    /// How often, and how its results are believed.
    pub(crate) schedule: Schedule,
    /// Where the configuration speaks of it: its name.
    pub(crate) place: Place,
    /// Where it says what it looks at.
    pub(crate) look_place: Place,
}

/// The checks that keep every rule. What the others break is reported.
pub(super) fn finish(drafts: Vec<CheckDraft>, problems: &mut Problems) -> Vec<CheckConfig> {
    let drafts = drafts.into_iter();
    let checks: Vec<CheckConfig> = drafts.filter_map(|draft| draft.finish(problems).ok()).collect();
    let mut seen: HashMap<&str, &Place> = HashMap::new();
    for CheckConfig { name, place, .. } in &checks {
        if let Some(earlier) = seen.get(name.as_str()) {
            let message = format!(
                "the name {name:?} is already the one of another check ({}); choose another",
                earlier.reference()
            );
            problems.add(place, message);
        } else {
            seen.insert(name, place);
        }
    }
    checks
}

/// The names that checks of `drafts` have, right or wrong.
pub(super) fn names(drafts: &[CheckDraft]) -> Known {
    let mut known = Known::default();
    for draft in drafts {
        known.add(draft.name.value().map(|name| name.value.clone()));
    }
    known
}

/// Reports what `drafts` track and cannot.
pub(super) fn judge_tracks(drafts: &[Draft], known: &Known, problems: &mut Problems) {
    for draft in drafts {
        let Some(list) = draft.track.value() else { continue };
        let mut seen = Vec::new();
        for Located { place, value: track } in list.entries.iter().flatten() {
            let name = &*track.check;
            if let Some(advice) = known.missing(name, "add a [[check]] of that name") {
                problems.add(place, format!("there is no check {name:?}; {advice}"));
            } else if seen.contains(&name) {
                problems.add(place, format!("{name:?} is tracked twice; remove one of them"));
            }
            seen.push(name);
        }
    }
}

impl CheckDraft {
    /// A check of which nothing is known yet.
    pub(crate) const fn new(place: Place) -> Self {
        Self {
            place,
            name: Found::Absent,
            looks: Vec::new(),
            user: Found::Absent,
            interval: Found::Absent,
            timeout: Found::Absent,
            rise: Found::Absent,
            fall: Found::Absent,
            initial: Found::Absent,
            while_active: Found::Absent,
            grace: Found::Absent,
            not_run: Found::Absent,
        }
    }

    /// Holds each value to its rules. All of them are looked at before the first that is wrong ends
    /// it.
    fn finish(self, problems: &mut Problems) -> Result<CheckConfig, Wrong> {
        let name = settle_name(&self.name, &self.place, "check", "http-ok", problems);
        let look = self.settle_look(problems);
        let schedule = self.settle_schedule(problems);
        let (name, look) = (name?, look?);
        Ok(CheckConfig {
            name: name.value,
            look: look.value,
            schedule: schedule?,
            place: name.place,
            look_place: look.place,
        })
    }

    /// One thing to look at.
    fn settle_look(&self, problems: &mut Problems) -> Result<Located<Look>, Wrong> {
        let user = self.user.clone().optional();
        let mut present = self.looks.iter().filter(|(_, look)| !matches!(look, Found::Absent));
        let Some((first, look)) = present.next() else {
            let message = format!("this check looks at nothing; give it one of {LOOKS}");
            return problems.wrong(&self.place, message);
        };
        let more = present.next();
        if let Some((key, Found::Value(more))) = more {
            let message = format!(
                "a check looks at one thing, and this one has `{first}` already; make another \
                 check for `{key}`"
            );
            problems.add(&more.place, message);
        }
        let look = look.clone().and_then(|look| match user? {
            None => Ok(look),
            Some(user) => with_user(look, user, problems),
        });
        match (look, more) {
            (Found::Value(look), None) => Ok(look),
            _ => Err(Wrong),
        }
    }

    fn settle_schedule(&self, problems: &mut Problems) -> Result<Schedule, Wrong> {
        let mut schedule = Schedule::default();
        let mut set = |key: &str, found: &Found<Located<Duration>>, set: Setter| {
            let Some(Located { place, value }) = found.clone().optional()? else { return Ok(()) };
            let given = duration::format(value);
            let least = if key == "grace" { "\"0s\"" } else { "\"10ms\"" };
            let said = |_| format!("`{key}` is {given:?}; write {least} to \"24h\"");
            schedule = problems.check(&place, set(schedule, value), said)?;
            Ok(())
        };
        let times = [
            set("interval", &self.interval, Schedule::interval),
            set("timeout", &self.timeout, Schedule::timeout),
            match self.while_active.clone().optional() {
                Err(Wrong) => Err(Wrong),
                Ok(None) => Ok(()),
                Ok(Some(_)) => {
                    let none = Located::new(self.place.clone(), Duration::ZERO);
                    set("grace", &self.grace.clone().or(none), Schedule::while_active)
                }
            },
        ];
        let is_active = self.while_active.value().is_some();
        let absent = matches!(self.while_active, Found::Absent);
        if let (true, Some(grace)) = (absent, self.grace.value()) {
            let message = "`grace` is for a check with while = \"active\"; add that, or remove \
                `grace`";
            problems.add(&grace.place, message);
        }
        if let (true, Some(initial)) = (is_active, self.initial.value()) {
            let message = "a check with while = \"active\" begins good, whatever `initial` says; \
                remove `initial`";
            problems.add(&initial.place, message);
        }
        times.into_iter().collect::<Result<(), Wrong>>()?;
        let initial = self.initial.clone().map(|initial| initial.value);
        Ok(schedule
            .rise(self.rise.clone().unwrap_or(schedule.rise)?)
            .fall(self.fall.clone().unwrap_or(schedule.fall)?)
            .initial(initial.unwrap_or(schedule.initial)?)
            .not_run(self.not_run.clone().unwrap_or(schedule.not_run)?))
    }
}

type Setter = fn(Schedule, Duration) -> Result<Schedule, ScheduleError>;

/// The same program, run by somebody else.
fn with_user(
    look: Located<Look>,
    user: Located<String>,
    problems: &mut Problems,
) -> Result<Located<Look>, Wrong> {
    let Located { place, value: Look::Command(program) } = look else {
        let message = "`user` is for a check with a `command`; remove it";
        return problems.wrong(&user.place, message);
    };
    problems.check(&user.place, user_name(&user.value), |message| message)?;
    let program = Program { user: Some(user.value), ..program };
    Ok(Located::new(place, Look::Command(program)))
}

/// Whether a check counts only while a virtual router is active, and from when on.
pub(super) const fn grace(schedule: &Schedule) -> Option<Duration> {
    match schedule.when {
        When::Active { grace } => Some(grace),
        _ => None,
    }
}

/// The word that stands for `value` among `words`.
pub(super) fn word<T: PartialEq>(words: &'static [(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| *word)
}
