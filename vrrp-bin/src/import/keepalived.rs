//! keepalived.conf as a configuration.
//!
//! What keepalived warns of and leaves out is warned of and left out here, and what it refuses is
//! refused. A virtual router that cannot work here is left out whole: it takes no part, and the
//! others do. Signed advertisements are refused, as nodes that ignore signatures would hold the
//! addresses beside those that do not.

mod addresses;
mod blocks;
mod checks;
mod global;
mod group;
mod instance;
mod keywords;
mod line;
mod lines;
mod names;
mod notify;
mod report;
mod scripts;
#[cfg(test)]
mod tests;
mod values;
mod words;

use std::{collections::BTreeSet, path::Path, time::Duration};

use vrrp_net::check::{Effect, Last, Track};

use super::Note;
use crate::config::{
    CheckDraft, Config, ConfigErrors, Draft, Found, GroupDraft, List, Located, Look, Notation,
    Place, Plan, Prepare, ReadFile, RouterConfig, anywhere, conflicts,
};
use blocks::Statement;
use global::Global;
use group::Group;
use instance::{Around, Tracked, Tracks, What};
use lines::Setting;
use names::Names;
use report::Report;

/// How often an interface that is tracked is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What was found in a file.
pub(crate) struct Reading {
    /// What is left out, or done in another way.
    pub(crate) notes: Vec<Note>,
    /// The configuration, or why there is none.
    pub(crate) config: Result<Config, ConfigErrors>,
}

/// Reads `text` as the content of the file at `path`, and has it prepared for this host. What it
/// includes is read by `read_file`.
pub(crate) fn read(path: &Path, text: &str, read_file: ReadFile, prepare: Prepare) -> Reading {
    let host = nix::unistd::gethostname().unwrap_or_default();
    let host = host.to_string_lossy();
    let id = host.split('.').next().unwrap_or_default();
    let setting = Setting { id, read_file, environment: |name| std::env::var(name).ok() };
    read_with(path, text, setting, prepare)
}

/// Reads `text` for no host: one that is called `main`, with nothing in its environment.
pub(crate) fn read_text(path: &Path, text: &str, read_file: ReadFile) -> Reading {
    let setting = Setting { id: "main", read_file, environment: |_| None };
    read_with(path, text, setting, anywhere)
}

fn read_with(path: &Path, text: &str, setting: Setting<'_>, prepare: Prepare) -> Reading {
    let origin = Place::File(path.into(), None);
    let mut report = Report::default();
    let lines = lines::read(path, text, setting, &mut report);
    let statements = blocks::read(&lines, &mut report);
    let mut file = File::default();
    for statement in &statements {
        file.take(statement, &mut report);
    }
    let mut plan = file.finish(origin.clone(), &mut report);
    if plan.drafts.is_empty() {
        report.warn(&origin, "there is no virtual router here that can be used");
    }
    let (notes, mut problems) = report.finish(&origin);
    prepare(&mut plan, &mut problems);
    Reading { notes, config: plan.finish(problems) }
}

/// What has been read of a file.
#[derive(Default)]
struct File {
    global: Global,
    names: Names,
    routers: Vec<Router>,
    groups: Vec<Group>,
    netns: Found<Located<String>>,
}

/// A virtual router that keeps every rule by itself.
struct Router {
    name: String,
    draft: Draft,
    tracks: Tracks,
    /// What comes of it.
    finished: Vec<RouterConfig>,
}

impl File {
    fn take(&mut self, statement: &Statement, report: &mut Report) {
        let user = self.global.user.as_ref();
        match statement.keyword() {
            "global_defs" => self.global.read(statement, report),
            "vrrp_script" => checks::script(statement, user, &mut self.names, report),
            "vrrp_track_file" | "track_file" => checks::file(statement, &mut self.names, report),
            "vrrp_track_process" => checks::process(statement, &mut self.names, report),
            "vrrp_instance" => self.router(statement, report),
            "vrrp_sync_group" => {
                let group = group::read(statement, &self.global, &self.names, report);
                self.groups.extend(group);
            }
            "net_namespace" => self.netns = values::text(statement, report).into(),
            _ => keywords::other(statement, keywords::ROOT, report),
        }
    }

    /// Reads a virtual router. One that breaks a rule is left out.
    fn router(&mut self, statement: &Statement, report: &mut Report) {
        let around = Around { global: &self.global, names: &self.names };
        let Ok((draft, tracks)) = instance::read(statement, around, report) else { return };
        let name = name_of(&draft);
        match draft.clone().alone() {
            Ok(finished) => self.routers.push(Router { name, draft, tracks, finished }),
            Err(errors) => {
                for error in errors.iter() {
                    let message = format!("{}; {name} is left out", error.message());
                    report.warn(error.place(), message);
                }
            }
        }
    }

    /// Leaves out virtual routers that share with an earlier one what no two may share.
    fn leave_out_conflicts(&mut self, report: &mut Report) {
        let numbered = self.routers.iter().enumerate();
        let (owners, all): (Vec<usize>, Vec<RouterConfig>) = numbered
            .flat_map(|(number, router)| {
                router.finished.iter().map(move |own| (number, own.clone()))
            })
            .unzip();
        let mut left_out = BTreeSet::new();
        for conflict in conflicts(&all) {
            let Some(number) = owners.get(conflict.number).copied() else { continue };
            let name = self.routers.get(number).map_or("", |router| &router.name);
            report.warn(&conflict.place, format!("{}; {name} is left out", conflict.message));
            left_out.insert(number);
        }
        let mut number = 0_usize;
        self.routers.retain(|_| {
            let stays = !left_out.contains(&number);
            number = number.saturating_add(1);
            stays
        });
    }

    /// Leaves out members that there are not, or that an earlier group has.
    fn settle_groups(&mut self, report: &mut Report) -> Vec<GroupDraft> {
        let mut free: BTreeSet<&str> =
            self.routers.iter().map(|router| router.name.as_str()).collect();
        let mut names = BTreeSet::new();
        let mut settled = Vec::new();
        for group in &mut self.groups {
            if !names.insert(group.name.clone()) {
                let message =
                    format!("there is a group {:?} already, this one is left out", group.name);
                report.warn(&group.place, message);
                group.members.clear();
                continue;
            }
            settled.extend(group.settle(&mut free, report));
        }
        settled
    }

    fn finish(mut self, origin: Place, report: &mut Report) -> Plan {
        self.leave_out_conflicts(report);
        let mut plan = Plan::new(Notation::Keepalived, origin);
        plan.groups = self.settle_groups(report);
        plan.netns = self.netns;
        plan.fifo = Found::of(Ok(self.global.fifo));
        for Router { name, mut draft, mut tracks, .. } in self.routers {
            let of_group = self.groups.iter().filter(|group| group.has(&name));
            for tracked in of_group.flat_map(|group| &group.tracks.0) {
                tracks.add(tracked.clone());
            }
            track(&mut draft, &tracks, &mut plan.checks);
            plan.drafts.push(draft);
        }
        let tracked: BTreeSet<String> = plan
            .drafts
            .iter()
            .filter_map(|draft| draft.track.value())
            .flat_map(|list| list.entries.iter().flatten())
            .map(|track| track.value.check.to_string())
            .collect();
        let checks = self.names.into_checks().filter(|checked| tracked.contains(&checked.name));
        plan.checks.extend(checks.map(|checked| named(checked.draft, &checked.name)));
        plan
    }
}

fn name_of(draft: &Draft) -> String {
    draft.name.value().map_or_else(String::new, |name| name.value.clone())
}

fn named(mut draft: CheckDraft, name: &str) -> CheckDraft {
    draft.name = Found::Value(Located::new(draft.place.clone(), name.to_owned()));
    draft
}

/// Has a virtual router track all of these. An interface is a check, too; its own is watched anyway.
fn track(draft: &mut Draft, tracks: &Tracks, checks: &mut Vec<CheckDraft>) {
    let own = draft.interface.value().map(|own| own.value.clone());
    let mut list = List::new(draft.place.clone());
    for Located { place, value: Tracked { what, effect } } in &tracks.0 {
        let name = match what {
            What::Check(name) => name.clone(),
            What::Interface(interface) if own.as_deref() == Some(interface) => continue,
            What::Interface(interface) => {
                let name = format!("interface-{interface}");
                if !checks
                    .iter()
                    .any(|check| check.name.value().is_some_and(|own| own.value == name))
                {
                    checks.push(named(of_interface(interface, place), &name));
                }
                name
            }
        };
        list.entries.push(Ok(Located::new(place.clone(), Track::new(name, *effect))));
    }
    if list.entries.is_empty() {
        return;
    }
    if list.entries.iter().flatten().any(|track| track.value.effect == Effect::Hold) {
        // A check that fails is a FAULT of keepalived, whatever the other nodes do.
        draft.last = Found::Value(Located::new(draft.place.clone(), Last::Leave));
    }
    draft.track = Found::Value(list);
}

fn of_interface(interface: &str, place: &Place) -> CheckDraft {
    let mut draft = CheckDraft::new(place.clone());
    let look = Look::Interface(interface.to_owned());
    draft.looks = vec![("interface", Found::Value(Located::new(place.clone(), look)))];
    draft.interval = Found::Value(Located::new(place.clone(), LOOK_EVERY));
    draft
}
