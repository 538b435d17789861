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
mod meaning;
mod names;
mod notify;
mod report;
mod scripts;
#[cfg(test)]
mod tests;
mod values;
mod watch;
mod words;

use std::{collections::BTreeSet, path::Path};

use nix::unistd::User;
use vrrp_net::check::{Effect, Last};

use super::{Beside, Note, heard};
use crate::config::{
    CheckDraft, Config, ConfigErrors, Draft, Found, GroupDraft, List, Located, Notation, Place,
    Plan, Prepare, Problems, ReadFile, RouterConfig, anywhere, conflicts, insecure, leave_out,
    missing, read_config, read_file,
};
use blocks::Statement;
use global::Global;
use group::Group;
use instance::{Around, Tracked, Tracks, What};
use lines::Setting;
use names::Names;
use report::Report;

/// The block that holds for the whole file.
const GLOBAL: &str = "global_defs";
/// Whom scripts run as if there is such a user and the file names none.
const USER: &str = "keepalived_script";
/// The variable that names the control socket.
const CONTROL: &str = "VRRP_CONTROL";

/// What was found in a file that somebody adds to, before its rules are looked at.
pub(crate) struct Planned {
    /// What is left out, or done in another way.
    pub(crate) notes: Vec<Note>,
    /// What the file asks for.
    pub(crate) plan: Plan,
    /// Why there may be no configuration.
    pub(crate) problems: Problems,
}

/// What was found in a file.
pub(crate) struct Reading {
    /// What is left out, or done in another way.
    pub(crate) notes: Vec<Note>,
    /// The configuration, or why there is none.
    pub(crate) config: Result<Config, ConfigErrors>,
}

/// Reads the file at `path`, and has it prepared for this host.
pub(crate) fn file(path: &Path, beside: &Beside, prepare: Prepare) -> Reading {
    let octets = match read_config(path) {
        Ok(octets) => octets,
        Err(errors) => return Reading { notes: Vec::new(), config: Err(errors) },
    };
    // Comments are in any encoding.
    let text = String::from_utf8_lossy(&octets);
    let mut planned = plan(path, &text, beside, &[], read_file);
    watch::fill(&mut planned, |name| std::env::var(name).ok());
    let mut reading = finish(planned, prepare);
    if let Ok(config) = &mut reading.config {
        reading.notes.extend(without_useless_programs(config));
    }
    reading
}

/// Reads `text` as the content of the file at `path`, on this host. Variables of the file have the
/// values in `defined` until it sets them itself.
pub(crate) fn plan(
    path: &Path,
    text: &str,
    beside: &Beside,
    defined: &[(String, String)],
    read_file: ReadFile,
) -> Planned {
    let host = nix::unistd::gethostname().unwrap_or_default();
    let host = host.to_string_lossy();
    let id = beside.id.as_deref().or_else(|| host.split('.').next()).unwrap_or_default();
    let environment = |name: &str| std::env::var(name).ok();
    let needs_all = beside.needs_all;
    let user = matches!(User::from_name(USER), Ok(Some(_))).then(|| USER.to_owned());
    let control = std::env::var(CONTROL).ok();
    let said = Said { netns: beside.netns.clone(), control, user };
    plan_with(path, text, Setting { id, read_file, environment, needs_all, defined }, said)
}

/// Takes programs out of `config` that keepalived does not run either: scripts that there are not,
/// which would keep a node out for ever, and those that others than root may change, where the file
/// asks for that. Returns what there is to say of it.
pub(crate) fn without_useless_programs(config: &mut Config) -> Vec<Note> {
    let mut found = missing(config);
    if config.is_secure {
        found.extend(insecure(config));
    }
    let note = |(place, why): &(&Place, String)| {
        let message = format!("{why}; it is left out, as keepalived does");
        Note::new(true, (*place).clone(), &message)
    };
    let notes: Vec<Note> = found.iter().map(note).collect();
    leave_out(config, &notes.iter().map(|note| note.place.clone()).collect());
    notes
}

/// What holds unless the file says otherwise, and whatever it says.
#[derive(Default)]
struct Said {
    /// The network namespace, whatever the file says.
    netns: Option<String>,
    /// The path of the control socket: a file of keepalived's cannot name one.
    control: Option<String>,
    /// Whom scripts run as unless it says otherwise.
    user: Option<String>,
}

/// Reads `text` for no host: one that is called `main`, with nothing in its environment.
pub(crate) fn read_text(path: &Path, text: &str, read_file: ReadFile) -> Reading {
    let environment = |_: &str| None;
    let setting = Setting { id: "main", read_file, environment, needs_all: false, defined: &[] };
    finish(plan_with(path, text, setting, Said::default()), anywhere)
}

fn finish(planned: Planned, prepare: Prepare) -> Reading {
    let Planned { notes, mut plan, mut problems } = planned;
    prepare(&mut plan, &mut problems);
    Reading { notes, config: plan.finish(problems) }
}

fn plan_with(path: &Path, text: &str, setting: Setting<'_>, said: Said) -> Planned {
    let origin = Place::File(path.into(), None);
    let mut report = Report::default();
    let lines = lines::read(path, text, setting, &mut report);
    let statements = blocks::read(&lines, &mut report);
    let mut file = File::default();
    file.global.user = said.user.map(|user| Located::new(origin.clone(), user));
    // Wherever it stands, it is for the whole file.
    let (global, others): (Vec<&Statement>, Vec<&Statement>) =
        statements.iter().partition(|statement| statement.keyword() == GLOBAL);
    global.into_iter().for_each(|statement| file.global.read(statement, &mut report));
    others.into_iter().for_each(|statement| file.take(statement, &mut report));
    if let Some(netns) = said.netns {
        file.netns = Found::Value(Located::new(Place::CommandLine, netns));
    }
    file.control =
        Found::of(Ok(said.control.map(|control| Located::new(Place::variable(CONTROL), control))));
    let mut plan = file.finish(origin.clone(), &mut report);
    if plan.drafts.is_empty() {
        report.warn_of_half(&origin, "there is no virtual router here that can be used");
    }
    plan.cut_short = report.take_cut_short();
    let (notes, problems) = report.finish(&origin);
    Planned { notes, plan, problems }
}

/// What has been read of a file.
#[derive(Default)]
struct File {
    global: Global,
    names: Names,
    routers: Vec<Router>,
    groups: Vec<Group>,
    netns: Found<Located<String>>,
    /// What this keepalived is called, where several run on a host.
    instance: Found<Located<String>>,
    control: Found<Located<String>>,
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
            "vrrp_script" => checks::script(statement, user, &mut self.names, report),
            "vrrp_track_file" | "track_file" => checks::file(statement, &mut self.names, report),
            "vrrp_track_process" => checks::process(statement, &mut self.names, report),
            "vrrp_instance" => self.router(statement, report),
            "vrrp_sync_group" => {
                let group = group::read(statement, &self.global, &self.names, report);
                self.groups.extend(group);
            }
            "instance" => self.instance = values::name(statement, report).into(),
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
        plan.control = match (self.control, self.instance.value().or_else(|| self.netns.value())) {
            (Found::Absent, Some(Located { place, value: name })) => {
                Found::Value(Located::new(place.clone(), format!("/run/vrrp/{name}/control.sock")))
            }
            (control, _) => control,
        };
        plan.netns = self.netns;
        plan.is_secure = Found::Value(self.global.is_secure);
        plan.realtime = Found::of(Ok(self.global.realtime));
        plan.fifo = Found::of(Ok(self.global.fifo));
        for Router { name, mut draft, mut tracks, .. } in self.routers {
            if let Some(group) = self.groups.iter().find(|group| group.has(&name)) {
                if !group.has_weights {
                    tracks.unweigh(report);
                }
                for tracked in &group.tracks.0 {
                    tracks.add(tracked.clone());
                }
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
fn track(draft: &mut Draft, tracks: &Tracks, all: &mut Vec<CheckDraft>) {
    let own = draft.interface.value().map(|own| own.value.clone());
    let mut list = List::new(draft.place.clone());
    for Located { place, value: Tracked { what, meaning } } in &tracks.0 {
        let name = match what {
            What::Script(name) | What::File(name) | What::Process(name) => name.clone(),
            What::Interface(interface) if own.as_deref() == Some(interface) => continue,
            What::Interface(interface) => {
                let name = format!("interface-{interface}");
                if !all.iter().any(|check| check.name.value().is_some_and(|own| own.value == name))
                {
                    all.push(named(heard::interface(interface, place), &name));
                }
                name
            }
        };
        list.entries.push(Ok(Located::new(place.clone(), meaning.track(name))));
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
