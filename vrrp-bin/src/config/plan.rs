//! A configuration: the [`Plan`] that a reader fills in, and the [`Config`] that comes of it.

use std::path::PathBuf;

use vrrp_net::Realtime;

use super::{
    check::{self, CheckConfig, CheckDraft},
    draft::Draft,
    found::{Found, Wrong},
    group::{self, GroupConfig, GroupDraft},
    names::Known,
    place::{Located, Place},
    problem::{ConfigError, ConfigErrors, Problems},
    router::RouterConfig,
    script::Scripts,
    sentence::Notation,
    unique,
    watch::{Watch, WatchDraft},
};

/// The control socket, unless the configuration names another.
pub(crate) const CONTROL: &str = "/run/vrrp/control.sock";

/// A state directory, for sentences.
pub(crate) const STATE: &str = "/var/lib/vrrp";

/// Where events can be read, for sentences.
pub(crate) const FIFO: &str = "/run/vrrp/events";

/// The longest path that fits into the address of a Unix socket (unix(7)).
const LONGEST_PATH: usize = 107;

/// A configuration as a reader found it. A reader fills it in, and knows no rule that a
/// configuration must keep: all of those are here and in `rules`.
pub(crate) struct Plan {
    /// How it is written.
    pub(crate) notation: Notation,
    /// The file, or the environment.
    pub(crate) origin: Place,
    /// Its virtual routers, in its order.
    pub(crate) drafts: Vec<Draft>,
    /// Its checks, in its order.
    pub(crate) checks: Vec<CheckDraft>,
    /// Its groups, in its order.
    pub(crate) groups: Vec<GroupDraft>,
    /// The path of the control socket.
    pub(crate) control: Found<Located<String>>,
    /// The directory of what outlasts the daemon.
    pub(crate) state: Found<Located<String>>,
    /// The name of the network namespace to work in.
    pub(crate) netns: Found<Located<String>>,
    /// The priority of the driver's thread.
    pub(crate) realtime: Found<Located<Realtime>>,
    /// The programs that are told the states of all.
    pub(crate) scripts: Found<Scripts>,
    /// Whether no program runs as root that others may change.
    pub(crate) is_secure: Found<bool>,
    /// The path of the FIFO that events are written to.
    pub(crate) fifo: Found<Located<String>>,
    /// Where it is watched over TCP.
    pub(crate) watch: WatchDraft,
    /// What was chosen on this host, as sentences.
    pub(crate) chosen: Vec<Located<String>>,
    /// Why the file seems to be half written, although a start makes the best of it.
    pub(crate) cut_short: Option<ConfigError>,
}

/// What is done with a plan on the host that it is for, before its rules are looked at.
pub(crate) type Prepare = fn(&mut Plan, &mut Problems);

/// Prepares nothing: the host does not matter, and what is to be chosen on it stays open.
pub(crate) const fn anywhere(_: &mut Plan, _: &mut Problems) {}

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The file, or the environment.
    pub(crate) origin: Place,
    /// Its virtual routers, in its order.
    pub(crate) routers: Vec<RouterConfig>,
    /// Its checks, in its order.
    pub(crate) checks: Vec<CheckConfig>,
    /// Its groups, and after them those that two families make by themselves.
    pub(crate) groups: Vec<GroupConfig>,
    /// Where the control socket is.
    pub(crate) control: PathBuf,
    /// The directory of what outlasts the daemon, and where it is named.
    pub(crate) state: Option<(PathBuf, Place)>,
    /// The name of the network namespace to work in.
    pub(crate) netns: Option<Located<String>>,
    /// The priority of the driver's thread, and where it is asked for.
    pub(crate) realtime: Option<(Realtime, Place)>,
    /// The programs that are told the states of all.
    pub(crate) scripts: Scripts,
    /// Whether no program runs as root that others may change.
    pub(crate) is_secure: bool,
    /// The FIFO that events are written to, and where it is named.
    pub(crate) fifo: Option<Located<PathBuf>>,
    /// Where it is watched over TCP.
    pub(crate) watch: Watch,
    /// What was chosen on this host, as sentences.
    pub(crate) chosen: Vec<Located<String>>,
    /// Why the file seems to be half written, although a start makes the best of it.
    pub(crate) cut_short: Option<ConfigError>,
}

impl Plan {
    /// A plan that says nothing yet.
    pub(crate) const fn new(notation: Notation, origin: Place) -> Self {
        Self {
            notation,
            origin,
            drafts: Vec::new(),
            checks: Vec::new(),
            groups: Vec::new(),
            control: Found::Absent,
            state: Found::Absent,
            netns: Found::Absent,
            realtime: Found::Absent,
            scripts: Found::Absent,
            is_secure: Found::Absent,
            fifo: Found::Absent,
            watch: WatchDraft::new(),
            chosen: Vec::new(),
            cut_short: None,
        }
    }

    /// The configuration, if every rule is kept. `problems` holds what the reader found.
    ///
    /// # Errors
    /// Every problem.
    pub(crate) fn finish(self, mut problems: Problems) -> Result<Config, ConfigErrors> {
        let Self { notation, origin, drafts, checks, groups, .. } = self;
        let Self { control, state, netns, realtime, scripts, fifo, is_secure, .. } = self;
        let Self { watch, chosen, cut_short, .. } = self;
        check::judge_tracks(&drafts, &check::names(&checks), &mut problems);
        let checks = check::finish(checks, &mut problems);
        let (routers, groups) = routers(drafts, groups, &mut problems);
        unique::check(&routers, &mut problems);
        let control = control.and_then(|path| check_control(path, notation, &mut problems));
        let state = state.and_then(|path| check_state(path, notation, &mut problems));
        let fifo = fifo.and_then(|path| check_fifo(path, notation, &mut problems));
        let watch = watch.finish(notation, &mut problems);
        problems.finish()?;
        // What is wrong was reported, so that nothing comes to this point.
        let control = control.value().cloned().unwrap_or_else(|| PathBuf::from(CONTROL));
        let realtime = realtime.value().map(|found| (found.value, found.place.clone()));
        let state = state.value().map(|found| (found.value.clone(), found.place.clone()));
        let (scripts, fifo) = (scripts.value().cloned().unwrap_or_default(), fifo.value().cloned());
        let netns = netns.value().cloned();
        let is_secure = is_secure.value().copied().unwrap_or(false);
        let watch = watch.unwrap_or_default();
        Ok(Config {
            origin,
            routers,
            checks,
            groups,
            control,
            state,
            netns,
            realtime,
            scripts,
            is_secure,
            fifo,
            watch,
            chosen,
            cut_short,
        })
    }
}

impl Draft {
    /// The virtual routers that come of it, whatever others there are.
    ///
    /// # Errors
    /// Every rule that it breaks.
    pub(crate) fn alone(self) -> Result<Vec<RouterConfig>, ConfigErrors> {
        let mut problems = Problems::default();
        let routers = self.finish(&mut problems);
        problems.finish().map(|()| routers)
    }
}
/// The virtual routers that keep every rule, and their groups.
fn routers(
    drafts: Vec<Draft>,
    groups: Vec<GroupDraft>,
    problems: &mut Problems,
) -> (Vec<RouterConfig>, Vec<GroupConfig>) {
    let (mut known, mut routers) = (Known::default(), Vec::new());
    for draft in drafts {
        let name = draft.name.value().map(|name| name.value.clone());
        let families = draft.finish(problems);
        match families.as_slice() {
            // Something about it was reported, and it can be named all the same.
            [] => {
                known.add(name.as_ref().map(|name| format!("{name}/v6")));
                known.add(name);
            }
            families => families.iter().for_each(|router| known.add(Some(router.name.clone()))),
        }
        routers.push(families);
    }
    let groups = group::finish(groups, &known, &mut routers, problems);
    (routers.into_iter().flatten().collect(), groups)
}

/// A path that fits into the address of a Unix socket.
fn check_control(
    path: Located<String>,
    notation: Notation,
    problems: &mut Problems,
) -> Result<PathBuf, Wrong> {
    let Located { place, value: text } = path;
    if !text.starts_with('/') || text.len() > LONGEST_PATH || text.contains('\0') {
        let message = format!(
            "{} is {text:?}; write an absolute path of at most {LONGEST_PATH} octets, such as {}",
            notation.subject("control"),
            notation.text(CONTROL)
        );
        return problems.wrong(&place, message);
    }
    Ok(PathBuf::from(text))
}

/// The path of a directory.
fn check_state(
    path: Located<String>,
    notation: Notation,
    problems: &mut Problems,
) -> Result<Located<PathBuf>, Wrong> {
    let Located { place, value: text } = path;
    if !text.starts_with('/') || text.contains(char::is_control) {
        let message = format!(
            "{} is {text:?}; write the absolute path of a directory, such as {}",
            notation.subject("state"),
            notation.text(STATE)
        );
        return problems.wrong(&place, message);
    }
    Ok(Located::new(place, PathBuf::from(text)))
}

/// The path of a FIFO.
fn check_fifo(
    path: Located<String>,
    notation: Notation,
    problems: &mut Problems,
) -> Result<Located<PathBuf>, Wrong> {
    let Located { place, value: text } = path;
    if !text.starts_with('/') || text.ends_with('/') || text.contains(char::is_control) {
        let message = format!(
            "{} is {text:?}; write the absolute path of a FIFO, such as {}",
            notation.subject("notify_fifo"),
            notation.text(FIFO)
        );
        return problems.wrong(&place, message);
    }
    Ok(Located::new(place, PathBuf::from(text)))
}
