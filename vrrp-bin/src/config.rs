//! The configuration file: TOML in, the core's types out, or every mistake with its place.
//!
//! Nothing is guessed. A key that is unknown, a value of the wrong type and a value that cannot
//! work are errors, and a file with an error starts nothing.

mod addresses;
mod backend;
mod daemon;
pub(crate) mod duration;
pub(crate) mod effective;
mod keys;
mod problem;
mod router;
mod section;
#[cfg(test)]
mod tests;
mod unicast;
mod values;

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use toml::de::DeTable;
use vrrp_core::{Family, VirtualRouter, Vrid};
use vrrp_net::Realtime;

pub(crate) use addresses::family_name;
pub(crate) use addresses::unfit;
pub(crate) use backend::{Backend, Command};
pub(crate) use keys::nearest;
pub(crate) use problem::{ConfigError, ConfigErrors, Place, describe};
pub(crate) use values::{is_interface_name, is_name};

use problem::{At, Position, Problems};
use router::Draft;
use section::Section;

/// The control socket, unless `daemon.control` names another.
pub(crate) const CONTROL: &str = "/run/vrrp/control.sock";

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The file, or the environment.
    pub(crate) origin: Place,
    /// Its virtual routers, in the order of the file.
    pub(crate) routers: Vec<RouterConfig>,
    /// Where the control socket is.
    pub(crate) control: PathBuf,
    /// The priority of the driver's thread, and where it is asked for.
    pub(crate) realtime: Option<(Realtime, Place)>,
}

/// One virtual router of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct RouterConfig {
    /// Its name, unique in the file.
    pub(crate) name: String,
    /// The interface's name.
    pub(crate) interface: String,
    /// What the protocol needs to know.
    pub(crate) router: VirtualRouter,
    /// Who holds its addresses.
    pub(crate) backend: Backend,
    /// Where the configuration speaks of it.
    pub(crate) places: Places,
}

/// Where the configuration speaks of a virtual router.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The interface.
    pub(crate) interface: Place,
    /// Each address, in the order of the file.
    pub(crate) addresses: Vec<(IpAddr, Place)>,
    /// The peer list, or else the header.
    pub(crate) peers: Place,
    /// The source, or else the interface.
    pub(crate) source: Place,
    /// The backend, or else the header.
    pub(crate) backend: Place,
}

impl Config {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Every mistake in it, or why it cannot be read.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigErrors> {
        if path.extension().is_some_and(|extension| extension == "conf") {
            let message = "keepalived's format is not supported in this version; write TOML, in a \
                file named *.toml";
            return Err(ConfigErrors::of_file(path, message));
        }
        let bytes = std::fs::read(path).map_err(|error| ConfigErrors::unreadable(path, &error))?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| ConfigErrors::not_text(path, &bytes, error.valid_up_to()))?;
        Self::parse(path, text)
    }

    /// Reads `text` as the content of `path`. No other file is opened than those that
    /// `password_file` names.
    ///
    /// # Errors
    /// Every mistake in it, in the order of the text.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, ConfigErrors> {
        let mut problems = Problems::default();
        let (document, errors) = DeTable::parse_recoverable(text);
        // The errors after the first one are mostly its consequences.
        if let Some(error) =
            errors.iter().min_by_key(|error| error.span().map_or(0, |span| span.start))
        {
            problems.add(error.span().map_or(0, |span| span.start), not_toml(error));
            return Err(problems.into_errors(path, text));
        }
        let file = Section::new(0, document.get_ref(), &keys::FILE, &mut problems);
        let directory = path.parent().unwrap_or_else(|| Path::new("."));
        let drafts = drafts(&file, directory, &mut problems);
        check_unique(&drafts, text, &mut problems);
        let daemon = daemon::read(&file, &mut problems);
        let origin: Arc<Path> = path.into();
        let place = |at| Place::File(Arc::clone(&origin), Some(Position::of(text, at)));
        let routers = drafts.into_iter().map(|draft| draft.finish(place)).collect();
        if !problems.is_empty() {
            return Err(problems.into_errors(path, text));
        }
        let realtime = daemon.realtime.map(|priority| (priority.value, place(priority.at)));
        Ok(Self {
            origin: Place::File(Arc::clone(&origin), None),
            routers,
            control: daemon.control,
            realtime,
        })
    }
}

/// The TOML parser's sentence, with what it leaves to be guessed.
fn not_toml(error: &toml::de::Error) -> String {
    let empty = error.span().is_some_and(|span| span.is_empty());
    let what = match error.message().split(", expected").next().unwrap_or_default() {
        "string values must be quoted" if empty => "a value is missing here",
        "string values must be quoted" => "text must stand in quotes",
        "duplicate key" => return "this key stands here twice; remove one of them".to_owned(),
        "unexpected leading zero" => "a number cannot start with 0",
        _ => error.message(),
    };
    format!("this is not TOML: {what}; write key = value, lists as [1, 2] and text in \"quotes\"")
}

fn drafts(file: &Section<'_>, directory: &Path, problems: &mut Problems) -> Vec<Draft> {
    let example = "[[virtual_router]] with interface, vrid and addresses";
    let Some(item) = file.get("virtual_router") else {
        problems.add(0, format!("there is no virtual router; add {example}"));
        return Vec::new();
    };
    let Some(items) = item.as_list() else {
        let message = format!(
            "`virtual_router` is a list of tables; write {example}, in two pairs of brackets"
        );
        problems.add(item.at, message);
        return Vec::new();
    };
    if items.is_empty() {
        problems.add(item.at, format!("there is no virtual router; add {example}"));
    }
    let mut drafts = Vec::new();
    for item in items {
        match item.as_section(&keys::VIRTUAL_ROUTER, problems) {
            Some(section) => drafts.extend(router::read(&section, directory, problems)),
            None => problems.add(item.at, format!("a virtual router is a table; write {example}")),
        }
    }
    drafts
}

impl Draft {
    fn finish(self, place: impl Fn(usize) -> Place) -> RouterConfig {
        let addresses =
            self.addresses.iter().map(|cidr| (cidr.value.address(), place(cidr.at))).collect();
        RouterConfig {
            name: self.name.value,
            interface: self.interface.value,
            router: self.router,
            backend: self.backend,
            places: Places {
                interface: place(self.interface.at),
                addresses,
                peers: place(self.peers_at),
                source: place(self.source_at),
                backend: place(self.backend_at),
            },
        }
    }
}

/// Reports names, VRIDs and addresses that two virtual routers share.
fn check_unique(drafts: &[Draft], text: &str, problems: &mut Problems) {
    let mut names: Seen<'_, &str> = Seen::new(text);
    let mut vrids: Seen<'_, (&str, Family, Vrid)> = Seen::new(text);
    let mut addresses: Seen<'_, (Option<&str>, IpAddr)> = Seen::new(text);
    for draft in drafts {
        let (interface, vrid, family) =
            (draft.interface.value.as_str(), draft.router.vrid(), draft.router.family());
        names.insert(problems, draft.name.at, &draft.name.value, |line| {
            format!(
                "the name {:?} is taken by the virtual router in line {line}; choose another",
                draft.name.value
            )
        });
        vrids.insert(problems, draft.vrid_at, (interface, family, vrid), |line| {
            format!(
                "VRID {vrid} is used on {interface} in line {line} already; a VRID is unique per \
                 interface and family, so choose another"
            )
        });
        for At { at, value } in &draft.addresses {
            let address = value.address();
            // A link-local address is one per link, so that it may be another host's on the next.
            let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
            addresses.insert(problems, *at, (link_local.then_some(interface), address), |line| {
                format!(
                    "{address} stands in line {line} already; an address belongs to one \
                    virtual router, so remove one"
                )
            });
        }
    }
}

/// Values that must be unique, and where each was first seen.
struct Seen<'t, T> {
    text: &'t str,
    first: HashMap<T, usize>,
}

impl<'t, T: Eq + Hash> Seen<'t, T> {
    fn new(text: &'t str) -> Self {
        Self { text, first: HashMap::new() }
    }

    fn insert(
        &mut self,
        problems: &mut Problems,
        at: usize,
        value: T,
        message: impl Fn(usize) -> String,
    ) {
        match self.first.get(&value) {
            Some(first) => problems.add(at, message(Position::of(self.text, *first).line)),
            None => drop(self.first.insert(value, at)),
        }
    }
}
